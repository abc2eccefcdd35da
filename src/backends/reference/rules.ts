/**
 * The step table as a check: for each kind of step, the types it reads and writes, and how shapes
 * and parameters must agree for its kernel to stay inside its tensors.
 */
import { type DataType, isInteger } from '../../core/dtype.js';
import { broadcastShapes, elementCount, formatShape, type Shape } from '../../core/shape.js';
import { scaleDims } from '../../numerics/layout.js';
import { binaryKinds, padModes, reduceKinds, unaryKinds } from '../../runtime/kinds.js';
import type { PlanTensor } from '../../runtime/plan.js';
import type { StepName, StepParams } from '../../runtime/steps.js';
import { attentionRule } from './attentionRule.js';
import { indexRules } from './indexRules.js';
import { lowPrecisionRules } from './lowPrecisionRules.js';
import {
  checkBroadcast,
  type Need,
  needCount,
  needKind,
  needRange,
  needSame,
  needSameType,
  numbers,
  wholeBytes,
} from './needs.js';
import { recurrentRules } from './recurrentRules.js';
import { typedRules } from './typedRules.js';

/** What a rule looks at; an absent optional input is undefined. */
export interface Subject<S extends StepName> {
  readonly inputs: readonly (PlanTensor | undefined)[];
  readonly outputs: readonly PlanTensor[];
  readonly params: StepParams<S>;
  /** Throws unless `condition` holds. */
  readonly need: Need;
}

type Types = readonly DataType[];

export interface Rule<S extends StepName> {
  /** Types of each input. */
  readonly reads: readonly Types[];
  /** Inputs from this one on may be absent. */
  readonly optionalFrom?: number;
  /** The last of `reads` stands for one or more inputs. */
  readonly variadic?: boolean;
  readonly writes: readonly Types[];
  readonly check: (subject: Subject<S>) => void;
}

const f32: Types = ['float32'];
const floats: Types = ['float32', 'float16', 'bfloat16'];
const u8: Types = ['uint8'];
const i32: Types = ['int32'];
const bytes: Types = ['uint8', 'int8'];
const quantized: Types = ['uint8', 'int8', 'uint16', 'int16'];

