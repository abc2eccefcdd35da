/**
 * Attention: softmax(scale · q · kᵀ + mask) · v, head by head. A unit of the work is a head of one
 * batch and a group of its queries. Keys and values of the head are packed into panels first; then
 * strips of queries pass both products, so that scores stay in the nearest caches.
 */
import { matMulPanelBytes, multiplyRows, multiplyRowsScratch, packPanels } from './f32matmul';
import { softmax } from './f32rows';

/** Scores of a strip, if a dozen queries have no more. */
const stripScores: i32 = 8 << 10;

/** Queries of a strip are a multiple of this, which tiles divide. */
const rowUnit: i32 = 12;

/** Read beyond the last score. */
const slack: usize = 64;

/**
 * q [batches, queries, heads · depth], k [batches, keys, heads · depth], v [batches, keys, heads ·
 * width]; strides of the mask in elements. Fields of 32 bits, which the host writes.
 */
@unmanaged
export class Attention {
  heads: i32;
  queries: i32;
  keys: i32;
  depth: i32;
  width: i32;
  scale: f32;
  /** Queries of a group, and groups of a head. */
  group: i32;
  groups: i32;
  maskBatch: i32;
  maskHead: i32;
  maskRow: i32;
  /** 0 where all keys have the same one. */
  maskStep: i32;
}

function stripOf(shape: Attention): i32 {
  const units = stripScores / max(shape.keys, 1) / rowUnit;
  return min(max(units, 1) * rowUnit, shape.group);
}

function scoreBytes(shape: Attention): usize {
  return (4 * <usize>stripOf(shape) * shape.keys + slack + 15) & ~15;
}

/** Bytes of scratch that `attention` takes. */
export function attentionScratch(shape: Attention): usize {
  const panels = matMulPanelBytes(shape.depth, shape.keys) + matMulPanelBytes(shape.keys, shape.width);
  return panels + scoreBytes(shape) + multiplyRowsScratch(max(shape.depth, shape.keys), stripOf(shape));
}

/** The units `begin` … `end − 1` of y [batches, queries, heads · width]. */
export function attention(
  shape: Attention,
  q: usize,
  k: usize,
  v: usize,
  mask: usize,
  y: usize,
  scratch: usize,
  begin: i32,
  end: i32,
): void {
  const heads = shape.heads;
  const queries = shape.queries;
  const keys = shape.keys;
  const depth = shape.depth;
  const width = shape.width;
  const depths = heads * depth;
  const widths = heads * width;
  const strip = stripOf(shape);
  const valuePanels = scratch + matMulPanelBytes(depth, keys);
  const scores = valuePanels + matMulPanelBytes(keys, width);
  const tiles = scores + scoreBytes(shape);
  const lowest: f32 = -Infinity;
  let packed = -1;
  for (let unit = begin; unit < end; unit++) {
    const matrix = unit / shape.groups;
    const batch = matrix / heads;
    const head = matrix - batch * heads;
    if (packed != matrix) {
      const ofKeys = k + 4 * (<usize>batch * keys * depths + head * depth);
      const ofValues = v + 4 * (<usize>batch * keys * widths + head * width);
      packPanels(ofKeys, 1, depths, depth, keys, scratch);
      packPanels(ofValues, widths, 1, keys, width, valuePanels);
      packed = matrix;
    }
    const masks = mask + 4 * (<usize>batch * shape.maskBatch + head * shape.maskHead);
    const first = (unit - matrix * shape.groups) * shape.group;
    const last = min(first + shape.group, queries);
    for (let query = first; query < last; query += strip) {
      const rows = min(strip, last - query);
      const row = <usize>batch * queries + query;
      const from = q + 4 * (row * depths + head * depth);
      const to = y + 4 * (row * widths + head * width);
      const ofRows = masks + 4 * <usize>query * shape.maskRow;
      multiplyRows(
        from, depths, 1, rows, depth, scratch, keys, 0, scores, 4 * keys, lowest, Infinity, tiles,
      );
      softmax(scores, scores, keys, shape.scale, ofRows, shape.maskRow, shape.maskStep, 0, 0, rows);
      multiplyRows(
        scores, keys, 1, rows, keys, valuePanels, width, 0, to, 4 * widths, lowest, Infinity, tiles,
      );
    }
  }
}
