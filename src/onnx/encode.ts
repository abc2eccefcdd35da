/**
 * Writes Protocol Buffers messages: fields in ascending order, unknown ones last, numbers packed, so
 * that the same message always gives the same bytes. Sizes are taken first, and each message's is
 * remembered, so that one exact buffer is allocated and every byte is copied once.
 */
import { OctavoError } from '../core/errors.js';
import type { Field, Message, Schema } from './schema.js';
import { wireTypes } from './schema.js';

/** Protocol Buffers hold messages up to this size, and readers refuse longer ones. */
const mostBytes = 2 ** 31 - 1;

type Values = Readonly<Record<string, unknown>> & Message;

/** Encodes a message; throws `LIMIT_EXCEEDED` at 2 GiB. */
export function encode<T extends Message>(schema: Schema<T>, message: T): Uint8Array {
  const utf8 = new TextEncoder();
  /** Sizes of messages and of lists, without tag and length. */
  const sizes = new Map<object, number>();
  const texts = new Map<string, Uint8Array>();

  const size = sizeOf(schema, message as Values);
  if (size > mostBytes) {
    throw new OctavoError('LIMIT_EXCEEDED', 'an ONNX file cannot be this large', {
      expected: `at most ${mostBytes} bytes`,
      found: String(size),
    });
  }
  const output = new Uint8Array(size);
  const view = new DataView(output.buffer);
  let pos = 0;
  writeMessage(schema, message as Values);
  return output;

  function sizeOf(schema: Schema, message: Values): number {
    let size = 0;
    for (const [field, value] of valuesOf(schema, message)) {
      size += varintSize(tagOf(field)) + sizeOfValue(field, value);
    }
    for (const record of message.unknown ?? []) size += record.length;
    sizes.set(message, size);
    return size;
  }

  function sizeOfValue(field: Field, value: unknown): number {
    if (field.kind === 'int') return varintSize(value as number);
    if (field.kind === 'float') return 4;
    const size =
      field.kind === 'message'
        ? sizeOf(field.schema(), value as Values)
        : field.kind === 'numbers'
          ? sizeOfNumbers(field, value as ArrayLike<number | bigint>)
          : bytesOf(value as string | Uint8Array).length;
    return varintSize(size) + size;
  }

  function sizeOfNumbers(field: Field, list: ArrayLike<number | bigint>): number {
    let size = 0;
    if (field.wireType === wireTypes.varint) {
      for (let i = 0; i < list.length; i++) size += varintSize(list[i]!);
    } else {
      size = list.length * (field.wireType === wireTypes.fixed64 ? 8 : 4);
    }
    sizes.set(list, size);
    return size;
  }

  function writeMessage(schema: Schema, message: Values): void {
    for (const [field, value] of valuesOf(schema, message)) {
      writeVarint(tagOf(field));
      writeValue(field, value);
    }
    for (const record of message.unknown ?? []) writeBytes(record);
  }

  function writeValue(field: Field, value: unknown): void {
    if (field.kind === 'int') {
      writeVarint(value as number);
    } else if (field.kind === 'float') {
      writeFixed(field, value as number);
    } else if (field.kind === 'message') {
      writeVarint(sizes.get(value as object)!);
      writeMessage(field.schema(), value as Values);
    } else if (field.kind === 'numbers') {
      const list = value as ArrayLike<number | bigint>;
      writeVarint(sizes.get(list)!);
      for (let i = 0; i < list.length; i++) {
        if (field.wireType === wireTypes.varint) writeVarint(list[i]!);
        else writeFixed(field, list[i] as number);
      }
    } else {
      const data = bytesOf(value as string | Uint8Array);
      writeVarint(data.length);
      writeBytes(data);
    }
  }

  function writeFixed(field: Field, value: number): void {
    if (field.wireType === wireTypes.fixed64) {
      view.setFloat64(pos, value, true);
      pos += 8;
    } else {
      view.setFloat32(pos, value, true);
      pos += 4;
    }
  }

  function writeVarint(value: number | bigint): void {
    if (typeof value === 'number' && value >= 0 && value < 2 ** 31) {
      let rest = value;
      for (; rest >= 0x80; rest >>>= 7) output[pos++] = (rest & 0x7f) | 0x80;
      output[pos++] = rest;
      return;
    }
    let rest = toUint64(value);
    for (; rest >= 0x80n; rest >>= 7n) output[pos++] = Number(rest & 0x7fn) | 0x80;
    output[pos++] = Number(rest);
  }

  function writeBytes(data: Uint8Array): void {
    output.set(data, pos);
    pos += data.length;
  }

  function bytesOf(value: string | Uint8Array): Uint8Array {
    if (typeof value !== 'string') return value;
    let data = texts.get(value);
    if (data === undefined) {
      data = utf8.encode(value);
      texts.set(value, data);
    }
    return data;
  }
}

/** Fields that are there, a list element by element. */
function* valuesOf(schema: Schema, message: Values): Generator<readonly [Field, unknown]> {
  for (const field of schema.fields) {
    const value = message[field.name];
    if (value === undefined) continue;
    if (field.many) for (const element of value as unknown[]) yield [field, element];
    else if (field.kind !== 'numbers' || (value as ArrayLike<unknown>).length > 0)
      yield [field, value];
  }
}

function tagOf({ no, kind, wireType }: Field): number {
  return no * 8 + (kind === 'numbers' ? wireTypes.delimited : wireType);
}

function varintSize(value: number | bigint): number {
  if (typeof value === 'number' && value >= 0 && value < 2 ** 31) {
    let size = 1;
    for (let rest = value; rest >= 0x80; rest >>>= 7) size++;
    return size;
  }
  let size = 1;
  for (let rest = toUint64(value); rest >= 0x80n; rest >>= 7n) size++;
  return size;
}

/** Two's complement in 64 bits; numbers beyond int64 (2^63, to which 2^63 − 1 rounds) saturate. */
function toUint64(value: number | bigint): bigint {
  if (typeof value === 'bigint') return BigInt.asUintN(64, value);
  if (value >= 2 ** 63) return 2n ** 63n - 1n;
  if (value < -(2 ** 63)) return 2n ** 63n;
  return BigInt.asUintN(64, BigInt(value));
}