export const rules: { readonly [S in StepName]: Rule<S> } = {
  QuantizeLinear: {
    reads: [f32, f32, quantized],
    optionalFrom: 2,
    writes: [quantized],
    check: (subject) => {
      checkScales(subject, subject.outputs[0]!.type);
    },
  },
  DequantizeLinear: {
    reads: [[...quantized, 'int32'], f32, [...quantized, 'int32']],
    optionalFrom: 2,
    writes: [f32],
    check: (subject) => {
      checkScales(subject, subject.inputs[0]!.type);
    },
  },
  DynamicQuantizeLinear: {
    reads: [f32],
    writes: [u8, f32, u8],
    check: ({ inputs, outputs, need }) => {
      needSame(need, outputs[0]!.dims, inputs[0]!.dims);
      needCount(need, outputs[1], 1);
      needCount(need, outputs[2], 1);
    },
  },
  QConv: {
    reads: [u8, ['int8'], i32, f32, i32, u8],
    optionalFrom: 2,
    writes: [['uint8', 'int32', 'float32']],
    check: (subject) => {
      const { inputs, outputs, need } = subject;
      checkConvolution(subject);
      const channels = inputs[1]!.dims[0]!;
      const absent = inputs[3] === undefined && outputs[0]!.type !== 'int32';
      need(!absent, 'multipliers', 'none');
      for (const input of inputs.slice(2, 5)) if (input) needCount(need, input, channels);
      const [y] = outputs;
      if (inputs[5] === undefined) return;
      needSame(need, inputs[5].dims, y!.dims);
      need(y!.dims[3] === channels, `${channels} channels`, String(y!.dims[3]));
      need(y!.type === 'uint8', 'uint8 where a residual is added', y!.type);
    },
  },
  QConvDynamic: {
    reads: [u8, ['int8'], u8, f32, i32, f32, f32],
    optionalFrom: 3,
    writes: [['int32', 'float32']],
    check: (subject) => {
      const { inputs, outputs, params, need } = subject;
      checkConvolution(subject);
      const [, weight, xZero, multiplier, weightZero, xScale, bias] = inputs;
      const channels = weight!.dims[0]!;
      const [y] = outputs;
      needCount(need, xZero, 1);
      for (const input of [multiplier, weightZero, bias])
        if (input) needCount(need, input, channels);
      const isSum = y!.type === 'int32';
      need(isSum || multiplier !== undefined, 'multipliers', 'none');
      need(!isSum || (xScale ?? bias) === undefined, 'a sum as it is', 'a scale or bias');
      needRange(need, 'perPixel', params.perPixel, 0, 1);
      const scales = params.perPixel === 0 ? 1 : elementCount(y!.dims.slice(0, 3));
      if (xScale !== undefined) needCount(need, xScale, scales);
    },
  },
  QAdd: { reads: [u8, u8], writes: [u8], check: checkBroadcast },
  QMul: { reads: [u8, u8], writes: [u8], check: checkBroadcast },
  QAveragePool: { reads: [u8], writes: [['uint8', 'float32']], check: checkPool },
  Lookup: {
    reads: [bytes, u8],
    writes: [bytes],
    check: ({ inputs, outputs, need }) => {
      needSame(need, outputs[0]!.dims, inputs[0]!.dims);
      needCount(need, inputs[1], 256);
    },
  },
  MaxPool: {
    reads: [['uint8', 'int8', 'float32']],
    writes: [['uint8', 'int8', 'float32']],
    check: (subject) => {
      checkPool(subject);
      needSameType(subject);
    },
  },
  AveragePool: { reads: [f32], writes: [f32], check: checkPool },
  Conv: {
    reads: [f32, floats, f32],
    optionalFrom: 2,
    writes: [f32],
    check: (subject) => {
      const [, weight, bias] = subject.inputs;
      checkConvolution(subject);
      if (bias) needCount(subject.need, bias, weight!.dims[0]!);
    },
  },
  MatMul: {
    reads: [['float32', 'bfloat16'], floats, f32],
    optionalFrom: 2,
    writes: [f32],
    check: checkMatMul,
  },
  Binary: {
    reads: [f32, f32],
    writes: [f32],
    check: (subject) => {
      checkBroadcast(subject);
      needKind(subject.need, subject.params.kind, binaryKinds);
    },
  },
  Unary: {
    reads: [f32],
    writes: [f32],
    check: (subject) => {
      checkPointwise(subject);
      needKind(subject.need, subject.params.kind, unaryKinds);
    },
  },
  Softmax: { reads: [f32], writes: [f32], check: checkPointwise },
  Attention: attentionRule,
  Lrn: {
    reads: [f32],
    writes: [f32],
    check: (subject) => {
      checkPointwise(subject);
      needRange(subject.need, 'size', subject.params.size, 1);
    },
  },
  LayerNorm: {
    reads: [f32, f32, f32, f32],
    optionalFrom: 2,
    writes: [f32],
    check: (subject) => {
      checkPointwise(subject);
      const { inputs, need } = subject;
      const length = inputs[0]!.dims.at(-1) ?? 1;
      for (const input of inputs.slice(1, 3)) if (input) needCount(need, input, length);
      if (inputs[3]) needSame(need, inputs[3].dims, inputs[0]!.dims);
    },
  },
  Reduce: {
    reads: [numbers],
    writes: [numbers],
    check: (subject) => {
      const { inputs, outputs, params, need } = subject;
      needSameType(subject);
      need(inputs[0]!.type !== 'bool', 'a number', 'bool');
      needKind(need, params.kind, reduceKinds);
      const reduced = inputs[0]!.dims.map((dim, axis) => (params.axes[axis] === 1 ? 1 : dim));
      needSame(need, outputs[0]!.dims, reduced);
    },
  },
  Concat: { reads: [wholeBytes], variadic: true, writes: [wholeBytes], check: checkConcat },
  Transpose: {
    reads: [wholeBytes],
    writes: [wholeBytes],
    check: (subject) => {
      const { inputs, outputs, params, need } = subject;
      needSameType(subject);
      const { dims } = inputs[0]!;
      const perm = params.perm.slice(0, dims.length);
      const once = dims.every((_, axis) => perm.includes(axis));
      need(once, 'a permutation', formatShape(perm));
      needSame(
        need,
        outputs[0]!.dims,
        perm.map((axis) => dims[axis]!),
      );
    },
  },
  Slice: { reads: [wholeBytes], writes: [wholeBytes], check: checkSlice },
  Pad: {
    reads: [wholeBytes],
    writes: [wholeBytes],
    check: (subject) => {
      const { inputs, outputs, params, need } = subject;
      needSameType(subject);
      needKind(need, params.mode, padModes);
      const { length } = inputs[0]!.dims;
      need(outputs[0]!.dims.length === length, `rank ${length}`, formatShape(outputs[0]!.dims));
      const shown = params.mode === padModes.constant || !inputs[0]!.dims.includes(0);
      need(shown, 'cells to repeat', formatShape(inputs[0]!.dims));
      const held = !isInteger(inputs[0]!.type) || Number.isInteger(params.value);
      need(held, 'a whole number as value', String(params.value));
    },
  },
  Copy: {
    reads: [wholeBytes],
    writes: [wholeBytes],
    check: (subject) => {
      needSameType(subject);
      needCount(subject.need, subject.outputs[0], elementCount(subject.inputs[0]!.dims));
    },
  },
  Cast: {
    reads: [wholeBytes],
    writes: [wholeBytes],
    check: ({ inputs, outputs, need }) => {
      needCount(need, outputs[0], elementCount(inputs[0]!.dims));
    },
  },
  ...typedRules,
  ...indexRules,
  ...recurrentRules,
  Resample: {
    reads: [f32, i32, f32],
    writes: [f32],
    check: ({ inputs, outputs, params: { axis }, need }) => {
      const [x, indices, weights] = inputs.map((input) => input!.dims);
      needRange(need, 'axis', axis, 0, x!.length - 1);
      need(indices!.length === 2 && indices![1]! > 0, 'places and taps', formatShape(indices!));
      needSame(need, weights!, indices!);
      needSame(need, outputs[0]!.dims, x!.with(axis, indices![0]!));
      for (const input of inputs.slice(1)) need(input!.space !== 'arena', 'constants', 'an input');
    },
  },
  ...lowPrecisionRules,
};

