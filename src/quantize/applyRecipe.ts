/** Repeating a quantization by its recipe: the same model, byte for byte, from the float model alone. */
import { OctavoError, throwIfAborted } from '../core/errors.js';
import { octavoVersion } from '../core/version.js';
import type { Graph } from '../graph/ir.js';
import { loadModel, type Model } from '../onnx/model.js';
import { cleanFloatGraph } from '../passes/floatPasses.js';
import { digestOf } from './calibration.js';
import { checkNames } from './checks.js';
import { parseRecipe } from './parseRecipe.js';
import type { Progress } from './progress.js';
import type { Recipe } from './recipe.js';
import { followStatic } from './staticRecipe.js';
import { followPlan } from './weightRecipes.js';

export interface ApplyRecipeOptions {
  readonly onProgress?: (progress: Progress) => void;
  readonly signal?: AbortSignal;
}

/** What `applyRecipe` of making.ts does. */
export async function applyRecipe(
  source: Model | string | Uint8Array,
  recipe: Recipe,
  options: ApplyRecipeOptions = {},
): Promise<Model> {
  checkNames(options, ['onProgress', 'signal']);
  const { signal, onProgress } = options;
  const checked = parseRecipe(recipe);
  throwIfAborted(signal, 'recipe');
  const model = await loadModel(source);
  const float = cleanFloatGraph(model.graph);
  requireDigest(float, checked, 'model', 'a recipe of another model');
  const graph = follow(float, checked, (done, total) => {
    throwIfAborted(signal, 'recipe');
    onProgress?.({ phase: 'quantize', done, total, etaMs: undefined });
  });
  requireDigest(graph, checked, 'result', 'another model comes of it than it was made from');
  return { ...model, graph };
}

function follow(
  float: Graph,
  recipe: Recipe,
  onLayer: (done: number, total: number) => void,
): Graph {
  switch (recipe.kind) {
    case 'static':
      return followStatic(float, recipe, onLayer);
    case 'dynamic':
    case 'weights':
      return followPlan(float, recipe, onLayer);
  }
}

function requireDigest(graph: Graph, recipe: Recipe, name: 'model' | 'result', what: string): void {
  const found = digestOf(graph);
  if (found === recipe[name]) return;
  const { madeBy } = recipe;
  const others = madeBy === octavoVersion ? '' : ` by Octavo ${octavoVersion}`;
  throw new OctavoError('INVALID_RECIPE', what, {
    where: `recipe.${name}`,
    expected: `${recipe[name]}${others && ` by Octavo ${madeBy}`}`,
    found: `${found}${others}`,
  });
}
