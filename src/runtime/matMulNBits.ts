/**
 * Products with 4-bit weights that have a scale for every block of neighbours, packed as ONNX's
 * MatMulNBits packs them. x is quantized to int8 on the way, each row by its own largest magnitude
 * (`accuracy_level` 4); every backend gives the same bits.
 */
import { OctavoError } from '../core/errors.js';
import { formatShape, type Shape } from '../core/shape.js';
import { type Tensor, tensor } from '../core/tensor.js';
import { attribute } from '../graph/attributes.js';
import type { Graph, ValueType } from '../graph/ir.js';
import { attributesOf } from '../passes/lower/rewriting.js';
import {
  checkCount,
  createOperator,
  type Operator,
  once,
  type Placement,
  placement,
} from './operator.js';
import { type Checks, checkOptions, isWholeFrom } from './options.js';
import { noFunction } from './steps.js';

export interface MatMulNBitsOptions extends Placement {
  /** Real size of a step, [N, blocks]: one for each block of each column. */
  readonly scales: Float32Array;
  /**
   * 4-bit codes of zero, [N, ⌈blocks / 2⌉] bytes: two to a byte, the low half first, each column from a
   * byte of its own. Default 8 everywhere.
   */
  readonly zeroPoints?: Uint8Array | undefined;
  /** One for each column, added to the result. */
  readonly bias?: Float32Array | undefined;
  /** Length of x's rows, within the last block. Default blocks · blockSize. */
  readonly k?: number | undefined;
}

const options: Checks<MatMulNBitsOptions> = {
  scales: [(value) => value instanceof Float32Array, 'a Float32Array'],
  zeroPoints: [(value) => value instanceof Uint8Array, 'a Uint8Array'],
  bias: [(value) => value instanceof Float32Array, 'a Float32Array'],
  k: [isWholeFrom(1), 'a whole number from 1'],
  ...placement,
};

/**
 * Prepares y[m, n] = Σ x[m, k] · scales[n, b] · (w[n, k] − zeroPoints[n, b]) + bias[n], b = ⌊k / blockSize⌋,
 * for x float32 [M, K] with any number of rows; y is float32 [M, N].
 *
 * `weight` is uint8 [N, blocks, blockSize / 2], two 4-bit codes to a byte, the low half first; `blockSize`
 * is a multiple of 8 from 16 to 65536. Where a block size divides K, that is what
 * `quantize` makes of [N, K] with type uint4, axis 1 and that block size.
 *
 * Exactly: s = f32(max |x[m]| / 127) (1 where that is 0), q = clamp(rne(f32(x / s)), −128, 127); blocks in
 * ascending order add f32(f32(Σ q · (w − zeroPoint)) · scale), each sum rounded to float32; the last is
 * multiplied by s, and bias added. A NaN in x is passed over by the maximum and becomes −128.
 *
 * Rejects with `INVALID_ARGUMENT` naming the weight or the option, and `BACKEND_UNAVAILABLE`.
 */
export async function createMatMulNBits(
  weight: Tensor<'uint8'>,
  given: MatMulNBitsOptions,
): Promise<Operator<Tensor<'float32'>>> {
  checkOptions(given, options, 'matMulNBits option');
  const { columns, blocks, blockSize } = checkWeight(weight);
  const { scales, zeroPoints, bias, k = blocks * blockSize } = given;
  if (Math.ceil(k / blockSize) !== blocks) {
    throw new OctavoError('INVALID_ARGUMENT', `k is not within the last of ${blocks} blocks`, {
      where: 'k',
      expected: `${(blocks - 1) * blockSize + 1} to ${blocks * blockSize}`,
      found: String(k),
    });
  }
  checkCount('scales', scales, columns * blocks);
  const zeroDims = [columns, Math.ceil(blocks / 2)];
  if (zeroPoints !== undefined) checkCount('zeroPoints', zeroPoints, zeroDims[0]! * zeroDims[1]!);
  if (bias !== undefined) checkCount('bias', bias, columns);
  const constants = new Map<string, Tensor>([
    ['weight', weight],
    ['scale', { type: 'float32', dims: [columns, blocks], data: scales }],
  ]);
  if (zeroPoints) constants.set('zeroPoint', { type: 'uint8', dims: zeroDims, data: zeroPoints });
  if (bias) constants.set('bias', { type: 'float32', dims: [columns], data: bias });
  return createOperator(
    {
      constants,
      types: ['float32'],
      x: ['M', k],
      graph: (dims) => graphOf(constants, dims, columns, blockSize),
      finish: (data, [rows]) => ({ type: 'float32', dims: [rows!, columns], data }),
    },
    given,
  );
}

/** One product, prepared and forgotten; see `createMatMulNBits`. */
export async function matMulNBits(
  x: Tensor<'float32'>,
  weight: Tensor<'uint8'>,
  options: MatMulNBitsOptions,
): Promise<Tensor> {
  return once(await createMatMulNBits(weight, options), x);
}

function checkWeight(weight: Tensor<'uint8'>): {
  columns: number;
  blocks: number;
  blockSize: number;
} {
  const dims = weight?.dims;
  const blockSize = 2 * (dims?.[2] ?? 0);
  const sized = blockSize >= 16 && blockSize <= 2 ** 16 && blockSize % 8 === 0;
  if (weight?.type !== 'uint8' || dims?.length !== 3 || !sized || weight.data?.length === 0) {
    const found = dims === undefined ? 'no tensor' : formatShape([...dims]);
    throw new OctavoError('INVALID_ARGUMENT', 'weight of the wrong form', {
      where: 'weight',
      expected: 'uint8 [N, blocks, blockSize / 2], blockSize a multiple of 8 from 16 to 65536',
      found: `${weight?.type ?? ''} ${found}`.trim(),
    });
  }
  tensor('uint8', weight.data, dims, 'weight');
  return { columns: dims[0]!, blocks: dims[1]!, blockSize };
}

function graphOf(
  constants: ReadonlyMap<string, Tensor>,
  x: Shape,
  columns: number,
  blockSize: number,
): Graph {
  const optional = (name: string) => (constants.has(name) ? name : '');
  const inputs = ['q', 'xScale', 'weight', 'scale', optional('zeroPoint'), optional('bias')];
  const attributes = new Map([['blockSize', attribute.int(blockSize)]]);
  return {
    name: 'operator',
    inputs: ['x'],
    outputs: [{ name: 'y', value: 'y' }],
    nodes: [
      {
        ...{ name: 'quantize', op: 'DynamicQuantizeRows', domain: 'octavo', inputs: ['x'] },
        outputs: ['q', 'xScale'],
        attributes: attributesOf('DynamicQuantizeRows', noFunction),
      },
      { name: 'operator', op: 'MatMulInt4', domain: 'octavo', inputs, outputs: ['y'], attributes },
    ],
    constants,
    types: new Map<string, ValueType>([
      ['x', { type: 'float32', dims: x }],
      ['q', { type: 'int8', dims: x }],
      ['xScale', { type: 'float32', dims: [x[0]!] }],
      ['y', { type: 'float32', dims: [x[0]!, columns] }],
    ]),
    opsets: new Map(),
  };
}
