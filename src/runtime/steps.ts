/**
 * The step vocabulary: what a plan is made of, and the contract between the compiler and the backends.
 *
 * A step has an op code, tensors it reads and writes, and a fixed list of 32-bit parameters. The same
 * names serve in the graph: node `octavo:QConv` with attribute `strideH` becomes step `QConv` with
 * parameter `strideH`, so lowering to a plan is one generic function. native/plan/steps.inc lists the
 * same codes and fields; the addon hands its list over as text, and loading compares it with ours.
 *
 * Conventions
 * - Spatial steps are channels-last: x [N, H, W, C], weight [O, KH, KW, C / groups] (OHWI).
 * - Quantized activations are uint8; int8 ones were moved there by adding 128 to values and zero point.
 *   Quantized weights are int8. The accumulator is int32.
 * - Padding after (bottom, right) is not a parameter: it follows from the output's dims.
 * - requantize(acc, m, z) = clamp(roundHalfEven(f32(acc) * m) + z, min, max), docs ARITHMETIC.
 * - An absent optional input is tensor index -1.
 * - y of a step with `yFirst` may have room for more than the step computes, along the last axis or, of Concat, along `axis`. What
 *   it computes begins at element `yFirst` of that axis; the rest of y it leaves as it is. So the parts of a concatenation are
 *   written where they end up. A QConv with a residual fills y.
 */
import { unaryKinds } from './kinds.js';

/** Field kinds: one int32, one float32, or eight int32 (one per axis, unused ones 0). */
export type FieldKind = 'i32' | 'f32' | 'i32x8';

/** Highest rank a plan's tensor has; also the width of an `i32x8` field. */
export const maxRank = 8;

const window = {
  strideH: 'i32',
  strideW: 'i32',
  dilationH: 'i32',
  dilationW: 'i32',
  padTop: 'i32',
  padLeft: 'i32',
} as const;

const kernelWindow = { kernelH: 'i32', kernelW: 'i32', ...window } as const;

/** Clamp of an integer result, before it is stored. */
const clamp = { min: 'i32', max: 'i32' } as const;

/** The sum with a residual, behind a product's own codes; all 0 where there is none. */
const residual = {
  codeZero: 'i32',
  codeMin: 'i32',
  codeMax: 'i32',
  residualZero: 'i32',
  codeMultiplier: 'f32',
  residualMultiplier: 'f32',
} as const;

/** Clamp of a float result: -Infinity and +Infinity where there is none. */
const bounds = { lower: 'f32', upper: 'f32' } as const;

/** A function of one float. */
const unaryFunction = { kind: 'i32', alpha: 'f32', beta: 'f32' } as const;
/** Where in y a step writes. */
const place = { yFirst: 'i32' } as const;

/** Direction, bound and first function of a recurrent cell. */
const recurrence = {
  reverse: 'i32',
  clip: 'f32',
  fKind: 'i32',
  fAlpha: 'f32',
  fBeta: 'f32',
} as const;

