/**
 * Samples as JSON lines: one object per line, input names as keys, and nested (or flat) arrays of
 * numbers as values. The element type and, for flat arrays, the shape come from the model's input.
 */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { allocate, type DataType } from '../../core/dtype.js';
import { OctavoError } from '../../core/errors.js';
import { elementCount } from '../../core/shape.js';
import { type Tensor, tensor } from '../../core/tensor.js';

/** The lines of a file as parsed objects. Throws `INVALID_INPUT` naming file and line. */
export async function* readJsonLines(file: string): AsyncGenerator<Map<string, unknown>> {
  const lines = createInterface({ input: createReadStream(file), crlfDelay: Infinity });
  let number = 0;
  for await (const line of lines) {
    number++;
    if (line.trim() === '') continue;
    const where = `${file}:${number}`;
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch (cause) {
      throw new OctavoError('INVALID_INPUT', 'not JSON', { where, cause });
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new OctavoError('INVALID_INPUT', 'not an object of inputs', { where });
    }
    yield new Map(Object.entries(value));
  }
}

/**
 * A value of a line as a tensor. A flat array takes `dims` when they are all known; nested ones have
 * their own, with a batch axis of 1 put before where the model has one more.
 */
export function tensorFromJson(
  value: unknown,
  type: DataType,
  dims: readonly (number | string | undefined)[],
  where: string,
): Tensor {
  const shape: number[] = [];
  for (let level = value; Array.isArray(level); level = level[0]) shape.push(level.length);
  const flat = (Array.isArray(value) ? value.flat(shape.length) : [value]) as unknown[];
  if (!flat.every((element) => typeof element === 'number' || typeof element === 'boolean')) {
    throw new OctavoError('INVALID_INPUT', 'not an array of numbers', { where });
  }
  if (elementCount(shape) !== flat.length) {
    throw new OctavoError('INVALID_INPUT', 'the rows have different lengths', { where });
  }
  const data = allocate(type, flat.length);
  for (let i = 0; i < flat.length; i++) {
    const element = Number(flat[i]);
    if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
      data[i] = BigInt(Math.trunc(element));
    } else {
      data[i] = element;
    }
  }
  return tensor(type, data, fittingDims(shape, dims, flat.length), where);
}

function fittingDims(
  shape: number[],
  dims: readonly (number | string | undefined)[],
  count: number,
): number[] {
  if (shape.length === 1 && dims.length > 1) {
    const known = dims.map((dim, i) => (typeof dim === 'number' ? dim : i === 0 ? 1 : undefined));
    const missing = known.filter((dim) => dim === undefined).length;
    const product = known.reduce<number>((a, dim) => a * (dim ?? 1), 1);
    if (missing === 0 && product === count) return known as number[];
    if (missing === 1 && product > 0 && count % product === 0) {
      return known.map((dim) => dim ?? count / product);
    }
  }
  return shape.length === dims.length - 1 ? [1, ...shape] : shape;
}
