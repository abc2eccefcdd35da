/** Who owns which memory: what a caller does to the buffers of its feeds, and to those of its results. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../src/core/tensor.js';
import { loadModel } from '../../src/onnx/model.js';
import { createSession, InferenceSession } from '../../src/runtime/session.js';
import { backends, noNative } from './backends.js';
import { bitsOf, chain, chainBytes, rowsOf } from './nets.js';

const size = 64;
const rows = 40;
const graph = chain(30, size);
const source = rowsOf(rows, size);
const bytes = source.data.byteLength;

type Feed = { readonly x: Tensor<'float32'> };

/** The source in a buffer of the caller's. */
function feedOver<B extends ArrayBufferLike>(buffer: B, offset = 0): Feed & { buffer: B } {
  const data = new Float32Array(buffer, offset, source.data.length);
  data.set(source.data);
  return { buffer, x: { ...source, data: data as Float32Array } } as never;
}

const resizable = (length: number, maxByteLength: number): ArrayBuffer =>
  new (ArrayBuffer as new (length: number, options: object) => ArrayBuffer)(length, {
    maxByteLength,
  });
const growable = (length: number, maxByteLength: number): SharedArrayBuffer =>
  new (SharedArrayBuffer as new (length: number, options: object) => SharedArrayBuffer)(length, {
    maxByteLength,
  });
const resize = (buffer: ArrayBuffer, length: number) =>
  (buffer as ArrayBuffer & { resize(length: number): void }).resize(length);
const transfer = (buffer: ArrayBuffer) => structuredClone(buffer, { transfer: [buffer] });

/** Feeds, and what is done to them as soon as the run has begun. */
const spoilt: Record<string, () => { x: Feed['x']; spoil: () => void }> = {
  overwritten: () => {
    const { x } = feedOver(new ArrayBuffer(bytes));
    return { x, spoil: () => x.data.fill(Number.NaN) };
  },
  transferred: () => {
    const { x, buffer } = feedOver(new ArrayBuffer(bytes));
    return { x, spoil: () => transfer(buffer).slice(0).byteLength };
  },
  'transferred, a view in the middle': () => {
    const { x, buffer } = feedOver(new ArrayBuffer(bytes + 256), 128);
    return { x, spoil: () => transfer(buffer) };
  },
  'resized to nothing': () => {
    const { x, buffer } = feedOver(resizable(bytes, 2 * bytes));
    return { x, spoil: () => resize(buffer, 0) };
  },
  'resized to less, tracked': () => {
    const buffer = resizable(bytes, 2 * bytes);
    feedOver(buffer);
    const x = { ...source, data: new Float32Array(buffer) };
    return { x, spoil: () => resize(buffer, bytes / 2) };
  },
  'overwritten, shared': () => {
    const { x } = feedOver(new SharedArrayBuffer(bytes));
    return { x, spoil: () => x.data.fill(Number.NaN) };
  },
  'overwritten, shared and growable': () => {
    const { x } = feedOver(growable(bytes, 2 * bytes));
    return { x, spoil: () => x.data.fill(Number.NaN) };
  },
};

