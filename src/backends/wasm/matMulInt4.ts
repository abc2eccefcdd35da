/** MatMulInt4: int8 rows times 4-bit columns with a scale for every block (assembly/nibbles.ts). */
import type { Step } from '../../runtime/plan.js';
import { declined, keepSumOutput, type PrepareContext, type WasmKernel } from './kernel.js';
import { keepTable, roundUp } from './pack.js';
import { tileGrain } from './window.js';

/** Of assembly/nibbles.ts: columns of a panel, and bytes of a record before its nibbles. */
const nibbleColumns = 16;
const recordHead = 80;

/** Values of `layout` (assembly/tile.ts). */
const layouts = { pairs: 0, quads: 1 };

interface Weights {
  readonly nibbles: Uint8Array;
  readonly scale: Float32Array;
  /** Two to a byte; undefined where all are 8. */
  readonly zeros: Uint8Array | undefined;
  readonly columns: number;
  readonly depth: number;
  readonly blockSize: number;
}

export const matMulInt4: WasmKernel<'MatMulInt4'> = (step, context) => {
  const { inputs, outputs, params } = step;
  const { constant, exports, operand, tensors } = context;
  const { blockSize } = params;
  const depth = tensors[inputs[0]!]!.dims.at(-1)!;
  const rows = tensors[inputs[1]!]!.bytes / 4;
  const columns = tensors[inputs[2]!]!.dims[0]!;
  const has = (index: number | undefined) => (index ?? -1) >= 0;
  const nibbles = constant<Uint8Array>(inputs[2]);
  const scale = constant<Float32Array>(inputs[3]);
  const zeros = constant<Uint8Array>(inputs[4]);
  if (nibbles === undefined || scale === undefined || (has(inputs[4]) && zeros === undefined)) {
    return declined('weights that are computed');
  }
  const biases = constant<Float32Array>(inputs[5]);
  if (has(inputs[5]) && biases === undefined) return declined('a bias that is computed');
  const weights = { nibbles, scale, zeros, columns, depth, blockSize };
  const layout = context.dot === undefined ? layouts.pairs : layouts.quads;
  const panels = keepPanels(step, weights, layout, context);
  const bias = biases
    ? keepTable(biases, Float32Array, { groups: 1, columns }, nibbleColumns, context)
    : 0;
  const blocks = Math.ceil(depth / blockSize);
  const lastGroups = Math.ceil((depth - (blocks - 1) * blockSize) / 8);
  const product = context.keepWords([
    ...[rows, columns, depth, blocks, blockSize / 8, lastGroups, layout],
    ...keepSumOutput(context),
  ]);
  const [x, xScale, y] = [operand(inputs[0]), operand(inputs[1]), operand(outputs[0])];
  const work = rows * columns * depth;
  const run =
    rows === 1
      ? context.overParts('multiplyNibblesRow', {
          ...{ units: Math.ceil(columns / nibbleColumns), grain: 1, work },
          scratch: exports.multiplyNibblesRowScratch(product) >>> 0,
        })
      : context.overParts('multiplyNibbles', {
          ...{ units: rows, grain: tileGrain, work },
          scratch: exports.multiplyNibblesScratch(product) >>> 0,
        });
  return (at) => run(product, x(at), xScale(at), panels, bias, y(at));
};

/** The address of the panels, which plans share if all that they hold belongs to the model. */
function keepPanels(
  { inputs }: Step<'MatMulInt4'>,
  weights: Weights,
  layout: number,
  { keep, memory, share, tensors }: PrepareContext,
): number {
  const { columns, depth, blockSize } = weights;
  const blocks = Math.ceil(depth / blockSize);
  const length =
    roundUp(columns, nibbleColumns) * blocks * (recordHead / nibbleColumns + blockSize / 2);
  const fill = (address: number): void => {
    packRecords(new DataView(memory.buffer, address, length), weights, layout);
  };
  const parts = inputs.slice(2, 5).flatMap((i) => tensors[i] ?? []);
  if (parts.every(({ space }) => space === 'model')) {
    const offsets = parts.map(({ offset }) => offset);
    return share(inputs[2]!, `nibbles ${layout}, ${blockSize} ${offsets}`, length, fill);
  }
  const address = keep(length);
  fill(address);
  return address;
}

/** Writes the records of all panels, one for each block: docs of assembly/nibbles.ts. */
function packRecords(to: DataView, weights: Weights, layout: number): void {
  const { nibbles, scale, zeros, columns, depth, blockSize } = weights;
  const blocks = Math.ceil(depth / blockSize);
  const recordBytes = recordHead + nibbleColumns * (blockSize / 2);
  new Uint8Array(to.buffer, to.byteOffset, to.byteLength).fill(0);
  for (let column = 0; column < columns; column++) {
    const ofPanel = column % nibbleColumns;
    const panel = ((column - ofPanel) / nibbleColumns) * blocks * recordBytes;
    for (let block = 0; block < blocks; block++) {
      const record = panel + block * recordBytes;
      const index = column * blocks + block;
      to.setFloat32(record + 4 * ofPanel, scale[index]!, true);
      const zero = zeros ? nibbleAt(zeros, column * roundUp(blocks, 2) + block) : 8;
      to.setUint8(record + 64 + ofPanel, zero);
      const count = Math.min(blockSize, depth - block * blockSize);
      for (let k = 0; k < count; k++) {
        const { byte, shift } = placeOf(k % 8, layout);
        const at = record + recordHead + (k >> 3) * 4 * nibbleColumns + 4 * ofPanel + byte;
        to.setUint8(at, to.getUint8(at) | (nibbleAt(nibbles, index * blockSize + k) << shift));
      }
    }
  }
}

/** Where in the four bytes of a column weight k of a group lies. */
function placeOf(k: number, layout: number): { byte: number; shift: number } {
  if (layout === layouts.quads) return { byte: k & 3, shift: k < 4 ? 0 : 4 };
  const nibble = k >> 1;
  return { byte: 2 * (k & 1) + (nibble >> 1), shift: 4 * (nibble & 1) };
}

/** Value i of those that lie two to a byte. */
function nibbleAt(bytes: Uint8Array, i: number): number {
  return (bytes[i >> 1]! >> ((i & 1) * 4)) & 15;
}
