/**
 * Concat and Transpose (assembly/move.ts), for types of whole bytes. The axes of a transpose are
 * folded first: those that stay neighbours become one.
 */
import { bitsOf } from '../../core/dtype.js';
import { elementCount, type Shape, stridesOf } from '../../core/shape.js';
import { forEachRow } from '../reference/strided.js';
import type { WasmKernel } from './kernel.js';

export const concat: WasmKernel<'Concat'> = ({ inputs, outputs, params }, context) => {
  const { exports, operand, tensors } = context;
  const y = tensors[outputs[0]!]!;
  const outer = elementCount(y.dims.slice(0, params.axis));
  const yOperand = operand(outputs[0]);
  const parts = inputs.map((index) => ({
    x: operand(index),
    bytes: tensors[index]!.bytes / outer,
  }));
  const yStep = y.bytes / outer;
  const first = (params.yFirst * elementCount(y.dims.slice(params.axis + 1)) * bitsOf(y.type)) / 8;
  return (memory) => {
    let to = yOperand(memory) + first;
    for (const { x, bytes } of outer === 0 ? [] : parts) {
      exports.copyRows(x(memory), bytes, to, yStep, outer, bytes);
      to += bytes;
    }
  };
};

/** An axis of y, and how far apart its elements lie in x, in elements. */
interface Axis {
  readonly length: number;
  readonly stride: number;
}

/**
 * The axes of y = transpose(x), the innermost last; neighbours in both are one, length 1 is none.
 */
export function foldTranspose(dims: Shape, perm: readonly number[]): Axis[] {
  const strides = stridesOf(dims);
  const axes: Axis[] = [];
  for (const from of perm.slice(0, dims.length)) {
    const axis = { length: dims[from]!, stride: strides[from]! };
    const outer = axes.at(-1);
    if (axis.length === 1) continue;
    if (outer && outer.stride === axis.stride * axis.length) {
      axes[axes.length - 1] = { length: outer.length * axis.length, stride: axis.stride };
    } else {
      axes.push(axis);
    }
  }
  return axes;
}

/**
 * The two innermost axes are moved by the module, as runs or as a matrix; those beyond are walked
 * here.
 */
export const transpose: WasmKernel<'Transpose'> = ({ inputs, outputs, params }, context) => {
  const { exports, operand, tensors } = context;
  const { type, dims } = tensors[inputs[0]!]!;
  const size = bitsOf(type) / 8;
  const axes = foldTranspose(dims, params.perm);
  const none = { length: 1, stride: 1 };
  const inner = axes.pop() ?? none;
  const next = axes.pop() ?? none;
  const bytes = inner.length * size;
  const move = (x: number, y: number): void => {
    if (inner.stride === 1) {
      exports.copyRows(x, next.stride * size, y, bytes, next.length, bytes);
    } else {
      const [row, column] = [inner.stride * size, next.stride * size];
      exports.transpose(x, row, column, y, inner.length, next.length, size);
    }
  };
  const last = axes.at(-1) ?? none;
  const outer = axes.map(({ length }) => length);
  const strides = axes.map(({ stride }) => stride);
  const [x, y] = [operand(inputs[0]), operand(outputs[0])];
  if (dims.includes(0)) return () => {};
  return (memory) => {
    const from = x(memory);
    let to = y(memory);
    forEachRow(outer, strides, strides, (at, _, length) => {
      for (let i = 0; i < length; i++, to += next.length * bytes) {
        move(from + (at + i * last.stride) * size, to);
      }
    });
  };
};
