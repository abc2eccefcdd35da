/** The rules of steps that read or write indices, and of CumSum. */
import type { DataType } from '../../core/dtype.js';
import { formatShape, type Shape } from '../../core/shape.js';
import { argReduceKinds, scatterReductions } from '../../runtime/kinds.js';
import {
  type Need,
  needKind,
  needRange,
  needSame,
  needSameType,
  numbers,
  wholeBytes,
} from './needs.js';
import type { Rule, Subject } from './rules.js';

const ordered: readonly DataType[] = numbers.filter((type) => type !== 'bool');
const indexTypes: readonly DataType[] = ['int32', 'int64'];

type IndexStep =
  | 'Gather'
  | 'GatherElements'
  | 'GatherND'
  | 'ScatterElements'
  | 'ScatterND'
  | 'TopK'
  | 'ArgReduce'
  | 'CumSum';

export const indexRules: { readonly [S in IndexStep]: Rule<S> } = {
  Gather: {
    reads: [wholeBytes, indexTypes],
    writes: [wholeBytes],
    check: (subject) => {
      const [x, indices] = dimsOf(subject);
      const { outputs, params, need } = subject;
      needSameType(subject, subject.inputs.slice(0, 1));
      needAxis(need, params.axis, x!);
      needSame(need, outputs[0]!.dims, x!.toSpliced(params.axis, 1, ...indices!));
    },
  },
  GatherElements: {
    reads: [wholeBytes, indexTypes],
    writes: [wholeBytes],
    check: (subject) => {
      const [x, indices] = dimsOf(subject);
      const { outputs, params, need } = subject;
      needSameType(subject, subject.inputs.slice(0, 1));
      needSame(need, outputs[0]!.dims, indices!);
      needWithin(need, indices!, x!, params.axis);
    },
  },
  GatherND: {
    reads: [wholeBytes, indexTypes],
    writes: [wholeBytes],
    check: (subject) => {
      const [x, indices] = dimsOf(subject);
      const { outputs, params, need } = subject;
      needSameType(subject, subject.inputs.slice(0, 1));
      needTuples(need, indices!, x!, params.batchDims, outputs[0]!.dims);
    },
  },
  ScatterElements: {
    reads: [wholeBytes, indexTypes, wholeBytes],
    writes: [wholeBytes],
    check: (subject) => {
      const [x, indices, updates] = dimsOf(subject);
      const { params, need } = subject;
      needScattered(subject);
      needSame(need, updates!, indices!);
      needWithin(need, indices!, x!, params.axis);
    },
  },
  ScatterND: {
    reads: [wholeBytes, indexTypes, wholeBytes],
    writes: [wholeBytes],
    check: (subject) => {
      const [x, indices, updates] = dimsOf(subject);
      needScattered(subject);
      needTuples(subject.need, indices!, x!, 0, updates!);
    },
  },
  TopK: {
    reads: [ordered],
    writes: [ordered, ['int64']],
    check: (subject) => {
      const [x] = dimsOf(subject);
      const { outputs, params, need } = subject;
      needSameType(subject, subject.inputs.slice(0, 1));
      needAxis(need, params.axis, x!);
      const k = outputs[0]!.dims[params.axis] ?? 0;
      needRange(need, 'k', k, 0, x![params.axis]);
      for (const output of outputs) needSame(need, output.dims, x!.with(params.axis, k));
    },
  },
  ArgReduce: {
    reads: [ordered],
    writes: [['int64']],
    check: (subject) => {
      const [x] = dimsOf(subject);
      const { outputs, params, need } = subject;
      needKind(need, params.kind, argReduceKinds);
      needAxis(need, params.axis, x!);
      const y = x!.with(params.axis, 1);
      needSame(need, outputs[0]!.dims, y);
      need(x![params.axis]! > 0 || y.includes(0), 'elements to choose from', formatShape(x!));
    },
  },
  CumSum: {
    reads: [ordered],
    writes: [ordered],
    check: (subject) => {
      const [x] = dimsOf(subject);
      const { outputs, params, need } = subject;
      needSameType(subject, subject.inputs.slice(0, 1));
      needAxis(need, params.axis, x!);
      needSame(need, outputs[0]!.dims, x!);
    },
  },
};

function dimsOf({ inputs }: Pick<Subject<IndexStep>, 'inputs'>): readonly Shape[] {
  return inputs.map((input) => input!.dims);
}

function needAxis(need: Need, axis: number, dims: Shape): void {
  needRange(need, 'axis', axis, 0, dims.length - 1);
}

/** Indices have the axes of x, and no more elements along any but `axis`. */
function needWithin(need: Need, indices: Shape, x: Shape, axis: number): void {
  needAxis(need, axis, x);
  need(indices.length === x.length, `rank ${x.length}`, formatShape(indices));
  const inside = indices.every((dim, i) => i === axis || dim <= x[i]!);
  need(inside, `indices within ${formatShape(x)}`, formatShape(indices));
}

/** The last axis of indices addresses slices of x, behind axes of a batch; `slices` are as many of them. */
function needTuples(need: Need, indices: Shape, x: Shape, batchDims: number, slices: Shape): void {
  need(indices.length > 0, 'an axis of indices', 'none');
  needRange(need, 'batchDims', batchDims, 0, Math.min(indices.length - 1, x.length));
  needSame(need, indices.slice(0, batchDims), x.slice(0, batchDims));
  const first = batchDims + indices.at(-1)!;
  need(first <= x.length, `at most ${x.length - batchDims} axes`, String(indices.at(-1)));
  needSame(need, slices, [...indices.slice(0, -1), ...x.slice(first)]);
}

function needScattered(subject: Subject<'ScatterElements'> | Subject<'ScatterND'>): void {
  const { inputs, outputs, params, need } = subject;
  const [y] = outputs;
  needSameType(subject, [inputs[0], inputs[2]]);
  needSame(need, y!.dims, inputs[0]!.dims);
  needRange(need, 'reduction', params.reduction, 0, Object.keys(scatterReductions).length - 1);
  const known = params.reduction === scatterReductions.none || ordered.includes(y!.type);
  need(known, 'a type with reductions', y!.type);
}
