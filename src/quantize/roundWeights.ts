/**
 * Rounding weights by what their layers see. Layer by layer, in the order of computation, a few samples run up to a
 * layer's input through weights that are rounded already, and its codes are chosen for those inputs.
 */
import { allocate } from '../core/dtype.js';
import { throwIfAborted } from '../core/errors.js';
import type { Tensor } from '../core/tensor.js';
import type { Graph, Node } from '../graph/ir.js';
import { groupsOf } from '../graph/ops/convolution.js';
import { applyPatch } from '../graph/patch.js';
import {
  dequantize,
  forEachRun,
  integerRange,
  isPackedType,
  pack,
  type QuantizedType,
  type QuantParams,
} from '../numerics/index.js';
import { gemm } from '../runtime/operators.js';
import { type AdaroundRun, adaroundCodes } from './adaround.js';
import { type Grid, gptqCodes } from './gptq.js';
import { type LayerInputs, layerInputs } from './layerInputs.js';
import type { Rounding } from './options.js';
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

/** Rows of a layer's input that are looked at, numbers in them, and the widest rows whose products are. */
const mostRows = 8192;
const mostNumbers = 2 ** 25;
export const widestRows = 8192;
/** Rows so narrow are multiplied here, and fewer of them do: a depthwise convolution has a thousand groups of them. */
const narrow = 32;
const narrowRows = 2048;

/** Ways of rounding for which layers have to be seen. */
export type SeenRounding = Exclude<Rounding, 'nearest'>;

/** Whether what a layer multiplies can be seen as rows: results of a transposed convolution share no weights. */
export function isSeen(node: Node): boolean {
  return node.op !== 'ConvTranspose';
}

/**
 * Codes for the layers of a float graph, by the node's name. Layers that sum more than `widestRows` products, whose
 * Hessian would be too large, and those that are not seen are left out. AdaRound takes what earlier layers have changed into account: it looks at the
 * float graph besides.
 */
