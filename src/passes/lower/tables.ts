/** Lookup tables: functions of one byte, as 256 bytes indexed and filled by bits. */
import { attribute } from '../../graph/attributes.js';
import { type Graph, type GraphIndex, type Node, typeOf } from '../../graph/ir.js';
import type { Rewriting } from './rewriting.js';

export type ByteType = 'uint8' | 'int8';

export function isByteType(type: string | undefined): type is ByteType {
  return type === 'uint8' || type === 'int8';
}

/** Number that these bits mean. */
export function fromBits(bits: number, type: ByteType): number {
  return type === 'int8' ? (bits << 24) >> 24 : bits;
}

/** The table of a function from numbers of one type to numbers of another, which it must stay in. */
export function tableOf(from: ByteType, f: (code: number) => number): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, bits) => f(fromBits(bits, from)) & 0xff);
}

/** Moves int8 to uint8 by adding 128, and back: either way the top bit is flipped. */
export const flipTable: Uint8Array = tableOf('uint8', (code) => code ^ 0x80);

export function isSameTable(a: Uint8Array, b: Uint8Array): boolean {
  return a.every((byte, i) => byte === b[i]);
}

/** Adds a Lookup of x, which has a type. */
export function addLookup(
  to: Rewriting,
  x: string,
  table: Uint8Array,
  type: ByteType,
  output?: string,
): string {
  const data = to.constant(`${x}/table`, { type: 'uint8', dims: [256], data: table });
  const dims = to.typeOf(x)?.dims;
  const extra = { outputType: attribute.string(type) };
  return to.step('Lookup', [x, data], {}, { type, dims }, { output, extra });
}

/** A Lookup's table, when the node is one; its tables are always constant. */
export function lookupOf(graph: Graph, node: Node | undefined): Uint8Array | undefined {
  if (node?.op !== 'Lookup' || node.domain !== 'octavo') return undefined;
  return graph.constants.get(node.inputs[1]!)?.data as Uint8Array | undefined;
}

/** The value that was flipped to give this one; undefined when it did not come from a flip. */
export function flippedFrom(
  { graph, index }: { readonly graph: Graph; readonly index: GraphIndex },
  value: string,
): string | undefined {
  const producer = index.producer(value);
  const table = lookupOf(graph, producer);
  if (table === undefined || !isSameTable(table, flipTable)) return undefined;
  const source = producer!.inputs[0]!;
  const [from, to] = [typeOf(graph, source)?.type, typeOf(graph, value)?.type];
  return from !== to ? source : undefined;
}
