/**
 * MatMul: products of stacks of matrices (assembly/f32matmul.ts). A constant b that is one matrix
 * is packed once; another is packed when the step runs. a of bfloat16 is widened first.
 */
import { decodeBfloat16 } from '../../core/half.js';
import { elementCount, type Shape } from '../../core/shape.js';
import { unaryKinds } from '../../runtime/kinds.js';
import { type Step, tensorAlignment, tensorSlack } from '../../runtime/plan.js';
import { broadcastStrides, forEachRow } from '../reference/strided.js';
import { runOverRows } from './broadcast.js';
import {
  floatBits,
  floatConstant,
  type Operand,
  type PrepareContext,
  type StepRun,
  type WasmKernel,
} from './kernel.js';
import { keepTable, packFloatPanels, panelColumns, roundUp } from './pack.js';
import { tileGrain } from './window.js';

export const matMul: WasmKernel<'MatMul'> = (step, context) => {
  const { inputs, outputs, params } = step;
  const { exports, operand, tensors } = context;
  const [aDims, bDims, yDims] = [inputs[0]!, inputs[1]!, outputs[0]!].map((i) => tensors[i]!.dims);
  const a = layoutOf(aDims!, params.transposeA === 1, yDims!);
  const b = layoutOf(bDims!, params.transposeB === 1, yDims!);
  const [rows, columns] = yDims!.slice(-2) as [number, number];
  const depth = a.columns;
  const { ofColumns, finish } = biasOf(step, columns, context);
  const bias = keepTable(ofColumns, Float32Array, { groups: 1, columns }, panelColumns, context);
  const product = context.keepWords([
    ...[rows, columns, depth, a.row, a.column],
    ...(finish === undefined ? [params.lower, params.upper] : [-Infinity, Infinity]).map(floatBits),
  ]);

  const bConstant = floatConstant(context, inputs[1]);
  const packed =
    bConstant !== undefined && elementCount(bDims!) === depth * columns
      ? keepPanels(inputs[1]!, bConstant, { ...b, depth, columns }, context)
      : undefined;
  const panelBytes = packed === undefined ? exports.matMulPanelBytes(depth, columns) >>> 0 : 0;
  const isHalf = tensors[inputs[0]!]!.type === 'bfloat16';
  const aBytes = isHalf ? roundUp(4 * elementCount(aDims!), tensorAlignment) + tensorSlack : 0;
  const scratch = context.scratch(aBytes + panelBytes);
  const run = context.overParts('matMul', {
    ...{ units: rows, grain: tileGrain, work: 4 * rows * columns * depth },
    scratch: exports.matMulScratch(product) >>> 0,
  });
  const bOperand = packed === undefined ? floatOperand(inputs[1]!, bConstant, context) : undefined;
  const widened: Operand = (memory) => {
    const values = decodeBfloat16(memory.view(inputs[0]!) as Uint16Array);
    new Float32Array(context.memory.buffer, scratch.address, values.length).set(values);
    return scratch.address;
  };
  const aOperand = isHalf ? widened : operand(inputs[0]);
  const y = operand(outputs[0]);
  const stack = [...yDims!.slice(0, -2), 1];
  return (memory) => {
    const panels = packed ?? scratch.address + aBytes;
    const aBase = aOperand(memory);
    const bBase = bOperand?.(memory) ?? 0;
    let packedFrom = -1;
    let to = y(memory);
    forEachRow(stack, [...a.stack, 0], [...b.stack, 0], (aFrom, bFrom) => {
      if (packed === undefined && packedFrom !== bFrom) {
        const from = bBase + 4 * bFrom;
        exports.packPanels(from, b.row, b.column, depth, columns, panels);
        packedFrom = bFrom;
      }
      run(product, aBase + 4 * aFrom, panels, bias, to);
      to += 4 * rows * columns;
    });
    finish?.(memory);
  };
};

/** How one operand, transposed if asked, is walked as a stack of matrices; strides in elements. */
function layoutOf(dims: Shape, transposed: boolean, yDims: Shape) {
  const [rows, columns] = dims.slice(-2) as [number, number];
  const stack = broadcastStrides(dims.slice(0, -2), yDims.slice(0, -2)).map(
    (stride) => stride * rows * columns,
  );
  return transposed
    ? { stack, columns: rows, row: 1, column: columns }
    : { stack, columns, row: columns, column: 1 };
}

/** b as float32: where it lies, or widened where it is a constant of 16 bits. */
function floatOperand(
  index: number,
  values: Float32Array | undefined,
  { memory, operand, share, tensors }: PrepareContext,
): Operand {
  if (values === undefined || tensors[index]!.type === 'float32') return operand(index);
  const address = share(index, 'as float32', 4 * values.length + tensorSlack, (to) => {
    new Float32Array(memory.buffer, to, values.length).set(values);
  });
  return () => address;
}

interface Bias {
  /** A constant with one value for each column: the kernel starts its sums from it. */
  readonly ofColumns?: Float32Array | undefined;
  /** Adds any other one to y, and then keeps y within its bounds. */
  readonly finish?: StepRun | undefined;
}

function biasOf(step: Step<'MatMul'>, columns: number, context: PrepareContext): Bias {
  const index = step.inputs[2] ?? -1;
  if (index < 0) return {};
  const { constant, exports, operand, tensors } = context;
  const { dims } = tensors[index]!;
  const ofColumns = constant<Float32Array>(index);
  if (ofColumns !== undefined && ofColumns.length === columns && dims.at(-1) === columns) {
    return { ofColumns };
  }
  const { lower, upper } = step.params;
  const y = operand(step.outputs[0]);
  const count = elementCount(tensors[step.outputs[0]!]!.dims);
  const sum = { inputs: [step.outputs[0]!, index], outputs: step.outputs };
  const add = runOverRows(sum, context, 4, (rows, a, b, to) => exports.binary(rows, a, b, to, 0));
  return {
    finish: (memory) => {
      add(memory);
      exports.unary(y(memory), y(memory), unaryKinds.Clip, lower, upper, 0, 0, count);
    },
  };
}

function keepPanels(
  index: number,
  weights: Float32Array,
  b: { row: number; column: number; depth: number; columns: number },
  { memory, share }: PrepareContext,
): number {
  const { depth, columns } = b;
  const length = roundUp(columns, panelColumns) * depth;
  const strides = { column: b.column, depth: b.row };
  return share(index, `panels of float32, ${Object.values(b)}`, 4 * length, (address) => {
    const to = new Float32Array(memory.buffer, address, length);
    packFloatPanels(to, weights, { groups: 1, columns, depth }, strides);
  });
}