export async function roundWeights(
  float: Graph,
  layers: readonly RoundableLayer[],
  rounding: SeenRounding,
  { samples, session, signal, onDone }: LayerRun,
): Promise<ReadonlyMap<string, QuantizedWeight>> {
  const pieces = new PieceRunner(samples, { session });
  const exact = new PieceRunner(samples, { session });
  const rounded = new Map<string, QuantizedWeight>();
  let graph = float;
  for (const [i, layer] of layers.entries()) {
    throwIfAborted(signal, 'rounding of weights');
    const { node, tensor, params, weight } = layer;
    const depth = tensor.data.length / tensor.dims[layer.channelAxis]!;
    if (depth <= widestRows && isSeen(node)) {
      await pieces.approach(graph, node.name, signal);
      const groups = node.op === 'Conv' ? groupsOf(node) : 1;
      const rows = depth <= narrow ? narrowRows : mostRows;
      const most = Math.min(rows, Math.floor(mostNumbers / (depth * groups)));
      const inputsOf = (runner: PieceRunner) =>
        layerInputs(node, tensor.dims, runner.read(node.inputs[0]!), most);
      if (rounding === 'adaround') await exact.approach(float, node.name, signal);
      const codes = await roundLayer(
        layer,
        inputsOf(pieces),
        rounding === 'adaround' ? inputsOf(exact) : undefined,
        { session, signal },
      );
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

/** By GPTQ, or by AdaRound where `exact` says what the float graph's layer reads. */
async function roundLayer(
  layer: RoundableLayer,
  { width, count, groups }: LayerInputs,
  exact: LayerInputs | undefined,
  run: AdaroundRun,
) {
  const { tensor, channelAxis, params } = layer;
  const { dims, data } = tensor;
  const channels = dims[channelAxis]!;
  const { min, max } = integerRange(params.type, params);
  const codes = codesFor(params.type, data.length);
  const scaleOf = scaleIndices(dims, params);
  const share = channels / groups.length;
  for (const [g, rows] of groups.entries()) {
    const placeOf = (o: number, i: number) =>
      channelAxis === 0 ? (g * share + o) * width + i : i * channels + o;
    const weight = new Float32Array(share * width);
    for (let o = 0; o < share; o++) {
      for (let i = 0; i < width; i++) weight[o * width + i] = data[placeOf(o, i)]!;
    }
    const grid: Grid = {
      min,
      max,
      scaleAt: (o, i) => params.scale[scaleOf[placeOf(o, i)]!]!,
      zeroAt: (o, i) => params.zeroPoint[scaleOf[placeOf(o, i)]!]!,
    };
    const hessian = await momentsOf(rows, count, width);
    const before = exact?.groups[g];
    const drift = before && (await driftOf(weight, rows, before, width));
    const found =
      drift === undefined
        ? gptqCodes(weight, width, hessian, grid)
        : await adaroundCodes({ weight, inputs: width, hessian, drift, grid }, run);
    for (let o = 0; o < share; o++) {
      for (let i = 0; i < width; i++) codes[placeOf(o, i)] = found[o * width + i]!;
    }
  }
  const { type } = params;
  return {
    type,
    dims,
    data: isPackedType(type) ? pack(codes as Uint8Array, type) : codes,
  } as Tensor;
}

/** An array for codes one by one: those below a byte take one each. */
function codesFor(type: QuantizedType, count: number): Int8Array | Uint8Array | Int16Array {
  if (isPackedType(type))
    return integerRange(type).min < 0 ? new Int8Array(count) : new Uint8Array(count);
  return allocate(type, count) as Int8Array | Uint8Array | Int16Array;
}

/** Σ x·xᵀ over rows x. */
async function momentsOf(rows: Float32Array, count: number, width: number): Promise<Float32Array> {
  if (width > narrow) return product(transposed(rows, count, width), count, rows);
  const moments = new Float64Array(width * width);
  for (let start = 0; start < rows.length; start += width) {
    for (let i = 0; i < width; i++) {
      const x = rows[start + i]!;
      for (let j = 0; j <= i; j++) moments[i * width + j]! += x * rows[start + j]!;
    }
  }
  return Float32Array.from(moments, (sum, at) => {
    const [i, j] = [Math.floor(at / width), at % width];
    return j > i ? moments[j * width + i]! : sum;
  });
}

/** Σ W·(x̂ − x)·x̂ᵀ over rows x̂ that a layer reads and rows x that it should. */
async function driftOf(
  weight: Float32Array,
  rows: Float32Array,
  exact: Float32Array,
  width: number,
): Promise<Float32Array> {
  const outputs = weight.length / width;
  if (width <= narrow) return narrowDrift(weight, rows, exact, width);
  const moved = rows.map((x, i) => x - exact[i]!);
  if (moved.every((x) => x === 0)) return new Float32Array(weight.length);
  const count = rows.length / width;
  const changes = await product(moved, width, transposed(weight, outputs, width));
  return product(transposed(changes, count, outputs), count, rows);
}

function narrowDrift(
  weight: Float32Array,
  rows: Float32Array,
  exact: Float32Array,
  width: number,
): Float32Array {
  const drift = new Float64Array(weight.length);
  for (let start = 0; start < rows.length; start += width) {
    for (let from = 0; from < weight.length; from += width) {
      let change = 0;
      for (let i = 0; i < width; i++) {
        change += weight[from + i]! * (rows[start + i]! - exact[start + i]!);
      }
      if (change === 0) continue;
      for (let i = 0; i < width; i++) drift[from + i]! += change * rows[start + i]!;
    }
  }
  return Float32Array.from(drift);
}

/** Which scale belongs to each element. */
function scaleIndices(dims: readonly number[], params: QuantParams): Int32Array {
  const indices = new Int32Array(dims.reduce((a, b) => a * b, 1));
  forEachRun(dims, params, (start, end, index, step) => {
    for (let i = start, at = index; i < end; i++, at += step) indices[i] = at;
  });
  return indices;
}

/** The transpose of a matrix [rows, columns]. */
function transposed(matrix: Float32Array, rows: number, columns: number): Float32Array {
  const turned = new Float32Array(matrix.length);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) turned[c * rows + r] = matrix[r * columns + c]!;
  }
  return turned;
}

/** The product of matrices [any, depth] and [depth, any]. */
async function product(a: Float32Array, depth: number, b: Float32Array): Promise<Float32Array> {
  const matrix = (data: Float32Array, dims: readonly [number, number]): Tensor<'float32'> => ({
    type: 'float32',
    dims,
    data,
  });
  const left = matrix(a, [a.length / depth, depth]);
  const result = await gemm(left, matrix(b, [depth, b.length / depth]));
  return result.data as Float32Array;
}
