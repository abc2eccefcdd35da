/**
 * A problem: one plan, its inputs, and how near to the reference the answer has to be. A suite
 * draws problems from seeds. Suites know no backend; runners (test/runners) bring them together.
 */
import type { TypedArray } from '../../src/core/dtype.js';
import { formatShape } from '../../src/core/shape.js';
import { createRandom, type Random } from '../helpers/random.js';
import type { TestPlan } from '../helpers/singleStep.js';

/** |actual − expected| may be up to absolute + relative · |expected|. */
export interface Tolerance {
  readonly absolute: number;
  readonly relative: number;
}

/**
 * Equal numbers: all that a correctly rounded float operation may differ in is the sign of zero.
 */
export const exact: Tolerance = { absolute: 0, relative: 0 };

/** Half a unit in the last place of 1. */
export const unit = 2 ** -24;

/** `units` units in the last place, or an eighth of them of 1, whichever is more. */
export function near(units: number): Tolerance {
  return { absolute: (units * unit) / 8, relative: 2 * units * unit };
}

export interface Problem {
  readonly plan: TestPlan;
  readonly inputs: readonly TypedArray[];
  /** Without it the outputs have to be the same bits. */
  readonly tolerance?: Tolerance | undefined;
}

export interface Suite {
  readonly name: string;
  readonly draw: (random: Random) => Problem;
}

/** Problem number `index` of a suite: its seed is made of the two, so that suites differ. */
export function drawProblem(suite: Suite, index: number): Problem & { readonly seed: number } {
  let seed = index;
  for (const character of suite.name) seed = (Math.imul(seed, 31) + character.charCodeAt(0)) | 0;
  return { ...suite.draw(createRandom(seed)), seed };
}

/** The last step of a problem in one line: what to look at when it fails. */
export function describeProblem({ plan }: Problem): string {
  const name = (index: number): string => {
    const tensor = plan.tensors[index];
    return tensor === undefined ? '-' : `${tensor.type}${formatShape(tensor.dims)}`;
  };
  const step = plan.steps.at(-1);
  const reads = step!.inputs.map(name).join(' ');
  const writes = step!.outputs.map(name).join(' ');
  return `${step!.op} ${reads} -> ${writes} ${JSON.stringify(step!.params)}`;
}

/** What differs first between two answers, or undefined. */
export function firstDifference(
  expected: readonly TypedArray[],
  actual: readonly TypedArray[],
  tolerance: Tolerance | undefined,
): string | undefined {
  if (actual.length !== expected.length) return `${actual.length} outputs, not ${expected.length}`;
  for (const [output, wanted] of expected.entries()) {
    const found = actual[output]!;
    if (found.constructor !== wanted.constructor || found.length !== wanted.length) {
      return `output ${output}: ${found.constructor.name}[${found.length}]`;
    }
    const at =
      tolerance === undefined
        ? firstOtherBit(wanted, found)
        : firstBeyond(wanted as Float32Array, found as Float32Array, tolerance);
    if (at >= 0) return `output ${output}[${at}]: expected ${wanted[at]}, found ${found[at]}`;
  }
  return undefined;
}

/** Index of the first element with other bits, or -1. */
function firstOtherBit(expected: TypedArray, actual: TypedArray): number {
  const width = expected.BYTES_PER_ELEMENT;
  const a = Buffer.from(expected.buffer, expected.byteOffset, expected.byteLength);
  const b = Buffer.from(actual.buffer, actual.byteOffset, actual.byteLength);
  if (a.equals(b)) return -1;
  return Math.floor(a.findIndex((byte, i) => byte !== b[i]) / width);
}

function firstBeyond(expected: Float32Array, actual: Float32Array, tolerance: Tolerance): number {
  return expected.findIndex((wanted, i) => {
    const found = actual[i]!;
    if (wanted === found || (Number.isNaN(wanted) && Number.isNaN(found))) return false;
    const allowed = tolerance.absolute + tolerance.relative * Math.abs(wanted);
    return !(Math.abs(found - wanted) <= allowed);
  });
}
