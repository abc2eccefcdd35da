/**
 * AdaRound: whether each weight goes to the code below it or to the one above is learnt, for the layer's outputs and not
 * for the weights. While it is being learnt a weight w = s·v is s·(⌊v⌋ + h), with h between 0 and 1, and a term that grows
 * blunter in time drives h to either end.
 *
 * Nagel et al., "Up or Down? Adaptive Rounding for Post-Training Quantization" (2020), in its asymmetric form:
 * ‖W·x − Ŵ·x̂‖², x̂ being what weights that were rounded before have made of x. Three things are otherwise. That error is
 * taken in whole, from second moments of x̂, and not from rows drawn at random: a step is one matrix product, a few hundred
 * steps do, and nothing is random. It is the error in front of an activation function. In the end weights are turned over,
 * one at a time or in short chains, for as long as that lowers it.
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
const steps = 300;
const warmUp = 0.2;
const stepSize = 0.06;
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
    const h = await learn(problem.weight, between, error, signal);
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

/** h of every weight when the steps are over: 0, 1, or on its way. 0 where there is no choice. */
async function learn(
  weight: Float32Array,
  { scales, floors, shares }: Between,
  error: OutputError,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  const values = shares.map((share) => {
    const sigma = (share - gamma) / (zeta - gamma);
    return Math.log(sigma / (1 - sigma));
  });
  const h = shares.map((share) => (Number.isNaN(share) ? 0 : share));
  const errors = new Float32Array(weight.length);
  const means = new Float32Array(weight.length);
  const squares = new Float32Array(weight.length);
  for (const [step, pulls] of pullTables().entries()) {
    throwIfAborted(signal, 'rounding of weights');
    setErrors(errors, weight, scales, floors, h);
    const slopes = await error.slopes(errors);
    const size = (stepSize * Math.sqrt(1 - decay2 ** (step + 1))) / (1 - decay1 ** (step + 1));
    for (let i = 0; i < h.length; i++) {
      const share = h[i]!;
      // At an end it has no slope, and stays.
      if (share <= 0 || share >= 1) continue;
      const sigma = (share - gamma) / (zeta - gamma);
      const pull = pulls[Math.round(share * (tableSize - 1))]!;
      const slope = (zeta - gamma) * sigma * (1 - sigma) * ((2 * slopes[i]!) / scales[i]! + pull);
      means[i] = decay1 * means[i]! + (1 - decay1) * slope;
      squares[i] = decay2 * squares[i]! + (1 - decay2) * slope * slope;
      values[i]! -= (size * means[i]!) / (Math.sqrt(squares[i]!) + 1e-8);
      const next = (zeta - gamma) / (1 + Math.exp(-values[i]!)) + gamma;
      h[i] = Math.min(Math.max(next, 0), 1);
    }
  }
  return h;
}

/** The codes for h at the nearer end, and where it lowers the error, at the other one. */
async function settled(
  weight: Float32Array,
  { scales, zeros, floors, shares }: Between,
  error: OutputError,
  h: Float32Array,
): Promise<Int32Array> {
  const ends = h.map((share) => (share >= 0.5 ? 1 : 0));
  const errors = new Float32Array(weight.length);
  setErrors(errors, weight, scales, floors, ends);
  const up = (i: number) => (Number.isNaN(shares[i]!) ? 0 : scales[i]!);
  const turns = ends.map((end, i) => (1 - 2 * end) * up(i));
  await error.descend(errors, scales, turns);
  // What would go down is up.
  return floors.map((floor, i) => floor + (turns[i]! < 0 ? 1 : 0) + zeros[i]!);
}

function setErrors(
  errors: Float32Array,
  weight: Float32Array,
  scales: Float32Array,
  floors: Int32Array,
  h: Float32Array,
): void {
  for (let i = 0; i < errors.length; i++) {
    errors[i] = scales[i]! * (floors[i]! + h[i]!) - weight[i]!;
  }
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
