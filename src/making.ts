/**
 * What makes quantized models. The code behind is loaded when it is first asked for: most processes only run models, and
 * are ready sooner.
 */

import type { Model } from './onnx/model.js';
import type { ApplyRecipeOptions } from './quantize/applyRecipe.js';
import type { CalibrateOptions } from './quantize/calibrate.js';
import type { Calibration } from './quantize/calibration.js';
import type { QuantizeDynamicOptions } from './quantize/dynamic.js';
import type { WeightsResult } from './quantize/floatWeights.js';
import type { QuantizeStaticOptions } from './quantize/options.js';
import type { QuantizeOptions, QuantizeResult } from './quantize/quantize.js';
import type { Recipe } from './quantize/recipe.js';
import type { SensitivityOptions, SensitivityReport } from './quantize/sensitivity.js';
import type { QuantizedModel } from './quantize/static.js';
import type { QuantizeWeightsOptions } from './quantize/weightOnly.js';
import type {
  QuantizationPageData,
  QuantizationPageOptions,
  QuantizedForPage,
} from './report/quantizationData.js';

/**
 * Quantizes a model (a path, its bytes, or a loaded model) so that its score falls by no more than `maxDrop`. The input
 * model stays as it was. Where no set of float layers is enough, `accuracy.withinBudget` is false, and the model is the
 * best of those tried.
 *
 * Throws `INVALID_ARGUMENT`, `NO_MATCH`, `INVALID_CALIBRATION`, `INVALID_INPUT`, `UNSUPPORTED_OPERATOR`, `ABORTED`, and
 * what `loadModel` throws.
 */
export async function quantize(
  source: Model | string | Uint8Array,
  options: QuantizeOptions,
): Promise<QuantizeResult> {
  const code = await import('./quantize/quantize.js');
  return code.quantize(source, options);
}

/**
 * Quantizes a model (a path, its bytes, or a loaded model) to INT8. The input model stays as it was.
 *
 * Weights: int8, symmetric, one scale per output channel, by their maximum. Activations: uint8, affine, by
 * the calibrator. Biases: int32. Values that feed the model's outputs are never clipped.
 *
 * Throws `INVALID_ARGUMENT`, `NO_MATCH`, `INVALID_CALIBRATION`, `INVALID_INPUT` (a sample that does not fit),
 * `UNSUPPORTED_OPERATOR`, `ABORTED`, and what `loadModel` throws.
 */
export async function quantizeStatic(
  source: Model | string | Uint8Array,
  options: QuantizeStaticOptions,
): Promise<QuantizedModel> {
  const code = await import('./quantize/static.js');
  return code.quantizeStatic(source, options);
}

/**
 * Quantizes the weights of a model (a path, its bytes, or a loaded model) to int8, and its activations as it runs. The
 * input model stays as it was.
 *
 * Throws `INVALID_ARGUMENT`, `NO_MATCH`, `INVALID_CALIBRATION` (a weight that is not finite), `ABORTED`, and what
 * `loadModel` throws.
 */
export async function quantizeDynamic(
  source: Model | string | Uint8Array,
  options: QuantizeDynamicOptions = {},
): Promise<WeightsResult> {
  const code = await import('./quantize/dynamic.js');
  return code.quantizeDynamic(source, options);
}

/**
 * Quantizes the weights of a model (a path, its bytes, or a loaded model). The input model stays as it was.
 *
 * Throws `INVALID_ARGUMENT` (also for options of int4 beside int8), `NO_MATCH`, `INVALID_CALIBRATION` (a weight that is
 * not finite), `ABORTED`, and what `loadModel` throws.
 */
export async function quantizeWeights(
  source: Model | string | Uint8Array,
  options: QuantizeWeightsOptions = {},
): Promise<WeightsResult> {
  const code = await import('./quantize/weightOnly.js');
  return code.quantizeWeights(source, options);
}

/**
 * Watches the values of a model (a path, its bytes, or a loaded model) on samples. What it resolves to serves every
 * calibration method, can be saved, and merges with others of the same model.
 *
 * Throws as `quantizeStatic` does.
 */
export async function calibrate(
  source: Model | string | Uint8Array,
  options: CalibrateOptions,
): Promise<Calibration> {
  const code = await import('./quantize/calibrate.js');
  return code.calibrate(source, options);
}

/**
 * Measures what quantizing costs, layer by layer, with the options that `quantizeStatic` would quantize with. Throws as
 * it does.
 */
export async function sensitivity(
  source: Model | string | Uint8Array,
  options: SensitivityOptions,
): Promise<SensitivityReport> {
  const code = await import('./quantize/sensitivity.js');
  return code.sensitivity(source, options);
}

/**
 * Quantizes a model (a path, its bytes, or a loaded model) as a recipe says, that of `quantize`, `quantizeStatic`,
 * `quantizeDynamic` or `quantizeWeights`: the same model comes of it, and no samples are needed. The input model stays as
 * it was. Every field of the recipe is checked: it may come from a file.
 *
 * Throws `INVALID_RECIPE` for what is no recipe, one of another version or of another model, and where something else
 * comes of it than what it was made from; `INVALID_ARGUMENT`, `ABORTED`, and what `loadModel` throws.
 */
export async function applyRecipe(
  source: Model | string | Uint8Array,
  recipe: Recipe,
  options: ApplyRecipeOptions = {},
): Promise<Model> {
  const code = await import('./quantize/applyRecipe.js');
  return code.applyRecipe(source, recipe, options);
}

/**
 * Gathers what the page of a quantization shows. `source` is the float model. Layers take about three runs of half of the
 * model each, for every sample compared. Throws as `quantizeStatic` does, and `INVALID_RECIPE` for a recipe of another model.
 */
export async function quantizationPageData(
  source: Model | string | Uint8Array,
  quantized: QuantizedForPage,
  options: QuantizationPageOptions,
): Promise<QuantizationPageData> {
  const code = await import('./report/quantizationData.js');
  return code.quantizationPageData(source, quantized, options);
}
