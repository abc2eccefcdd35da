/** Functions of one number that few networks use, and that are sums and products of others. */
import { attribute, floatOf, intOf } from '../../graph/attributes.js';
import { axisOf } from '../../graph/ops/dims.js';
import type { Expand } from './expansion.js';

/** γ · (max(x, 0) + α · min(eˣ − 1, 0)), by way of Elu. */
const selu: Expand = (to) => {
  const x = to.input(0);
  const elu = to.op('Elu', [x], {
    alpha: attribute.float(floatOf(to.node, 'alpha', 1.6732631921768188)),
  });
  const gamma = to.constant('float32', floatOf(to.node, 'gamma', 1.0507010221481323));
  to.output(0, to.op('Mul', [elu, gamma]));
  return true;
};

/** max(x, 0) + min(α · (e^(x / α) − 1), 0) = α · Elu(x / α) */
const celu: Expand = (to) => {
  const alpha = to.constant('float32', floatOf(to.node, 'alpha', 1));
  const scaled = to.op('Div', [to.input(0), alpha]);
  to.output(0, to.op('Mul', [to.op('Elu', [scaled], { alpha: attribute.float(1) }), alpha]));
  return true;
};

/** x · tanh(softplus(x)) */
const mish: Expand = (to) => {
  const x = to.input(0);
  to.output(0, to.op('Mul', [x, to.op('Tanh', [to.op('Softplus', [x])])]));
  return true;
};

/** x · sigmoid(α · x) */
const swish: Expand = (to) => {
  const x = to.input(0);
  const alpha = floatOf(to.node, 'alpha', 1);
  const scaled = alpha === 1 ? x : to.op('Mul', [x, to.constant('float32', alpha)]);
  to.output(0, to.op('Mul', [x, to.op('Sigmoid', [scaled])]));
  return true;
};

/** x + bias below −λ, x − bias above λ, else 0. */
const shrink: Expand = (to) => {
  const x = to.input(0);
  const lambda = floatOf(to.node, 'lambd', 0.5);
  const bias = to.constant('float32', floatOf(to.node, 'bias', 0));
  const below = to.op('Less', [x, to.constant('float32', -lambda)]);
  const above = to.op('Greater', [x, to.constant('float32', lambda)]);
  const inner = to.op('Where', [above, to.op('Sub', [x, bias]), to.constant('float32', 0)]);
  to.output(0, to.op('Where', [below, to.op('Add', [x, bias]), inner]));
  return true;
};

/** x − m − log Σ e^(x − m), m being the maximum. */
const logSoftmax: Expand = (to) => {
  const x = to.input(0);
  const dims = to.dimsOf(x);
  if (dims === undefined) return false;
  const axis = axisOf(to.node, intOf(to.node, 'axis', -1), dims.length);
  const axes = to.constant('int64', [axis]);
  const shifted = to.op('Sub', [x, to.op('ReduceMax', [x, axes])]);
  const sum = to.op('ReduceSum', [to.op('Exp', [shifted]), axes]);
  to.output(0, to.op('Sub', [shifted, to.op('Log', [sum])]));
  return true;
};

export const activations: Readonly<Record<string, Expand>> = {
  Selu: selu,
  Celu: celu,
  Mish: mish,
  Swish: swish,
  Shrink: shrink,
  LogSoftmax: logSoftmax,
};
