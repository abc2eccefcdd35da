/**
 * Reads Protocol Buffers messages that nobody vouches for. The input bounds the cost: no length is
 * believed before it is compared with what is left, nesting and the number of parts are limited, and
 * packed numbers go straight to arrays of at most eight times their bytes. Groups are refused.
 *
 * Every fault is `INVALID_MODEL` or `LIMIT_EXCEEDED` and names the field: 'graph.node[3].attribute[0]'.
 */
import { type ErrorCode, type ErrorDetails, OctavoError } from '../core/errors.js';
import type { Limits } from '../core/limits.js';
import type { Field, Message, NumberListType, Schema } from './schema.js';
import { unknownCost, wireTypes } from './schema.js';

/** What a file may cost per node it may have: several times what real models do. */
const costPerNode = 200;

/** Byte ranges of one list of numbers: start, end, start, end … */
type Ranges = number[];

/** Lists of numbers that become typed arrays, once it is known how many there are. */
type TypedList = Exclude<NumberListType, 'ints' | 'floats'>;

const cutOff = 'the data are cut off inside a number';

const elementBytes: { readonly [T in NumberListType]: number } = {
  float32: 4,
  float64: 8,
  int32: 4,
  int64: 8,
  uint64: 8,
  floats: 8,
  ints: 8,
};

/** What is wrong, and the way to it, which those who were reading it add. */
class Fault {
  where = '';

  constructor(
    readonly code: ErrorCode,
    readonly what: string,
    readonly details: Pick<ErrorDetails, 'expected' | 'found' | 'cause'> = {},
  ) {}

  under(step: string): this {
    this.where = this.where === '' ? step : `${step}.${this.where}`;
    return this;
  }
}

/** Decodes one message; its `bytes` fields are views of `input`. `name` is what errors call it. */
export function decode<T extends Message>(
  schema: Schema<T>,
  input: Uint8Array,
  limits: Limits,
  name: string,
): T {
  try {
    return readWhole(schema, input, limits) as T;
  } catch (fault) {
    if (!(fault instanceof Fault)) throw fault;
    const where = fault.where === '' ? name : `${name}: ${fault.where}`;
    throw new OctavoError(fault.code, fault.what, { ...fault.details, where });
  }
}

