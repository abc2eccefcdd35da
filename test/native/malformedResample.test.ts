/** Steps Resample whose constants are none that resizing can have made: refused, naming what is wrong. */
import { describe, expect, it } from 'vitest';
import { singleStepPlan } from '../helpers/singleStep.js';
import { nativeBackends } from './contenders.js';
import type { Dims } from './faults.js';

/** A Resample of x [4, 3] to [2, 3], and what of it is otherwise. */
interface Resampling {
  readonly x: Dims;
  readonly y: Dims;
  readonly axis: number;
  readonly cells: readonly number[];
  readonly taps: Dims;
  readonly weights: Dims;
  readonly constant: boolean;
}

describe('malformed Resample', () => {
  const [backend] = nativeBackends(1);
  const sound: Resampling = {
    x: [4, 3],
    y: [2, 3],
    axis: 0,
    cells: [0, 1, 2, 3],
    taps: [2, 2],
    weights: [2, 2],
    constant: true,
  };

  const prepare = (one: Resampling) => {
    const plan = singleStepPlan(
      'Resample',
      [
        { type: 'float32', dims: one.x },
        {
          type: 'int32',
          dims: one.taps,
          constant: one.constant ? Int32Array.from(one.cells) : undefined,
        },
        { type: 'float32', dims: one.weights, constant: new Float32Array(one.cells.length) },
      ],
      [{ type: 'float32', dims: one.y }],
      { axis: one.axis },
    );
    const model = backend!.open(plan.model);
    try {
      model.prepare(plan);
    } finally {
      model.dispose();
    }
  };

  it.runIf(backend)('takes a sound one', () => prepare(sound));

  it.runIf(backend).each([
    ['an index beyond the axis', { cells: [0, 1, 2, 4] }],
    ['a negative index', { cells: [0, 1, -1, 3] }],
    ['axis −1', { axis: -1 }],
    ['axis 2', { axis: 2 }],
    ['other places', { y: [3, 3] }],
    ['another dim', { y: [2, 4] }],
    ['another rank', { y: [2, 3, 1] }],
    ['other weights', { weights: [4, 1] }],
    ['a list of cells', { taps: [4], weights: [4] }],
    ['no taps', { taps: [2, 0], weights: [2, 0], cells: [] }],
    ['cells that are computed', { constant: false }],
  ] as const)('%s', (_, change) => {
    expect(() => prepare({ ...sound, ...change })).toThrow(
      expect.objectContaining({ code: 'BACKEND_FAILURE' }),
    );
  });
});
