/**
 * com.microsoft's MatMulNBits. `accuracy_level` 4 lets x be quantized to int8: rows by their own range, then
 * MatMulInt4, for weights of 4 bits. Every other level asks for float activations: the weights are dequantized once,
 * when the model is loaded, and take the memory of float32 from then on.
 */
import type { Tensor } from '../../core/tensor.js';
import { intOf } from '../../graph/attributes.js';
import { rewriting } from '../lower/rewriting.js';
import { type Rule, type Site, unsupported } from '../lower/rules.js';

interface Packed {
  readonly bits: number;
  readonly depth: number;
  readonly columns: number;
  readonly blockSize: number;
  readonly blocks: number;
  readonly codes: Uint8Array;
  readonly scale: Float32Array;
  readonly zeroPoint: Uint8Array | undefined;
}

/** The weight, checked against the attributes; undefined while a part of it may yet become constant. */
function packedOf(site: Site): Packed | undefined {
  const { graph, node } = site;
  const [, weight, scales, zeros = '', gIdx = ''] = node.inputs as [string, string, string];
  const bits = intOf(node, 'bits', 4);
  const blockSize = intOf(node, 'block_size', 0);
  if (bits !== 4 && bits !== 8) throw unsupported(site, `weights of ${bits} bits`);
  if (gIdx !== '') throw unsupported(site, 'g_idx');
  if (blockSize < 16 || blockSize > 2 ** 16 || (blockSize & (blockSize - 1)) !== 0) {
    throw unsupported(site, `blocks of ${blockSize}`);
  }
  const [codes, scale] = [graph.constants.get(weight), graph.constants.get(scales)];
  const zeroPoint = graph.constants.get(zeros);
  if (codes === undefined || scale === undefined || (zeros !== '' && !zeroPoint)) return undefined;
  if (scale.type !== 'float32') throw unsupported(site, `scales of type ${scale.type}`);
  if (zeroPoint !== undefined && zeroPoint.type !== 'uint8') {
    throw unsupported(site, `zero points of type ${zeroPoint.type}`);
  }
  const [depth, columns] = [intOf(node, 'K', 0), intOf(node, 'N', 0)];
  const blocks = Math.ceil(depth / blockSize);
  const zeroBytes = Math.ceil((blocks * bits) / 8);
  const fits =
    codes.data.length === (columns * blocks * blockSize * bits) / 8 &&
    scale.data.length === columns * blocks &&
    (zeroPoint === undefined || zeroPoint.data.length === columns * zeroBytes);
  if (!fits) throw unsupported(site, `a weight that does not fit ${columns} columns of ${depth}`);
  return {
    ...{ bits, depth, columns, blockSize, blocks },
    codes: codes.data as Uint8Array,
    scale: scale.data as Float32Array,
    zeroPoint: zeroPoint?.data as Uint8Array | undefined,
  };
}

/** Code i of those that lie `bits` wide, the low half of a byte first. */
function codeAt(bytes: Uint8Array, i: number, bits: number): number {
  return bits === 8 ? bytes[i]! : (bytes[i >> 1]! >> ((i & 1) * 4)) & 15;
}

/** [K, N] in float32: (code − zeroPoint) · scale. */
function dequantized(packed: Packed): Tensor {
  const { bits, depth, columns, blockSize, blocks, codes, scale, zeroPoint } = packed;
  const data = new Float32Array(depth * columns);
  const zeroStride = Math.ceil((blocks * bits) / 8) * (8 / bits);
  for (let column = 0; column < columns; column++) {
    for (let k = 0; k < depth; k++) {
      const block = Math.floor(k / blockSize);
      const zero = zeroPoint
        ? codeAt(zeroPoint, column * zeroStride + block, bits)
        : 2 ** (bits - 1);
      const code = codeAt(codes, column * blocks * blockSize + k, bits);
      data[k * columns + column] = (code - zero) * scale[column * blocks + block]!;
    }
  }
  return { type: 'float32', dims: [depth, columns], data };
}

export const matMulNBits: Rule = (site) => {
  const { node } = site;
  const [x, , , , , bias = ''] = node.inputs as [string, string, string, string, string, string?];
  const to = rewriting(site);
  const output = node.outputs[0]!;
  const [xType, yType] = [to.typeOf(x), to.typeOf(output)];
  if (xType?.dims === undefined || yType === undefined) return undefined;
  if (xType.type !== 'float32') throw unsupported(site, `activations of type ${xType.type}`);
  const packed = packedOf(site);
  if (packed === undefined) return undefined;
  const addend = bias === '' ? undefined : to.constantOf(bias);
  if (intOf(node, 'accuracy_level', 0) === 4 && packed.bits === 4 && (bias === '' || addend)) {
    const { blockSize, blocks, columns, codes, scale, zeroPoint } = packed;
    const add = (
      wish: string,
      type: 'uint8' | 'float32',
      dims: readonly number[],
      data: Tensor['data'],
    ) => to.constant(`${node.name}/${wish}`, { type, dims, data } as Tensor);
    const inputs = [
      add('weight', 'uint8', [columns, blocks, blockSize / 2], codes),
      add('scale', 'float32', [columns, blocks], scale),
      zeroPoint ? add('zeroPoint', 'uint8', [columns, Math.ceil(blocks / 2)], zeroPoint) : '',
      bias,
    ];
    while (inputs.at(-1) === '') inputs.pop();
    const [rows, rowScale] = to.quantizeRows(x);
    to.step('MatMulInt4', [rows, rowScale, ...inputs], { blockSize }, yType, { output });
    return to.done(`${node.name} to MatMulInt4`);
  }
  const weight = to.constant(`${node.name}/weight`, dequantized(packed));
  const plain = { domain: '', attributes: new Map() };
  const product = { op: 'MatMul', inputs: [x, weight], ...plain };
  const y = to.node(product, yType, bias === '' ? output : undefined);
  if (bias !== '') to.node({ op: 'Add', inputs: [y, bias], ...plain }, yType, output);
  return to.done(`dequantize the weight of ${node.name}`);
};
