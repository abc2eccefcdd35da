/** Between real numbers and codes: x, scale, zeroPoint. Scales may vary along an axis or in blocks. */
import type { DataType } from '../../core/dtype.js';
import { isInteger } from '../../core/dtype.js';
import { formatShape } from '../../core/shape.js';
import { intOf } from '../attributes.js';
import { elementTypeOf } from '../elementTypes.js';
import { contradiction, expectInputType, expectSameType } from './context.js';
import { axisOf, unifyDims } from './dims.js';
import { concatenated } from './layouts.js';
import type { InferContext, OpDefinition } from './op.js';
import { floatTypes } from './unary.js';

/**
 * Checks that scale and zero point fit x: one element; one per index of the axis; or, where `block`
 * is not 0, ceil(D / block) along the axis and as many as x along the others.
 */
export function checkGranularity(
  { node, input }: InferContext,
  alongAxis: number,
  block: number,
): void {
  const x = input(0)?.dims;
  const scale = input(1)?.dims;
  const zeroPoint = input(2)?.dims;
  if (scale !== undefined && zeroPoint !== undefined) {
    const differ =
      scale.length !== zeroPoint.length && Math.max(scale.length, zeroPoint.length) > 1;
    if (differ) {
      const [expected, found] = [formatShape(scale), formatShape(zeroPoint)];
      throw contradiction(node, 'scale and zero point differ in shape', expected, found);
    }
    if (scale.length === zeroPoint.length) {
      scale.forEach((dim, i) => {
        unifyDims(node, 'dims of scale and zero point', dim, zeroPoint[i]);
      });
    }
  }
  if (block < 0) throw contradiction(node, 'block size out of range', 'from 0', String(block));
  if (x === undefined || scale === undefined || scale.length === 0) return;
  if (block === 0) {
    if (scale.length > 1) {
      throw contradiction(node, 'wrong rank of the scale', '0 or 1', String(scale.length));
    }
    if (scale[0] !== 1) {
      const axis = axisOf(node, alongAxis, x.length);
      unifyDims(node, `dim of axis ${axis} and scale`, x[axis], scale[0]);
    }
    return;
  }
  if (scale.length !== x.length) {
    throw contradiction(node, 'wrong rank of the scale', String(x.length), String(scale.length));
  }
  const axis = axisOf(node, alongAxis, x.length);
  x.forEach((dim, i) => {
    const blocks = i === axis && typeof dim === 'number' ? Math.ceil(dim / block) : dim;
    if (i !== axis || typeof dim === 'number')
      unifyDims(node, 'blocks of x and scale', blocks, scale[i]);
  });
}

const quantizeLinear: OpDefinition = {
  op: 'QuantizeLinear',
  domain: '',
  since: 10,
  inputs: [2, 3],
  outputs: [1, 1],
  infer: (context) => {
    const { node, input } = context;
    expectInputType(context, 0, ...floatTypes, 'int32');
    expectInputType(context, 1, ...floatTypes, 'int32');
    checkGranularity(context, intOf(node, 'axis', 1), intOf(node, 'block_size', 0));
    const stated = intOf(node, 'output_dtype', 0);
    const fallback: DataType = stated === 0 ? 'uint8' : elementTypeOf(stated, node.name);
    const type = (node.inputs[2] ?? '') === '' ? fallback : input(2)?.type;
    if (type !== undefined && !isInteger(type)) {
      throw contradiction(node, 'cannot quantize to this type', 'an integer type', type);
    }
    return [type && { type, dims: input(0)?.dims }];
  },
};

const dequantizeLinear: OpDefinition = {
  op: 'DequantizeLinear',
  domain: '',
  since: 10,
  inputs: [2, 3],
  outputs: [1, 1],
  infer: (context) => {
    const { node, input } = context;
    expectInputType(context, 1, ...floatTypes);
    expectSameType(context, [0, 2]);
    checkGranularity(context, intOf(node, 'axis', 1), intOf(node, 'block_size', 0));
    const found = input(0)?.type;
    if (found !== undefined && !isInteger(found)) {
      throw contradiction(node, 'cannot dequantize this type', 'an integer type', found);
    }
    const type = input(1)?.type;
    return [type && { type, dims: input(0)?.dims }];
  },
};

const dynamicQuantizeLinear: OpDefinition = {
  op: 'DynamicQuantizeLinear',
  domain: '',
  since: 11,
  inputs: [1, 1],
  outputs: [3, 3],
  infer: (context) => {
    expectInputType(context, 0, 'float32');
    return [
      { type: 'uint8', dims: context.input(0)?.dims },
      { type: 'float32', dims: [] },
      { type: 'uint8', dims: [] },
    ];
  },
};

/** yScale, yZero, and then x, xScale, xZero of each part. */
const qLinearConcat: OpDefinition = {
  op: 'QLinearConcat',
  domain: 'com.microsoft',
  since: 1,
  inputs: [5, Infinity],
  outputs: [1, 1],
  infer: (context) => {
    const { node, input } = context;
    if (node.inputs.length % 3 !== 2) {
      throw contradiction(
        node,
        'wrong number of inputs',
        '2 and 3 for each part',
        String(node.inputs.length),
      );
    }
    const parts = node.inputs.flatMap((_, i) => (i % 3 === 2 ? [i] : []));
    const type = expectSameType(context, [1, ...parts]);
    const dims = concatenated(
      node,
      parts.map((i) => input(i)?.dims),
      intOf(node, 'axis', 0),
    );
    return [type && { type, dims }];
  },
};

export const quantizers: readonly OpDefinition[] = [
  quantizeLinear,
  dequantizeLinear,
  dynamicQuantizeLinear,
  qLinearConcat,
];
