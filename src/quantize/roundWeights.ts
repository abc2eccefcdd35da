/**
 * Rounding weights by what their layers see. Layer by layer, in the order of computation, a few samples run up to a
 * layer's input through weights that are rounded already, and its codes are chosen for those inputs.
 */
import { throwIfAborted } from '../core/errors.js';
import type { Tensor } from '../core/tensor.js';
import type { Graph, Node } from '../graph/ir.js';
import { applyPatch } from '../graph/patch.js';
import {
  dequantize,
  forEachRun,
  integerRange,
  isPackedType,
  pack,
  type QuantParams,
} from '../numerics/index.js';
import { gemm } from '../runtime/operators.js';
import { gptqCodes } from './gptq.js';
import { type LayerInputs, layerInputs } from './layerInputs.js';
import { PieceRunner } from './pieces.js';
import type { LayerRun } from './samples.js';
import { type QuantizedWeight, weightSqnr } from './weights.js';

/** A weight that a layer of the float graph multiplies by, and the parameters of its codes. */
export interface RoundableLayer {
  readonly node: Node;
  readonly weight: string;
  readonly tensor: Tensor<'float32'>;
  readonly channelAxis: number;
  readonly params: QuantParams;
}

/** Rows of a layer's input that are looked at, and the widest rows whose products are. */
const mostRows = 8192;
export const widestRows = 8192;

/**
 * Codes by GPTQ for the layers of a float graph, by the node's name. Layers that sum more than `widestRows` products,
 * whose Hessian would be too large, are left out.
 */
export async function roundWeights(
  float: Graph,
  layers: readonly RoundableLayer[],
  { samples, session, signal, onDone }: LayerRun,
): Promise<ReadonlyMap<string, QuantizedWeight>> {
  const pieces = new PieceRunner(samples, { session });
  const rounded = new Map<string, QuantizedWeight>();
  let graph = float;
  for (const [i, layer] of layers.entries()) {
    throwIfAborted(signal, 'rounding of weights');
    const { node, tensor, params, weight } = layer;
    const depth = tensor.data.length / tensor.dims[layer.channelAxis]!;
    if (depth <= widestRows) {
      await pieces.approach(graph, node.name, signal);
      const x = pieces.read(node.inputs[0]!);
      const codes = await roundLayer(layer, layerInputs(node, tensor.dims, x, mostRows));
      const sqnr = weightSqnr(tensor.data, codes, params);
      rounded.set(node.name, { data: codes, params, sqnr });
      const data = dequantize(codes.data as Int8Array, tensor.dims, params);
      graph = applyPatch(graph, {
        what: `round the weight of ${node.name}`,
        constants: [[weight, { ...tensor, data }]],
      });
    }
    onDone?.(i + 1, layers.length);
  }
  return rounded;
}

async function roundLayer(layer: RoundableLayer, { width, count, groups }: LayerInputs) {
  const { tensor, channelAxis, params } = layer;
  const { dims, data } = tensor;
  const channels = dims[channelAxis]!;
  const { min, max } = integerRange(params.type, params);
  const codes = isUnsigned(params) ? new Uint8Array(data.length) : new Int8Array(data.length);
  const scaleOf = scaleIndices(dims, params);
  const share = channels / groups.length;
  for (const [g, rows] of groups.entries()) {
    const placeOf = (o: number, i: number) =>
      channelAxis === 0 ? (g * share + o) * width + i : i * channels + o;
    const part = new Float32Array(share * width);
    for (let o = 0; o < share; o++) {
      for (let i = 0; i < width; i++) part[o * width + i] = data[placeOf(o, i)]!;
    }
    const found = gptqCodes(part, width, await gramOf(rows, count, width), {
      min,
      max,
      scaleAt: (o, i) => params.scale[scaleOf[placeOf(o, i)]!]!,
      zeroAt: (o, i) => params.zeroPoint[scaleOf[placeOf(o, i)]!]!,
    });
    for (let o = 0; o < share; o++) {
      for (let i = 0; i < width; i++) codes[placeOf(o, i)] = found[o * width + i]!;
    }
  }
  const { type } = params;
  return { type, dims, data: isPackedType(type) ? pack(codes, type) : codes } as Tensor;
}

function isUnsigned({ type }: QuantParams): boolean {
  return type.startsWith('u');
}

/** Which scale belongs to each element. */
function scaleIndices(dims: readonly number[], params: QuantParams): Int32Array {
  const indices = new Int32Array(dims.reduce((a, b) => a * b, 1));
  forEachRun(dims, params, (start, end, index, step) => {
    for (let i = start, at = index; i < end; i++, at += step) indices[i] = at;
  });
  return indices;
}

/** Xᵀ·X of X [count, width]. */
async function gramOf(rows: Float32Array, count: number, width: number): Promise<Float32Array> {
  const turned = new Float32Array(rows.length);
  for (let r = 0; r < count; r++) {
    for (let i = 0; i < width; i++) turned[i * count + r] = rows[r * width + i]!;
  }
  const x: Tensor<'float32'> = { type: 'float32', dims: [count, width], data: rows };
  const product = await gemm({ ...x, dims: [width, count], data: turned }, x);
  return product.data as Float32Array;
}
