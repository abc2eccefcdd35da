/**
 * AdaRound: whether each weight goes to the code below it or to the one above is learnt, for the layer's outputs and not
 * for the weights. While it is being learnt a weight w = s·v is s·(⌊v⌋ + h), with h between 0 and 1, and a term that grows
 * blunter in time drives h to either end.
 *
 * Nagel et al., "Up or Down? Adaptive Rounding for Post-Training Quantization" (2020), in its asymmetric form:
 * ‖W·x − Ŵ·x̂‖², x̂ being what weights that were rounded before have made of x. Three things are otherwise. That error is
 * taken in whole, from second moments of x̂, and not from rows drawn at random: a step is one matrix product, a hundred
 * steps do, outputs whose weights have all come to an end are put aside, and nothing is random. It is the error in front of
 * an activation function. In the end weights are turned over, one at a time or in short chains, for as long as that lowers it.
 */
import { throwIfAborted } from '../core/errors.js';
import type { SessionOptions } from '../runtime/session.js';
import type { Grid } from './gptq.js';
import { type LayerMoments, OutputError } from './outputError.js';

export interface AdaroundProblem extends LayerMoments {
  /** [outputs, inputs]. */
  readonly weight: Float32Array;
  readonly grid: Grid;
}

export interface AdaroundRun {
  readonly session?: SessionOptions | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** h(V) = clip(σ(V)·(ζ − γ) + γ, 0, 1). */
const zeta = 1.1;
const gamma = -0.1;
/** Steps of Adam, the share of them before the term that drives h apart sets in, and Adam's own numbers. */
const steps = 100;
const warmUp = 0.2;
const stepSize = 0.15;
const [decay1, decay2] = [0.9, 0.999];
/** λ, against the error of the outputs in squares of a weight's scale, of inputs of mean energy 1. */
const lambda = 10;
/** β at first and at last. */
const [sharpest, bluntest] = [20, 2];
/** Entries of the table of the term's derivative. */
const tableSize = 1025;

/**
 * Codes for a weight, each the one below it or the one above. The same on every machine but for the last places of matrix
 * products, which differ between instruction sets.
 */
export async function adaroundCodes(
  problem: AdaroundProblem,
  { session, signal }: AdaroundRun,
): Promise<Int32Array> {
  const between = betweenCodes(problem);
  const error = await OutputError.create(problem, session);
  try {
    const h = await learn(problem, between, error, signal);
    return await settled(problem.weight, between, error, h);
  } finally {
    error.dispose();
  }
}

interface Between {
  readonly scales: Float32Array;
  readonly zeros: Int32Array;
  /** Codes below the weights, less the zero points. */
  readonly floors: Int32Array;
  /** How far the weights are above them, 0 … 1; NaN where there is no choice, since one of the codes is off the grid. */
  readonly shares: Float32Array;
}

function betweenCodes({ weight, inputs, grid }: AdaroundProblem): Between {
  const { length } = weight;
  const scales = new Float32Array(length);
  const zeros = new Int32Array(length);
  const floors = new Int32Array(length);
  const shares = new Float32Array(length);
  for (let i = 0; i < length; i++) {
    const [o, k] = [Math.floor(i / inputs), i % inputs];
    scales[i] = grid.scaleAt(o, k);
    zeros[i] = grid.zeroAt(o, k);
    const wanted = weight[i]! / scales[i]!;
    const lowest = grid.min - zeros[i]!;
    const highest = grid.max - zeros[i]!;
    floors[i] = Math.min(Math.max(Math.floor(wanted), lowest), highest);
    shares[i] = wanted > lowest && wanted < highest ? wanted - floors[i]! : Number.NaN;
  }
  return { scales, zeros, floors, shares };
}

/** What is being learnt of some rows of a weight. */
interface Moving {
  /** Their numbers. */
  readonly rows: Int32Array;
  readonly weight: Float32Array;
  readonly scales: Float32Array;
  readonly floors: Int32Array;
  /** V, h and the errors of weights. */
  readonly values: Float32Array;
  readonly h: Float32Array;
  readonly errors: Float32Array;
  /** Adam's means of slopes and of their squares. */
  readonly means: Float32Array;
  readonly squares: Float32Array;
}

/** Share of the rows looked at that have to be at rest before these are put aside. */
const restingShare = 0.25;

/** h of every weight when the steps are over: 0, 1, or on its way. 0 where there is no choice. */
async function learn(
  { weight, inputs }: AdaroundProblem,
  between: Between,
  error: OutputError,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  let moving = allRows(weight, inputs, between);
  const result = moving.h.slice();
  for (const [step, pulls] of pullTables().entries()) {
    throwIfAborted(signal, 'rounding of weights');
    const slopes = await error.slopes(moving.errors, moving.rows);
    const size = (stepSize * Math.sqrt(1 - decay2 ** (step + 1))) / (1 - decay1 ** (step + 1));
    const open = stepOn(moving, inputs, slopes, pulls, size);
    const isOver = open.length === 0 || step === steps - 1;
    if (!isOver && open.length > (1 - restingShare) * moving.rows.length) continue;
    for (const [at, row] of moving.rows.entries()) {
      result.set(moving.h.subarray(at * inputs, (at + 1) * inputs), row * inputs);
    }
    if (isOver) break;
    moving = only(moving, open, inputs);
  }
  return result;
}

function allRows(
  weight: Float32Array,
  inputs: number,
  { scales, floors, shares }: Between,
): Moving {
  const h = shares.map((share) => (Number.isNaN(share) ? 0 : share));
  return {
    rows: Int32Array.from({ length: weight.length / inputs }, (_, row) => row),
    ...{ weight, scales, floors, h },
    values: shares.map((share) => {
      const sigma = (share - gamma) / (zeta - gamma);
      return Math.log(sigma / (1 - sigma));
    }),
    errors: errorsOf(weight, scales, floors, h),
    means: new Float32Array(weight.length),
    squares: new Float32Array(weight.length),
  };
}

/** Moves every weight that is not at an end by a step. Returns the rows, by their places, in which some still are not. */
function stepOn(
  { weight, scales, floors, values, h, errors, means, squares }: Moving,
  inputs: number,
  slopes: Float32Array,
  pulls: Float32Array,
  size: number,
): readonly number[] {
  const open: number[] = [];
  for (let start = 0, row = 0; start < h.length; start += inputs, row++) {
    let isOpen = false;
    for (let i = start; i < start + inputs; i++) {
      const share = h[i]!;
      // At an end it has no slope, and stays.
      if (share <= 0 || share >= 1) continue;
      const sigma = (share - gamma) / (zeta - gamma);
      const pull = pulls[Math.round(share * (tableSize - 1))]!;
      const slope = (zeta - gamma) * sigma * (1 - sigma) * ((2 * slopes[i]!) / scales[i]! + pull);
      const mean = decay1 * means[i]! + (1 - decay1) * slope;
      const square = decay2 * squares[i]! + (1 - decay2) * slope * slope;
      const value = values[i]! - (size * mean) / (Math.sqrt(square) + 1e-8);
      const next = (zeta - gamma) / (1 + Math.exp(-value)) + gamma;
      const bounded = next > 0 ? (next < 1 ? next : 1) : 0;
      means[i] = mean;
      squares[i] = square;
      values[i] = value;
      h[i] = bounded;
      errors[i] = scales[i]! * (floors[i]! + bounded) - weight[i]!;
      if (bounded > 0 && bounded < 1) isOpen = true;
    }
    if (isOpen) open.push(row);
  }
  return open;
}

/** The rows at these places alone. */
function only(moving: Moving, places: readonly number[], inputs: number): Moving {
  const rowsOf = <A extends Float32Array | Int32Array>(all: A): A => {
    const some = new (all.constructor as new (length: number) => A)(places.length * inputs);
    for (const [to, from] of places.entries()) {
      some.set(all.subarray(from * inputs, (from + 1) * inputs), to * inputs);
    }
    return some;
  };
  return {
    rows: Int32Array.from(places, (place) => moving.rows[place]!),
    weight: rowsOf(moving.weight),
    scales: rowsOf(moving.scales),
    floors: rowsOf(moving.floors),
    values: rowsOf(moving.values),
    h: rowsOf(moving.h),
    errors: rowsOf(moving.errors),
    means: rowsOf(moving.means),
    squares: rowsOf(moving.squares),
  };
}

/** The codes for h at the nearer end, and where it lowers the error, at the other one. */
async function settled(
  weight: Float32Array,
  { scales, zeros, floors, shares }: Between,
  error: OutputError,
  h: Float32Array,
): Promise<Int32Array> {
  const ends = h.map((share) => (share >= 0.5 ? 1 : 0));
  const errors = errorsOf(weight, scales, floors, ends);
  const up = (i: number) => (Number.isNaN(shares[i]!) ? 0 : scales[i]!);
  const turns = ends.map((end, i) => (1 - 2 * end) * up(i));
  await error.descend(errors, scales, turns);
  // What would go down is up.
  return floors.map((floor, i) => floor + (turns[i]! < 0 ? 1 : 0) + zeros[i]!);
}

function errorsOf(
  weight: Float32Array,
  scales: Float32Array,
  floors: Int32Array,
  h: Float32Array,
): Float32Array {
  return weight.map((w, i) => scales[i]! * (floors[i]! + h[i]!) - w);
}

let tables: readonly Float32Array[] | undefined;

/** For each step the derivative of λ·(1 − |2h − 1|^β) for h = 0 … 1. */
function pullTables(): readonly Float32Array[] {
  tables ??= Array.from({ length: steps }, (_, step) => {
    const since = (step / steps - warmUp) / (1 - warmUp);
    if (since < 0) return new Float32Array(tableSize);
    const beta = bluntest + ((sharpest - bluntest) * (1 + Math.cos(since * Math.PI))) / 2;
    return Float32Array.from({ length: tableSize }, (_entry, i) => {
      const side = (2 * i) / (tableSize - 1) - 1;
      return -2 * lambda * beta * Math.sign(side) * Math.abs(side) ** (beta - 1);
    });
  });
  return tables;
}
