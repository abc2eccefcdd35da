/**
 * ONNX's node cases through the whole way: import, passes, stages, reference backend. Inputs of integers and bools that
 * decide about shapes are given as constants where the case is refused otherwise, as models have them.
 */
import type { BackendModel } from '../../src/backends/backend.js';
import { createReferenceBackend } from '../../src/backends/reference/index.js';
import { bitsOf, isInteger } from '../../src/core/dtype.js';
import { OctavoError } from '../../src/core/errors.js';
import { resolveLimits } from '../../src/core/limits.js';
import { elementCount } from '../../src/core/shape.js';
import type { Tensor } from '../../src/core/tensor.js';
import { inferTypes } from '../../src/graph/infer.js';
import type { Graph } from '../../src/graph/ir.js';
import { isPackedType, unpack } from '../../src/numerics/index.js';
import { importModel } from '../../src/onnx/import.js';
import { decodeModel } from '../../src/onnx/messages.js';
import { widened } from '../../src/passes/evaluate/convert.js';
import { createProgram } from '../../src/runtime/program.js';
import { StageRunner } from '../../src/runtime/stageRunner.js';
import { stepNames } from '../../src/runtime/steps.js';
import type { NodeCase } from '../helpers/nodeCases.js';

/** Relative and absolute: those that ONNX's own runner of the cases allows. */
const tolerance = { relative: 1e-3, absolute: 1e-7 };

export interface Verdict {
  readonly name: string;
  /** Qualified operators of the file's own nodes. */
  readonly operators: readonly string[];
  /** Kinds of steps that ran, in the order of the vocabulary. */
  readonly steps: readonly string[];
  /** Why it did not pass: the code of a refusal and what it says, or how a result differs. */
  readonly failure?: string | undefined;
}

export interface CaseResults {
  readonly outputs: Readonly<Record<string, Tensor>>;
  readonly steps: readonly string[];
}

interface Prepared {
  readonly graph: Graph;
  readonly feeds: Record<string, Tensor>;
}

/** The case's graph with inputs from `from` on, and those of wide integers and bools, turned into constants. */
function prepare(graph: Graph, inputs: readonly Tensor[], from: number): Prepared {
  const constants = new Map(graph.constants);
  const feeds: Record<string, Tensor> = {};
  graph.inputs.forEach((name, i) => {
    const input = inputs[i]!;
    const sized = input.type === 'bool' || (isInteger(input.type) && bitsOf(input.type) >= 32);
    if (i > 0 && (i >= from || sized)) constants.set(name, input);
    else feeds[name] = input;
  });
  const types = new Map([...graph.types].filter(([name]) => !constants.has(name)));
  return { graph: { ...graph, inputs: Object.keys(feeds), constants, types }, feeds };
}

const backend = createReferenceBackend();

/** Results by the names of the graph's outputs, of as many stages as it takes. */
function runProgram({ graph, feeds }: Prepared): CaseResults {
  const program = createProgram(inferTypes(graph));
  const model = backend.open(program.constants);
  const ran = new Set<string>();
  const watched: BackendModel = {
    ...model,
    prepare: (plan) => {
      for (const { op } of plan.steps) ran.add(op);
      return model.prepare(plan);
    },
  };
  try {
    const dims = new Map(Object.entries(feeds).map(([name, tensor]) => [name, tensor.dims]));
    const context = { model: watched, isOwn: true, mostPlans: 4 };
    const runner = StageRunner.prepare(context, program.specialize(dims));
    const { outputs, data } = runner.runSync(new Map(Object.entries(feeds)));
    const results = outputs.map(({ name, type, dims }, i) => [
      name,
      { type, dims, data: data[i]! } as Tensor,
    ]);
    const steps = stepNames.filter((step) => ran.has(step));
    return { outputs: Object.fromEntries(results), steps };
  } finally {
    model.dispose();
  }
}

/** As it is; or, where that is refused, with parameters known beforehand, as models have them. */
export function runCase(graph: Graph, inputs: readonly Tensor[]): CaseResults {
  try {
    return runProgram(prepare(graph, inputs, Number.POSITIVE_INFINITY));
  } catch (error) {
    if (!(error instanceof OctavoError) || error.code !== 'UNSUPPORTED_OPERATOR') throw error;
    return runProgram(prepare(graph, inputs, 1));
  }
}

function valuesOf(tensor: Tensor): number[] {
  const { type, dims, data } = tensor;
  const values = isPackedType(type)
    ? unpack(data as Uint8Array, elementCount(dims), type)
    : widened(tensor)!;
  return Array.from(values as ArrayLike<number | bigint>, Number);
}

/** How a result differs from the expected one; undefined where it does not. */
function differenceOf(found: Tensor | undefined, expected: Tensor): string | undefined {
  if (found?.type !== expected.type || found.dims.join() !== expected.dims.join()) {
    return `${found?.type} [${found?.dims}] in place of ${expected.type} [${expected.dims}]`;
  }
  const [a, b] = [found, expected].map(valuesOf) as [number[], number[]];
  for (let i = 0; i < b.length; i++) {
    const [x, y] = [a[i]!, b[i]!];
    const slack = tolerance.absolute + tolerance.relative * Math.abs(y);
    if (!(Object.is(x, y) || x === y || Math.abs(x - y) <= slack)) {
      return `element ${i} is ${x}, not ${y}`;
    }
  }
  return undefined;
}

function operatorsOf(model: Uint8Array): string[] {
  const nodes = decodeModel(model, resolveLimits(), 'case').graph?.node ?? [];
  return nodes.map(({ domain = '', opType = '' }) =>
    domain === '' ? opType : `${domain}:${opType}`,
  );
}

/** Runs a case; whatever else than a refusal of Octavo's goes wrong is thrown. */
export function judge({ name, model, inputs, outputs }: NodeCase): Verdict {
  const verdict = { name, operators: operatorsOf(model), steps: [] };
  try {
    const { graph } = importModel(model);
    if (inputs.includes(undefined)) return { ...verdict, failure: 'an input that is no tensor' };
    const results = runCase(graph, inputs as Tensor[]);
    const failures = graph.outputs.map(({ name: output }, i) => {
      const difference = outputs[i] && differenceOf(results.outputs[output], outputs[i]);
      return difference && `${output}: ${difference}`;
    });
    return { ...verdict, steps: results.steps, failure: failures.find((one) => one !== undefined) };
  } catch (error) {
    if (!(error instanceof OctavoError)) throw error;
    return { ...verdict, failure: `${error.code}: ${error.message}` };
  }
}
