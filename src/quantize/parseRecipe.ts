/** Recipes as they come from a file: every field is checked, and what does not belong there is refused. */
import { OctavoError } from '../core/errors.js';
import { octavoVersion } from '../core/version.js';
import { integerRange } from '../numerics/index.js';
import { activationTypes, weightMethods, weightTypes } from './options.js';
import type { DynamicRecipe, Recipe, StaticRecipe, WeightsRecipe } from './recipe.js';

/** Reads what lies at `where`; throws `INVALID_RECIPE` for what is not such a value. */
type Reader<T> = (value: unknown, where: string) => T;

const text = reader('a string', (value): value is string => typeof value === 'string');
const flag = reader('true or false', (value): value is boolean => typeof value === 'boolean');
const scale = reader(
  'a positive float32',
  (value): value is number =>
    typeof value === 'number' && value > 0 && value < Infinity && Math.fround(value) === value,
);
const integer = reader('a whole number', (value): value is number => Number.isSafeInteger(value));
const digest = reader(
  'a digest of 16 hexadecimal digits',
  (value): value is string => typeof value === 'string' && /^[0-9a-f]{16}$/.test(value),
);

function reader<T>(expected: string, is: (value: unknown) => value is T): Reader<T> {
  return (value, where) => {
    if (is(value)) return value;
    throw malformed(where, expected, value);
  };
}

function oneOf<T extends string | number>(...allowed: readonly T[]): Reader<T> {
  return reader(allowed.join(', '), (value): value is T => allowed.includes(value as T));
}

function optional<T>(read: Reader<T>): Reader<T | undefined> {
  return (value, where) => (value === undefined ? undefined : read(value, where));
}

function listOf<T>(read: Reader<T>, least = 0): Reader<readonly T[]> {
  return (value, where) => {
    if (!Array.isArray(value) || value.length < least) {
      throw malformed(where, least === 0 ? 'a list' : 'a list that is not empty', value);
    }
    return value.map((item, i) => read(item, `${where}[${i}]`));
  };
}

/** An object of these fields and no others. */
function shape<T>(fields: { readonly [K in keyof T]-?: Reader<T[K]> }): Reader<T> {
  return (value, where) => {
    if (!isObject(value)) throw malformed(where, 'an object', value);
    const names = Object.keys(fields);
    const other = Object.keys(value).find((name) => !names.includes(name));
    if (other !== undefined) {
      throw malformed(`${where}.${other}`, `one of ${names.join(', ')}`, value[other]);
    }
    const read = names.map((name) => {
      return [name, fields[name as keyof T](value[name], `${where}.${name}`)] as const;
    });
    return Object.fromEntries(read) as T;
  };
}

const head = {
  octavo: oneOf('recipe'),
  version: oneOf(1),
  madeBy: text,
  model: digest,
  result: digest,
} as const;

const smoothed = listOf(shape({ value: text, nodes: listOf(text, 1), factors: text }));

const staticRecipe = shape<StaticRecipe>({
  ...head,
  kind: oneOf('static'),
  perChannel: flag,
  weightMethod: oneOf('auto', ...weightMethods),
  symmetricWeights: flag,
  reduceRange: flag,
  addBiases: flag,
  equalized: listOf(shape({ first: text, second: text, scales: text })),
  absorbed: listOf(shape({ first: text, second: text, shares: text })),
  smoothed,
  activations: listOf(
    shape({
      values: listOf(text, 1),
      type: oneOf(...activationTypes),
      scale,
      zeroPoint: integer,
    }),
    1,
  ),
  layers: listOf(
    shape({
      node: text,
      weightType: oneOf(...weightTypes),
      codes: optional(text),
      bias: optional(text),
    }),
    1,
  ),
});

const dynamicRecipe = shape<DynamicRecipe>({
  ...head,
  kind: oneOf('dynamic'),
  activations: oneOf('per-row', 'per-tensor'),
  perChannel: flag,
  reduceRange: flag,
  smoothed,
  layers: listOf(shape({ node: text }), 1),
});

const weightsRecipe = shape<WeightsRecipe>({
  ...head,
  kind: oneOf('weights'),
  type: oneOf('int8', 'int4'),
  symmetric: flag,
  blockSize: optional(oneOf(16, 32, 64, 128, 256)),
  format: optional(oneOf('MatMulNBits', 'DequantizeLinear')),
  activations: optional(oneOf('float', 'int8')),
  layers: listOf(shape({ node: text, codes: optional(text) }), 1),
});

const kinds: ReadonlyMap<unknown, Reader<Recipe>> = new Map<string, Reader<Recipe>>([
  ['static', staticRecipe],
  ['dynamic', dynamicRecipe],
  ['weights', weightsRecipe],
]);

/** Throws `INVALID_RECIPE`, saying where, for what is no recipe, and for one of another version. */
export function parseRecipe(value: unknown): Recipe {
  const where = 'recipe';
  if (!isObject(value)) throw malformed(where, 'an object', value);
  head.octavo(value['octavo'], `${where}.octavo`);
  if (value['version'] !== 1) {
    throw new OctavoError('INVALID_RECIPE', 'a version that this Octavo does not know', {
      where: `${where}.version`,
      expected: `1, of Octavo ${octavoVersion}`,
      found: `${shown(value['version'])}, of Octavo ${shown(value['madeBy'])}`,
    });
  }
  const read = kinds.get(value['kind']);
  if (read === undefined) {
    throw malformed(`${where}.kind`, [...kinds.keys()].join(', '), value['kind']);
  }
  const recipe = read(value, where);
  requireSound(recipe, where);
  return recipe;
}

/** What fields have to do with each other. */
function requireSound(recipe: Recipe, where: string): void {
  const names = new Set<string>();
  for (const [i, { node }] of recipe.layers.entries()) {
    if (names.has(node)) throw malformed(`${where}.layers[${i}].node`, 'each layer once', node);
    names.add(node);
  }
  if (recipe.kind === 'static') {
    for (const [i, { type, zeroPoint }] of recipe.activations.entries()) {
      const { min, max } = integerRange(type);
      if (zeroPoint >= min && zeroPoint <= max) continue;
      const at = `${where}.activations[${i}].zeroPoint`;
      throw malformed(at, `${min} … ${max}`, zeroPoint);
    }
  }
  if (recipe.kind !== 'weights') return;
  for (const name of ['blockSize', 'format', 'activations'] as const) {
    if ((recipe[name] === undefined) === (recipe.type === 'int8')) continue;
    const expected = recipe.type === 'int8' ? 'nothing beside int8' : 'a value beside int4';
    throw malformed(`${where}.${name}`, expected, recipe[name]);
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function malformed(where: string, expected: string, found: unknown): OctavoError {
  const details = { where, expected, found: shown(found) };
  return new OctavoError('INVALID_RECIPE', 'not what belongs in a recipe', details);
}

function shown(value: unknown): string {
  const written = JSON.stringify(value) ?? 'nothing';
  return written.length > 40 ? `${written.slice(0, 40)}…` : written;
}
