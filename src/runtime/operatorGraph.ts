/**
 * An operator as a graph of one QConv, for x of one shape and type. Both are uint8 inside: int8 codes
 * are moved by 128, zero points and clamps along with them.
 */
import type { DataType } from '../core/dtype.js';
import { OctavoError } from '../core/errors.js';
import { formatShape, type Shape } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { attribute } from '../graph/attributes.js';
import type { Attribute, Graph } from '../graph/ir.js';
import type { OperatorSpec } from './operatorOptions.js';
import { fieldsOf, noResidual } from './steps.js';

/** Tensors that the step of an operator reads besides x, by name. */
export function operatorConstants(spec: OperatorSpec): Map<string, Tensor> {
  const { weight, bias, weightZero, output } = spec;
  const dims = [weight.dims[0]!];
  const constants = new Map<string, Tensor>([
    ['weight', weight],
    ['multiplier', { type: 'float32', dims, data: output.multiplier }],
  ]);
  if (bias !== undefined) constants.set('bias', { type: 'int32', dims, data: bias });
  if (weightZero !== undefined) {
    constants.set('weightZero', { type: 'int32', dims, data: weightZero });
  }
  return constants;
}

/** The graph for x [N, H, W, C] of type `xType`. Throws `INVALID_INPUT` when x does not suit it. */
export function operatorGraph(
  spec: OperatorSpec,
  constants: ReadonlyMap<string, Tensor>,
  xDims: Shape,
  xType: DataType,
): Graph {
  const { strides, dilations, pads, output } = spec;
  const shift = output.type === 'int8' ? 128 : 0;
  const isFloat = output.type === 'float32';
  const params: Record<string, number> = {
    strideH: strides[0],
    strideW: strides[1],
    dilationH: dilations[0],
    dilationW: dilations[1],
    padTop: pads[0],
    padLeft: pads[1],
    groups: spec.groups,
    xZero: zeroPointOf(spec, xType),
    yZero: output.zeroPoint + shift,
    min: isFloat ? 0 : output.min + shift,
    max: isFloat ? 0 : output.max + shift,
  };
  const attributes = new Map<string, Attribute>(
    Object.entries(params).map(([name, value]) => [name, attribute.int(value)]),
  );
  for (const [field, kind] of fieldsOf('QConv')) {
    if (field in noResidual) attributes.set(field, attribute[kind === 'f32' ? 'float' : 'int'](0));
  }
  attributes.set('lower', attribute.float(isFloat ? output.min : Number.NEGATIVE_INFINITY));
  attributes.set('upper', attribute.float(isFloat ? output.max : Number.POSITIVE_INFINITY));
  const optional = (name: string) => (constants.has(name) ? name : '');
  const inputs = ['x', 'weight', optional('bias'), 'multiplier', optional('weightZero')];
  const yType = output.type === 'int8' ? 'uint8' : output.type;
  return {
    name: 'operator',
    inputs: ['x'],
    outputs: [{ name: 'y', value: 'y' }],
    nodes: [
      { name: 'operator', op: 'QConv', domain: 'octavo', inputs, outputs: ['y'], attributes },
    ],
    constants,
    types: new Map([
      ['x', { type: 'uint8', dims: xDims }],
      ['y', { type: yType, dims: outputDimsOf(spec, xDims) }],
    ]),
    opsets: new Map(),
  };
}

function zeroPointOf({ zeroPoint }: OperatorSpec, xType: DataType): number {
  const code = zeroPoint + (xType === 'int8' ? 128 : 0);
  if (code >= 0 && code <= 255) return code;
  throw new OctavoError('INVALID_INPUT', `the zero point ${zeroPoint} is not of this type`, {
    where: 'x',
    expected: zeroPoint < 0 ? 'int8' : 'uint8',
    found: xType,
  });
}

/** [N, OH, OW, O] for x [N, H, W, C]. */
export function outputDimsOf(spec: OperatorSpec, x: Shape): number[] {
  const { weight, strides, dilations, pads } = spec;
  const size = (axis: 0 | 1): number => {
    const reach = dilations[axis] * (weight.dims[axis + 1]! - 1) + 1;
    const padded = x[axis + 1]! + pads[axis] + pads[(axis + 2) as 2 | 3];
    if (padded >= reach) return Math.floor((padded - reach) / strides[axis]) + 1;
    throw new OctavoError('INVALID_INPUT', 'the kernel is larger than the padded input', {
      where: 'x',
      expected: `at least ${reach - padded + x[axis + 1]!} along axis ${axis + 1}`,
      found: formatShape(x),
    });
  };
  return [x[0]!, size(0), size(1), weight.dims[0]!];
}