describe.each(backends)('on %s', (backend) => {
  const open = () => createSession(graph, { backend });

  it.each(Object.keys(spoilt))('a feed may be %s as soon as run() has returned', async (name) => {
    const session = await open();
    const expected = Buffer.from(bitsOf(session.runSync({ x: source })['y']!));
    const runs = Array.from({ length: 4 }, () => {
      const { x, spoil } = spoilt[name]!();
      const running = session.run({ x });
      spoil();
      return running;
    });
    for (const { y } of await Promise.all(runs)) expect(expected.equals(bitsOf(y!))).toBe(true);
    session.dispose();
  });

  it('a feed that is gone, or shorter than its dims, is refused', async () => {
    const session = await open();
    const gone = feedOver(new ArrayBuffer(bytes));
    transfer(gone.buffer);
    const emptied = feedOver(resizable(bytes, bytes));
    resize(emptied.buffer, 0);
    const out = feedOver(resizable(bytes, bytes));
    resize(out.buffer, bytes - 4);
    const tracking = resizable(bytes, bytes);
    const shrunk = { x: { ...source, data: new Float32Array(tracking) } };
    resize(tracking, bytes - 4);
    for (const { x } of [gone, emptied, out, shrunk]) {
      const refused = { code: 'INVALID_INPUT', where: 'x' };
      await expect(session.run({ x })).rejects.toMatchObject(refused);
      expect(() => session.runSync({ x })).toThrow(expect.objectContaining(refused));
    }
    session.dispose();
  });

  // The larger one has buffers that are not zeroed before they are written.
  it.each([rows, 300])(
    'results of %i rows are ordinary buffers, each one’s own, and outlive the session',
    async (count) => {
      const session = await open();
      const x = rowsOf(count, size);
      const [a, b] = await Promise.all([session.run({ x }), session.run({ x })]);
      const c = session.runSync({ x });
      session.dispose();
      const expected = Buffer.from(bitsOf(c['y']!));
      for (const result of [a, b, c]) {
        const { data } = result['y'] as unknown as Tensor<'float32'>;
        expect(Object.prototype.toString.call(data.buffer)).toBe('[object ArrayBuffer]');
        expect([data.byteOffset, data.byteLength]).toEqual([0, data.buffer.byteLength]);
        const moved = structuredClone(data, { transfer: [data.buffer as ArrayBuffer] });
        expect(data.length).toBe(0);
        expect(expected.equals(bitsOf({ ...x, data: moved }))).toBe(true);
        moved.fill(0);
      }
    },
  );

  it('the bytes of a model may be gone while it loads: an error or the model, no third', async () => {
    const model = chainBytes(3, size);
    const whole = await InferenceSession.create(model.slice(), { backend });
    const expected = Buffer.from(bitsOf(whole.runSync({ x: source })['y']!));
    for (let turns = 0; turns < 4; turns++) {
      const doomed = model.slice();
      const loading = InferenceSession.create(doomed, { backend }).then(
        (session) => Buffer.from(bitsOf(session.runSync({ x: source })['y']!)),
        (error) => error.name,
      );
      for (let i = 0; i < turns; i++) await nextTurn();
      transfer(doomed.buffer as ArrayBuffer);
      expect([expected, 'OctavoError']).toContainEqual(await loading);
    }
    whole.dispose();
  });
});

describe.skipIf(noNative !== undefined)('the memory of a model whose dims are known', () => {
  const wide = 512;
  const weightBytes = wide * wide * 4;
  const model = chainBytes(2, wide, 3);
  const x = rowsOf(3, wide);
  const run = (session: InferenceSession) => Buffer.from(bitsOf(session.runSync({ x })['y']!));

  it('is given back by the time that the session is ready', async () => {
    const before = process.memoryUsage().arrayBuffers;
    const session = await InferenceSession.create(model, { backend: 'native' });
    expect(process.memoryUsage().arrayBuffers).toBeLessThan(before + weightBytes / 2);
    expect(run(session).equals(run(session))).toBe(true);
    session.dispose();
  });

  it('is left alone where the caller has it, too', async () => {
    const loaded = await loadModel(model);
    const weights = [...loaded.graph.constants.values()];
    const before = weights.map((weight) => Buffer.from(bitsOf(weight)));
    expect(before[0]!.length).toBe(weightBytes);
    const answers: Buffer[] = [];
    for (let i = 0; i < 2; i++) {
      const session = await InferenceSession.create(loaded, { backend: 'native' });
      answers.push(run(session));
      session.dispose();
    }
    expect(answers[1]!.equals(answers[0]!)).toBe(true);
    for (const [i, weight] of weights.entries()) {
      expect(before[i]!.equals(bitsOf(weight))).toBe(true);
    }
  });
});