/**
 * Codes and fields. Inputs and outputs, in order:
 *
 * | step | reads | writes |
 * |---|---|---|
 * | QuantizeLinear | x f32, scale f32, zeroPoint (type of y, optional) | y u8 s8 u16 s16 |
 * | DequantizeLinear | x u8 s8 u16 s16 i32, scale f32, zeroPoint (optional) | y f32 |
 * | DynamicQuantizeLinear | x f32 | y u8, scale f32 [], zeroPoint u8 [] |
 * | QConv | x u8 NHWC, weight s8 OHWI, bias i32 [O] (optional), multiplier f32 [O], weightZero i32 [O] (optional), residual u8 of y's shape (optional, for u8 y) | y u8, i32 or f32 NHWC |
 * | QConvDynamic | x u8 NHWC, weight s8 OHWI, xZero u8 [], multiplier f32 [O] (for f32 y), weightZero i32 [O] (optional), xScale f32 [] or of y's pixels (optional, for f32 y), bias f32 [O] (optional, for f32 y) | y i32 or f32 NHWC |
 * | QAdd, QMul | a u8, b u8 (broadcast) | y u8 |
 * | QAveragePool | x u8 NHWC | y u8 or f32 NHWC |
 * | Lookup | x u8 or s8, table u8 [256] (indexed by the byte's bits) | y u8 or s8 |
 * | MaxPool | x u8 s8 or f32 NHWC | y same type |
 * | AveragePool | x f32 NHWC | y f32 |
 * | Conv | x f32 NHWC, weight f32 f16 bf16 OHWI, bias f32 [O] (optional) | y f32 NHWC |
 * | MatMul | a f32 or bf16 [..., M, K], b f32 f16 bf16 [..., K, N], bias f32 (broadcast to [..., M, N], optional) | y f32 |
 * | Binary | a f32, b f32 (broadcast) | y f32 |
 * | Unary | x f32 | y f32 |
 * | Softmax | x f32, along the last axis | y f32 |
 * | Attention | q f32 [B, Q, heads · D], k f32 [B, K, heads · D], v f32 [B, K, heads · E], mask f32 (broadcast to [B, heads, Q, K], optional) | y f32 [B, Q, heads · E] |
 * | Lrn | x f32, along the last axis | y f32 |
 * | LayerNorm | x f32, scale f32 [n], bias f32 [n] (optional), along the last axis, of n; residual f32 of x's shape (optional) | y f32 |
 * | Reduce | x f32, f64 or an integer of whole bytes | y same type, reduced axes kept as 1 |
 * | Concat | any number of equal types | y |
 * | Transpose, Slice, Pad, Copy | x of any whole-byte type | y same type |
 * | Cast | x | y, of another type |
 * | Arithmetic | a, b of one whole-byte type but the 16-bit floats (broadcast) | y same type |
 * | Compare | a, b of one such type (broadcast) | y bool |
 * | Where | condition bool, a, b of one whole-byte type (broadcast) | y same type |
 * | Expand | x of any whole-byte type | y same type, of a shape that x broadcasts to |
 * | Gather | x of any whole-byte type, indices i32 or i64 | y same type: x with `axis` replaced by the dims of indices |
 * | GatherElements | x of any whole-byte type, indices i32 or i64, of no more elements along any other axis than x | y same type, of the shape of indices |
 * | GatherND | x of any whole-byte type, indices i32 or i64 [batch…, tuples…, n] | y same type [batch…, tuples…, slice…], x being [batch…, n axes, slice…] |
 * | ScatterElements | x of any whole-byte type, indices as GatherElements, updates same type and shape as indices | y same type and shape as x |
 * | ScatterND | x of any whole-byte type, indices i32 or i64 [tuples…, n], updates same type [tuples…, slice…] | y same type and shape as x |
 * | TopK | x of a number type | values same type: x with k elements along `axis`, indices i64 |
 * | ArgReduce | x of a number type | y i64: x with one element along `axis` |
 * | CumSum | x of a number type | y same type |
 * | Lstm, Gru, Rnn | x f32 [T, B, G · H], r f32 [1, G · H, H], bias f32 [G · H], h f32 [1, B, H], lengths i32 [B], for Lstm c f32 [1, B, H] and peepholes f32 [1, 3 · H] (all from bias on optional) | y f32 [T, 1, B, H], h f32 [1, B, H], for Lstm c f32 [1, B, H] |
 * | Resample | x f32, indices i32 [n, taps], weights f32 [n, taps], both constants | y f32: x with n places along `axis` |
 * | DynamicQuantizeRows | x f32 [..., K] | y s8 or u8, scale f32 [...] |
 * | MatMulInt4 | x s8 [..., K], xScale f32 [...], weight u8 [N, blocks, blockSize / 2], scale f32 [N, blocks], zeroPoint u8 [N, ⌈blocks / 2⌉] (optional), bias f32 [N] (optional) | y f32 [..., N] |
 * | MatMulInt1 | x int1 [M, K], weight int1 [N, K], multiplier f32 [N] (for f32 y), bias f32 [N] (optional, for f32 y) | y i32 or f32 [M, N] |
 * | MatMulInt16 | x s16 [M, K], weight s16 [N, K], multiplier f32 [N] (for s16 and f32 y), bias i32 [N] (optional) | y s16, i64 or f32 [M, N] |
 *
 * QConv: acc = Σ (x − xZero)(w − weightZero) + bias, padding counts as x = xZero. uint8 y:
 * requantize(acc, multiplier[o], yZero). int32 y: acc. float32 y: clamp(f32(acc) · multiplier[o], lower, upper).
 *   With a residual, code = requantize(acc, multiplier[o], codeZero) within codeMin … codeMax, and y is what QAdd makes of the
 *   two: clamp(rne(f32(f32((code − codeZero) · codeMultiplier) + f32((residual − residualZero) · residualMultiplier))) + yZero, min, max).
 *   Both of its multipliers lie within ±2^20.
 * QConvDynamic: acc as QConv has it. int32 y: acc. float32 y: clamp(f32(s + bias[o]), lower, upper), where without scale
 *   s = f32(f32(acc) · multiplier[o]), with one s = f32(f32(acc) · f32(xScale · multiplier[o])), and with one for each
 *   pixel (perPixel 1) s = f32(f32(f32(acc) · multiplier[o]) · xScale[pixel]). Every backend gives these bits.
 * Conv, MatMul: weights of 16 bits are constants, and computed with as the float32 they stand for.
 * MatMul: a of bfloat16 takes b of bfloat16, and is not transposed. Their products are exact in float32; what lies below
 *   2^-126 in magnitude, be it an element, a product or a sum, may count as 0.
 * QAdd: clamp(rne(f32(f32((a − aZero) · aMultiplier) + f32((b − bZero) · bMultiplier))) + yZero, min, max).
 * QMul: clamp(rne(f32((a − aZero)(b − bZero)) · multiplier) + yZero, min, max).
 * QAveragePool: acc = Σ (x − xZero) over the n cells counted; m = f32(xScale / f32(yScale · n)); requantize(acc, m, yZero),
 *   or f32(acc · f32(xScale / n)) for float32 y.
 * Pooling: padding is never a maximum; an average counts it only if countIncludePad, then n = kernelH · kernelW.
 * Lrn: y = x / s^beta, s = bias + (alpha / size) · Σ x² over channels c − ⌊(size − 1) / 2⌋ … c + ⌈(size − 1) / 2⌉, summed
 *   upwards, every operation rounded to float32; for beta = 0.75, s^beta = √s · √√s, exact on every backend.
 * Attention: of each head y = softmax(scale · q · kᵀ + mask) · v, the softmax over the keys; D and E from 1; 0 where there
 *   are no keys.
 * LayerNorm: y = (x − mean) / √(variance + epsilon) · scale + bias, the variance being the mean of (x − mean)². With a
 *   residual, f32(x + residual) takes the place of x.
 * Transpose: y axis i is x axis perm[i]. Slice: y[i] = x[start + i · step] per axis. Pad: `before` cells of `value`.
 * Cast: float to integer truncates towards zero, saturates, and makes NaN 0; integer to integer keeps the low bits;
 *   to bool: x ≠ 0; to float rounds half to even, to float16 and bfloat16 by way of float32.
 * Reduce: floats are summed in double and rounded once; integers wrap, and the mean of them is cut towards zero.
 * Arithmetic, Compare: as numerics/arithmetic tells.
 * Gather…, Scatter…: an index below 0 counts from the end; one out of range fails the run with `INVALID_INPUT`.
 * Scatter…: updates are taken in row-major order. With a `reduction`, which bool and the 16-bit floats do not have, an update is
 *   combined with what lies there, as Arithmetic does.
 * TopK: the k largest elements of each line, the greatest first, or the k smallest, the least first; of equal ones the first comes
 *   first, and NaN is greater than any number.
 * ArgReduce: where the greatest or least element of a line lies, the first of equal ones or, with `last`, the last; NaN is both.
 * CumSum: the sum of the line's elements up to each one, without it if `exclusive`; from the end if `reverse`. Floats are summed in
 *   double, and each sum is rounded; integers wrap.
 * Lstm, Gru, Rnn: one direction of ONNX's operators, x being its product with w, biases added; h and c are 0 where absent.
 *   Of row b only the first lengths[b] time steps count, in ascending order or, if `reverse`, in descending order; y is 0
 *   beyond them. A length out of 0 … T fails the run with `INVALID_INPUT`. Gates are the rows of p = x + h · rᵀ + bias: i, o,
 *   f, c; z, r, h; or one. ⊙ is by element; f, g, h are those of `Unary.kind`, f and g of x between −clip and clip:
 *   Rnn: h' = f(p). Gru: z = f(pz), r = f(pr), n = g(x + (r ⊙ h) · rᵀ + bias) or, if `linearBeforeReset`, g(x + r ⊙
 *   (h · rᵀ + bias)); h' = (1 − z) ⊙ n + z ⊙ h. Lstm: i = f(pi + peepi ⊙ c), f = f(pf + peepf ⊙ c) or, if `inputForget`,
 *   1 − i; c' = f ⊙ c + i ⊙ g(pc), o = f(po + peepo ⊙ c'), h' = o ⊙ h(c'); peepholes come as i, o, f.
 * Resample: y[i] = Σ weights[i, t] · x[indices[i, t]] along the axis, in the order of t from the first product on, every
 *   operation rounded to float32: every backend gives these bits.
 * DynamicQuantizeRows: of v = f(x), f being the function of `Unary.kind`, or x itself within no bounds: scale =
 *   f32(max |v| / 127) of each row, 1 where that is 0, NaN being passed over; y = clamp(rne(f32(v / scale)), −128, 127),
 *   NaN becoming −128; in uint8 the same plus 128.
 * MatMulInt4: weights and zero points have 4 bits, as ONNX's MatMulNBits packs them: the low half of a byte first, each
 *   column and block from a byte of its own; an absent zero point is 8; blocks = ⌈K / blockSize⌉. Of each row and column
 *   sum = 0, and block by block, in ascending order, sum = f32(sum + f32(f32(Σ x · (weight − zeroPoint)) · scale));
 *   y = f32(sum · xScale), or f32(that + bias). Every backend gives these bits.
 * MatMulInt1: acc = Σ x · weight, all of them ±1. int32 y: acc. float32 y: f32(f32(acc) · multiplier), or f32(that + bias).
 * MatMulInt16: acc = Σ x · weight + bias, exact in 64 bits for K up to 2^22. int64 y: acc. float32 y: f32(f32(acc) ·
 *   multiplier). int16 y: requantize(acc, multiplier, 0).
 */