function checkPointwise({ inputs, outputs, need }: Omit<Subject<StepName>, 'params'>): void {
  needSame(need, outputs[0]!.dims, inputs[0]!.dims);
}

function checkScales(
  { inputs, outputs, params, need }: Subject<'QuantizeLinear' | 'DequantizeLinear'>,
  type: DataType,
): void {
  const [x, scale, zeroPoint] = inputs;
  const { axis, blockSize } = params;
  needSame(need, outputs[0]!.dims, x!.dims);
  if (zeroPoint) {
    need(zeroPoint.type === type, type, zeroPoint.type);
    needSame(need, zeroPoint.dims, scale!.dims);
  }
  if (elementCount(scale!.dims) === 1) return;
  needRange(need, 'axis', axis, 0, x!.dims.length - 1);
  needRange(need, 'blockSize', blockSize, 0);
  const spread = blockSize === 0 ? { axis } : { axis, blockSize };
  needSame(need, scale!.dims, scaleDims(x!.dims, spread));
}

type WindowParams = StepParams<
  'QConv' | 'QConvDynamic' | 'Conv' | 'MaxPool' | 'AveragePool' | 'QAveragePool'
>;

function needWindow(need: Need, params: WindowParams, kernelH: number, kernelW: number): void {
  const { strideH, strideW, dilationH, dilationW, padTop, padLeft } = params;
  for (const size of [kernelH, kernelW, strideH, strideW, dilationH, dilationW]) {
    needRange(need, 'kernel, stride and dilation', size, 1);
  }
  needRange(need, 'padTop', padTop, 0);
  needRange(need, 'padLeft', padLeft, 0);
}

