/** What the code has of each operator, found out rather than stated: how it runs, as which steps and on which types. */
import { bitsOf, type DataType, dataTypes } from '../../src/core/dtype.js';
import { OctavoError } from '../../src/core/errors.js';
import type { Tensor } from '../../src/core/tensor.js';
import type { Graph } from '../../src/graph/ir.js';
import { importModel } from '../../src/onnx/import.js';
import { evaluatedOperators, evaluatorOf } from '../../src/passes/evaluate/index.js';
import { expandedOperators } from '../../src/passes/expand/index.js';
import { loweredOperators } from '../../src/passes/lower/index.js';
import { qOperators } from '../../src/passes/lower/qOperators.js';
import type { NodeCase } from '../helpers/nodeCases.js';
import { runCase } from './cases.js';

/**
 * How an operator runs: as a step of its own, in some form at least; written in other operators; computed between two
 * stages, where its inputs are known; or gone once the model is imported or its shapes are known.
 */
export type Way = 'step' | 'others' | 'evaluated' | 'resolved';

/** Operators that import rewrites, and those that shapes and stages take care of. */
const resolved = ['Constant', 'If', 'Loop', 'Scatter', 'Shape', 'Size', 'Upsample'];

/** Every operator that is taken, qualified by its domain, in alphabetical order. */
export function knownOperators(): Map<string, Way> {
  const ways = new Map<string, Way>();
  const add = (operators: Iterable<string>, way: Way) => {
    for (const operator of operators) {
      if (!operator.startsWith('octavo:') && !ways.has(operator)) ways.set(operator, way);
    }
  };
  add(loweredOperators, 'step');
  add([...expandedOperators, ...qOperators], 'others');
  add(evaluatedOperators, 'evaluated');
  add(resolved, 'resolved');
  return new Map([...ways].sort(([a], [b]) => (a < b ? -1 : 1)));
}

interface Sample {
  readonly graph: Graph;
  readonly inputs: readonly Tensor[];
}

/** A tensor cast to another type; undefined where it holds what that does not. */
function castTo(tensor: Tensor, type: DataType): Tensor | undefined {
  const outputs = [{ type, dims: tensor.dims }];
  return evaluatorOf('Cast')!({ context: undefined as never, inputs: [tensor], outputs })?.[0];
}

/** The same case with all tensors of type `from` turned into `to`. */
function retyped(sample: Sample, from: DataType, to: DataType): Sample | undefined {
  const { graph } = sample;
  const turn = (tensor: Tensor) => (tensor.type === from ? castTo(tensor, to) : tensor);
  const inputs = sample.inputs.map(turn);
  const constants = [...graph.constants].map(([name, tensor]) => [name, turn(tensor)] as const);
  if ([...inputs, ...constants.map(([, tensor]) => tensor)].includes(undefined)) return undefined;
  const types = graph.inputs.map((name, i) => [name, inputs[i]!] as const);
  return {
    graph: { ...graph, constants: new Map(constants) as Graph['constants'], types: new Map(types) },
    inputs: inputs as Tensor[],
  };
}

function isTaken(sample: Sample | undefined): boolean {
  if (sample === undefined) return false;
  const { graph, inputs } = sample;
  try {
    runCase(graph, inputs);
    return true;
  } catch (error) {
    if (error instanceof OctavoError) return false;
    throw error;
  }
}

/** The type of an operator's data: of its first input that is no condition. */
function dataTypeOf(inputs: readonly Tensor[]): DataType | undefined {
  return (inputs.find(({ type }) => type !== 'bool') ?? inputs[0])?.type;
}

/** Cases of an operator that are tried with other types. */
const mostTried = 3;

/**
 * Types that the operator of these cases, each a single node, takes for its data: those of the cases, and those that
 * one of the first runs with when its data are turned into them.
 */
export function typesTaken(operator: string, cases: readonly NodeCase[]): DataType[] {
  const taken = new Set<DataType>();
  for (const [i, { model, inputs }] of cases.entries()) {
    const sample = { graph: importModel(model).graph, inputs: inputs as Tensor[] };
    const type = dataTypeOf(sample.inputs);
    if (type === undefined) continue;
    taken.add(type);
    if (bitsOf(type) < 8 || i >= mostTried || resolved.includes(operator)) continue;
    for (const other of dataTypes) {
      if (taken.has(other) || bitsOf(other) < 8) continue;
      if (isTaken(retyped(sample, type, other))) taken.add(other);
    }
  }
  return dataTypes.filter((type) => taken.has(type));
}
