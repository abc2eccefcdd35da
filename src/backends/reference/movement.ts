/**
 * Steps that move elements and compute nothing: Concat, Transpose, Slice, Pad, Copy. Elements are
 * moved as bits, so that NaNs keep theirs.
 */
import { bitsOf } from '../../core/dtype.js';
import { float32ToBfloat16, float32ToFloat16 } from '../../core/half.js';
import { elementCount, stridesOf } from '../../core/shape.js';
import { padModes } from '../../runtime/kinds.js';
import { dimsOf, type StepKernel, typeOf } from './kernel.js';
import type { PlanMemory } from './memory.js';
import { gather } from './strided.js';
import { wordsOf } from './words.js';

export const copy: StepKernel<'Copy'> = ({ inputs, outputs }, memory) => {
  bytesOf(memory, outputs[0]).set(bytesOf(memory, inputs[0]));
};

export const concat: StepKernel<'Concat'> = ({ inputs, outputs, params }, memory) => {
  const y = bytesOf(memory, outputs[0]);
  const dims = dimsOf(memory, outputs[0]);
  const outer = elementCount(dims.slice(0, params.axis));
  const bytes =
    (elementCount(dims.slice(params.axis + 1)) * bitsOf(typeOf(memory, outputs[0]))) / 8;
  for (let i = 0; i < outer; i++) {
    let at = (i * dims[params.axis]! + params.yFirst) * bytes;
    for (const input of inputs) {
      const x = bytesOf(memory, input);
      const run = x.length / outer;
      y.set(x.subarray(i * run, (i + 1) * run), at);
      at += run;
    }
  }
};

export const transpose: StepKernel<'Transpose'> = ({ inputs, outputs, params }, memory) => {
  const strides = stridesOf(dimsOf(memory, inputs[0]));
  const dims = dimsOf(memory, outputs[0]);
  const permuted = dims.map((_, axis) => strides[params.perm[axis]!]!);
  gather(wordsOf(memory, outputs[0]), wordsOf(memory, inputs[0]), dims, permuted);
};

export const slice: StepKernel<'Slice'> = ({ inputs, outputs, params }, memory) => {
  const strides = stridesOf(dimsOf(memory, inputs[0]));
  const start = strides.reduce((sum, stride, axis) => sum + params.starts[axis]! * stride, 0);
  const stepped = strides.map((stride, axis) => stride * params.steps[axis]!);
  const dims = dimsOf(memory, outputs[0]);
  gather(wordsOf(memory, outputs[0]), wordsOf(memory, inputs[0]), dims, stepped, start);
};

/** A negative `before` cuts cells off; `value` is converted to the type of x. */
export const pad: StepKernel<'Pad'> = ({ inputs, outputs, params }, memory) => {
  const xDims = dimsOf(memory, inputs[0]);
  const dims = dimsOf(memory, outputs[0]);
  const strides = stridesOf(xDims);
  const x = wordsOf(memory, inputs[0]);
  const y = wordsOf(memory, outputs[0]);
  fillWith(memory, outputs[0], params.value);

  const sources = dims.map((length, axis) =>
    sourcesOf(length, xDims[axis]!, params.before[axis]!, params.mode),
  );
  const last = sources.pop() ?? [0];
  let at = 0;
  const visit = (axis: number, from: number): void => {
    if (axis < sources.length) {
      for (const source of sources[axis]!) {
        visit(axis + 1, source < 0 ? outside : from + source * strides[axis]!);
      }
    } else if (from >= 0) {
      for (const source of last) {
        if (source >= 0) y[at] = x[from + source]!;
        at++;
      }
    } else {
      at += last.length;
    }
  };
  visit(0, 0);
};

/** Less than any place, by whatever is added to it. */
const outside = Number.NEGATIVE_INFINITY;

/** For each cell of y along one axis, the cell of x it shows; -1 where it shows the value. */
function sourcesOf(length: number, size: number, before: number, mode: number): number[] {
  return Array.from({ length }, (_, i) => {
    const cell = i - before;
    if (mode === padModes.edge) return Math.min(Math.max(cell, 0), size - 1);
    if (mode === padModes.reflect) return reflect(cell, size);
    return cell >= 0 && cell < size ? cell : -1;
  });
}

/** Mirrors at the first and the last cell, which are not repeated. */
function reflect(cell: number, size: number): number {
  const period = Math.max(2 * (size - 1), 1);
  const phase = ((cell % period) + period) % period;
  return phase < size ? phase : period - phase;
}

/** Fills a tensor with `value` as its type has it. */
function fillWith(memory: PlanMemory, index: number | undefined, value: number): void {
  const view = memory.view(index!);
  const type = typeOf(memory, index);
  if (view instanceof BigInt64Array || view instanceof BigUint64Array) view.fill(BigInt(value));
  else if (type === 'float16') view.fill(float32ToFloat16(value));
  else if (type === 'bfloat16') view.fill(float32ToBfloat16(value));
  else view.fill(value);
}

function bytesOf(memory: PlanMemory, index: number | undefined): Uint8Array {
  const { buffer, byteOffset, byteLength } = memory.view(index!);
  return new Uint8Array(buffer, byteOffset, byteLength);
}
