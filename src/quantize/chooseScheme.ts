/** Which scheme a search begins with: dynamic for encoders, else static by the calibration method that suits best. */
import type { CalibrationMethod } from '../calibrate/index.js';
import type { Graph } from '../graph/ir.js';
import type { Model } from '../onnx/model.js';
import type { SessionOptions } from '../runtime/session.js';
import { calibrate } from './calibrate.js';
import type { Calibration } from './calibration.js';
import { dynamicScheme } from './dynamicScheme.js';
import type { SearchMemory } from './memory.js';
import { resolveOptions, type SelectionOptions } from './options.js';
import type { Scheme } from './scheme.js';
import { comparerTo } from './score.js';
import type { Split } from './split.js';
import { staticScheme } from './staticScheme.js';

export interface SchemeParts {
  readonly model: Model;
  /** The float graph, cleaned up. */
  readonly graph: Graph;
  readonly selection: Pick<SelectionOptions, 'nodesToExclude' | 'nodesToQuantize'> & {
    readonly opTypes?: readonly string[] | undefined;
  };
  readonly split: Split;
  readonly memory: SearchMemory;
  readonly session?: SessionOptions | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface SchemeProgress {
  onCalibrated(done: number, total: number | undefined, etaMs: number | undefined): void;
  onChosen(done: number, total: number): void;
}

/** The scheme of the calibration method whose answers are nearest to the float model's. */
export async function chooseStatic(
  parts: SchemeParts,
  methods: readonly CalibrationMethod[],
  progress: SchemeProgress,
): Promise<Scheme> {
  const { model, graph, selection, split, memory, session, signal } = parts;
  const calibration = await calibrationOf(parts, progress);
  const common = {
    model,
    graph,
    calibration,
    samples: split.kept,
    resolved: resolveOptions(selection),
    session,
    signal,
  };
  const schemes = methods.map((method) => staticScheme(common, method));
  const known = schemes.find(({ name }) => name === memory.scheme);
  if (known !== undefined) return known;
  let best = { scheme: schemes[0]!, sqnr: -Infinity };
  if (schemes.length > 1) {
    const compare = await comparerTo(graph, split.measured, { session, signal });
    for (const [i, scheme] of schemes.entries()) {
      const { sqnr } = await compare((await scheme.build([])).model.graph);
      if (sqnr > best.sqnr) best = { scheme, sqnr };
      progress.onChosen(i + 1, schemes.length);
    }
  }
  memory.remember({ scheme: best.scheme.name });
  return best.scheme;
}

/** What was remembered, or what the data show now; they go by in both cases. */
async function calibrationOf(parts: SchemeParts, progress: SchemeProgress): Promise<Calibration> {
  const { model, selection, split, memory, session, signal } = parts;
  const known = memory.calibration;
  if (known !== undefined) {
    await split.exhaust();
    return known;
  }
  const calibration = await calibrate(model, {
    ...selection,
    calibrationData: split.calibrationData(),
    session,
    signal,
    onProgress: ({ done, total, etaMs }) => progress.onCalibrated(done, total, etaMs),
  });
  memory.rememberCalibration(calibration);
  return calibration;
}

export async function chooseDynamic(parts: SchemeParts): Promise<Scheme> {
  const { model, graph, selection, split, memory, session, signal } = parts;
  await split.exhaust();
  const compare = await comparerTo(graph, split.kept, { session, signal });
  const scheme = dynamicScheme({ model, graph, options: { ...selection, signal }, compare });
  memory.remember({ scheme: scheme.name });
  return scheme;
}
