/** The order of layers in a report of `sensitivity`. */
import type { Measures } from '../report/difference.js';
import type { LayerSensitivity, SensitivityMode } from './sensitivity.js';
import type { LayerPart } from './variants.js';

export type RankBy = keyof Measures | 'metric';

/**
 * Layers by what they cost, the worst first: those quantized alone by how far the answers move, those left alone by how
 * much nearer they come. Without a value for `by`, a layer comes last.
 */
export function rank(
  layers: readonly LayerSensitivity[],
  mode: SensitivityMode,
  by: RankBy = 'sqnr',
  part: LayerPart = 'both',
): readonly LayerSensitivity[] {
  const higherIsBetter = by !== 'kl' && by !== 'maxError';
  const sign = (mode === 'only') === higherIsBetter ? 1 : -1;
  const key = (layer: LayerSensitivity): number => {
    const value = layer.parts[part]?.[by];
    return value === undefined ? Infinity : sign * value;
  };
  return [...layers].sort((a, b) => {
    const [x, y] = [key(a), key(b)];
    return x === y ? 0 : x - y;
  });
}
