/**
 * Recipes: what a quantization decided, as plain data for a JSON file. `applyRecipe` repeats it on the same float model, to
 * the same file byte for byte, without samples.
 *
 * What samples showed is in it as numbers: the scale and zero point of each activation, factors of channels, what was added
 * to biases, and the codes that weights were rounded to. What follows from the float model itself, scales of weights and
 * nearest codes, is computed again. `result` tells whether the outcome is the same.
 */
import { octavoVersion } from '../core/version.js';
import type { Graph } from '../graph/ir.js';
import type { Absorption } from './absorb.js';
import { digestOf } from './calibration.js';
import type { ChannelScales } from './equalize.js';
import type { ActivationType, WeightMethod, WeightType } from './options.js';
import { packNumbers } from './packedNumbers.js';
import type { SmoothingFactors } from './smoothFold.js';

/** Numbers as text: their bytes (little-endian), deflated, in base64. */
export type PackedNumbers = string;

export type Recipe = StaticRecipe | DynamicRecipe | WeightsRecipe;

interface RecipeHead {
  readonly octavo: 'recipe';
  readonly version: 1;
  /** Version of Octavo that made it. */
  readonly madeBy: string;
  /** Digest of the float graph that it is for, and of the quantized graph that it makes. */
  readonly model: string;
  readonly result: string;
}

/** Of `quantizeStatic`. */
export interface StaticRecipe extends RecipeHead {
  readonly kind: 'static';
  readonly perChannel: boolean;
  readonly weightMethod: WeightMethod | 'auto';
  readonly symmetricWeights: boolean;
  readonly reduceRange: boolean;
  /** Whether layers that could have a bias and have none get one, to be corrected. */
  readonly addBiases: boolean;
  readonly equalized: readonly RecipeEqualization[];
  readonly absorbed: readonly RecipeAbsorption[];
  readonly smoothed: readonly RecipeSmoothing[];
  /** In the order in which they are written. */
  readonly activations: readonly RecipeActivation[];
  /** All layers with quantized weights; others stay in float. */
  readonly layers: readonly RecipeLayer[];
}

/** Of `quantizeDynamic`. */
export interface DynamicRecipe extends RecipeHead {
  readonly kind: 'dynamic';
  readonly activations: 'per-row' | 'per-tensor';
  readonly perChannel: boolean;
  readonly reduceRange: boolean;
  readonly smoothed: readonly RecipeSmoothing[];
  readonly layers: readonly { readonly node: string }[];
}

/** Of `quantizeWeights`. */
export interface WeightsRecipe extends RecipeHead {
  readonly kind: 'weights';
  readonly type: 'int8' | 'int4';
  readonly symmetric: boolean;
  /** int4: as the options say. */
  readonly blockSize?: number | undefined;
  readonly format?: 'MatMulNBits' | 'DequantizeLinear' | undefined;
  readonly activations?: 'float' | 'int8' | undefined;
  readonly layers: readonly { readonly node: string; readonly codes?: PackedNumbers | undefined }[];
}

/** Values with common parameters. */
export interface RecipeActivation {
  readonly values: readonly string[];
  readonly type: ActivationType;
  /** A float32. */
  readonly scale: number;
  readonly zeroPoint: number;
}

export interface RecipeLayer {
  readonly node: string;
  readonly weightType: WeightType;
  /** int8, or int16 of such weights: steps from the nearest code of each weight, modulo 2^8 or 2^16, where samples decided otherwise. */
  readonly codes?: PackedNumbers | undefined;
  /** int32: what is added to the codes of the bias. */
  readonly bias?: PackedNumbers | undefined;
}

/** Two layers between which channels are scaled. */
export interface RecipeEqualization {
  readonly first: string;
  readonly second: string;
  /** float32, one for each channel. */
  readonly scales: PackedNumbers;
}

/** Two layers between whose biases something moves. */
export interface RecipeAbsorption {
  readonly first: string;
  readonly second: string;
  /** float32, one for each channel, 0 or more. */
  readonly shares: PackedNumbers;
}

/** A value whose channels are divided, and the matrix products that read it. */
export interface RecipeSmoothing {
  readonly value: string;
  readonly nodes: readonly string[];
  /** float32, one for each channel. */
  readonly factors: PackedNumbers;
}

/** What all recipes say first. `float` is the float graph, cleaned up. */
export function recipeHead(float: Graph, quantized: Graph): RecipeHead {
  return {
    octavo: 'recipe',
    version: 1,
    madeBy: octavoVersion,
    model: digestOf(float),
    result: digestOf(quantized),
  };
}

export function recipeEqualizations(
  pairs: readonly ChannelScales[],
): readonly RecipeEqualization[] {
  return pairs.map(({ first, second, scales }) => ({ first, second, scales: packNumbers(scales) }));
}

export function recipeAbsorptions(all: readonly Absorption[]): readonly RecipeAbsorption[] {
  return all.map(({ first, second, shares }) => ({ first, second, shares: packNumbers(shares) }));
}

export function recipeSmoothings(all: readonly SmoothingFactors[]): readonly RecipeSmoothing[] {
  return all.map(({ value, nodes, factors }) => ({ value, nodes, factors: packNumbers(factors) }));
}

/** What comes with a quantized model. */
export interface WithRecipe {
  /** Repeats the quantization: see `applyRecipe`. Plain data for a file, made when it is first read. */
  readonly recipe: Recipe;
}

/** The result, with a recipe that is made when it is first read. */
export function withRecipe<T extends object>(result: T, make: () => Recipe): T & WithRecipe {
  let recipe: Recipe | undefined;
  let waiting: (() => Recipe) | undefined = make;
  return Object.defineProperty(result, 'recipe', {
    enumerable: true,
    get() {
      recipe ??= waiting!();
      // What it was made from can be let go.
      waiting = undefined;
      return recipe;
    },
  }) as T & WithRecipe;
}
