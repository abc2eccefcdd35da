/** Casts to types that are told by other values, and questions about bools that are answered in bytes. */
import { attribute, intOf } from '../../graph/attributes.js';
import { elementTypeCode } from '../../graph/elementTypes.js';
import type { Expand } from './expansion.js';

const castLike: Expand = (to) => {
  const type = to.typeOf(to.input(1));
  if (type === undefined) return false;
  to.output(0, to.op('Cast', [to.input(0)], { to: elementTypeCode(type) }));
  return true;
};

/** The mask of inference keeps everything. */
const dropout: Expand = (to) => {
  if ((to.node.outputs[1] ?? '') === '') return false;
  const x = to.input(0);
  const kept = { type: 'bool', dims: [1], data: Uint8Array.of(1) } as const;
  const value = attribute.tensor(kept);
  to.output(0, x);
  to.output(1, to.op('ConstantOfShape', [to.op('Shape', [x])], { value }));
  return true;
};

/** The greatest or least of bools: of the bytes that they are. */
const ofBools =
  (op: string): Expand =>
  (to) => {
    if (to.typeOf(to.input(0)) !== 'bool') return false;
    const bytes = to.op('Cast', [to.input(0)], { to: elementTypeCode('uint8') });
    const keep = {
      keepdims: intOf(to.node, 'keepdims', 1),
      noop_with_empty_axes: intOf(to.node, 'noop_with_empty_axes', 0),
    };
    const axes = to.input(1) === '' ? [] : [to.input(1)];
    const found = to.op(op, [bytes, ...axes], keep);
    to.output(0, to.op('Cast', [found], { to: elementTypeCode('bool') }));
    return true;
  };

export const casts: Readonly<Record<string, Expand>> = {
  CastLike: castLike,
  Dropout: dropout,
  ReduceMax: ofBools('ReduceMax'),
  ReduceMin: ofBools('ReduceMin'),
};
