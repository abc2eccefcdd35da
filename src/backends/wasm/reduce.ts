/** Reduce of float32 over axes that lie side by side (assembly/reduce.ts). */
import { elementCount } from '../../core/shape.js';
import { reduceKinds } from '../../runtime/kinds.js';
import { declined, type WasmKernel } from './kernel.js';

/** Results of a unit of `reduceColumns`. */
const unitColumns = 16;

export const reduce: WasmKernel<'Reduce'> = ({ inputs, outputs, params }, context) => {
  const { dims, type } = context.tensors[inputs[0]!]!;
  const { kind, axes } = params;
  if (type !== 'float32') return declined(`a reduction of ${type}`);
  if (kind === reduceKinds.Prod) return declined('a product');
  // Axes of one element are kept or reduced alike.
  const reduced = dims.flatMap((dim, axis) => (axes[axis] === 1 && dim !== 1 ? [axis] : []));
  const begin = reduced[0] ?? dims.length;
  const end = (reduced.at(-1) ?? begin - 1) + 1;
  const between = dims.slice(begin, end);
  if (between.some((dim, i) => dim !== 1 && axes[begin + i] !== 1)) return declined('axes apart');
  const parts = [dims.slice(0, begin), between, dims.slice(end)];
  const [outer, count, inner] = parts.map((part) => elementCount(part));
  const [x, y] = [context.operand(inputs[0]), context.operand(outputs[0])];
  const cut = { grain: 1, work: outer! * count! * inner!, scratch: 0 };
  if (inner === 1) {
    const run = context.overParts('reduceRows', { ...cut, units: outer! });
    return (memory) => run(x(memory), y(memory), count!, kind);
  }
  const units = outer! * Math.ceil(inner! / unitColumns);
  const run = context.overParts('reduceColumns', { ...cut, units });
  return (memory) => run(x(memory), y(memory), count!, inner!, kind);
};
