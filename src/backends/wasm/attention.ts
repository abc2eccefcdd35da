/**
 * Attention, head by head: both products by the kernel of MatMul (assembly/f32matmul.ts), over panels
 * that are packed while the step runs; scale, mask and softmax between them in TypeScript.
 */
import { broadcastStrides } from '../reference/strided.js';
import { floatBits, type PrepareContext, type StepRun, type WasmKernel } from './kernel.js';
import { panelColumns, roundUp } from './pack.js';
import { tileGrain } from './window.js';

export const attention: WasmKernel<'Attention'> = (step, context) => {
  const { inputs, outputs, params } = step;
  const { exports, memory: heap, operand, tensors } = context;
  const { heads, scale } = params;
  const [batches, queries, depths] = tensors[inputs[0]!]!.dims as [number, number, number];
  const [, keys, widths] = tensors[inputs[2]!]!.dims as [number, number, number];
  const [depth, width] = [depths / heads, widths / heads];
  const [q, k, v, y] = [...inputs.slice(0, 3), outputs[0]].map(operand);
  const scaleAndMask = maskOf(step.inputs[3], [batches, heads, queries, keys], scale, context);
  const scoring = productOf({ rows: queries, columns: keys, depth, step: depths }, context);
  const summing = productOf({ rows: queries, columns: width, depth: keys, step: keys }, context);

  const panelBytes = [
    exports.matMulPanelBytes(depth, keys) >>> 0,
    exports.matMulPanelBytes(keys, width) >>> 0,
  ];
  const most = roundUp(Math.max(...panelBytes), 64);
  const scoreBytes = roundUp(4 * queries * keys, 64);
  const scratch = context.scratch(most + scoreBytes + 4 * queries * width);
  return (memory) => {
    const panels = scratch.address;
    const scores = panels + most;
    const sums = scores + scoreBytes;
    const [qAt, kAt, vAt, yAt] = [q, k, v, y].map((address) => address!(memory));
    for (let matrix = 0; matrix < batches * heads; matrix++) {
      const [batch, head] = [Math.floor(matrix / heads), matrix % heads];
      const ofKeys = kAt! + 4 * (batch * keys * depths + head * depth);
      exports.packPanels(ofKeys, 1, depths, depth, keys, panels);
      scoring(qAt! + 4 * (batch * queries * depths + head * depth), panels, scores);
      const values = new Float32Array(heap.buffer, scores, queries * keys);
      scaleAndMask(memory, batch, head, values);
      softmaxRows(values, keys);
      const ofValues = vAt! + 4 * (batch * keys * widths + head * width);
      exports.packPanels(ofValues, widths, 1, keys, width, panels);
      summing(scores, panels, sums);
      const to = yAt! + 4 * (batch * queries * widths + head * width);
      exports.copyRows(sums, 4 * width, to, 4 * widths, queries, 4 * width);
    }
  };
};

/** What multiplies rows, `step` elements apart, with panels. */
function productOf(
  { rows, columns, depth, step }: { rows: number; columns: number; depth: number; step: number },
  context: PrepareContext,
): (rows: number, panels: number, to: number) => void {
  const { exports, keepWords } = context;
  const bounds = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY].map(floatBits);
  const product = keepWords([rows, columns, depth, step, 1, ...bounds]);
  const bias = keepWords(new Int32Array(roundUp(columns, panelColumns)));
  const run = context.overParts('matMul', {
    ...{ units: rows, grain: tileGrain, work: 4 * rows * columns * depth },
    scratch: exports.matMulScratch(product) >>> 0,
  });
  return (from, panels, to) => run(product, from, panels, bias, to);
}

type OnScores = (
  memory: Parameters<StepRun>[0],
  batch: number,
  head: number,
  scores: Float32Array,
) => void;

/** scores = scale · scores + mask */
function maskOf(
  index: number | undefined,
  dims: readonly [number, number, number, number],
  scale: number,
  { constant, memory: heap, tensors }: PrepareContext,
): OnScores {
  if (index === undefined || index < 0) {
    return (_, __, ___, scores) => {
      for (let i = 0; i < scores.length; i++) scores[i]! *= scale;
    };
  }
  const strides = broadcastStrides(tensors[index]!.dims, dims);
  const fixed = constant<Float32Array>(index);
  const [, , queries, keys] = dims;
  const count = tensors[index]!.bytes / 4;
  return (memory, batch, head, scores) => {
    const mask = fixed ?? new Float32Array(heap.buffer, memory.address(index), count);
    for (let query = 0, at = 0; query < queries; query++) {
      const from = batch * strides[0]! + head * strides[1]! + query * strides[2]!;
      for (let key = 0; key < keys; key++, at++) {
        scores[at] = scores[at]! * scale + mask[from + key * strides[3]!]!;
      }
    }
  };
}

/** Softmax of each row, in place. */
function softmaxRows(x: Float32Array, length: number): void {
  for (let from = 0; from < x.length; from += length) {
    const end = from + length;
    let max = Number.NEGATIVE_INFINITY;
    for (let i = from; i < end; i++) max = Math.max(max, x[i]!);
    let sum = 0;
    for (let i = from; i < end; i++) {
      x[i] = Math.exp(x[i]! - max);
      sum += x[i]!;
    }
    for (let i = from; i < end; i++) x[i]! /= sum;
  }
}
