/** Reductions that are others of a function of x. */
import type { Expand, Expansion } from './expansion.js';

/** The node's own reduction, of another kind, of x. */
function reduced(to: Expansion, op: string, x: string): string {
  const attributes = Object.fromEntries(to.node.attributes);
  return to.op(op, to.input(1) === '' ? [x] : [x, to.input(1)], attributes);
}

const sumOf =
  (before: (to: Expansion, x: string) => string, after?: string): Expand =>
  (to) => {
    const sum = reduced(to, 'ReduceSum', before(to, to.input(0)));
    to.output(0, after === undefined ? sum : to.op(after, [sum]));
    return true;
  };

const absolute = (to: Expansion, x: string) => to.op('Abs', [x]);
const squared = (to: Expansion, x: string) => to.op('Mul', [x, x]);
const itself = (_: Expansion, x: string) => x;

/** m + log Σ e^(x − m), m being the maximum where that is finite. */
const logSumExp: Expand = (to) => {
  const x = to.input(0);
  const type = to.typeOf(x);
  if (type === undefined) return false;
  const keep = { ...Object.fromEntries(to.node.attributes), keepdims: 1 };
  const axes = to.input(1) === '' ? [] : [to.input(1)];
  const [least, most] = [-3.4028234663852886e38, 3.4028234663852886e38];
  const finite = [to.constant(type, least), to.constant(type, most)];
  const shift = to.op('Clip', [to.op('ReduceMax', [x, ...axes], keep), ...finite]);
  const sum = reduced(to, 'ReduceSum', to.op('Exp', [to.op('Sub', [x, shift])]));
  // The same shift, of the shape of the result.
  const own = to.op('Clip', [reduced(to, 'ReduceMax', x), ...finite]);
  to.output(0, to.op('Add', [to.op('Log', [sum]), own]));
  return true;
};

export const reductions: Readonly<Record<string, Expand>> = {
  ReduceL1: sumOf(absolute),
  ReduceL2: sumOf(squared, 'Sqrt'),
  ReduceSumSquare: sumOf(squared),
  ReduceLogSum: sumOf(itself, 'Log'),
  ReduceLogSumExp: logSumExp,
};
