/** The squared error of what a layer writes, from second moments of what it reads, as a function of its weight's errors. */
import type { Tensor } from '../core/tensor.js';
import { createGemm, type Operator } from '../runtime/operators.js';
import type { SessionOptions } from '../runtime/session.js';

/** What a layer with a weight [outputs, inputs] sees. */
export interface LayerMoments {
  readonly inputs: number;
  /** Σ x̂·x̂ᵀ over inputs x̂ that weights rounded before have made, [inputs, inputs]. */
  readonly hessian: Float32Array;
  /** Σ W·(x̂ − x)·x̂ᵀ, what those have already done to the outputs, [outputs, inputs], in the unit of `hessian`. */
  readonly drift: Float32Array;
}

/** Share of the mean of the Hessian's diagonal that is added to it: where samples say nothing the nearest code is best. */
const damping = 0.01;
/** Below this many multiplications a product is sooner done here than handed over. */
const fewest = 2 ** 15;

/** Turns in a chain. */
const depth = 16;

interface Row {
  readonly slopes: Float32Array;
  readonly turns: Float32Array;
  /** What counts as a gain. */
  readonly least: number;
}

/** E(e) = Σ e·H·eᵀ + 2·drift·eᵀ over rows e of weight errors, with inputs of mean energy 1. */
export class OutputError {
  readonly #inputs: number;
  readonly #hessian: Float32Array;
  readonly #drift: Float32Array;
  /** Undefined where products are done here. */
  readonly #product: Operator<Tensor<'float32'>> | undefined;

  static async create(moments: LayerMoments, session: SessionOptions = {}): Promise<OutputError> {
    const { inputs } = moments;
    let energy = 0;
    for (let i = 0; i < inputs; i++) energy += moments.hessian[i * (inputs + 1)]! / inputs;
    const unit = energy > 0 ? 1 / energy : 0;
    const hessian = moments.hessian.map((x) => x * unit);
    for (let i = 0; i < inputs; i++) hessian[i * (inputs + 1)]! += damping;
    const drift = moments.drift.map((x) => x * unit);
    if (drift.length * inputs <= fewest) return new OutputError(inputs, hessian, drift, undefined);
    const { backend, isa, intraOpNumThreads: threads = 0 } = session;
    const weight: Tensor<'float32'> = { type: 'float32', dims: [inputs, inputs], data: hessian };
    const product = await createGemm(weight, { backend, isa, ...(threads > 0 && { threads }) });
    return new OutputError(inputs, hessian, drift, product);
  }

  private constructor(
    inputs: number,
    hessian: Float32Array,
    drift: Float32Array,
    product: Operator<Tensor<'float32'>> | undefined,
  ) {
    this.#inputs = inputs;
    this.#hessian = hessian;
    this.#drift = drift;
    this.#product = product;
  }

  /** Half of the derivative of E by each weight's error, e·H + drift, for all rows, or for some by their numbers. */
  async slopes(errors: Float32Array, rows?: Int32Array): Promise<Float32Array> {
    const slopes = await this.#times(errors);
    const inputs = this.#inputs;
    for (let start = 0; start < slopes.length; start += inputs) {
      const from = rows === undefined ? start : rows[start / inputs]! * inputs;
      for (let k = 0; k < inputs; k++) slopes[start + k]! += this.#drift[from + k]!;
    }
    return slopes;
  }

  /**
   * Turns weights over, row by row: the one whose turn gains most, or loses least, and so on, up to `depth` of them, of which
   * those up to the lowest E are kept; again from there, until nothing is gained. `turns` holds what each error would
   * change by, 0 for what may not, and is negated where a weight has been turned.
   */
  async descend(errors: Float32Array, scales: Float32Array, turns: Float32Array): Promise<void> {
    const inputs = this.#inputs;
    const slopes = await this.slopes(errors);
    for (let start = 0; start < errors.length; start += inputs) {
      const row = {
        slopes: slopes.subarray(start, start + inputs),
        turns: turns.subarray(start, start + inputs),
        // Gains are weighed in squares of a step of the code.
        least: 1e-6 * scales[start]! ** 2,
      };
      for (let round = 0; round < inputs && this.#chain(row); round++);
    }
  }

  /** One chain of turns in a row; whether it has gained. */
  #chain({ slopes, turns, least }: Row): boolean {
    const turned: number[] = [];
    let [gained, most, kept] = [0, least, 0];
    while (turned.length < depth) {
      const { at, gain } = this.#bestTurn(slopes, turns, turned);
      if (at < 0) break;
      gained += gain;
      this.#turn(slopes, turns, at);
      turned.push(at);
      if (gained > most) [most, kept] = [gained, turned.length];
    }
    for (const at of turned.slice(kept)) this.#turn(slopes, turns, at);
    return kept > 0;
  }

  #bestTurn(slopes: Float32Array, turns: Float32Array, but: readonly number[]) {
    const step = this.#inputs + 1;
    let [at, most] = [-1, Number.NEGATIVE_INFINITY];
    for (let k = 0; k < turns.length; k++) {
      const turn = turns[k]!;
      const gain = -turn * (2 * slopes[k]! + turn * this.#hessian[k * step]!);
      if (gain > most && turn !== 0 && !but.includes(k)) [at, most] = [k, gain];
    }
    return { at, gain: most };
  }

  #turn(slopes: Float32Array, turns: Float32Array, at: number): void {
    const row = at * this.#inputs;
    const turn = turns[at]!;
    for (let k = 0; k < slopes.length; k++) slopes[k]! += turn * this.#hessian[row + k]!;
    turns[at] = -turn;
  }

  dispose(): void {
    this.#product?.dispose();
  }

  async #times(rows: Float32Array): Promise<Float32Array> {
    const size = this.#inputs;
    if (this.#product !== undefined) {
      const dims = [rows.length / size, size];
      const { data } = await this.#product.run({ type: 'float32', dims, data: rows });
      return data as Float32Array;
    }
    const product = new Float32Array(rows.length);
    for (let row = 0; row < rows.length; row += size) {
      for (let k = 0; k < size; k++) {
        const x = rows[row + k]!;
        for (let j = 0; j < size; j++) product[row + j]! += x * this.#hessian[k * size + j]!;
      }
    }
    return product;
  }
}
