/** Products by small quads, for engines whose dot product of two bytes saturates: assembly/smallQuads.ts. */
import type { Step } from '../../runtime/plan.js';
import type { PrepareContext, StepRun } from './kernel.js';
import { inScratch, keepTable, panelColumns, roundUp, tableOf } from './pack.js';
import { type Constants, keepBias, keepOutput, type ProductOptions } from './product.js';
import { dimsOf, keepWindow, pixelsOf, resultsOf, tileGrain } from './window.js';

/** Quads, times the least number there could be, from which on pairs of int16 are faster. */
const mostQuads = 1.22;

/** Multiplies by small quads; undefined where that does not pay, or cannot be. */
export function prepareSmallQuads(
  step: Step<'QConv'>,
  constants: Constants,
  context: PrepareContext,
  options: ProductOptions,
): StepRun | undefined {
  const { inputs, outputs, params } = step;
  const { exports, operand, tensors } = context;
  const { weights, multiplier } = constants;
  const [outChannels, kernelH, kernelW, channels] = dimsOf(tensors[inputs[1]!]!);
  const { groups } = params;
  const shape = { groups, columns: outChannels / groups };
  const quads = packQuads(inputs[1]!, weights, shape, kernelH * kernelW * channels, context);
  if (quads === undefined) return undefined;
  const window = keepWindow(step, params, kernelH, kernelW, groups, context, outChannels);
  if (typeof window !== 'number') return undefined;
  const output = keepOutput(step, context, options);
  const bias = keepBias(constants, outChannels, 0, options, context, (values) =>
    tableOf(values, shape, panelColumns),
  );
  const m = keepTable(multiplier, Float32Array, shape, panelColumns, context);
  const pixels = pixelsOf(tensors[outputs[0]!]!);
  const run = context.overParts('qconvSmall', {
    ...{ units: pixels, grain: tileGrain, work: pixels * weights.length },
    scratch: exports.qconvSmallScratch(window) >>> 0,
  });
  const [x, y] = [operand(inputs[0]), resultsOf(step, context)];
  const { sum, residual } = options.addend;
  return (at) => {
    const { table, xZero } = bias(at);
    run(window, output, x(at), xZero, quads, table, m, y(at), sum, residual(at));
  };
}

/** The address of the fields of class SmallQuads; undefined where quads are too many. */
function packQuads(
  input: number,
  weights: Int8Array,
  { groups, columns }: { readonly groups: number; readonly columns: number },
  depth: number,
  context: PrepareContext,
): number | undefined {
  const { exports, memory, share } = context;
  const panels = groups * Math.ceil(columns / panelColumns);
  const form = `small quads, ${groups},${columns},${depth}`;
  const quads = share(input, form, 8 * (panels + 1), (address) => {
    const from = inScratch(weights, undefined, context).weights;
    const count = exports.countSmallQuads(from, groups, columns, depth, address + 8);
    const pays = 4 * count <= mostQuads * panels * roundUp(depth, 4);
    const at = pays ? share(input, `${form}, their bytes`, 36 * count, () => {}) : 0;
    new Uint32Array(memory.buffer, address, 2).set([at, at + 32 * count]);
    if (pays) exports.packSmallQuads(from, groups, columns, depth, address);
  });
  return new Uint32Array(memory.buffer, quads, 1)[0] === 0 ? undefined : quads;
}
