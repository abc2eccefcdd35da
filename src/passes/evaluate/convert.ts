/** Evaluators that make tensors (Range, ConstantOfShape) or change their type (Cast, QuantizeLinear). */
import { bitsOf, type DataType, isInteger, isSigned, type TypedArrayOf } from '../../core/dtype.js';
import { decodeBfloat16, decodeFloat16, encodeBfloat16, encodeFloat16 } from '../../core/half.js';
import type { Tensor } from '../../core/tensor.js';
import { intOf } from '../../graph/attributes.js';
import { fillOf } from '../../graph/ops/generate.js';
import { isPackedType, isQuantizedType, quantize, unpack } from '../../numerics/index.js';
import { type Evaluator, elementsOf, isAddressable, tensorFrom } from './evaluation.js';

const constantOfShape: Evaluator = ({ context, outputs }) => {
  const { type, dims } = outputs[0]!;
  if (!isAddressable(type)) return undefined;
  const value = elementsOf(fillOf(context).data)[0]!;
  return [
    tensorFrom(type, dims, (out) => {
      for (let i = 0; i < out.length; i++) out[i] = value;
    }),
  ];
};

const range: Evaluator = ({ inputs, outputs }) => {
  const { type, dims } = outputs[0]!;
  const [start, , delta] = inputs.map((input) => elementsOf(input!.data)[0]!);
  if (type !== 'int64' && type !== 'int32' && type !== 'float32' && type !== 'float64') {
    return undefined;
  }
  return [
    tensorFrom(type, dims, (out) => {
      for (let i = 0; i < out.length; i++) {
        out[i] =
          type === 'int64'
            ? (start as bigint) + BigInt(i) * (delta as bigint)
            : (start as number) + i * (delta as number);
      }
    }),
  ];
};

/** Elements as numbers, or as bigints for the 64-bit integers; undefined for packed types. */
export function widened({ type, data }: Tensor): ArrayLike<number | bigint> | undefined {
  if (!isAddressable(type)) return undefined;
  if (type === 'float16') return decodeFloat16(data as TypedArrayOf['float16']);
  if (type === 'bfloat16') return decodeBfloat16(data as TypedArrayOf['bfloat16']);
  return elementsOf(data);
}

/** Whether a whole number fits an integer type: a cast beyond it has no defined result. */
function fits(value: number, type: DataType): boolean {
  const bits = bitsOf(type);
  const low = isSigned(type) ? -(2 ** (bits - 1)) : 0;
  return value >= low && value < 2 ** (isSigned(type) ? bits - 1 : bits);
}

const cast: Evaluator = ({ inputs, outputs }) => {
  const { type, dims } = outputs[0]!;
  const from = widened(inputs[0]!);
  if (from === undefined || !isAddressable(type)) return undefined;
  if (inputs[0]!.type === type) return [inputs[0]!];
  if (type === 'float16' || type === 'bfloat16') {
    const floats = Float32Array.from(from, Number);
    const data = type === 'float16' ? encodeFloat16(floats) : encodeBfloat16(floats);
    return [{ type, dims, data } as Tensor];
  }
  if (type === 'bool') {
    return [
      { type, dims, data: Uint8Array.from(from, (x) => (Number(x) !== 0 ? 1 : 0)) } as Tensor,
    ];
  }
  const wide = bitsOf(type) === 64 && isInteger(type);
  let defined = true;
  const result = tensorFrom(type, dims, (out) => {
    for (let i = 0; i < out.length; i++) {
      const x = from[i]!;
      if (!isInteger(type)) out[i] = Number(x);
      else if (typeof x === 'bigint') out[i] = wide ? x : Number(BigInt.asIntN(32, x));
      else {
        const whole = Math.trunc(x);
        // Integers wrap into narrower ones; floats out of range are nobody's business but the model's.
        if (!isInteger(inputs[0]!.type) && !fits(whole, type)) defined = false;
        else out[i] = wide ? BigInt(whole) : whole;
      }
    }
  });
  return defined ? [result] : undefined;
};

const quantizeLinear: Evaluator = ({ context, inputs, outputs }) => {
  const [x, scale, zeroPoint] = inputs;
  const { type, dims } = outputs[0]!;
  if (x?.type !== 'float32' || scale?.type !== 'float32' || !isQuantizedType(type))
    return undefined;
  const scales = scale.data as Float32Array;
  const perTensor = scales.length === 1 && scale.dims.length <= 1;
  const blockSize = intOf(context.node, 'block_size', 0);
  const data = quantize(
    x.data as Float32Array,
    dims,
    {
      type,
      scale: scales,
      zeroPoint: zeroPointsOf(zeroPoint, scales.length),
      ...(!perTensor && { axis: intOf(context.node, 'axis', 1) }),
      ...(blockSize > 0 && !perTensor && { blockSize }),
    },
    context.node.name,
  );
  return [{ type, dims, data } as Tensor];
};

function zeroPointsOf(zeroPoint: Tensor | undefined, count: number): Int32Array {
  if (zeroPoint === undefined) return new Int32Array(count);
  const { type, data } = zeroPoint;
  const values = isPackedType(type) ? unpack(data as Uint8Array, count, type) : data;
  return Int32Array.from(values as Int8Array);
}

export const convertEvaluators: Readonly<Record<string, Evaluator>> = {
  ConstantOfShape: constantOfShape,
  Range: range,
  Cast: cast,
  QuantizeLinear: quantizeLinear,
};
