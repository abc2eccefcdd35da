/**
 * The kernels, shape by shape: one layer, in turn with the register loop of the same instruction set and with
 * onnxruntime-node on the same layer. The int8 layer is uint8 in and uint8 out, requantization fused; the float one is
 * a case of its own. Peers' answers are compared with ours before anything is timed.
 *
 * A forced instruction set is measured against its own peak alone: peers cannot be held to one.
 */
import { createNativeBackend } from '../dist/esm/backends/native/index.js';
import { cases } from './cases.mjs';
import { drawLayer, floatLayer, floatPlan, int8Plan } from './layer.mjs';
import { nativeContender, peakFor } from './native.mjs';
import { channelsLast, floatModel, int8Model } from './onnx.mjs';
import { profiledContender, wallContender } from './ort.mjs';
import { loadOnnxRuntime } from './peers.mjs';
import { makeRows, printRows } from './rows.mjs';
import { takeTurns } from './timing.mjs';

/** The two precisions of a layer. `tolerance`: how far a peer's answer may be from ours, in its own units. */
const precisions = [
  {
    name: 'int8',
    types: 'u8s8s32',
    caseName: ({ kind, name }) => (kind === 'gemm' ? `${name} u8s8u8` : name),
    draw: drawLayer,
    plan: int8Plan,
    model: int8Model,
    tolerance: () => 1,
  },
  {
    name: 'fp32',
    types: 'f32',
    caseName: ({ name }) => `${name} f32`,
    draw: (shape) => floatLayer(drawLayer(shape)),
    plan: floatPlan,
    model: floatModel,
    tolerance: (answer) =>
      1e-4 * answer.reduce((most, value) => Math.max(most, Math.abs(value)), 0),
  },
];

export async function run({ filter, threads, isa }) {
  const chosen = createNativeBackend({ isa }).isa;
  const peer = isa === undefined ? loadOnnxRuntime() : undefined;
  const rows = [];
  for (const shape of cases) {
    const wanted = precisions.filter(({ caseName }) => filter.test(caseName(shape)));
    if (wanted.length > 0) {
      rows.push(...(await measureCase(shape, wanted, { threads, isa: chosen, peer })));
    }
  }
  return rows;
}

/** All precisions of a shape in the same rounds: their ratio is a figure too. */
async function measureCase(shape, wanted, { threads, isa, peer }) {
  const groups = [];
  for (const precision of wanted) {
    groups.push(await contendersOf(shape, precision, { threads, isa, peer }));
  }
  const contenders = groups.flatMap((group) => Object.values(group.contenders));
  const { times, rounds } = await takeTurns(contenders, { budget: 150 * contenders.length });
  const timeOf = (contender) => times[contenders.indexOf(contender)];
  const gops = (time) => (time === undefined ? undefined : shape.ops / time);

  const rows = [];
  for (const { precision, contenders: by } of groups) {
    const peak = by.peak === undefined ? undefined : by.peak.ops / timeOf(by.peak);
    const measured = {
      suite: 'kernels',
      case: precision.caseName(shape),
      backend: 'native',
      isa,
      threads,
      metric: 'gops',
      value: gops(timeOf(by.ours)),
      peak,
      rounds,
    };
    const peers = [];
    if (by.single !== undefined) {
      peers.push({ peer: 'octavo native 1 thread', peerValue: gops(timeOf(by.single)) });
    }
    if (by.wall !== undefined) {
      const kernel = await by.profiled.finish();
      peers.push({ peer: by.wall.name, peerValue: gops(timeOf(by.wall)) });
      peers.push({ peer: by.profiled.name, peerValue: gops(kernel) });
    }
    const own = makeRows(measured, peers);
    printRows(own);
    rows.push(...own);
  }
  for (const contender of contenders) await contender.close?.();
  return rows;
}

async function contendersOf(shape, precision, { threads, isa, peer }) {
  const layer = precision.draw(shape);
  const plan = precision.plan(shape, layer);
  const native = (count) => nativeContender('octavo', plan, [layer.x], { isa, threads: count });
  const contenders = { ours: native(threads) };
  if (threads > 1) contenders.single = native(1);
  const peak = peakFor(precision.types, isa);
  if (peak !== undefined) contenders.peak = peak;
  if (peer !== undefined) {
    const model = precision.model(shape, layer);
    const options = { executionProviders: ['cpu'], intraOpNumThreads: threads };
    const name = `onnxruntime-node ${peer.version} ${precision.name}`;
    const wall = await wallContender(name, peer.ort, model, options);
    const answer = channelsLast(shape, await wall.answer());
    const exact = agrees(contenders.ours.answer()[0], answer, precision.tolerance(answer));
    // Engines without a dot product instruction saturate.
    if (!exact) wall.name += ' (inexact)';
    contenders.wall = wall;
    contenders.profiled = await profiledContender(`${wall.name} kernel`, peer.ort, model, options);
  }
  return { precision, contenders };
}

function agrees(ours, theirs, tolerance) {
  if (ours.length !== theirs.length) throw new Error('a peer computed something else');
  return ours.every((value, i) => Math.abs(value - theirs[i]) <= tolerance);
}