const schema = {
  QuantizeLinear: { axis: 'i32', blockSize: 'i32' },
  DequantizeLinear: { axis: 'i32', blockSize: 'i32' },
  DynamicQuantizeLinear: {},
  QConv: {
    ...window,
    groups: 'i32',
    xZero: 'i32',
    yZero: 'i32',
    ...clamp,
    ...bounds,
    ...residual,
    ...place,
  },
  QConvDynamic: { ...window, groups: 'i32', perPixel: 'i32', ...bounds },
  QAdd: {
    aZero: 'i32',
    bZero: 'i32',
    yZero: 'i32',
    aMultiplier: 'f32',
    bMultiplier: 'f32',
    ...clamp,
  },
  QMul: { aZero: 'i32', bZero: 'i32', yZero: 'i32', multiplier: 'f32', ...clamp },
  QAveragePool: {
    ...kernelWindow,
    countIncludePad: 'i32',
    xZero: 'i32',
    yZero: 'i32',
    xScale: 'f32',
    yScale: 'f32',
    ...clamp,
  },
  Lookup: {},
  MaxPool: kernelWindow,
  AveragePool: { ...kernelWindow, countIncludePad: 'i32' },
  Conv: { ...window, groups: 'i32', ...bounds, ...place },
  MatMul: { transposeA: 'i32', transposeB: 'i32', ...bounds },
  Binary: { kind: 'i32' },
  Unary: unaryFunction,
  Softmax: {},
  Attention: { heads: 'i32', scale: 'f32' },
  Lrn: { size: 'i32', alpha: 'f32', beta: 'f32', bias: 'f32' },
  LayerNorm: { epsilon: 'f32' },
  Reduce: { kind: 'i32', axes: 'i32x8' },
  Concat: { axis: 'i32', ...place },
  Transpose: { perm: 'i32x8' },
  Slice: { starts: 'i32x8', steps: 'i32x8' },
  Pad: { before: 'i32x8', value: 'f32', mode: 'i32' },
  Copy: {},
  Cast: {},
  Arithmetic: { kind: 'i32' },
  Compare: { kind: 'i32' },
  Where: {},
  Expand: {},
  Gather: { axis: 'i32' },
  GatherElements: { axis: 'i32' },
  GatherND: { batchDims: 'i32' },
  ScatterElements: { axis: 'i32', reduction: 'i32' },
  ScatterND: { reduction: 'i32' },
  TopK: { axis: 'i32', largest: 'i32' },
  ArgReduce: { kind: 'i32', axis: 'i32', last: 'i32' },
  CumSum: { axis: 'i32', exclusive: 'i32', reverse: 'i32' },
  Lstm: {
    ...recurrence,
    ...{ gKind: 'i32', gAlpha: 'f32', gBeta: 'f32', hKind: 'i32', hAlpha: 'f32', hBeta: 'f32' },
    inputForget: 'i32',
  },
  Gru: { ...recurrence, gKind: 'i32', gAlpha: 'f32', gBeta: 'f32', linearBeforeReset: 'i32' },
  Rnn: recurrence,
  Resample: { axis: 'i32' },
  DynamicQuantizeRows: unaryFunction,
  MatMulInt4: { blockSize: 'i32' },
  MatMulInt1: {},
  MatMulInt16: { ...clamp },
} as const satisfies Record<string, Record<string, FieldKind>>;

