/**
 * The float steps, and those that move elements, against ONNX Runtime: the problems of the suites,
 * each written as ONNX nodes. Layouts are turned by ONNX's own Transpose.
 */
import { describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../../src/backends/reference/index.js';
import {
  bitsOf,
  type DataType,
  isInteger,
  isSigned,
  type TypedArray,
  viewOf,
} from '../../src/core/dtype.js';
import { elementCount } from '../../src/core/shape.js';
import type { Tensor } from '../../src/core/tensor.js';
import type { StepName, StepParams } from '../../src/runtime/steps.js';
import { runSingle } from '../helpers/singleStep.js';
import { runOracle } from '../numerics/oracle.js';
import { suites } from '../suites/index.js';
import {
  describeProblem,
  drawProblem,
  firstDifference,
  type Problem,
  type Tolerance,
} from '../suites/problem.js';
import { isOnnxPool, problems } from './oracleCases.js';
import { exchanged, type Translate, translations } from './translations.js';

/** Operands of the only step of a problem, constants and inputs alike. */
function operandsOf({ plan, inputs }: Problem): (Tensor | undefined)[] {
  return plan.steps[0]!.inputs.map((index) => {
    const tensor = plan.tensors[index];
    if (tensor === undefined) return undefined;
    const { type, dims, space, offset } = tensor;
    const port = plan.inputs.findIndex((input) => input.tensor === index);
    const { buffer } = space === 'model' ? plan.model : plan.constants;
    const data = port >= 0 ? inputs[port]! : viewOf(type, buffer, offset, elementCount(dims));
    return { type, dims, data } as Tensor;
  });
}

/** Whether ONNX Runtime has a kernel for the problem: each refuses some forms that steps allow. */
function isTaken({ plan }: Problem): boolean {
  const types = plan.tensors.map(({ type }) => type);
  if (!types.every((type) => exchanged.includes(type))) return false;
  const { op, params } = plan.steps[0]!;
  if (op === 'Pad') return types[0] !== 'uint16' && types[0] !== 'int16';
  if (op === 'Lrn') return (params as StepParams<'Lrn'>).size % 2 === 1;
  if (op !== 'AveragePool') return true;
  const [x, y] = plan.tensors.map(({ dims }) => [...dims]) as [number[], number[]];
  return isOnnxPool({ x, y, window: params as StepParams<'AveragePool'> });
}

async function oracleOf(problem: Problem): Promise<TypedArray> {
  const { plan } = problem;
  const { op, params, outputs } = plan.steps[0]!;
  const inputs = operandsOf(problem);
  const output = plan.tensors[outputs[0]!]!;
  const translate = translations[op] as unknown as Translate<StepName>;
  const { nodes, constants } = translate({ params, inputs, output });
  const feeds = inputs.flatMap((input, i) => (input ? [[`i${i}`, input] as const] : []));
  const { y } = await runOracle({
    nodes,
    feeds: Object.fromEntries(feeds),
    constants: constants ?? {},
    outputs: { y: output.type },
  });
  return y!;
}

/** Whether a value cast to `type` has one meaning: beyond the range, C++ leaves it open. */
function isDefined(value: number, type: DataType): boolean {
  if (!isInteger(type)) return true;
  const bits = bitsOf(type);
  const [low, high] = isSigned(type) ? [-(2 ** (bits - 1)), 2 ** (bits - 1)] : [0, 2 ** bits];
  return Math.trunc(value) >= low && Math.trunc(value) < high;
}

/** Leaves the elements out for which ONNX Runtime's answer is arbitrary. */
function withoutUndefined(problem: Problem, answer: TypedArray): TypedArray {
  const { op, inputs, outputs } = problem.plan.steps[0]!;
  const from = problem.plan.tensors[inputs[0]!]!.type;
  const to = problem.plan.tensors[outputs[0]!]!.type;
  if (op !== 'Cast' || isInteger(from) || from === 'bool') return answer;
  const keep = Array.from(problem.inputs[0] as Float32Array, (value) => isDefined(value, to));
  return (answer as Uint8Array).filter((_, i) => keep[i]);
}

/** What ONNX Runtime's own float arithmetic is off by, where it is not exact. */
const approximate: Tolerance = { absolute: 1e-6, relative: 2e-6 };

/**
 * ONNX Runtime's LRN keeps a running sum from channel to channel, in which large squares cancel: it
 * is given values of like size. (definitions.test holds ours to double precision on any.)
 */
function conditioned(problem: ReturnType<typeof drawProblem>): typeof problem {
  if (problem.plan.steps[0]!.op !== 'Lrn') return problem;
  const inputs = problem.inputs.map((input) =>
    (input as Float32Array).map((value) => 1 + Math.abs(value) / 30),
  );
  return { ...problem, inputs };
}

const compared = [
  'averagepool',
  'concat',
  'transpose',
  'slice',
  'pad',
  'cast',
  'conv',
  'matmul',
  'binary',
  'unary',
  'softmax',
  'attention',
  'layernorm',
  'lrn',
  'reduce',
];

describe('steps equal ONNX Runtime’s', () => {
  const backend = createReferenceBackend();
  it.each(suites.filter(({ name }) => compared.includes(name)))('$name', async (suite) => {
    let solved = 0;
    for (let index = 0; solved < problems; index++) {
      const problem = conditioned(drawProblem(suite, index));
      if (!isTaken(problem)) continue;
      solved++;
      const theirs = await oracleOf(problem);
      const [ours] = runSingle(backend, problem.plan, problem.inputs);
      const tolerance = problem.tolerance && {
        absolute: Math.max(problem.tolerance.absolute, approximate.absolute),
        relative: Math.max(problem.tolerance.relative, approximate.relative),
      };
      const difference = firstDifference(
        [withoutUndefined(problem, theirs)],
        [withoutUndefined(problem, ours!)],
        tolerance,
      );
      expect(difference, `seed ${problem.seed}: ${describeProblem(problem)}`).toBeUndefined();
    }
  });
});
