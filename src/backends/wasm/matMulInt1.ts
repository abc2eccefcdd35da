/** MatMulInt1: products of ±1 (assembly/bitdot.ts), their weights packed once. */
import { declined, type WasmKernel } from './kernel.js';
import { keepTable, roundUp } from './pack.js';

/** Columns of a panel of words of 32 bits. */
const bitPanelColumns = 8;

/** Rows that are brought to whole words together: a multiple of 8, so that they begin with a byte. */
const stripRows = 64;

export const matMulInt1: WasmKernel<'MatMulInt1'> = ({ inputs, outputs }, context) => {
  const { constant, exports, memory, operand, share, tensors } = context;
  const [rows, depth] = tensors[inputs[0]!]!.dims as [number, number];
  const columns = tensors[inputs[1]!]!.dims[0]!;
  const weight = constant<Uint8Array>(inputs[1]);
  if (weight === undefined) return declined('weights that are computed');
  const words = Math.ceil(depth / 32);
  const length = roundUp(columns, bitPanelColumns) * words;
  const panels = share(inputs[1]!, `panels of bits, ${columns} ${depth}`, 4 * length, (address) => {
    packBits(new Uint32Array(memory.buffer, address, length), weight, columns, depth);
  });
  const tableOf = (input: number | undefined): number | undefined => {
    if ((input ?? -1) < 0) return 0;
    const values = constant<Float32Array>(input);
    const shape = { groups: 1, columns };
    return values && keepTable(values, Float32Array, shape, bitPanelColumns, context);
  };
  const [multiplier, bias] = [tableOf(inputs[2]), tableOf(inputs[3])];
  if (multiplier === undefined || bias === undefined) return declined('factors that are computed');
  const [x, y] = [operand(inputs[0]), operand(outputs[0])];
  const scratch = context.scratch(4 * words * Math.min(rows, stripRows));
  return (run) => {
    const left = scratch.address;
    for (let row = 0; row < rows; row += stripRows) {
      const count = Math.min(rows - row, stripRows);
      const to = y(run) + 4 * row * columns;
      exports.packBits(x(run) + (row * depth) / 8, count, depth, left);
      exports.multiplyBits(left, count, depth, panels, columns, multiplier, bias, to);
    }
  };
};

/** Writes panels [panel][word][column] of `bits` [columns, depth]; what fills up a word is 0. */
function packBits(to: Uint32Array, bits: Uint8Array, columns: number, depth: number): void {
  const words = Math.ceil(depth / 32);
  to.fill(0);
  for (let column = 0; column < columns; column++) {
    const panel = (column - (column % bitPanelColumns)) * words;
    for (let word = 0; word < words; word++) {
      const first = column * depth + 32 * word;
      const count = Math.min(32, depth - 32 * word);
      let value = 0;
      for (let i = 0; i < count; i++) {
        const bit = first + i;
        if ((bits[bit >> 3]! >> (bit & 7)) & 1) value |= 1 << i;
      }
      to[panel + word * bitPanelColumns + (column % bitPanelColumns)] = value;
    }
  }
}
