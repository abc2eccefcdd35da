/** MatMulInt16: products of int16, summed in 64 bits (assembly/words.ts). */
import { declined, keepSumOutput, type PrepareContext, type WasmKernel } from './kernel.js';
import { keepTable, pairDepth, panelColumns, roundUp } from './pack.js';
import { tileGrain } from './window.js';

/** Values of `kind` (assembly/words.ts). */
const kinds: Readonly<Record<string, number>> = { int16: 0, int64: 1, float32: 2 };

/** Times |x| <= 2¹⁵ that is a sum which fits int32. */
const mostSum = 65535;

/** Chunks of fewer units cost more than multiplying twice. */
const leastChunk = 8;

/** Twice as many weights of magnitude 128 are within `mostSum`. */
const splitChunk = 255;

interface Shape {
  readonly columns: number;
  readonly depth: number;
}

/** How sums of 32 bits are kept from wrapping: see assembly/words.ts. */
interface Cut {
  readonly chunk: number;
  readonly parts: number;
}

export const matMulInt16: WasmKernel<'MatMulInt16'> = ({ inputs, outputs, params }, context) => {
  const { constant, exports, operand, tensors } = context;
  const [rows, depth] = tensors[inputs[0]!]!.dims as [number, number];
  const columns = tensors[inputs[1]!]!.dims[0]!;
  const weights = constant<Int16Array>(inputs[1]);
  const tables = [constant<Float32Array>(inputs[2]), constant<Int32Array>(inputs[3])] as const;
  const isComputed = tables.some((table, i) => table === undefined && (inputs[2 + i] ?? -1) >= 0);
  if (weights === undefined || isComputed) return declined('weights or tables that are computed');
  const shape = { columns, depth };
  const cut = cutOf(weights, shape);
  const panels = keepPanels(inputs[1]!, weights, shape, cut, context);
  const ofColumns = { groups: 1, columns };
  const multiplier = keepTable(tables[0], Float32Array, ofColumns, panelColumns, context);
  const bias = keepTable(tables[1], Int32Array, ofColumns, panelColumns, context);
  const product = context.keepWords([
    ...[rows, columns, depth, cut.chunk, cut.parts, kinds[tensors[outputs[0]!]!.type]!],
    ...[params.min, params.max, ...keepSumOutput(context)],
  ]);
  const work = 2 * rows * columns * depth;
  const run =
    rows === 1
      ? context.overParts('multiplyWordsRow', {
          ...{ units: Math.ceil(columns / panelColumns), grain: 1, work },
          scratch: 64,
        })
      : context.overParts('multiplyWords', {
          ...{ units: rows, grain: tileGrain, work },
          scratch: exports.multiplyWordsScratch(product) >>> 0,
        });
  const [x, y] = [operand(inputs[0]), operand(outputs[0])];
  return (at) => run(product, x(at), panels, bias, multiplier, y(at));
};

function cutOf(weights: Int16Array, shape: Shape): Cut {
  let chunk = Math.max(Math.ceil(shape.depth / pairDepth), 1);
  while (!fits(weights, shape, pairDepth * chunk)) {
    chunk >>= 1;
    if (chunk < leastChunk) return { chunk: splitChunk, parts: 2 };
  }
  return { chunk, parts: 1 };
}

/** Whether no chunk of `length` weights of a column has a sum of magnitudes above `mostSum`. */
function fits(weights: Int16Array, { columns, depth }: Shape, length: number): boolean {
  for (let column = 0; column < columns; column++) {
    const end = (column + 1) * depth;
    for (let first = column * depth; first < end; first += length) {
      let sum = 0;
      for (let i = first; i < Math.min(first + length, end); i++) sum += Math.abs(weights[i]!);
      if (sum > mostSum) return false;
    }
  }
  return true;
}

/** The address of panels [panel][part][unit][8 columns][2]. */
function keepPanels(
  index: number,
  weights: Int16Array,
  { columns, depth }: Shape,
  { parts }: Cut,
  { memory, share }: PrepareContext,
): number {
  const partLength = roundUp(depth, pairDepth) * panelColumns;
  const length = (roundUp(columns, panelColumns) / panelColumns) * parts * partLength;
  return share(index, `panels of words, ${columns} ${depth}`, 2 * length, (address) => {
    const to = new Int16Array(memory.buffer, address, length).fill(0);
    for (let column = 0, from = 0; column < columns; column++) {
      const ofPanel = column % panelColumns;
      const panel = ((column - ofPanel) / panelColumns) * parts * partLength;
      for (let k = 0; k < depth; k++, from++) {
        const weight = weights[from]!;
        const at = panel + ((k >> 1) * panelColumns + ofPanel) * pairDepth + (k & 1);
        const low = ((weight + 128) & 255) - 128;
        to[at] = parts === 1 ? weight : (weight - low) / 256;
        if (parts === 2) to[at + partLength] = low;
      }
    }
  });
}
