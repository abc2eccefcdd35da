/**
 * The kernels, shape by shape: one layer, uint8 in and uint8 out with requantization fused, in turn with the register
 * loop of the same instruction set. GOP/s count a multiplication and an addition as two, padding included.
 */
import { createNativeBackend } from '../dist/esm/backends/native/index.js';
import { cases } from './cases.mjs';
import { drawLayer, int8Plan } from './layer.mjs';
import { nativeContender, peakFor } from './native.mjs';
import { takeTurns } from './timing.mjs';

export async function run({ filter, threads, isa }) {
  const rows = [];
  for (const shape of cases) {
    const name = shape.kind === 'gemm' ? `${shape.name} u8s8u8` : shape.name;
    if (filter.test(name)) rows.push(...(await measureCase(name, shape, { threads, isa })));
  }
  return rows;
}

async function measureCase(name, shape, { threads, isa }) {
  const layer = drawLayer(shape);
  const plan = int8Plan(shape, layer);
  const chosen = createNativeBackend({ isa }).isa;
  const counts = [...new Set([1, threads])];
  const ours = counts.map((count) =>
    nativeContender(`octavo ${count}`, plan, [layer.x], { isa, threads: count }),
  );
  const peak = peakFor('u8s8s32', chosen);
  const contenders = [...ours, ...(peak === undefined ? [] : [peak])];
  const { times, rounds } = await takeTurns(contenders);
  for (const contender of ours) contender.close();

  const gops = counts.map((_, i) => shape.ops / times[i]);
  const peakGops = peak === undefined ? undefined : peak.ops / times.at(-1);
  const value = gops.at(-1);
  const row = {
    suite: 'kernels',
    case: name,
    backend: 'native',
    isa: chosen,
    threads,
    metric: 'gops',
    value,
    peak: peakGops,
    ofPeak: peakGops === undefined ? undefined : value / (peakGops * threads),
    rounds,
  };
  const peers =
    threads === 1
      ? []
      : [{ peer: 'octavo native 1 thread', peerValue: gops[0], ratio: value / gops[0] }];
  const share = row.ofPeak === undefined ? '' : `${(100 * row.ofPeak).toFixed(1).padStart(6)} %`;
  const speedUp = peers.map(({ ratio }) => `  ${ratio.toFixed(2)}× one thread`).join('');
  console.log(`${name.padEnd(32)} ${value.toFixed(1).padStart(8)} GOP/s ${share}${speedUp}`);
  return peers.length === 0 ? [row] : peers.map((peer) => ({ ...row, ...peer }));
}
