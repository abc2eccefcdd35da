/**
 * Transposes and Reshapes that change places. A Reshape regroups neighbouring axes: it falls into pieces, each of some axes
 * of x and the axes of y with the same cells. A Transpose that keeps the axes of every piece together, in their order, can
 * as well come behind it.
 */
import { typeOf } from '../graph/ir.js';
import { areStatic } from '../graph/ops/dims.js';
import { type Transposed, transposedFrom } from './layoutTransposed.js';
import { type Rewriting, rewriting } from './lower/rewriting.js';
import { onlyConsumer, type Rule, type Site } from './lower/rules.js';
import { composed, inverseOf, isIdentity, permuteDims, toChannelsFirst } from './lower/shapes.js';

/** Axes of x that have more than one cell, and axes of y, with the same cells in the same order. */
interface Piece {
  readonly x: readonly number[];
  readonly y: readonly number[];
}

/** The finest pieces, in order; undefined when an axis has no cells, or when there is at most one cell. */
function piecesOf(before: readonly number[], after: readonly number[]): Piece[] | undefined {
  if ([...before, ...after].includes(0)) return undefined;
  const long = before.flatMap((dim, axis) => (dim === 1 ? [] : [axis]));
  if (long.length === 0) return undefined;
  const pieces: Piece[] = [];
  let j = 0;
  for (let i = 0; i < long.length; ) {
    const x = [long[i]!];
    const y: number[] = [];
    let cells = before[long[i++]!]!;
    for (let covered = 1; covered !== cells || i === long.length; ) {
      // The last piece takes what is left: axes of one cell.
      if (covered < cells || (covered === cells && j < after.length)) {
        covered *= after[j]!;
        y.push(j++);
      } else if (covered > cells) {
        cells *= before[long[i]!]!;
        x.push(long[i++]!);
      } else break;
    }
    pieces.push({ x, y });
  }
  return pieces;
}

interface Regrouped extends Transposed {
  readonly output: string;
  readonly sourceDims: readonly number[];
  readonly after: readonly number[];
  readonly pieces: readonly Piece[];
}

/** A Reshape of known dims behind a Transpose. */
function regroupedFrom(site: Site): Regrouped | undefined {
  const { graph, node } = site;
  const [x, output] = [node.inputs[0]!, node.outputs[0]!];
  const from = transposedFrom(site, x);
  const [before, after] = [typeOf(graph, x)?.dims, typeOf(graph, output)?.dims];
  if (from === undefined || !areStatic(before) || !areStatic(after)) return undefined;
  const pieces = piecesOf(before, after);
  const sourceDims = permuteDims(before, inverseOf(from.perm));
  return pieces && { ...from, output, sourceDims, after, pieces };
}

/** Pieces in the order in which their first axes lie in the source. */
function inSourceOrder({ pieces, perm }: Regrouped): Piece[] {
  return [...pieces].sort((a, b) => perm[a.x[0]!]! - perm[b.x[0]!]!);
}

function finish(
  to: Rewriting,
  site: Site,
  source: string,
  axes: readonly number[],
  after: readonly number[],
) {
  const reshaped = to.reshape(source, permuteDims(after, axes));
  if (reshaped === undefined) return undefined;
  to.transpose(reshaped, inverseOf(axes), site.node.outputs[0]!);
  return to.done(`transpose behind ${site.node.name}`);
}

/** The Reshape first, where the Transpose keeps its pieces together. */
export const wholePieces: Rule = (site) => {
  const regrouped = regroupedFrom(site);
  if (regrouped === undefined) return undefined;
  const { source, perm, sourceDims, after } = regrouped;
  const ordered = inSourceOrder(regrouped);
  const axes = ordered.flatMap((piece) => piece.x.map((axis) => perm[axis]!));
  const long = sourceDims.flatMap((dim, axis) => (dim === 1 ? [] : [axis]));
  if (!axes.every((axis, i) => axis === long[i])) return undefined;
  return finish(
    rewriting(site),
    site,
    source,
    ordered.flatMap((piece) => piece.y),
    after,
  );
};

/**
 * A Transpose that takes pieces apart and brings channels to the front: first what brings the pieces together, which stays,
 * and behind the Reshape what brings channels to the front, which may meet its inverse.
 */
export const channelsBehind: Rule = (site) => {
  const regrouped = regroupedFrom(site);
  if (regrouped === undefined) return undefined;
  const { source, perm, sourceDims, after } = regrouped;
  const ordered = inSourceOrder(regrouped);
  const axes = ordered.flatMap((piece) => piece.y);
  const back = inverseOf(axes);
  if (axes.length !== 4 || !toChannelsFirst.every((axis, i) => axis === back[i])) return undefined;
  const units = sourceDims.flatMap((dim, axis) => (dim === 1 ? [axis] : []));
  const together = [...units, ...ordered.flatMap((piece) => piece.x.map((axis) => perm[axis]!))];
  if (isIdentity(together)) return undefined;
  const to = rewriting(site);
  return finish(to, site, to.transpose(source, together), axes, after);
};

/** Transpose, Reshape, Transpose: one Transpose before the Reshape, where each axis of y is one piece. */
export const joinAcross: Rule = (site) => {
  const { graph, index, node } = site;
  const middle = index.producer(node.inputs[0]!);
  if (middle?.op !== 'Reshape' || middle.domain !== 'octavo') return undefined;
  if (onlyConsumer(site, middle.outputs[0]!) !== node) return undefined;
  const regrouped = regroupedFrom({ ...site, node: middle });
  const last = transposedFrom(site, node.outputs[0]!);
  const dims = typeOf(graph, node.outputs[0]!)?.dims;
  if (regrouped === undefined || last === undefined || dims === undefined) return undefined;
  const { source, perm, sourceDims, after, pieces } = regrouped;
  if (pieces.some(({ y }) => y.filter((axis) => after[axis] !== 1).length !== 1)) return undefined;
  const units = sourceDims.flatMap((dim, axis) => (dim === 1 ? [inverseOf(perm)[axis]!] : []));
  const placed = last.perm.flatMap((axis) =>
    after[axis] === 1 ? [] : pieces.find(({ y }) => y.includes(axis))!.x,
  );
  const to = rewriting(site);
  const moved = to.transpose(source, composed(perm, [...units, ...placed]));
  if (to.reshape(moved, dims, node.outputs[0]!) === undefined) return undefined;
  to.remove(middle);
  return to.done(`join ${node.name} with the Transpose before ${middle.name}`);
};
