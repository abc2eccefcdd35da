/** Element by element operators of several tensors, which broadcast by the rules of NumPy. */
import type { DataType } from '../../core/dtype.js';
import { isInteger } from '../../core/dtype.js';
import type { Dim } from '../ir.js';
import { expectInputType, expectSameType } from './context.js';
import { broadcastDims, type Dims } from './dims.js';
import type { InferContext, OpDefinition } from './op.js';

function broadcastInputs({ node, input }: InferContext, indexes: readonly number[]) {
  return indexes
    .map((i) => input(i)?.dims)
    .reduce((a: Dims | undefined, b) => broadcastDims(node, a, b));
}

const all = (context: InferContext): number[] => context.node.inputs.map((_, i) => i);

/** Arithmetic whose integer results are followed as contents, where `compute` is given. */
function arithmetic(
  op: string,
  since: number,
  inputs: readonly [number, number],
  compute?: (a: Dim, b: Dim) => Dim,
): OpDefinition {
  return {
    op,
    domain: '',
    since,
    inputs,
    outputs: [1, 1],
    infer: (context) => {
      const type = expectSameType(context, all(context));
      const dims = broadcastInputs(context, all(context));
      return [type && { type, dims }];
    },
    ...(compute && {
      contents: (context) => {
        const a = context.contents(0);
        const b = context.contents(1);
        const type = context.input(0)?.type;
        if (a === undefined || b === undefined || type === undefined || !isInteger(type)) {
          return undefined;
        }
        if (a.length !== b.length && a.length !== 1 && b.length !== 1) return undefined;
        return Array.from({ length: a.length === 1 ? b.length : a.length }, (_, i) => {
          const result = compute(a[a.length === 1 ? 0 : i], b[b.length === 1 ? 0 : i]);
          return typeof result === 'number' && !Number.isSafeInteger(result) ? undefined : result;
        });
      },
    }),
  };
}

/** Lifts arithmetic on numbers to dims; `unit` is the b that leaves a as it is. */
function onNumbers(compute: (a: number, b: number) => number, unit?: number) {
  return (a: Dim, b: Dim): Dim => {
    if (unit !== undefined && b === unit) return a;
    return typeof a === 'number' && typeof b === 'number' ? compute(a, b) : undefined;
  };
}

const add = onNumbers((a, b) => a + b, 0);
const multiply = onNumbers((a, b) => a * b, 1);

function comparison(op: string, since: number, types?: readonly DataType[]): OpDefinition {
  return {
    op,
    domain: '',
    since,
    inputs: [2, 2],
    outputs: [1, 1],
    infer: (context) => {
      expectSameType(context, [0, 1]);
      if (types !== undefined) expectInputType(context, 0, ...types);
      return [{ type: 'bool', dims: broadcastInputs(context, [0, 1]) }];
    },
  };
}

const pow: OpDefinition = {
  op: 'Pow',
  domain: '',
  since: 12,
  inputs: [2, 2],
  outputs: [1, 1],
  infer: (context) => {
    const type = context.input(0)?.type;
    const dims = broadcastInputs(context, [0, 1]);
    return [type && { type, dims }];
  },
};

const where: OpDefinition = {
  op: 'Where',
  domain: '',
  since: 9,
  inputs: [3, 3],
  outputs: [1, 1],
  infer: (context) => {
    expectInputType(context, 0, 'bool');
    const type = expectSameType(context, [1, 2]);
    const dims = broadcastInputs(context, [0, 1, 2]);
    return [type && { type, dims }];
  },
};

/** QLinearAdd and QLinearMul: a, aScale, aZero, b, bScale, bZero, yScale, yZero. */
function quantized(op: string): OpDefinition {
  return {
    op,
    domain: 'com.microsoft',
    since: 1,
    inputs: [7, 8],
    outputs: [1, 1],
    optionalInputs: [2, 5],
    infer: (context) => {
      expectInputType(context, 0, 'int8', 'uint8');
      const type = expectSameType(context, [0, 2, 3, 5, 7]);
      const dims = broadcastInputs(context, [0, 3]);
      return [type && { type, dims }];
    },
  };
}

export const binaries: readonly OpDefinition[] = [
  arithmetic('Add', 7, [2, 2], (a, b) => (a === 0 ? b : add(a, b))),
  arithmetic(
    'Sub',
    7,
    [2, 2],
    onNumbers((a, b) => a - b, 0),
  ),
  arithmetic('Mul', 7, [2, 2], (a, b) => (a === 1 ? b : multiply(a, b))),
  arithmetic(
    'Div',
    7,
    [2, 2],
    onNumbers((a, b) => Math.trunc(a / b), 1),
  ),
  arithmetic('Min', 8, [1, Infinity]),
  arithmetic('Max', 8, [1, Infinity]),
  arithmetic('Sum', 8, [1, Infinity]),
  arithmetic('Mean', 8, [1, Infinity]),
  arithmetic('Mod', 10, [2, 2]),
  arithmetic('BitwiseAnd', 18, [2, 2]),
  arithmetic('BitwiseOr', 18, [2, 2]),
  arithmetic('BitwiseXor', 18, [2, 2]),
  arithmetic('BitShift', 11, [2, 2]),
  pow,
  comparison('Equal', 7),
  comparison('Less', 7),
  comparison('Greater', 7),
  comparison('LessOrEqual', 12),
  comparison('GreaterOrEqual', 12),
  comparison('And', 7, ['bool']),
  comparison('Or', 7, ['bool']),
  comparison('Xor', 7, ['bool']),
  where,
  quantized('QLinearAdd'),
  quantized('QLinearMul'),
];
