/** Checks of what callers hand in as options. Each throws `INVALID_ARGUMENT`, naming the option. */
import { OctavoError } from '../core/errors.js';

/** Refuses an option of another name. */
export function checkNames(options: object, names: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (names.includes(name)) continue;
    throw new OctavoError('INVALID_ARGUMENT', 'unknown option', {
      where: name,
      expected: names.join(', '),
    });
  }
}

export function opTypesOf(
  opTypes: readonly string[] | undefined,
  allowed: readonly string[],
): ReadonlySet<string> {
  for (const op of opTypes ?? []) oneOf('opTypes', op, allowed);
  return new Set(opTypes ?? allowed);
}

export function oneOf<T extends string>(
  where: string,
  value: T | undefined,
  allowed: readonly T[],
): void;
export function oneOf<T extends string>(
  where: string,
  value: T | undefined,
  allowed: readonly T[],
  fallback: T,
): T;
export function oneOf<T extends string>(
  where: string,
  value: T | undefined,
  allowed: readonly T[],
  fallback?: T,
): T | undefined {
  if (value === undefined) return fallback;
  if (!allowed.includes(value)) {
    throw new OctavoError('INVALID_ARGUMENT', 'unknown value', {
      where,
      expected: allowed.join(', '),
      found: String(value),
    });
  }
  return value;
}

/** A whole number from 1. */
export function count(where: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new OctavoError('INVALID_ARGUMENT', 'not a whole number from 1', {
    where,
    found: String(value),
  });
}

export function flag(where: string, value: boolean | undefined, fallback: boolean): boolean {
  if (value === undefined) return fallback;
  if (typeof value !== 'boolean') {
    throw new OctavoError('INVALID_ARGUMENT', 'not a boolean', { where, found: typeof value });
  }
  return value;
}
