/** A way to quantize a model of which any layers may stay in float: what a search for the best of them needs. */
import type { Model } from '../onnx/model.js';
import type { WeightsReport } from './floatWeights.js';
import type { WithRecipe } from './recipe.js';
import type { QuantizationReport } from './report.js';

export interface Built extends WithRecipe {
  readonly model: Model;
  readonly report: QuantizationReport | WeightsReport;
}

export interface Scheme {
  /** How it quantizes, in a few words: 'static, mse, biases corrected'. */
  readonly name: string;
  /** The model with these layers in float. */
  build(floatLayers: readonly string[]): Promise<Built>;
  /** The same model with everything found out for it alone that `build` takes over from others; absent where nothing is. */
  refine?(floatLayers: readonly string[]): Promise<Built>;
  /**
   * Layers that can be given back to float, those first that hurt most when quantized alone. The layer that hurts least
   * is not among them: a model without any is not quantized.
   */
  ranked(onLayer: (done: number, total: number) => void): Promise<readonly string[]>;
}

/** The scheme, with the model that it built last at hand: what was measured is often what is wanted in the end. */
export function remembering(scheme: Scheme): Scheme {
  let last: { readonly key: string; readonly built: Promise<Built> } | undefined;
  return {
    ...scheme,
    build(floatLayers) {
      const key = JSON.stringify(floatLayers);
      if (last?.key !== key) last = { key, built: scheme.build(floatLayers) };
      return last.built;
    },
  };
}
