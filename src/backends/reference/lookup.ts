/** Any function of one byte, as a table of its 256 values. */
import { elementsOf, type StepKernel } from './kernel.js';

/** The table is indexed by the bits of x and holds the bits of y; signedness is in the table. */
export const lookup: StepKernel<'Lookup'> = ({ inputs, outputs }, memory) => {
  const x = bytesOf(memory.view(inputs[0]!));
  const table = elementsOf<'uint8'>(memory, inputs[1]);
  const y = bytesOf(memory.view(outputs[0]!));
  for (let i = 0; i < y.length; i++) y[i] = table[x[i]!]!;
};

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
