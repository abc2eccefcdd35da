/**
 * GPTQ: rounds a weight one input at a time, and lets the inputs that are still to come make up for the error, as far
 * as what the layer sees correlates them. So the layer's outputs are kept and not its weights.
 *
 * Frantar et al., "GPTQ: Accurate Post-Training Quantization for Generative Pre-trained Transformers" (2022), with
 * inputs in the order of their energy and scales that are fixed beforehand.
 */
import { OctavoError } from '../core/errors.js';
import { roundHalfEven } from '../numerics/index.js';

/** How a weight's elements are coded: real = scale · (code − zero). */
export interface Grid {
  readonly scaleAt: (output: number, input: number) => number;
  readonly zeroAt: (output: number, input: number) => number;
  /** Lowest and highest code. */
  readonly min: number;
  readonly max: number;
}

/** Share of the mean of the Hessian's diagonal that is added to it. */
const damping = 0.01;
/** Inputs whose errors are passed on to later ones together. */
const block = 128;

/**
 * Codes for `weight` [outputs, inputs]. `hessian` is Σ x·xᵀ over inputs x of the layer, [inputs, inputs], in any unit;
 * it is left as it was.
 */
export function gptqCodes(
  weight: Float32Array,
  inputs: number,
  hessian: Float32Array,
  grid: Grid,
): Int32Array {
  const outputs = weight.length / inputs;
  const order = byEnergy(hessian, inputs);
  const factor = inverseFactor(hessian, order);
  const left = new Float64Array(weight.length);
  for (let o = 0; o < outputs; o++) {
    for (let i = 0; i < inputs; i++) left[o * inputs + i] = weight[o * inputs + order[i]!]!;
  }
  const codes = new Int32Array(weight.length);
  const errors = new Float64Array(block);
  for (let start = 0; start < inputs; start += block) {
    const end = Math.min(start + block, inputs);
    for (let o = 0; o < outputs; o++) {
      const row = o * inputs;
      for (let i = start; i < end; i++) {
        const input = order[i]!;
        const scale = grid.scaleAt(o, input);
        const zero = grid.zeroAt(o, input);
        const wanted = left[row + i]!;
        const code = Math.min(Math.max(roundHalfEven(wanted / scale) + zero, grid.min), grid.max);
        codes[row + input] = code;
        const error = (wanted - scale * (code - zero)) / factor[i * inputs + i]!;
        errors[i - start] = error;
        addTo(left, row, -error, factor, i * inputs, i + 1, end);
      }
      for (let i = start; i < end; i++) {
        addTo(left, row, -errors[i - start]!, factor, i * inputs, end, inputs);
      }
    }
  }
  return codes;
}

/** y[to + j] += a · x[from + j] for j from `start` to `end`. */
function addTo(
  y: Float64Array,
  to: number,
  a: number,
  x: Float64Array,
  from: number,
  start: number,
  end: number,
): void {
  for (let j = start; j < end; j++) y[to + j]! += a * x[from + j]!;
}

/** Inputs by the diagonal, largest first. */
function byEnergy(hessian: Float32Array, size: number): Int32Array {
  const order = Int32Array.from({ length: size }, (_, i) => i);
  const energy = (i: number) => hessian[i * size + i]!;
  return order.sort((a, b) => energy(b) - energy(a) || a - b);
}

/**
 * U, upper triangular, of H⁻¹ = Uᵀ·U, for the damped Hessian in this order. With R·Rᵀ = H, R upper triangular, U is R⁻¹:
 * the Cholesky factor of H turned by half a turn, inverted and turned back, so that H is never inverted itself.
 */
function inverseFactor(hessian: Float32Array, order: Int32Array): Float64Array {
  const size = order.length;
  const turned = new Float64Array(size * size);
  let trace = 0;
  for (let i = 0; i < size; i++) trace += hessian[i * size + i]!;
  // A layer that saw only zeros keeps its weights as they are.
  const lift = trace === 0 ? 1 : (damping * trace) / size;
  for (let i = 0; i < size; i++) {
    const from = order[size - 1 - i]! * size;
    for (let j = 0; j <= i; j++) turned[i * size + j] = hessian[from + order[size - 1 - j]!]!;
    turned[i * size + i]! += lift;
  }
  invertLower(cholesky(turned, size), size);
  return turned.reverse();
}

/** Replaces the lower triangle of a symmetric positive definite matrix by L of L·Lᵀ. */
function cholesky(a: Float64Array, size: number): Float64Array {
  for (let i = 0; i < size; i++) {
    const row = i * size;
    for (let j = 0; j <= i; j++) {
      const other = j * size;
      let sum = a[row + j]!;
      for (let k = 0; k < j; k++) sum -= a[row + k]! * a[other + k]!;
      if (j < i) {
        a[row + j] = sum / a[other + j]!;
      } else if (sum > 0) {
        a[row + i] = Math.sqrt(sum);
      } else {
        throw new OctavoError('INVALID_CALIBRATION', 'inputs that are not finite', {
          where: 'gptq',
        });
      }
    }
  }
  return a;
}

/** Replaces L, lower triangular, by its inverse. */
function invertLower(l: Float64Array, size: number): void {
  const row = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    const at = i * size;
    const pivot = 1 / l[at + i]!;
    row.fill(0, 0, i);
    for (let j = 0; j < i; j++) addTo(row, 0, -l[at + j]!, l, j * size, 0, j + 1);
    for (let j = 0; j < i; j++) l[at + j] = row[j]! * pivot;
    l[at + i] = pivot;
  }
}
