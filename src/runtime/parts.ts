/**
 * Parts of a concatenation, written where they end up: where nothing but one Concat reads what a step computes, and the
 * step may write into a wider tensor (`yFirst`), it writes into the Concat's. What is left of a Concat are the other parts.
 * Decided here, of the plan, so that all backends compute the same.
 */
import { elementCount, type Shape } from '../core/shape.js';
import { mayWriteWider, type StepName } from './steps.js';

/** A step before its tensors have offsets: it reads and writes values by name. */
export interface Draft {
  readonly op: StepName;
  readonly node: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly params: Record<string, number | readonly number[]>;
  /** Of the output, as the step sees it, where they are others than the value's. */
  readonly dims?: Shape;
}

/** What is known of the values that steps read and write. */
export interface Values {
  readonly dimsOf: (value: string) => Shape;
  /** The value whose bytes it is. */
  readonly rootOf: (value: string) => string;
  /** Values that are handed out. */
  readonly outputs: readonly string[];
}

/** The drafts, in the same order, with those that write a Concat's parts writing its output. */
export function placeParts(drafts: readonly Draft[], values: Values): Draft[] {
  const { dimsOf, rootOf, outputs } = values;
  const readers = new Map<string, number>();
  const makers = new Map<string, number>();
  const isRead = (value: string) =>
    readers.set(rootOf(value), (readers.get(rootOf(value)) ?? 0) + 1);
  drafts.forEach((draft, i) => {
    draft.inputs.forEach(isRead);
    for (const output of draft.outputs) makers.set(output, i);
  });
  outputs.forEach(isRead);

  const placed = drafts.map((draft) => [draft]);
  /** Whether the step that computes `part` writes it to a row of `concat`'s output, from element `first` of the row on. */
  const place = (part: string, concat: Concat, first: number): boolean => {
    const root = rootOf(part);
    const maker = makers.get(root);
    if (maker === undefined || readers.get(root) !== 1) return false;
    const draft = drafts[maker]!;
    const into = wider(draft, dimsOf(root), concat, first);
    if (into !== undefined) placed[maker] = [into];
    return into !== undefined;
  };
  for (let i = drafts.length - 1; i >= 0; i--) {
    const [draft] = placed[i]!;
    if (draft!.op === 'Concat') placed[i] = withoutPlaced(draft!, values, place);
  }
  return placed.flat();
}

/** A Concat's output as rows, of which each takes one run of every part. */
interface Concat {
  readonly value: string;
  readonly rows: number;
  /** Elements of a row. */
  readonly length: number;
}

/** The axis along which `yFirst` counts. */
function axisOf({ op, params }: Draft, dims: Shape): number {
  return op === 'Concat' ? (params['axis'] as number) : dims.length - 1;
}

/** The draft, whose output has `dims`, writing to the Concat's; undefined where it cannot, or its rows are others. */
function wider(draft: Draft, dims: Shape, concat: Concat, first: number): Draft | undefined {
  const hasResidual = draft.op === 'QConv' && (draft.inputs[5] ?? '') !== '';
  if (!mayWriteWider(draft.op) || hasResidual) return undefined;
  const axis = axisOf(draft, dims);
  const unit = elementCount(dims.slice(axis + 1));
  const isRow = elementCount(dims.slice(0, axis)) === concat.rows && elementCount(dims) > 0;
  if (!isRow || concat.length % unit !== 0 || first % unit !== 0) return undefined;
  return {
    ...draft,
    outputs: [concat.value],
    params: { ...draft.params, yFirst: first / unit },
    dims: dims.with(axis, concat.length / unit),
  };
}

/** What is left of a Concat when `place` has placed what can be: one for each run of neighbours that it still moves. */
function withoutPlaced(
  draft: Draft,
  { dimsOf }: Values,
  place: (part: string, concat: Concat, first: number) => boolean,
): Draft[] {
  const [value] = draft.outputs as [string];
  const dims = draft.dims ?? dimsOf(value);
  const axis = draft.params['axis'] as number;
  const unit = elementCount(dims.slice(axis + 1));
  const concat = {
    value,
    rows: elementCount(dims.slice(0, axis)),
    length: dims[axis]! * unit,
  };
  const left: { inputs: string[]; yFirst: number }[] = [];
  let isMoving = false;
  let at = draft.params['yFirst'] as number;
  for (const part of draft.inputs) {
    const moves = !place(part, concat, at * unit);
    if (moves && !isMoving) left.push({ inputs: [], yFirst: at });
    if (moves) left.at(-1)!.inputs.push(part);
    isMoving = moves;
    at += dimsOf(part)[axis]!;
  }
  return left.map(({ inputs, yFirst }) => ({
    ...draft,
    inputs,
    params: { ...draft.params, yFirst },
  }));
}