function readWhole(whole: Schema, input: Uint8Array, limits: Limits): Message {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  const textOf = textReader(input);
  let budget = costPerNode * limits.nodes;
  let pos = 0;
  // The last varint: `low` unsigned, `high` signed. Two numbers cost nothing, a bigint an allocation.
  let low = 0;
  let high = 0;

  return readMessage(whole, input.length, 1);

  // Most of a file is small parts: few calls for each, since all of it is read before an engine optimizes anything.
  function readMessage({ byNumber, empty }: Schema, end: number, depth: number): Message {
    if (depth > limits.nesting) {
      throw exceeded('messages nest too deeply', `at most ${limits.nesting} deep (limit nesting)`);
    }
    const target: Record<string, unknown> & Message = { ...empty };
    let numbers: Map<Field & { kind: 'numbers' }, Ranges> | undefined;
    let field: Field | undefined;
    try {
      while (pos < end) {
        field = undefined;
        const start = pos;
        let tag = input[pos]!;
        if (tag < 0x80) pos++;
        else tag = readTag(end);
        const wireType = tag & 7;
        field = byNumber[tag >>> 3];
        budget -= field === undefined ? unknownCost : field.cost;
        if (budget < 0) throw tooManyParts();
        if (field === undefined) {
          if (tag < 8) throw badNumber();
          skip(wireType, end);
          target.unknown ??= [];
          target.unknown.push(input.subarray(start, pos));
        } else if (field.kind !== 'numbers') {
          if (wireType !== field.wireType) throw wrongType(field, wireType);
          if (field.many) {
            const list = target[field.name] as unknown[] | undefined;
            const value = readValue(field, end, depth);
            if (list === undefined) target[field.name] = [value];
            else list.push(value);
          } else {
            const isTwice = field.kind === 'message' && target[field.name] !== undefined;
            if (isTwice) throw fault('it is there twice');
            target[field.name] = readValue(field, end, depth);
          }
        } else {
          if (wireType !== wireTypes.delimited && wireType !== field.wireType) {
            throw wrongType(field, wireType);
          }
          if (field.type === 'ints' || field.type === 'floats') {
            target[field.name] ??= [];
            readList(field.type, target[field.name] as number[], wireType, end);
          } else {
            numbers ??= new Map();
            const ranges = numbers.get(field) ?? [];
            numbers.set(field, ranges);
            ranges.push(skip(wireType, end), pos);
          }
        }
      }
      if (numbers !== undefined) {
        for (const [list, ranges] of numbers) {
          field = list;
          target[list.name] = readNumbers(list.type as TypedList, ranges);
        }
      }
    } catch (error) {
      if (field === undefined || !(error instanceof Fault)) throw error;
      const list = target[field.name] as unknown[] | undefined;
      const index = field.many ? `[${list?.length ?? 0}]` : '';
      throw error.under(`${field.name}${index}`);
    }
    pos = end;
    return target;
  }

  function readValue(field: Field, end: number, depth: number): unknown {
    if (field.wireType !== wireTypes.delimited) {
      const start = skip(field.wireType, end);
      return field.kind === 'int' ? high * 2 ** 32 + low : view.getFloat32(start, true);
    }
    const last = readLength(end) + pos;
    if (field.kind === 'message') return readMessage(field.schema(), last, depth + 1);
    const start = pos;
    pos = last;
    return field.kind === 'text' ? textOf(start, last) : input.subarray(start, last);
  }

  /** Number and wire type of a field, of more than one byte. */
  function readTag(end: number): number {
    readVarint(end);
    if (high !== 0) throw badNumber();
    return low;
  }

  /** Adds one number, or a packed run of them. */
  function readList(type: 'ints' | 'floats', list: number[], wireType: number, end: number): void {
    if (wireType !== wireTypes.delimited) {
      readNumber(type, list, end);
      return;
    }
    const length = readLength(end);
    const last = pos + length;
    if (type === 'floats' && length % 4 !== 0) throw fault(cutOff);
    while (pos < last) readNumber(type, list, last);
  }

  function readNumber(type: 'ints' | 'floats', list: number[], end: number): void {
    if (type === 'floats') {
      list.push(view.getFloat32(skip(wireTypes.fixed32, end), true));
    } else {
      readVarint(end);
      list.push(high * 2 ** 32 + low);
    }
    if (list.length * elementBytes[type] > limits.tensorBytes) throw tooMany();
  }

  function readNumbers(type: TypedList, ranges: Ranges): unknown {
    const fixed = type === 'float64' ? 8 : type === 'float32' ? 4 : 0;
    let count = 0;
    for (let r = 0; r < ranges.length; r += 2) {
      const start = ranges[r]!;
      const end = ranges[r + 1]!;
      if (fixed === 0) {
        for (let i = start; i < end; i++) if (input[i]! < 0x80) count++;
      } else {
        if ((end - start) % fixed !== 0) throw fault(cutOff);
        count += (end - start) / fixed;
      }
    }
    if (count * elementBytes[type] > limits.tensorBytes) throw tooMany();
    if (fixed === 0) return readVarints(type, count, ranges);
    const data = new Uint8Array(count * fixed);
    let at = 0;
    for (let r = 0; r < ranges.length; r += 2) {
      data.set(input.subarray(ranges[r], ranges[r + 1]), at);
      at += ranges[r + 1]! - ranges[r]!;
    }
    return type === 'float64' ? new Float64Array(data.buffer) : new Float32Array(data.buffer);
  }

  function readVarints(type: TypedList, count: number, ranges: Ranges): unknown {
    const words = new Int32Array((count * elementBytes[type]) / 4);
    let i = 0;
    for (let r = 0; r < ranges.length; r += 2) {
      const end = ranges[r + 1]!;
      for (pos = ranges[r]!; pos < end; i++) {
        readVarint(end);
        if (type === 'int32') {
          words[i] = low;
        } else {
          words[2 * i] = low;
          words[2 * i + 1] = high;
        }
      }
    }
    if (type === 'int64') return new BigInt64Array(words.buffer);
    return type === 'uint64' ? new BigUint64Array(words.buffer) : words;
  }

  /** Steps over a payload and returns where it starts, behind its length if it has one. */
  function skip(wireType: number, end: number): number {
    let start = pos;
    if (wireType === wireTypes.varint) {
      readVarint(end);
    } else if (wireType === wireTypes.delimited) {
      const length = readLength(end);
      start = pos;
      pos += length;
    } else if (wireType === wireTypes.fixed32 || wireType === wireTypes.fixed64) {
      const size = wireType === wireTypes.fixed32 ? 4 : 8;
      expectBytes(size, end);
      pos += size;
    } else {
      throw fault('bytes that are no ONNX model: a group, or not Protocol Buffers at all');
    }
    return start;
  }

  function readLength(end: number): number {
    let length = pos < end ? input[pos]! : 0x80;
    if (length < 0x80) {
      pos++;
    } else {
      readVarint(end);
      length = (high >>> 0) * 2 ** 32 + low;
    }
    if (length > end - pos) expectBytes(length, end);
    return length;
  }

  function readVarint(end: number): void {
    high = 0;
    if (pos < end && input[pos]! < 0x80) {
      low = input[pos++]!;
      return;
    }
    low = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (pos >= end) expectBytes(1, end);
      const byte = input[pos++]!;
      const bits = byte & 0x7f;
      if (shift < 28) {
        low |= bits << shift;
      } else if (shift === 28) {
        low |= bits << 28;
        high = bits >> 4;
      } else {
        high |= bits << (shift - 32);
      }
      if (byte < 0x80) {
        low >>>= 0;
        return;
      }
    }
    throw fault('a number takes more than ten bytes');
  }

  function expectBytes(size: number, end: number): void {
    if (size > end - pos) throw fault('the data are cut off', `${size} bytes`, `${end - pos}`);
  }

  function badNumber(): Fault {
    return fault('bytes that are no ONNX model: bad field number');
  }

  function wrongType(field: Field, wireType: number): Fault {
    return fault('the field has the wrong wire type', `${field.wireType}`, `${wireType}`);
  }

  function tooManyParts(): Fault {
    return exceeded('the model has too many parts', `${limits.nodes} nodes' worth (limit nodes)`);
  }

  function tooMany(): Fault {
    return exceeded('too many numbers', `${limits.tensorBytes} bytes (limit tensorBytes)`);
  }

  function fault(what: string, expected?: string, found?: string): Fault {
    return new Fault('INVALID_MODEL', what, { expected, found });
  }

  function exceeded(what: string, expected: string): Fault {
    return new Fault('LIMIT_EXCEEDED', what, { expected });
  }
}

/** A function that reads text. Node reads short pieces of it sooner than a TextDecoder, which says whether they are UTF-8. */
function textReader(input: Uint8Array): (start: number, end: number) => string {
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const strict = (start: number, end: number): string => {
    try {
      return utf8.decode(input.subarray(start, end));
    } catch (cause) {
      throw new Fault('INVALID_MODEL', 'text that is not UTF-8', { cause });
    }
  };
  if (typeof Buffer === 'undefined') return strict;
  const buffer = Buffer.from(input.buffer, input.byteOffset, input.byteLength);
  return (start, end) => {
    const text = buffer.toString('utf8', start, end);
    return text.includes('\ufffd') ? strict(start, end) : text;
  };
}
