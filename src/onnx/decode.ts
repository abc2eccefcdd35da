/**
 * Reads Protocol Buffers messages that nobody vouches for. The input bounds the cost: no length is
 * believed before it is compared with what is left, nesting and the number of parts are limited, and
 * packed numbers go straight to arrays of at most eight times their bytes. Groups are refused.
 *
 * Every fault is `INVALID_MODEL` or `LIMIT_EXCEEDED` and names the field: 'graph.node[3].attribute[0]'.
 */
import { OctavoError } from '../core/errors.js';
import type { Limits } from '../core/limits.js';
import type { Field, Message, NumberListType, Schema } from './schema.js';
import { wireTypes } from './schema.js';

/** What a field may cost in memory next to a number: objects cost most, however small. */
const costs = { int: 1, float: 1, text: 4, bytes: 8, message: 8, numbers: 8 } as const;

/** What a file may cost per node it may have: several times what real models do. */
const costPerNode = 200;

/** Byte ranges of one list of numbers: start, end, start, end … */
type Ranges = number[];

const elementBytes: { readonly [T in NumberListType]: number } = {
  float32: 4,
  float64: 8,
  int32: 4,
  int64: 8,
  uint64: 8,
  floats: 8,
  ints: 8,
};

/** Decodes one message; its `bytes` fields are views of `input`. `name` is what errors call it. */
export function decode<T extends Message>(
  schema: Schema<T>,
  input: Uint8Array,
  limits: Limits,
  name: string,
): T {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const path: (string | number)[] = [];
  let budget = costPerNode * limits.nodes;
  let pos = 0;
  // The last varint: `low` unsigned, `high` signed. Two numbers cost nothing, a bigint an allocation.
  let low = 0;
  let high = 0;

  return readMessage(schema, input.length, 1) as T;

  function readMessage({ fields }: Schema, end: number, depth: number): Message {
    if (depth > limits.nesting) {
      throw exceeded('messages nest too deeply', `at most ${limits.nesting} deep (limit nesting)`);
    }
    const target: Record<string, unknown> & Message = {};
    let numbers: Map<Field, Ranges> | undefined;
    while (pos < end) {
      const start = pos;
      readVarint(end);
      const wireType = low & 7;
      const no = low >>> 3;
      if (high !== 0 || no === 0) throw fault('bytes that are no ONNX model: bad field number');
      const field = fields.get(no);
      if (field === undefined) {
        spend(costs.bytes);
        skip(wireType, end);
        target.unknown ??= [];
        target.unknown.push(input.subarray(start, pos));
        continue;
      }
      path.push(field.name);
      spend(costs[field.kind]);
      if (field.kind === 'numbers') {
        if (wireType !== wireTypes.delimited) expectWireType(field, wireType);
        numbers ??= new Map();
        const ranges = numbers.get(field) ?? [];
        numbers.set(field, ranges);
        ranges.push(skip(wireType, end), pos);
      } else if (field.many) {
        target[field.name] ??= [];
        const list = target[field.name] as unknown[];
        path.push(list.length);
        expectWireType(field, wireType);
        list.push(readValue(field, end, depth));
        path.pop();
      } else {
        expectWireType(field, wireType);
        if (field.kind === 'message' && field.name in target) throw fault('it is there twice');
        target[field.name] = readValue(field, end, depth);
      }
      path.pop();
    }
    if (numbers === undefined) return target;
    for (const [field, ranges] of numbers) {
      path.push(field.name);
      if (field.kind === 'numbers') target[field.name] = readNumbers(field.type, ranges);
      path.pop();
    }
    pos = end;
    return target;
  }

  function readValue(field: Field, end: number, depth: number): unknown {
    if (field.kind === 'message') {
      const length = readLength(end);
      return readMessage(field.schema(), pos + length, depth + 1);
    }
    const start = skip(field.wireType, end);
    if (field.kind === 'int') return high * 2 ** 32 + low;
    if (field.kind === 'float') return view.getFloat32(start, true);
    const data = input.subarray(start, pos);
    if (field.kind === 'bytes') return data;
    try {
      return utf8.decode(data);
    } catch (cause) {
      throw new OctavoError('INVALID_MODEL', 'text that is not UTF-8', { where: place(), cause });
    }
  }

  function readNumbers(type: NumberListType, ranges: Ranges): unknown {
    const fixed = type === 'float64' ? 8 : type === 'float32' || type === 'floats' ? 4 : 0;
    let count = 0;
    for (let r = 0; r < ranges.length; r += 2) {
      const start = ranges[r]!;
      const end = ranges[r + 1]!;
      if (fixed === 0) {
        for (let i = start; i < end; i++) if (input[i]! < 0x80) count++;
      } else {
        if ((end - start) % fixed !== 0) throw fault('the data are cut off inside a number');
        count += (end - start) / fixed;
      }
    }
    if (count * elementBytes[type] > limits.tensorBytes) {
      throw exceeded('too many numbers', `${limits.tensorBytes} bytes (limit tensorBytes)`);
    }
    if (fixed === 0) return readVarints(type, count, ranges);
    const data = new Uint8Array(count * fixed);
    let at = 0;
    for (let r = 0; r < ranges.length; r += 2) {
      data.set(input.subarray(ranges[r], ranges[r + 1]), at);
      at += ranges[r + 1]! - ranges[r]!;
    }
    if (type === 'float64') return new Float64Array(data.buffer);
    const result = new Float32Array(data.buffer);
    return type === 'floats' ? Array.from(result) : result;
  }

  function readVarints(type: NumberListType, count: number, ranges: Ranges): unknown {
    const result = type === 'ints' ? new Array<number>(count) : undefined;
    const words = new Int32Array(result === undefined ? (count * elementBytes[type]) / 4 : 0);
    let i = 0;
    for (let r = 0; r < ranges.length; r += 2) {
      const end = ranges[r + 1]!;
      for (pos = ranges[r]!; pos < end; i++) {
        readVarint(end);
        if (result !== undefined) {
          result[i] = high * 2 ** 32 + low;
        } else if (type === 'int32') {
          words[i] = low;
        } else {
          words[2 * i] = low;
          words[2 * i + 1] = high;
        }
      }
    }
    if (type === 'int64') return new BigInt64Array(words.buffer);
    if (type === 'uint64') return new BigUint64Array(words.buffer);
    return result ?? words;
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
    readVarint(end);
    const length = (high >>> 0) * 2 ** 32 + low;
    expectBytes(length, end);
    return length;
  }

  function readVarint(end: number): void {
    low = 0;
    high = 0;
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

  function expectWireType(field: Field, wireType: number): void {
    if (wireType !== field.wireType) {
      throw fault('the field has the wrong wire type', `${field.wireType}`, `${wireType}`);
    }
  }

  function spend(cost: number): void {
    budget -= cost;
    if (budget < 0) {
      throw exceeded('the model has too many parts', `${limits.nodes} nodes' worth (limit nodes)`);
    }
  }

  function fault(what: string, expected?: string, found?: string): OctavoError {
    return new OctavoError('INVALID_MODEL', what, { where: place(), expected, found });
  }

  function exceeded(what: string, expected: string): OctavoError {
    return new OctavoError('LIMIT_EXCEEDED', what, { where: place(), expected });
  }

  function place(): string {
    let text = '';
    for (const step of path) {
      text += typeof step === 'number' ? `[${step}]` : `${text === '' ? '' : '.'}${step}`;
    }
    return text === '' ? name : `${name}: ${text}`;
  }
}
