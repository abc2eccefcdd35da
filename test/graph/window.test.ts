/** Window geometry against counting the windows one by one, and against ONNX's formulas for SAME. */
import { describe, expect, it } from 'vitest';
import { attribute } from '../../src/graph/attributes.js';
import { resolveAxis, resolveWindow, type Window, windowOf } from '../../src/graph/ops/window.js';
import { node } from '../helpers/onnx-builder.js';
import { createRandom } from '../helpers/random.js';

const pool = (attributes = {}) => node('MaxPool', ['x'], ['y'], attributes);

/**
 * Windows that lie in the padded input. Rounding up: also the one that hangs over its end, if the window
 * before (or one stride before the first) stopped short of the end, and it begins on a real cell.
 */
function countWindows(window: Window, size: number): number {
  const extent = window.dilations[0]! * (window.kernel[0]! - 1) + 1;
  const stride = window.strides[0]!;
  const end = size + window.padsAfter[0]!;
  const exists = (start: number): boolean =>
    window.ceilMode ? start - stride + extent < end && start < size : start + extent <= end;
  let count = 0;
  for (let start = -window.padsBefore[0]!; exists(start); start += stride) count++;
  return count;
}

describe('windows', () => {
  it('are as many as fit, for 2,000 random windows', () => {
    const random = createRandom(11);
    for (let i = 0; i < 2000; i++) {
      const kernel = random.int(1, 5);
      const dilation = random.int(1, 3);
      const pad = () => random.int(0, dilation * (kernel - 1));
      const window: Window = {
        kernel: [kernel],
        strides: [random.int(1, 4)],
        dilations: [dilation],
        padsBefore: [pad()],
        padsAfter: [pad()],
        autoPad: 'NOTSET',
        ceilMode: random.chance(0.5),
      };
      const size = random.int(1, 20);
      const expected = countWindows(window, size);
      const label = `seed 11, window ${i}: ${JSON.stringify(window)} over ${size}`;
      if (expected === 0) {
        expect(() => resolveAxis(pool(), window, 0, size), label).toThrow(/does not fit/);
      } else {
        expect(resolveAxis(pool(), window, 0, size).output, label).toBe(expected);
      }
    }
  });

  it('pad as little as SAME needs, the odd cell behind (UPPER) or before (LOWER)', () => {
    for (const size of [1, 2, 5, 8, 13]) {
      for (const kernel of [1, 2, 3, 5]) {
        for (const stride of [1, 2, 3]) {
          for (const [autoPad, odd] of [
            ['SAME_UPPER', 0],
            ['SAME_LOWER', 1],
          ] as const) {
            const attributes = {
              kernel_shape: attribute.ints([kernel]),
              strides: attribute.ints([stride]),
              auto_pad: attribute.string(autoPad),
            };
            const [axis] = resolveWindow(pool(attributes), [kernel], [size]);
            const { before, after, output } = axis!;
            const total = before + after;
            expect(output).toBe(Math.ceil(size / stride));
            expect(total).toBe(Math.max(0, (output - 1) * stride + kernel - size));
            expect(before).toBe(Math.floor((total + odd) / 2));
          }
        }
      }
    }
  });

  it('ignore pads when auto_pad says how', () => {
    const attributes = { auto_pad: attribute.string('VALID'), pads: attribute.ints([3, 3]) };
    expect(windowOf(pool(attributes), [3])).toMatchObject({ padsBefore: [0], padsAfter: [0] });
  });

  it('need a kernel of the rank of the input', () => {
    expect(() => resolveWindow(pool(), [3, 3], [8])).toThrow(/wrong rank of the kernel/);
  });

  it('refuse paddings that are no exact integer with the input', () => {
    const window: Window = {
      kernel: [1],
      strides: [1],
      dilations: [1],
      padsBefore: [2 ** 31 - 1],
      padsAfter: [0],
      autoPad: 'NOTSET',
      ceilMode: false,
    };
    expect(() => resolveAxis(pool(), window, 0, Number.MAX_SAFE_INTEGER)).toThrow(
      expect.objectContaining({ code: 'LIMIT_EXCEEDED', where: 'MaxPool_y' }),
    );
  });
});
