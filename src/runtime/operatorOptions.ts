/**
 * Options of the operators that stand alone, and what they come to: every one checked when the operator
 * is made, none of them ignored.
 */
import { OctavoError } from '../core/errors.js';
import type { Tensor } from '../core/tensor.js';
import { type Placement, placement } from './operator.js';
import { type Check, type Checks, checkOptions, isObject, isText } from './options.js';

/**
 * What becomes of the int32 accumulators. `multiplier` is one number or one per output channel:
 * scale(x) · scale(w) / scale(y) for integer results, scale(x) · scale(w) for float32.
 */
export type OutputFormat =
  | { readonly type: 'int32' }
  | {
      readonly type: 'uint8' | 'int8';
      readonly multiplier: number | Float32Array;
      /** Default 0. */
      readonly zeroPoint?: number | undefined;
      /** Clamp, in integers of the type; a folded ReLU is `min: zeroPoint`. Default the type's range. */
      readonly min?: number | undefined;
      readonly max?: number | undefined;
    }
  | {
      readonly type: 'float32';
      readonly multiplier: number | Float32Array;
      /** Clamp. Default none. */
      readonly min?: number | undefined;
      readonly max?: number | undefined;
    };

export interface OperatorOptions extends Placement {
  /** Default int32: the accumulators as they are. */
  readonly output?: OutputFormat | undefined;
  /** Zero point of the activations, in the range of their type. Default 0. */
  readonly zeroPoint?: number | undefined;
  /** Zero point of the weights, −128 to 127: one, or one per output channel. Default 0. */
  readonly weightZeroPoint?: number | Int32Array | undefined;
  /** One per output channel, added to the accumulators. */
  readonly bias?: Int32Array | undefined;
}

export interface Conv2dOptions extends OperatorOptions {
  /** [vertical, horizontal]; default [1, 1]. */
  readonly strides?: readonly [number, number] | undefined;
  readonly dilations?: readonly [number, number] | undefined;
  /** [top, left, bottom, right], filled with the zero point; default none. */
  readonly pads?: readonly [number, number, number, number] | undefined;
  readonly groups?: number | undefined;
}

/** An operator, checked: its weight as [O, KH, KW, C / groups] and all that its step needs. */
export interface OperatorSpec {
  readonly weight: Tensor<'int8'>;
  readonly strides: readonly [number, number];
  readonly dilations: readonly [number, number];
  readonly pads: readonly [number, number, number, number];
  readonly groups: number;
  readonly zeroPoint: number;
  readonly bias: Int32Array | undefined;
  /** Undefined where all are 0. */
  readonly weightZero: Int32Array | undefined;
  readonly output: Clamp & {
    readonly type: OutputFormat['type'];
    readonly multiplier: Float32Array;
    readonly zeroPoint: number;
  };
}

interface Clamp {
  readonly min: number;
  readonly max: number;
}

const isWhole =
  (least: number, most: number): Check =>
  (value) =>
    Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
