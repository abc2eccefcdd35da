/**
 * A program: a model prepared as far as its input dims need not be known, and plans made of it for dims as they come:
 * one for most models, one after the other where what is computed decides about shapes or branches (./stages). Weights
 * are transformed once, when the program is made, and all plans share them.
 */
import { OctavoError } from '../core/errors.js';
import type { Limits } from '../core/limits.js';
import { formatShape, type Shape } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { storageOf } from '../core/turned.js';
import { withClosures } from '../graph/closures.js';
import { inferTypes } from '../graph/infer.js';
import type { Graph } from '../graph/ir.js';
import { bindDims, type FreeDimensions } from '../passes/bind.js';
import { isBound } from '../passes/lower/movement.js';
import { requireSupported } from '../passes/lower/supported.js';
import { type Pass, type PassOptions, runPasses, runPassesInTurns } from '../passes/pass.js';
import { executionPasses, perMatch } from '../passes/pipelines.js';
import { widenHalves } from '../passes/widenHalves.js';
import { compile } from './compile.js';
import { placeConstants } from './memory.js';
import type { ConstantParts, Plan } from './plan.js';
import { cutGraph } from './stages.js';

export interface ProgramOptions {
  readonly limits?: Partial<Limits> | undefined;
  /** Sizes of free dimensions by name, fixed from the start. */
  readonly freeDimensions?: FreeDimensions | undefined;
  /** Called for each rewrite, which then are applied one by one. */
  readonly onPatch?: PassOptions['onPatch'];
}

export interface Program {
  /** In Octavo's vocabulary, but for nodes that wait for dims. */
  readonly graph: Graph;
  /** The space 'model' of its plans. */
  readonly constants: ConstantParts;
  /** Whether there is but one plan, since no dim is free and nothing waits for what is computed. */
  readonly isSingle: boolean;
  /**
   * The first stage for inputs of these dims. Throws `INVALID_INPUT` for dims that the model does not take,
   * `LIMIT_EXCEEDED`, and `UNSUPPORTED_OPERATOR` for a node that only these dims show to be one.
   */
  readonly specialize: (inputDims: ReadonlyMap<string, Shape>) => Stage;
}

/** A plan, and what comes behind it. The last one has the model's outputs, the others values by their names. */
export interface Stage {
  readonly plan: Plan;
  readonly next?: NextStage | undefined;
}

export interface NextStage {
  /** Values, of feeds or of stages before, on whose elements the next stage depends. */
  readonly parameters: readonly string[];
  /** Throws as `Program.specialize` does. */
  readonly specialize: (parameters: ReadonlyMap<string, Tensor>) => Stage;
}

/**
 * Applies the execution passes to a graph. With `onPatch` or `stopAfter` each rewrite is a patch of its
 * own, so that a wrong one can be found by bisection.
 */
export function lowerGraph(graph: Graph, options: PassOptions = {}): Graph {
  return runPasses(graph, passesFor(options), options);
}

function passesFor({ onPatch, stopAfter }: PassOptions): readonly Pass[] {
  const single = onPatch !== undefined || stopAfter !== undefined;
  return single ? perMatch(executionPasses) : executionPasses;
}

/**
 * Prepares a graph for running. Throws `UNSUPPORTED_OPERATOR` naming the node, operator and opset,
 * `INVALID_QUANTIZATION` naming the scale or zero point, and `LIMIT_EXCEEDED`.
 */
export function createProgram(graph: Graph, options: ProgramOptions = {}): Program {
  const { onPatch } = options;
  return programOf(lowerGraph(boundGraph(graph, options), { onPatch }), options);
}

/** The same, and lets the event loop turn between the passes: they take a tenth of a second, the first time more. */
export async function createProgramInTurns(
  graph: Graph,
  options: ProgramOptions = {},
): Promise<Program> {
  const { onPatch } = options;
  const bound = boundGraph(graph, options);
  const lowered = await runPassesInTurns(bound, passesFor({ onPatch }), { onPatch });
  return programOf(lowered, options);
}

function boundGraph(graph: Graph, { freeDimensions }: ProgramOptions): Graph {
  const closed = widenHalves(withClosures(graph));
  return requireSizes(bindDims(closed, new Map(), freeDimensions));
}

function programOf(lowered: Graph, { limits, onPatch }: ProgramOptions): Program {
  requireSupported(lowered);
  const { parts, offsets } = placeConstants(bySize(lowered));
  const isSingle = isBound(lowered) && cutGraph(lowered).rest === undefined;
  const stageOf = (final: Graph): Stage => {
    const cut = cutGraph(final);
    const plan = compile(cut.ready, { model: offsets, limits });
    const { rest } = cut;
    if (rest === undefined) return { plan };
    const specialize = (parameters: ReadonlyMap<string, Tensor>): Stage =>
      stageOf(lowerGraph(requireSizes(inferTypes(rest.bind(parameters))), { onPatch }));
    return { plan, next: { parameters: rest.parameters, specialize } };
  };
  return {
    graph: lowered,
    constants: parts,
    isSingle,
    specialize(inputDims) {
      const sized = requireSizes(bindDims(lowered, inputDims));
      return stageOf(isBound(lowered) ? sized : lowerGraph(sized, { onPatch }));
    },
  };
}

/** Refuses dims that a plan's parameters, of 32 bits, could not speak of. */
function requireSizes(graph: Graph): Graph {
  for (const [value, { dims = [] }] of graph.types) {
    if (!dims.some((dim) => typeof dim === 'number' && dim >= 2 ** 31)) continue;
    throw new OctavoError('LIMIT_EXCEEDED', 'the dimension does not fit 32 bits', {
      where: value,
      found: formatShape(dims),
    });
  }
  return graph;
}

/** The small ones first: most of what is read as it is lies close together then. */
function bySize({ constants }: Graph): Tensor[] {
  return [...constants.values()].sort((a, b) => storageOf(a).byteLength - storageOf(b).byteLength);
}
