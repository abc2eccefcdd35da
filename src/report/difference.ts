/** How far answers are from those of a reference, seen in several ways at once. Sums are kept in float64. */
import { OctavoError } from '../core/errors.js';
import type { Tensor } from '../core/tensor.js';
import { toFloat32 } from '../core/values.js';

export interface Measures {
  /** 10 · log10(Σ expected² / Σ (expected − found)²), in dB; Infinity when nothing differs. */
  readonly sqnr: number;
  /** Mean over the tensors of the cosine between expected and found. */
  readonly cosine: number;
  readonly maxError: number;
  /** Mean over rows (along the last axis) of KL(softmax(expected) ‖ softmax(found)), in nats. */
  readonly kl: number;
  /** Share of rows whose largest element is at the same place, 0 … 1. */
  readonly top1Agreement: number;
}

/** Takes in tensors pair by pair. */
export class Difference {
  #signal = 0;
  #noise = 0;
  #cosines = 0;
  #maxError = 0;
  #divergence = 0;
  #agreeing = 0;
  #rows = 0;
  #tensors = 0;

  /** Throws `INVALID_MODEL`, naming `where`, unless both have as many elements. */
  add(expected: Tensor, found: Tensor, where: string): void {
    const x = toFloat32(expected, where);
    const y = toFloat32(found, where);
    if (x.length !== y.length) {
      throw new OctavoError('INVALID_MODEL', 'the models give outputs of different sizes', {
        where,
        expected: String(x.length),
        found: String(y.length),
      });
    }
    this.#addValues(x, y);
    const width = expected.dims.at(-1) ?? 1;
    for (let at = 0; at < x.length; at += width) {
      this.#addRow(x.subarray(at, at + width), y.subarray(at, at + width));
    }
  }

  get measures(): Measures {
    const perRow = (sum: number, empty: number) => (this.#rows === 0 ? empty : sum / this.#rows);
    return {
      sqnr: this.#noise === 0 ? Infinity : 10 * Math.log10(this.#signal / this.#noise),
      cosine: this.#tensors === 0 ? 1 : this.#cosines / this.#tensors,
      maxError: this.#maxError,
      kl: perRow(this.#divergence, 0),
      top1Agreement: perRow(this.#agreeing, 1),
    };
  }

  #addValues(x: Float32Array, y: Float32Array): void {
    let xx = 0;
    let yy = 0;
    let xy = 0;
    let noise = 0;
    let maxError = this.#maxError;
    for (let i = 0; i < x.length; i++) {
      const a = x[i]!;
      const b = y[i]!;
      const error = a - b;
      xx += a * a;
      yy += b * b;
      xy += a * b;
      noise += error * error;
      maxError = Math.max(maxError, Math.abs(error));
    }
    this.#signal += xx;
    this.#noise += noise;
    this.#maxError = maxError;
    const norms = Math.sqrt(xx) * Math.sqrt(yy);
    this.#cosines += norms === 0 ? Number(xx === yy) : xy / norms;
    this.#tensors++;
  }

  #addRow(x: Float32Array, y: Float32Array): void {
    this.#divergence += divergence(x, y);
    if (indexOfLargest(x) === indexOfLargest(y)) this.#agreeing++;
    this.#rows++;
  }
}

/** Σ p · (log p − log q), with p and q the softmax of both rows. */
function divergence(x: Float32Array, y: Float32Array): number {
  const normX = logSumExp(x);
  const normY = logSumExp(y);
  let sum = 0;
  for (let i = 0; i < x.length; i++) {
    const log = x[i]! - normX;
    sum += Math.exp(log) * (log - (y[i]! - normY));
  }
  return Math.max(sum, 0);
}

function logSumExp(x: Float32Array): number {
  const largest = x[indexOfLargest(x)]!;
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += Math.exp(x[i]! - largest);
  return largest + Math.log(sum);
}

function indexOfLargest(x: Float32Array): number {
  let best = 0;
  for (let i = 1; i < x.length; i++) if (x[i]! > x[best]!) best = i;
  return best;
}