export type StepName = keyof typeof schema;

type ValueOfField<K> = K extends 'i32x8' ? readonly number[] : number;

/** Parameters of one kind of step, by name. */
export type StepParams<S extends StepName = StepName> = {
  readonly [F in keyof (typeof schema)[S]]: ValueOfField<(typeof schema)[S][F]>;
};

/** The same of a node in a graph, which knows values and not where they lie. */
export type NodeParams<S extends StepName = StepName> = Omit<StepParams<S>, keyof typeof place>;

export const stepNames = Object.keys(schema) as readonly StepName[];

export function isStepName(name: string): name is StepName {
  return Object.hasOwn(schema, name);
}

/** Op code of a step: its place in the schema, from 0. */
export function stepCode(name: StepName): number {
  return stepNames.indexOf(name);
}

type Fields = readonly (readonly [string, FieldKind])[];

/** A function of steps that is computed once for each of them. */
function perStep<T>(compute: (name: StepName) => T): (name: StepName) => T {
  const known = new Map<StepName, T>();
  return (name) => {
    let result = known.get(name);
    if (result === undefined) {
      result = compute(name);
      known.set(name, result);
    }
    return result;
  };
}

/** Fields of a step, in the order in which they are encoded. */
export const fieldsOf = perStep((name): Fields => Object.entries(schema[name]));

