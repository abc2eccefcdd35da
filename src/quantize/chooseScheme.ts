/** Which scheme a search begins with: dynamic for encoders, smoothed or not, else static by the calibration method that suits best. */
import type { CalibrationMethod } from '../calibrate/index.js';
import type { Graph } from '../graph/ir.js';
import type { Model } from '../onnx/model.js';
import type { SessionOptions } from '../runtime/session.js';
import type { Comparer } from './answers.js';
import { calibrate } from './calibrate.js';
import type { Calibration } from './calibration.js';
import { dynamicScheme } from './dynamicScheme.js';
import type { SearchMemory } from './memory.js';
import { resolveOptions, type SelectionOptions } from './options.js';
import { progressOf } from './progress.js';
import type { Scheme } from './scheme.js';
import type { Split } from './split.js';
import { staticScheme } from './staticScheme.js';

export interface SchemeParts extends Pick<SelectionOptions, 'onProgress'> {
  readonly model: Model;
  /** The float graph, cleaned up. */
  readonly graph: Graph;
  readonly selection: Pick<SelectionOptions, 'nodesToExclude' | 'nodesToQuantize'> & {
    readonly opTypes?: readonly string[] | undefined;
  };
  readonly split: Split;
  /** How far a model's answers are from the float model's, on the samples to choose by, which have all gone by. */
  readonly measured: () => Promise<Comparer>;
  readonly memory: SearchMemory;
  readonly session?: SessionOptions | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The scheme of the calibration method whose answers are nearest to the float model's. */
export async function chooseStatic(
  parts: SchemeParts,
  methods: readonly CalibrationMethod[],
): Promise<Scheme> {
  const { model, graph, selection, split, session, signal } = parts;
  const calibration = await calibrationOf(parts);
  const run = { samples: split.kept, session, signal };
  const resolved = resolveOptions({ ...selection, biasCorrection: true });
  const common = { model, graph, calibration, run, resolved };
  const schemes = methods.map((method) => staticScheme(common, method));
  return nearest(schemes, parts);
}

/** The scheme that was remembered, or the one whose model's answers are nearest to the float model's. */
async function nearest(
  schemes: readonly Scheme[],
  { measured, memory, onProgress }: SchemeParts,
): Promise<Scheme> {
  const known = schemes.find(({ name }) => name === memory.scheme);
  if (known !== undefined) return known;
  let best = { scheme: schemes[0]!, sqnr: -Infinity };
  if (schemes.length > 1) {
    const compare = await measured();
    const onDone = progressOf('choose', onProgress);
    for (const [i, scheme] of schemes.entries()) {
      const { sqnr } = await compare((await scheme.build([])).model.graph);
      if (sqnr > best.sqnr) best = { scheme, sqnr };
      onDone(i + 1, schemes.length);
    }
  }
  memory.remember({ scheme: best.scheme.name });
  return best.scheme;
}

/** What was remembered, or what the data show now; they go by in both cases. */
async function calibrationOf(parts: SchemeParts): Promise<Calibration> {
  const { model, selection, split, memory, session, signal, onProgress } = parts;
  const known = memory.calibration;
  if (known !== undefined) {
    await split.exhaust();
    return known;
  }
  const calibrationData = split.calibrationData();
  const options = { ...selection, calibrationData, session, signal, onProgress };
  const calibration = await calibrate(model, options);
  memory.rememberCalibration(calibration);
  return calibration;
}

/** Dynamic quantization, with products smoothed or not, by which answers are nearer to the float model's. */
export async function chooseDynamic(parts: SchemeParts): Promise<Scheme> {
  const { model, graph, selection, split, session, signal } = parts;
  await split.exhaust();
  const run = { samples: split.kept, session, signal };
  const schemes = [false, true].map((smooths) =>
    dynamicScheme({
      ...{ model, graph, run },
      options: {
        ...{ ...selection, session, signal },
        ...(smooths && { smoothQuant: true, calibrationData: split.kept }),
      },
    }),
  );
  return nearest(schemes, parts);
}
