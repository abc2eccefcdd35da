/**
 * Samples as JSON lines: one object per line, input names as keys, and nested (or flat) arrays of
 * numbers as values. The element type and, for flat arrays, the shape come from the model's input.
 */
import type { DataType } from '../../core/dtype.js';
import { OctavoError } from '../../core/errors.js';
import { defaultLimits } from '../../core/limits.js';
import { elementCount } from '../../core/shape.js';
import { type Tensor, tensor } from '../../core/tensor.js';
import { elementsOf } from './convert.js';
import { readLines } from './files.js';

export interface JsonLine {
  /** File and line, for messages. */
  readonly where: string;
  readonly values: ReadonlyMap<string, unknown>;
}

/** The lines of a file as parsed objects. Throws `INVALID_INPUT` naming file and line. */
export async function* readJsonLines(file: string): AsyncGenerator<JsonLine> {
  let number = 0;
  for await (const line of readLines(file)) {
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
    yield { where, values: new Map(Object.entries(value)) };
  }
}

/**
 * A value of a line as a tensor. A flat array takes `dims` when at most one of them is unknown; nested
 * ones have their own, with a batch axis of 1 put before where the model has one more. Throws
 * `INVALID_INPUT` for what is no array of numbers, has rows of different lengths, or does not fit `type`.
 */
export function tensorFromJson(
  value: unknown,
  type: DataType,
  dims: readonly (number | string | undefined)[] | undefined,
  where: string,
): Tensor {
  const shape: number[] = [];
  for (let level = value; Array.isArray(level); level = level[0]) {
    shape.push(level.length);
    if (shape.length > defaultLimits.rank) {
      throw new OctavoError('INVALID_INPUT', 'arrays are nested too deep', {
        where,
        expected: `at most ${defaultLimits.rank} levels`,
      });
    }
  }
  const flat: number[] = [];
  flatten(value, shape, 0, flat, where);
  return tensor(type, elementsOf(flat, type, where) as never, fittingDims(shape, dims), where);
}

function flatten(
  value: unknown,
  shape: readonly number[],
  depth: number,
  into: number[],
  where: string,
): void {
  if (depth === shape.length) {
    if (typeof value !== 'number' && typeof value !== 'boolean') {
      const found = Array.isArray(value) ? 'an array' : JSON.stringify(value).slice(0, 40);
      throw new OctavoError('INVALID_INPUT', 'not an array of numbers', { where, found });
    }
    into.push(Number(value));
    return;
  }
  if (!Array.isArray(value) || value.length !== shape[depth]) {
    throw new OctavoError('INVALID_INPUT', 'the rows have different lengths', { where });
  }
  for (const row of value) flatten(row, shape, depth + 1, into, where);
}

function fittingDims(
  shape: readonly number[],
  dims: readonly (number | string | undefined)[] = shape,
): readonly number[] {
  if (shape.length === 1 && dims.length > 1) {
    const count = shape[0]!;
    const known = dims.map((dim, i) => (typeof dim === 'number' ? dim : i === 0 ? 1 : undefined));
    const missing = known.filter((dim) => dim === undefined).length;
    const product = elementCount(known.filter((dim) => dim !== undefined));
    if (missing === 0 && product === count) return known as number[];
    if (missing === 1 && product > 0 && count % product === 0) {
      return known.map((dim) => dim ?? count / product);
    }
  }
  return shape.length === dims.length - 1 ? [1, ...shape] : shape;
}
