/**
 * Models for the tests of lifecycles: chains of matrix products, short ones that answer at once and long
 * ones that are still running whatever a test does next. Nothing here measures time.
 */
import type { Tensor } from '../../src/core/tensor.js';
import type { Graph, Node } from '../../src/graph/ir.js';
import { bytesOf, float32, node, nodeProto, t } from '../helpers/onnx-builder.js';
import { createRandom } from '../helpers/random.js';
import { build, quantizeNode } from '../passes/oracle.js';

/** Entries that keep a vector about as long as it was. */
function mixing(size: number): Tensor<'float32'> {
  const random = createRandom(size);
  const reach = Math.sqrt(3 / size);
  const data = Float32Array.from({ length: size * size }, () => random.real(-reach, reach));
  return { type: 'float32', dims: [size, size], data };
}

/** y = x · w · w · … for x float32 [N, size]: one step a product, each of them of the same work. */
export function chain(products: number, size: number): Graph {
  const nodes = Array.from({ length: products }, (_, i) =>
    node('MatMul', [i === 0 ? 'x' : `v${i}`, 'w'], [`v${i + 1}`]),
  );
  return build({
    nodes,
    inputs: { x: float32('N', size) },
    outputs: { y: `v${products}` },
    constants: { w: mixing(size) },
  });
}

/** The same model as a file. */
export function chainBytes(products: number, size: number, rows: number | 'N' = 'N'): Uint8Array {
  return bytesOf(13, {
    nodes: Array.from({ length: products }, (_, i) =>
      nodeProto('MatMul', [i === 0 ? 'x' : `v${i}`, 'w'], [i + 1 === products ? 'y' : `v${i + 1}`]),
    ),
    inputs: { x: float32(rows, size) },
    outputs: { y: float32(rows, size) },
    constants: { w: mixing(size) },
  });
}

/** A chain whose products are of integers: uint8 between them, int8 weights, y uint8. */
export function quantizedChain(products: number, size: number): Graph {
  const random = createRandom(size);
  const nodes: Node[] = [quantizeNode('QuantizeLinear', 'x', 'q0', 'a')];
  for (let i = 0; i < products; i++) {
    nodes.push(
      quantizeNode('DequantizeLinear', `q${i}`, `d${i}`, 'a'),
      node('DequantizeLinear', ['w', 'w_scale'], [`w${i}`]),
      node('MatMul', [`d${i}`, `w${i}`], [`m${i}`]),
      quantizeNode('QuantizeLinear', `m${i}`, `q${i + 1}`, 'a'),
    );
  }
  const weights = Array.from({ length: size * size }, () => random.int(-127, 127));
  return build({
    nodes,
    inputs: { x: float32('N', size) },
    outputs: { y: `q${products}` },
    constants: {
      w: t('int8', weights, [size, size]),
      w_scale: t('float32', [1 / (73 * Math.sqrt(size))], []),
      a_scale: t('float32', [1 / 32], []),
      a_zero: t('uint8', [128], []),
    },
  });
}

/** x for a chain: rows of numbers from −1 to 1 that differ from seed to seed. */
export function rowsOf(rows: number, size: number, seed = 1): Tensor<'float32'> {
  const random = createRandom(seed);
  const data = Float32Array.from({ length: rows * size }, () => random.real(-1, 1));
  return { type: 'float32', dims: [rows, size], data };
}

/** The bits of a tensor, for comparing. */
export function bitsOf({ data }: Tensor): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/**
 * A long run: `products` of them, each of some milliseconds at most, so that cancelling is seen soon and
 * a whole run takes far longer than what a test does meanwhile.
 */
export const long = { products: 120, size: 512, rows: 512 } as const;
