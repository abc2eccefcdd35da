/** What a search has found out so far, as plain data: a search that was interrupted goes on from there. */
import { fromBase64, toBase64 } from '../core/base64.js';
import { OctavoError } from '../core/errors.js';
import { Calibration } from './calibration.js';

/** As JSON, it can be kept in a file. */
export interface QuantizeState {
  readonly octavo: 'quantize';
  readonly version: 1;
  /** Digest of the float graph. */
  readonly model: string;
  /** The settings that decide what is found. */
  readonly settings: string;
  /** A saved calibration, in base64. */
  readonly calibration?: string;
  /** Name of the scheme that was chosen. */
  readonly scheme?: string;
  /** Layers by what they cost. */
  readonly ranked?: readonly string[];
  /** The float model's score, and scores of models by the float layers in them, a name a line. */
  readonly float?: number;
  readonly scores: Readonly<Record<string, number>>;
}

export class SearchMemory {
  #state: QuantizeState;
  readonly #onState: ((state: QuantizeState) => void) | undefined;

  /** Throws `INVALID_ARGUMENT` for a state of another model or other settings, or what is no state. */
  constructor(
    model: string,
    settings: string,
    state: QuantizeState | undefined,
    onState: ((state: QuantizeState) => void) | undefined,
  ) {
    const fresh: QuantizeState = { octavo: 'quantize', version: 1, model, settings, scores: {} };
    if (state !== undefined) requireSame(state, fresh);
    this.#state = state ?? fresh;
    this.#onState = onState;
  }

  get calibration(): Calibration | undefined {
    const { calibration } = this.#state;
    if (calibration === undefined) return undefined;
    const bytes = fromBase64(calibration);
    if (bytes !== undefined) return Calibration.load(bytes, 'state');
    throw new OctavoError('INVALID_CALIBRATION', 'not base64', { where: 'state.calibration' });
  }

  get scheme(): string | undefined {
    return this.#state.scheme;
  }

  remember(found: Partial<Pick<QuantizeState, 'scheme' | 'ranked' | 'float'>>): void {
    this.#state = { ...this.#state, ...found };
    this.#onState?.(this.#state);
  }

  rememberCalibration(calibration: Calibration): void {
    // As text it is only for whoever keeps states.
    if (this.#onState === undefined) return;
    this.#state = { ...this.#state, calibration: toBase64(calibration.save()) };
    this.#onState(this.#state);
  }

  async ranked(find: () => Promise<readonly string[]>): Promise<readonly string[]> {
    if (this.#state.ranked === undefined) this.remember({ ranked: await find() });
    return this.#state.ranked!;
  }

  async float(find: () => Promise<number>): Promise<number> {
    if (this.#state.float === undefined) this.remember({ float: await find() });
    return this.#state.float!;
  }

  async score(floatLayers: readonly string[], find: () => Promise<number>): Promise<number> {
    const key = [...floatLayers].sort().join('\n');
    const known = this.#state.scores[key];
    if (known !== undefined) return known;
    const score = await find();
    this.#state = { ...this.#state, scores: { ...this.#state.scores, [key]: score } };
    this.#onState?.(this.#state);
    return score;
  }
}

function requireSame(state: QuantizeState, fresh: QuantizeState): void {
  const names = ['octavo', 'version', 'model', 'settings'] as const;
  const other = names.find((name) => state?.[name] !== fresh[name]);
  if (other === undefined && typeof state.scores === 'object') return;
  throw new OctavoError('INVALID_ARGUMENT', 'a state of another search', {
    where: `state.${other ?? 'scores'}`,
    expected: String(fresh[other ?? 'scores']),
    found: String(state?.[other ?? 'scores']),
  });
}