/** Whether y may have room for more than the step computes. */
export function mayWriteWider(name: StepName): boolean {
  return Object.hasOwn(schema[name], 'yFirst');
}

/** Those that a node in a graph has. */
export const nodeFieldsOf = perStep((name) =>
  fieldsOf(name).filter(([field]) => !Object.hasOwn(place, field)),
);

/** The schema as text, one step a line: what native/plan/steps.inc must agree with. */
export function schemaText(): string {
  return stepNames
    .map((name) => [name, ...fieldsOf(name).map(([field, kind]) => `${field}:${kind}`)].join(' '))
    .join('\n');
}

/** Parameters of a QConv that no residual is added to. */
export const noResidual: { readonly [F in keyof typeof residual]: number } = {
  codeZero: 0,
  codeMin: 0,
  codeMax: 0,
  residualZero: 0,
  codeMultiplier: 0,
  residualMultiplier: 0,
};

/** The addition of a QConv's residual as a QAdd of its codes and the residual. */
export function sumOf(params: StepParams<'QConv'>): StepParams<'QAdd'> {
  const { yZero, min, max, codeZero, residualZero, codeMultiplier, residualMultiplier } = params;
  return {
    aZero: codeZero,
    bZero: residualZero,
    yZero,
    aMultiplier: codeMultiplier,
    bMultiplier: residualMultiplier,
    min,
    max,
  };
}

/** The function that leaves every float as it is: a Clip without bounds. */
export const noFunction: StepParams<'Unary'> = {
  kind: unaryKinds.Clip,
  alpha: Number.NEGATIVE_INFINITY,
  beta: Number.POSITIVE_INFINITY,
};

/** Whether a function is `noFunction`. */
export function leavesAsIs({ kind, alpha, beta }: StepParams<'Unary'>): boolean {
  return kind === noFunction.kind && alpha === noFunction.alpha && beta === noFunction.beta;
}
