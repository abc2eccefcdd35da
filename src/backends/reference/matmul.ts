/**
 * Float matrix product of stacks of matrices. The leading axes broadcast. Products are summed in
 * double, then the bias is added and the sum rounded once.
 */
import type { Shape } from '../../core/shape.js';
import { bounded } from './arithmetic.js';
import { dimsOf, elementsOf, floatsOf, optionalElementsOf, type StepKernel } from './kernel.js';
import { broadcastStrides, forEachRow, gather } from './strided.js';

const { fround } = Math;

export const matMul: StepKernel<'MatMul'> = ({ inputs, outputs, params }, memory) => {
  const a = floatsOf(memory, inputs[0]);
  const b = floatsOf(memory, inputs[1]);
  const bias = optionalElementsOf<'float32'>(memory, inputs[2]);
  const y = elementsOf<'float32'>(memory, outputs[0]);
  const yDims = dimsOf(memory, outputs[0]);
  const aLayout = layoutOf(dimsOf(memory, inputs[0]), params.transposeA === 1, yDims);
  const bLayout = layoutOf(dimsOf(memory, inputs[1]), params.transposeB === 1, yDims);
  // y begins as the bias, spread out.
  if (bias) gather(y, bias, yDims, broadcastStrides(dimsOf(memory, inputs[2]), yDims));
  else y.fill(0);
  const [m, n] = yDims.slice(-2) as [number, number];
  const k = aLayout.columns;

  // Each matrix of the stack is a row of one element in the index space of the leading axes.
  const stack = [...yDims.slice(0, -2), 1];
  let at = 0;
  forEachRow(stack, [...aLayout.stack, 0], [...bLayout.stack, 0], (aFrom, bFrom) => {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++, at++) {
        let sum = 0;
        let aAt = aFrom + i * aLayout.rowStride;
        let bAt = bFrom + j * bLayout.columnStride;
        for (let l = 0; l < k; l++, aAt += aLayout.columnStride, bAt += bLayout.rowStride) {
          sum += a[aAt]! * b[bAt]!;
        }
        y[at] = bounded(fround(sum + y[at]!), params.lower, params.upper);
      }
    }
  });
};

/** How one operand, transposed if asked, is walked as a stack of matrices. */
function layoutOf(dims: Shape, transposed: boolean, yDims: Shape) {
  const [rows, columns] = dims.slice(-2) as [number, number];
  const stack = broadcastStrides(dims.slice(0, -2), yDims.slice(0, -2)).map(
    (s) => s * rows * columns,
  );
  return transposed
    ? { stack, columns: rows, rowStride: 1, columnStride: columns }
    : { stack, columns, rowStride: columns, columnStride: 1 };
}
