/** Normalizations in terms of means and LayerNormalization. */
import { attribute, floatOf, intOf, intsOf } from '../../graph/attributes.js';
import { axisOf } from '../../graph/ops/dims.js';
import { isRead } from '../lower/rules.js';
import type { Expand, Expansion } from './expansion.js';

/** x with each group of channels normalized over itself and all that lies behind it, then scaled per channel. */
function grouped(to: Expansion, groups: (channels: number) => number): boolean {
  const [x, scale, bias] = [to.input(0), to.input(1), to.input(2)];
  const shape = to.shapeOf(x);
  if (shape === undefined || shape.length < 3) return false;
  const [n, channels, ...spatial] = shape as [number, number, ...number[]];
  const count = groups(channels);
  const length = (channels / count) * spatial.reduce((a, b) => a * b, 1);
  const flat = to.op('Reshape', [x, to.constant('int64', [n, count, length])]);
  const ones = to.tensor({
    type: 'float32',
    dims: [length],
    data: new Float32Array(length).fill(1),
  });
  const epsilon = attribute.float(floatOf(to.node, 'epsilon', 1e-5));
  const normal = to.op('LayerNormalization', [flat, ones], { axis: -1, epsilon });
  const whole = to.op('Reshape', [normal, to.constant('int64', shape)]);
  const perChannel = to.constant('int64', [channels, ...spatial.map(() => 1)]);
  const scaled = to.op('Mul', [whole, to.op('Reshape', [scale, perChannel])]);
  to.output(0, to.op('Add', [scaled, to.op('Reshape', [bias, perChannel])]));
  return true;
}

const instanceNormalization: Expand = (to) => grouped(to, (channels) => channels);

const groupNormalization: Expand = (to) => grouped(to, () => intOf(to.node, 'num_groups', 1));

/** (x − mean) / √variance over the axes. */
const meanVarianceNormalization: Expand = (to) => {
  const x = to.input(0);
  const axes = to.constant('int64', intsOf(to.node, 'axes') ?? [0, 2, 3]);
  const centred = to.op('Sub', [x, to.op('ReduceMean', [x, axes])]);
  const variance = to.op('ReduceMean', [to.op('Mul', [centred, centred]), axes]);
  const deviation = to.op('Add', [to.op('Sqrt', [variance]), to.constant('float32', 1e-9)]);
  to.output(0, to.op('Div', [centred, deviation]));
  return true;
};

/** x by its 1- or 2-norm along an axis; 0 where that is 0. */
const lpNormalization: Expand = (to) => {
  const x = to.input(0);
  const dims = to.dimsOf(x);
  if (dims === undefined) return false;
  const axis = axisOf(to.node, intOf(to.node, 'axis', -1), dims.length);
  const op = intOf(to.node, 'p', 2) === 1 ? 'ReduceL1' : 'ReduceL2';
  const norm = to.op(op, [x, to.constant('int64', [axis])]);
  const none = to.op('Equal', [norm, to.constant('float32', 0)]);
  to.output(0, to.op('Div', [x, to.op('Where', [none, to.constant('float32', 1), norm])]));
  return true;
};

/** x / √(mean x² + ε) · scale over the axes from `axis` on. */
const rmsNormalization: Expand = (to) => {
  const [x, scale] = [to.input(0), to.input(1)];
  const dims = to.dimsOf(x);
  if (dims === undefined) return false;
  const axis = axisOf(to.node, intOf(to.node, 'axis', -1), dims.length);
  const axes = to.constant(
    'int64',
    dims.slice(axis).map((_, i) => axis + i),
  );
  const square = to.op('ReduceMean', [to.op('Mul', [x, x]), axes]);
  const epsilon = to.constant('float32', floatOf(to.node, 'epsilon', 1e-5));
  const root = to.op('Sqrt', [to.op('Add', [square, epsilon])]);
  to.output(0, to.op('Mul', [to.op('Div', [x, root]), scale]));
  return true;
};

/** With the mean and the reciprocal of the deviation as outputs: in pieces, which both are read from. */
const layerNormalization: Expand = (to) => {
  if (!to.node.outputs.slice(1).some((output) => isRead(to.site, output))) return false;
  const [x, scale, bias] = [to.input(0), to.input(1), to.input(2)];
  const dims = to.dimsOf(x);
  if (dims === undefined) return false;
  const first = axisOf(to.node, intOf(to.node, 'axis', -1), dims.length);
  const axes = to.constant(
    'int64',
    dims.slice(first).map((_, i) => first + i),
  );
  const mean = to.op('ReduceMean', [x, axes]);
  const centred = to.op('Sub', [x, mean]);
  const variance = to.op('ReduceMean', [to.op('Mul', [centred, centred]), axes]);
  const epsilon = to.constant('float32', floatOf(to.node, 'epsilon', 1e-5));
  const inverse = to.op('Reciprocal', [to.op('Sqrt', [to.op('Add', [variance, epsilon])])]);
  const scaled = to.op('Mul', [to.op('Mul', [centred, inverse]), scale]);
  to.output(0, bias === '' ? scaled : to.op('Add', [scaled, bias]));
  to.output(1, mean);
  to.output(2, inverse);
  return true;
};

export const normalizations: Readonly<Record<string, Expand>> = {
  InstanceNormalization: instanceNormalization,
  GroupNormalization: groupNormalization,
  MeanVarianceNormalization: meanVarianceNormalization,
  LayerNormalization: layerNormalization,
  LpNormalization: lpNormalization,
  RMSNormalization: rmsNormalization,
};
