/** Panels of quantized weights, whichever kernels the engine has for them. */
import { expect, it } from 'vitest';
import { loadBuild } from '../../src/backends/wasm/builds.js';
import { createContext } from '../../src/backends/wasm/context.js';
import { type PanelShape, packPanels, panelLength } from '../../src/backends/wasm/pack.js';
import { createStore } from '../../src/backends/wasm/store.js';
import { createRandom, integers } from '../helpers/random.js';
import { singleStepPlan } from '../helpers/singleStep.js';

const random = createRandom(4);

/** The definition: [group][panel][run][depth / unit][columns of a panel][unit]. */
function panelsOf(
  weights: Int8Array,
  zeros: Int32Array | undefined,
  shape: PanelShape,
  ofPanel: number,
  unit: number,
): number[] {
  const { groups, columns, runs, depth } = shape;
  const panels: number[] = [];
  for (let group = 0; group < groups; group++) {
    for (let first = 0; first < columns; first += ofPanel) {
      for (let run = 0; run < runs; run++) {
        for (let k = 0; k < depth; k += unit) {
          for (let i = 0; i < ofPanel * unit; i++) {
            const column = first + Math.floor(i / unit);
            const at = k + (i % unit);
            const channel = group * columns + column;
            const isThere = column < columns && at < depth;
            const weight = weights[(channel * runs + run) * depth + at]!;
            panels.push(isThere ? weight - (zeros?.[channel] ?? 0) : 0);
          }
        }
      }
    }
  }
  return panels;
}

it.each([
  { ofPanel: 8, unit: 2, hasZeros: false },
  { ofPanel: 8, unit: 2, hasZeros: true },
  { ofPanel: 8, unit: 4, hasZeros: false },
  { ofPanel: 32, unit: 4, hasZeros: false },
])('$ofPanel columns, $unit neighbours, zero points: $hasZeros', ({ ofPanel, unit, hasZeros }) => {
  const store = createStore(loadBuild('simd128'));
  const region = { buffer: new ArrayBuffer(0), offset: 0 };
  const plan = singleStepPlan('QAdd', [], []);
  const context = createContext(plan, { model: region, plan: region }, store);
  for (let i = 0; i < 60; i++) {
    const shape = {
      groups: random.pick([1, 1, 3]),
      columns: random.pick([1, 7, 8, 9, 31, 32, 40]),
      runs: random.pick([1, 3]),
      depth: random.pick([1, 2, 3, 4, 7, 8, 9, 15, 16, 17, random.int(18, 70)]),
    };
    const { groups, columns, runs, depth } = shape;
    const weights = integers(random, 'int8', groups * columns * runs * depth);
    const zeros = hasZeros ? integers(random, 'int32', groups * columns, -128, 127) : undefined;
    const length = panelLength(shape, ofPanel, unit);
    const behind = 64;
    const at = store.heap.allocate((4 / unit) * length + behind);
    const end = at + (4 / unit) * length;
    new Uint8Array(store.heap.memory.buffer, at, end - at + behind).fill(85);
    packPanels(at, weights, zeros, shape, ofPanel, unit, context);
    const { buffer } = store.heap.memory;
    const Elements = unit === 2 ? Int16Array : Int8Array;
    const found = [...new Elements(buffer, at, length)];
    expect(found).toEqual(panelsOf(weights, zeros, shape, ofPanel, unit));
    expect(new Uint8Array(buffer, end, behind).every((byte) => byte === 85)).toBe(true);
    store.heap.free(at);
  }
});