const isList =
  (length: number, check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.length === length && value.every(check);
const isOneOr =
  (check: Check, kind: typeof Int32Array | typeof Float32Array): Check =>
  (value) =>
    check(value) || value instanceof kind;
const isNumber: Check = (value) => typeof value === 'number' && !Number.isNaN(value);
const isInt8 = isWhole(-128, 127);
const isExtent = isWhole(1, 2 ** 31 - 1);

const common: Checks<OperatorOptions> = {
  output: [isObject, 'an object with a type'],
  zeroPoint: [isWhole(-128, 255), 'a whole number from -128 to 255'],
  weightZeroPoint: [isOneOr(isInt8, Int32Array), '-128 to 127, or an Int32Array of such'],
  bias: [(value) => value instanceof Int32Array, 'an Int32Array'],
  ...placement,
};

/** Options of each kind of operator. */
export const operatorOptions = {
  gemm: common,
  conv2d: {
    ...common,
    strides: [isList(2, isExtent), 'two whole numbers from 1'],
    dilations: [isList(2, isExtent), 'two whole numbers from 1'],
    pads: [isList(4, isWhole(0, 2 ** 31 - 1)), 'four whole numbers from 0'],
    groups: [isExtent, 'a whole number from 1'],
  } satisfies Checks<Conv2dOptions>,
};

const multiplier = [isOneOr(isNumber, Float32Array), 'a number or a Float32Array'] as const;
const isType = [isText, 'a name'] as const;
const whole = (range: readonly [number, number]) =>
  [isWhole(...range), `a whole number from ${range.join(' to ')}`] as const;

/** Ranges of the integer results. */
const ranges = { uint8: [0, 255], int8: [-128, 127] } as const;

const integerOutput = (range: readonly [number, number]) => ({
  ...{ type: isType, multiplier, zeroPoint: whole(range), min: whole(range), max: whole(range) },
});

const outputOptions: Record<OutputFormat['type'], Checks<object>> = {
  int32: { type: isType } as Checks<object>,
  uint8: integerOutput(ranges.uint8) as Checks<object>,
  int8: integerOutput(ranges.int8) as Checks<object>,
  float32: {
    ...{ type: isType, multiplier, min: [isNumber, 'a number'], max: [isNumber, 'a number'] },
  } as Checks<object>,
};

/**
 * Checks options against a weight [O, KH, KW, C / groups]. Throws `INVALID_ARGUMENT` naming the option,
 * `INVALID_QUANTIZATION` for a multiplier that is not positive and finite, and `LIMIT_EXCEEDED` when a
 * sum might not fit int32 for some x.
 */
export function describeOperator(
  kind: keyof typeof operatorOptions,
  weight: Tensor<'int8'>,
  options: Conv2dOptions,
): OperatorSpec {
  checkOptions(options, operatorOptions[kind], `${kind} option`);
  const channels = weight.dims[0]!;
  const { groups = 1, zeroPoint = 0, weightZeroPoint = 0, bias } = options;
  if (channels % groups !== 0) {
    throw new OctavoError('INVALID_ARGUMENT', 'groups do not divide the output channels', {
      where: 'groups',
      found: `${groups} groups, ${channels} channels`,
    });
  }
  if (bias !== undefined) checkLength('bias', bias, channels);
  const zeros = spread('weightZeroPoint', weightZeroPoint, channels, Int32Array);
  if (!zeros.every(isInt8)) {
    throw new OctavoError('INVALID_ARGUMENT', 'out of range', {
      where: 'weightZeroPoint',
      expected: '-128 to 127',
    });
  }
  checkSums(weight, zeros, bias);
  return {
    weight,
    strides: options.strides ?? [1, 1],
    dilations: options.dilations ?? [1, 1],
    pads: options.pads ?? [0, 0, 0, 0],
    groups,
    zeroPoint,
    bias,
    weightZero: zeros.some((value) => value !== 0) ? zeros : undefined,
    output: describeOutput(options.output ?? { type: 'int32' }, channels),
  };
}

function describeOutput(output: OutputFormat, channels: number): OperatorSpec['output'] {
  const { type } = output;
  if (!Object.hasOwn(outputOptions, type)) {
    throw new OctavoError('INVALID_ARGUMENT', 'no such type of output', {
      where: 'output.type',
      expected: Object.keys(outputOptions).join(', '),
      found: String(type),
    });
  }
  checkOptions(output, outputOptions[type], `option of ${type} output`);
  if (type === 'int32') {
    const ones = new Float32Array(channels).fill(1);
    return { type, multiplier: ones, zeroPoint: 0, min: 0, max: 0 };
  }
  if (output.multiplier === undefined) {
    throw new OctavoError('INVALID_ARGUMENT', 'the output needs a multiplier', {
      where: 'output.multiplier',
    });
  }
  const multiplier = spread('output.multiplier', output.multiplier, channels, Float32Array);
  const bad = multiplier.find((value) => !(value > 0 && Number.isFinite(value)));
  if (bad !== undefined) {
    throw new OctavoError('INVALID_QUANTIZATION', 'multipliers must be positive and finite', {
      where: 'output.multiplier',
      found: String(bad),
    });
  }
  const [lowest, highest] =
    type === 'float32' ? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] : ranges[type];
  const { min = lowest, max = highest } = output;
  if (min > max) {
    throw new OctavoError('INVALID_ARGUMENT', 'the clamp is empty', {
      where: 'output.min',
      expected: `at most ${max}`,
      found: String(min),
    });
  }
  const zeroPoint = type === 'float32' ? 0 : (output.zeroPoint ?? 0);
  return { type, multiplier, zeroPoint, min, max };
}

/** One value per output channel: those given, or the one given again and again. */
function spread<A extends Float32Array | Int32Array>(
  where: string,
  value: number | A,
  count: number,
  kind: new (length: number) => A,
): A {
  if (typeof value === 'number') return new kind(count).fill(value) as A;
  checkLength(where, value, count);
  return value;
}

function checkLength(where: string, values: ArrayLike<number>, count: number): void {
  if (values.length === count) return;
  throw new OctavoError('INVALID_ARGUMENT', 'one value per output channel is needed', {
    where,
    expected: String(count),
    found: String(values.length),
  });
}

/** |x − zeroPoint| is at most 255, so no sum is beyond 255 · Σ |w − weightZero| + |bias|. */
function checkSums(weight: Tensor<'int8'>, zeros: Int32Array, bias: Int32Array | undefined): void {
  const depth = weight.data.length / zeros.length;
  zeros.forEach((zero, channel) => {
    let sum = 0;
    for (const value of weight.data.subarray(channel * depth, (channel + 1) * depth)) {
      sum += Math.abs(value - zero);
    }
    const most = 255 * sum + Math.abs(bias?.[channel] ?? 0);
    if (most < 2 ** 31) return;
    throw new OctavoError('LIMIT_EXCEEDED', 'the sum may not fit a 32-bit accumulator', {
      where: 'weight',
      expected: 'at most 2147483647',
      found: `up to ${most} in output channel ${channel}`,
    });
  });
}
