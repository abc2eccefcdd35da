/** Whole pipelines on random graphs: no pass, and no patch of one, may change what a graph computes. */
import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../src/core/tensor.js';
import { deadCode } from '../../src/passes/deadCode.js';
import { lower } from '../../src/passes/lower/index.js';
import { type Pass, runPasses } from '../../src/passes/pass.js';
import { executionPasses, perMatch } from '../../src/passes/pipelines.js';
import { createRandom } from '../helpers/random.js';
import { type Results, runReference } from './oracle.js';
import { randomNetwork } from './randomNetwork.js';

const firstSeed = 1000;
const seeds = Array.from({ length: 300 }, (_, i) => firstSeed + i);

function expectClose(found: Results, expected: Results, tolerance: number, what: string): void {
  for (const [name, { dims, data }] of Object.entries(expected)) {
    const other = found[name]!;
    expect(other.dims, `${what}: ${name}`).toEqual(dims);
    const [a, b] = [other.data as Float32Array, data as Float32Array];
    for (let i = 0; i < b.length; i++) {
      const far = Math.abs(a[i]! - b[i]!) > tolerance * Math.max(1, Math.abs(b[i]!));
      if (far) expect.fail(`${what}: ${name}[${i}] is ${a[i]}, not ${b[i]}`);
    }
  }
}

/** Lowering as it is, and nothing else. */
const plain: readonly Pass[] = [lower, deadCode];

describe(`random float graphs, seeds from ${firstSeed}`, () => {
  it('compute the same after all passes as after lowering alone', () => {
    for (const seed of seeds) {
      const { graph, feeds } = randomNetwork(seed);
      expectClose(
        runReference(graph, feeds),
        runReference(graph, feeds, plain),
        1e-5,
        `seed ${seed}`,
      );
    }
  });

  it('compute the same when any one pass is left out', () => {
    for (const seed of seeds) {
      const { graph, feeds } = randomNetwork(seed);
      const random = createRandom(seed);
      const expected = runReference(graph, feeds);
      const left = random.pick(executionPasses.filter((pass) => pass !== lower));
      const found = runReference(
        graph,
        feeds,
        executionPasses.filter((pass) => pass !== left),
      );
      expectClose(found, expected, 1e-5, `seed ${seed} without '${left.name}'`);
    }
  });

  it('compute the same when the passes stop after any patch and begin again', () => {
    for (const seed of seeds) {
      const { graph, feeds } = randomNetwork(seed);
      const random = createRandom(seed);
      const expected = runReference(graph, feeds);
      const stopAfter = random.int(0, 40);
      const half = runPasses(graph, perMatch(executionPasses), { stopAfter });
      expectClose(runReference(half, feeds), expected, 1e-5, `seed ${seed}, ${stopAfter} patches`);
    }
  });

  it('need no more once they are lowered', () => {
    for (const seed of seeds.slice(0, 100)) {
      const { graph } = randomNetwork(seed);
      const once = runPasses(graph, executionPasses);
      const patches: string[] = [];
      runPasses(once, executionPasses, {
        onPatch: ({ pass, what }) => patches.push(`${pass}: ${what}`),
      });
      expect(patches, `seed ${seed}`).toEqual([]);
    }
  });
});

describe(`random quantized graphs, seeds from ${firstSeed}`, () => {
  const layoutPasses = new Set([
    'sink transposes',
    'simplify tables',
    'signed borders',
    'settle the layout',
  ]);

  it('give the same bits wherever their transposes, tables and signs end up', () => {
    for (const seed of seeds) {
      const { graph, feeds } = randomNetwork(seed, 12, true);
      const kept = executionPasses.filter((pass) => !layoutPasses.has(pass.name));
      const expected = runReference(graph, feeds, kept);
      expectClose(runReference(graph, feeds), expected, 0, `seed ${seed}`);
    }
  });

  it('stay near to what the float form computes', () => {
    const off: number[] = [];
    for (const seed of seeds) {
      const { graph, feeds } = randomNetwork(seed, 3, true);
      const expected = runReference(graph, feeds, plain);
      const found = runReference(graph, feeds);
      for (const [name, tensor] of Object.entries(expected))
        off.push(distance(found[name]!, tensor));
    }
    // A tie decided otherwise costs a step of a scale below 0.05, and may cost more behind it.
    expect(off.filter((most) => most > 0.11).length / off.length).toBeLessThan(0.01);
  });
});

function distance(a: Tensor, b: Tensor): number {
  const [x, y] = [a.data as Float32Array, b.data as Float32Array];
  return x.reduce((most, value, i) => Math.max(most, Math.abs(value - y[i]!)), 0);
}
