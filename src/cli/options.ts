/** Options as the parser hands them over, read and checked: what is wrong with them is a UsageError. */
import type { FreeDimensions } from '../passes/bind.js';
import { type Normalization, normalizations } from './inputs/images.js';
import type { SampleOptions } from './inputs/index.js';

/** A mistake in the command line itself. */
export class UsageError extends Error {}

/** Strings, numbers and booleans by name, lists for options given more than once. */
export type RawOptions = Readonly<Record<string, unknown>>;

export function text(options: RawOptions, name: string): string | undefined {
  const value = options[name];
  if (value === undefined) return undefined;
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  throw new UsageError(`${dashed(name)} takes one value`);
}

export function required(options: RawOptions, name: string): string {
  const value = text(options, name);
  if (value === undefined) throw new UsageError(`${dashed(name)} is needed`);
  return value;
}

export function texts(options: RawOptions, name: string): readonly string[] | undefined {
  const value = options[name];
  if (value === undefined) return undefined;
  return (Array.isArray(value) ? value : [value]).map(String);
}

/** A whole number from `least`. */
export function whole(options: RawOptions, name: string, least = 1): number | undefined {
  const value = text(options, name);
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value) && Number(value) >= least) return Number(value);
  throw new UsageError(`${dashed(name)} takes a whole number from ${least}, not '${value}'`);
}

export function decimal(options: RawOptions, name: string): number | undefined {
  const value = text(options, name);
  if (value === undefined) return undefined;
  if (value.trim() !== '' && Number.isFinite(Number(value))) return Number(value);
  throw new UsageError(`${dashed(name)} takes a number, not '${value}'`);
}

export function choice<T extends string>(
  options: RawOptions,
  name: string,
  choices: readonly T[],
): T | undefined {
  const value = text(options, name);
  if (value === undefined || (choices as readonly string[]).includes(value)) {
    return value as T | undefined;
  }
  throw new UsageError(`${dashed(name)} is one of ${choices.join(', ')}, not '${value}'`);
}

export function sampleOptions(options: RawOptions): SampleOptions {
  const names = Object.keys(normalizations) as Normalization[];
  return {
    normalization: choice(options, 'normalize', names),
    size: pictureSize(options),
    limit: whole(options, 'samples'),
  };
}

/** `--shard 3/8`. */
export function shardOption(options: RawOptions): SampleOptions['shard'] {
  const value = text(options, 'shard');
  if (value === undefined) return undefined;
  const [, index, count] = /^([1-9]\d{0,6})\/([1-9]\d{0,6})$/.exec(value) ?? [];
  if (Number(index) <= Number(count)) return { index: Number(index), count: Number(count) };
  throw new UsageError(`--shard takes <i>/<n> with i from 1 to n, such as 3/8, not '${value}'`);
}

/** `--dim name=size`, which may be repeated; a name may hold an equals sign, a size may not. */
export function dimOptions(options: RawOptions): FreeDimensions {
  const sizes = (texts(options, 'dim') ?? []).map((given) => {
    const [, name, size] = /^(.+)=(\d{1,9})$/s.exec(given) ?? [];
    if (size === undefined) throw new UsageError(`--dim takes <name>=<size>, not '${given}'`);
    return [name, Number(size)] as const;
  });
  return Object.fromEntries(sizes);
}

function pictureSize(options: RawOptions): [number, number] | undefined {
  const value = text(options, 'size');
  if (value === undefined) return undefined;
  const [, width, height] = /^([1-9]\d{0,4})[x×]([1-9]\d{0,4})$/.exec(value) ?? [];
  if (height !== undefined) return [Number(width), Number(height)];
  throw new UsageError(`--size takes <width>x<height>, such as 224x224, not '${value}'`);
}

/** True when the flag is given, undefined otherwise. */
export function flagged(options: RawOptions, name: string): true | undefined {
  return options[name] === true ? true : undefined;
}

/** The flag of an option. */
export function dashed(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