function checkConvolution({
  inputs,
  outputs,
  params,
  need,
}: Subject<'QConv' | 'QConvDynamic' | 'Conv'>): void {
  const [x, weight] = [inputs[0]!.dims, inputs[1]!.dims];
  const y = outputs[0]!.dims;
  for (const dims of [x, weight, y]) need(dims.length === 4, 'rank 4', formatShape(dims));
  const [outChannels, kernelH, kernelW, depth] = weight as [number, number, number, number];
  const { groups } = params;
  needRange(need, 'groups', groups, 1);
  needRange(need, 'output channels', outChannels, groups);
  needRange(need, 'input channels of a group', depth, 1);
  need(outChannels % groups === 0, `channels in ${groups} groups`, String(outChannels));
  need(x[3] === depth * groups, `${depth * groups} channels`, String(x[3]));
  needWindow(need, params, kernelH, kernelW);
  needSame(need, y.slice(0, 3), [x[0]!, y[1]!, y[2]!]);
  const { yFirst } = params as Partial<StepParams<'Conv'>>;
  if (yFirst === undefined) need(y[3] === outChannels, `${outChannels} channels`, String(y[3]));
  else needPlace(need, yFirst, outChannels, y[3]!);
}

/** `length` elements from `first` on lie inside of the `room` that y has for them. */
function needPlace(need: Need, first: number, length: number, room: number): void {
  needRange(need, 'yFirst', first, 0, room);
  need(length <= room - first, `room for ${length} from ${first} on`, String(room));
}

function checkPool({
  inputs,
  outputs,
  params,
  need,
}: Subject<'MaxPool' | 'AveragePool' | 'QAveragePool'>): void {
  const x = inputs[0]!.dims;
  const y = outputs[0]!.dims;
  for (const dims of [x, y]) need(dims.length === 4, 'rank 4', formatShape(dims));
  needWindow(need, params, params.kernelH, params.kernelW);
  needSame(need, y, [x[0]!, y[1]!, y[2]!, x[3]!]);
}

function checkMatMul({ inputs, outputs, params, need }: Subject<'MatMul'>): void {
  if (inputs[0]!.type === 'bfloat16') {
    need(inputs[1]!.type === 'bfloat16', 'b of bfloat16 as a is', inputs[1]!.type);
    need(params.transposeA !== 1, 'a of bfloat16 as it lies', 'transposed');
  }
  const [a, b] = [inputs[0]!.dims, inputs[1]!.dims];
  for (const dims of [a, b]) need(dims.length >= 2, 'rank 2 or more', formatShape(dims));
  const matrixOf = (dims: Shape, transposed: number) =>
    transposed === 1 ? [dims.at(-1)!, dims.at(-2)!] : [dims.at(-2)!, dims.at(-1)!];
  const [m, k] = matrixOf(a, params.transposeA);
  const [depth, n] = matrixOf(b, params.transposeB);
  need(k === depth, `${k} rows in b`, String(depth));
  const y = [...broadcastShapes(a.slice(0, -2), b.slice(0, -2)), m!, n!];
  needSame(need, outputs[0]!.dims, y);
  if (inputs[2]) needSame(need, broadcastShapes(inputs[2].dims, y), y);
}

function checkConcat(subject: Subject<'Concat'>): void {
  const { inputs, outputs, params, need } = subject;
  const y = outputs[0]!.dims;
  needSameType(subject);
  needRange(need, 'axis', params.axis, 0, y.length - 1);
  let length = 0;
  for (const input of inputs) {
    needSame(need, input!.dims, y.with(params.axis, input!.dims[params.axis] ?? 0));
    length += input!.dims[params.axis]!;
  }
  needPlace(need, params.yFirst, length, y[params.axis]!);
}

function checkSlice(subject: Subject<'Slice'>): void {
  const { inputs, outputs, params, need } = subject;
  const { dims } = inputs[0]!;
  const y = outputs[0]!.dims;
  needSameType(subject);
  need(y.length === dims.length, `rank ${dims.length}`, formatShape(y));
  if (y.includes(0)) return;
  y.forEach((length, axis) => {
    const first = params.starts[axis]!;
    const last = first + (length - 1) * params.steps[axis]!;
    const size = dims[axis]!;
    needRange(need, `first cell of axis ${axis}`, first, 0, size - 1);
    needRange(need, `last cell of axis ${axis}`, last, 0, size - 1);
  });
}
