/**
 * Plans that no compiler of ours would write, handed to the addon: words at random, plans cut short, plans with a few
 * words changed, plans that are well formed and make no sense. Each is refused with a code, or runs; none crashes.
 * Should one crash nevertheless, its number is in .cache/malformedPlan.txt.
 */
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadAddon } from '../../src/backends/native/addon.js';
import type { AddonExports, NativePlanHandle } from '../../src/backends/native/exports.js';
import { byteLengthOf, type DataType, dataTypes } from '../../src/core/dtype.js';
import { errorCodes } from '../../src/core/errors.js';
import { bindDims } from '../../src/passes/bind.js';
import { compile } from '../../src/runtime/compile.js';
import { encodePlan, planMagic, planVersion } from '../../src/runtime/encode.js';
import { type Space, tensorAlignment, tensorSlack } from '../../src/runtime/plan.js';
import { lowerGraph } from '../../src/runtime/program.js';
import { maxRank, stepNames } from '../../src/runtime/steps.js';
import { createRandom, type Random } from '../helpers/random.js';
import type { TestPlan } from '../helpers/singleStep.js';
import { suites } from '../suites/index.js';
import { drawProblem } from '../suites/problem.js';
import { noNative } from './backends.js';
import { chain } from './nets.js';

const isLong = process.env['OCTAVO_LONG'] === '1';
const cases = isLong ? 100_000 : 5000;

/** A plan as the addon sees it. */
interface Encoded {
  readonly words: Int32Array;
  readonly model: Uint8Array;
  readonly constants: Uint8Array;
}

function validPlan(index: number): TestPlan {
  if (index % 20 === 0) {
    const graph = bindDims(chain(3, 8), new Map([['x', [4, 8]]]));
    return { ...compile(lowerGraph(graph)), model: new Uint8Array(64) };
  }
  return drawProblem(suites[index % suites.length]!, index).plan;
}

function encode(plan: TestPlan): Encoded {
  return { words: encodePlan(plan), model: plan.model, constants: plan.constants };
}

const extremes = [0, 1, -1, 2, 3, 4, 7, 8, 9, 16, 64, 127, 128, 255, 256, 65_536, 2 ** 30];
const ends = [2 ** 31 - 1, -(2 ** 31)];

function anyWord(random: Random): number {
  return random.pick([
    () => random.int(0, 8),
    () => random.pick(extremes),
    () => random.pick(ends),
    () => random.int(-(2 ** 31), 2 ** 31 - 1),
  ])();
}

/** The plan with other words. */
const reworded =
  (change: (random: Random, words: Int32Array) => Int32Array) =>
  (random: Random, plan: TestPlan): Encoded => {
    const valid = encode(plan);
    return { ...valid, words: change(random, valid.words) };
  };

/** Other dims, mostly few elements; a few axes more or less. */
function otherDims(random: Random, dims: readonly number[]): number[] {
  const changed = [...dims];
  if (changed.length === 0 || random.chance(0.1)) changed.push(random.int(0, 4));
  if (random.chance(0.1)) changed.length = random.int(0, changed.length);
  const axis = random.int(0, changed.length - 1);
  if (changed.length > 0) {
    changed[axis] = random.pick([
      () => random.int(0, 5),
      () => changed[axis]! + random.pick([-1, 1]),
      () => random.pick([0, 2 ** 20, 2 ** 31 - 1]),
      () => changed[random.int(0, changed.length - 1)]!,
    ])();
  }
  return changed.slice(0, maxRank).map((dim) => Math.max(dim, 0));
}

/** Everything checked by the decoder is kept right: sizes, places, numbers of parameters. */
function senseless(random: Random, plan: TestPlan): Encoded {
  const tensors: { type: DataType; dims: readonly number[]; space: Space; offset: number }[] =
    plan.tensors.map((tensor) => ({ ...tensor }));
  const steps = plan.steps.map(({ op, inputs, outputs, params }) => ({
    op,
    inputs: [...inputs],
    outputs: [...outputs],
    params: { ...params } as Record<string, number | number[]>,
  }));
  for (let i = random.int(1, 3); i > 0; i--) {
    const tensor = random.pick(tensors);
    const step = random.pick(steps);
    const list = random.pick([step.inputs, step.inputs, step.outputs]);
    const field = random.pick([...Object.keys(step.params), undefined]);
    random.pick([
      () => Object.assign(tensor, { dims: otherDims(random, tensor.dims) }),
      () => Object.assign(tensor, { type: random.pick(dataTypes) }),
      () =>
        list.splice(
          random.int(0, list.length),
          random.int(0, 1),
          random.int(-1, tensors.length - 1),
        ),
      () => list.splice(random.int(0, list.length), 1),
      () => {
        if (field === undefined) return;
        const value = step.params[field]!;
        if (Array.isArray(value)) step.params[field] = value.map(() => anyWord(random));
        else step.params[field] = anyWord(random);
      },
    ])();
  }
  const room = 2 ** 16;
  let arenaBytes = 0;
  const placed = tensors.map(({ type, dims, space, offset }) => {
    const bytes = byteLengthOf(
      type,
      dims.reduce((a, b) => a * b, 1),
    );
    const at = space === 'arena' ? arenaBytes : offset;
    if (space === 'arena') arenaBytes += Math.ceil(bytes / tensorAlignment) * tensorAlignment;
    return { type, dims, space, offset: at, bytes };
  });
  const grown = (bytes: Uint8Array) => {
    const larger = new Uint8Array(bytes.length + room);
    larger.set(bytes);
    return larger;
  };
  return encode({
    ...plan,
    tensors: placed,
    steps: steps.map((step) => ({ ...step, node: '' })) as never,
    arenaBytes: arenaBytes + tensorSlack,
    constants: grown(plan.constants),
    model: grown(plan.model),
  });
}

const malform: Record<string, (random: Random, plan: TestPlan) => Encoded> = {
  'lists of words': reworded((random) => {
    const words = Array.from({ length: random.int(0, 300) }, () => anyWord(random));
    const header = [planMagic, planVersion, ...Array.from({ length: 4 }, () => random.int(0, 4))];
    return Int32Array.from(random.chance(0.8) ? [...header, 4096, 0, ...words] : words);
  }),
  'plans cut short': reworded((random, words) => words.slice(0, random.int(0, words.length - 1))),
  'plans with words changed': reworded((random, words) => {
    const changed = words.slice();
    for (let i = random.int(1, 3); i > 0; i--) {
      const at = random.int(0, words.length - 1);
      changed[at] = random.pick([
        () => anyWord(random),
        () => changed[at]! + random.pick([-1, 1]),
        () => changed[random.int(0, words.length - 1)]!,
        () => changed[at]! ^ (1 << random.int(0, 31)),
      ])();
    }
    return changed;
  }),
  'plans with words moved': reworded((random, words) => {
    const moved = [...words];
    const from = random.int(0, moved.length - 1);
    const taken = moved.splice(from, random.int(0, 3));
    if (random.chance(0.7)) moved.splice(random.int(0, moved.length), 0, ...taken);
    return Int32Array.from(moved);
  }),
  'plans without sense': senseless,
};

/** How many of them are drawn, of all cases. */
const shares: Record<string, number> = { 'plans without sense': 0.6 };
const shareOf = (kind: string) => shares[kind] ?? 0.1;

/** Bytes of the inputs of a plan that the addon took. */
function inputBytes(words: Int32Array): number[] {
  const [tensors, inputs] = [words[2]!, words[4]!];
  const ports = 8 + 15 * tensors;
  return [...words.subarray(ports, ports + inputs)].map((tensor) => words[8 + 15 * tensor + 4]!);
}

/** Memory above which a plan is not run, for it might compute for long: they are drawn with less. */
const mostMemory = 4 * 2 ** 20;

describe.skipIf(noNative !== undefined)('the addon', () => {
  const addon = loadAddon() as AddonExports;
  const isas = addon.isas.filter(({ built, supported }) => built && supported);
  const trace = '.cache/malformedPlan.txt';
  let file = 0;
  beforeAll(() => {
    mkdirSync('.cache', { recursive: true });
    file = openSync(trace, 'w');
  });
  afterAll(() => {
    closeSync(file);
    rmSync(trace);
  });

  /** The code of the refusal, or 'taken'. */
  function attempt({ words, model, constants }: Encoded, index: number): string {
    const handle = new addon.NativeModel(model, isas[index % isas.length]!.name);
    let plan: NativePlanHandle | undefined;
    try {
      plan = handle.prepare(words, constants, 1 + (index % 2));
      if (plan.memoryBytes() > mostMemory) return 'taken, not run';
      plan.runSync(inputBytes(words).map((bytes) => new Uint8Array(bytes).fill(index)));
      return 'taken';
    } catch (error) {
      const { code, message } = error as Error & { code?: unknown };
      // A step may refuse the numbers that it is given.
      if (plan !== undefined && code !== 'INVALID_INPUT') throw new Error(`run failed: ${message}`);
      return String(code);
    } finally {
      plan?.dispose();
      handle.dispose();
    }
  }

  it('takes the plans that the others are made from', () => {
    for (let index = 0; index < 100; index++) {
      const outcome = attempt(encode(validPlan(index)), index);
      expect(['taken', 'INVALID_INPUT'], `plan ${index}`).toContain(outcome);
    }
  });

  it.each(Object.keys(malform).map((kind) => [cases * shareOf(kind), kind] as const))(
    'takes or refuses %d %s',
    (count, kind) => {
      const outcomes = new Map<string, number>();
      for (let index = 0; index < count; index++) {
        writeSync(file, `${kind}, case ${index}\n`, 0);
        const encoded = malform[kind]!(createRandom(index), validPlan(index));
        const outcome = attempt(encoded, index);
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }
      const known: readonly string[] = [...errorCodes, 'taken', 'taken, not run'];
      expect([...outcomes.keys()].filter((outcome) => !known.includes(outcome))).toEqual([]);
      const refused = kind === 'plans without sense' ? 'BACKEND_FAILURE' : 'INTERNAL';
      expect(outcomes.get(refused)).toBeGreaterThan(count / 4);
    },
  );

  it('refuses a plan cut at any word', () => {
    for (const index of [0, 1]) {
      const valid = encode(validPlan(index));
      for (let length = 0; length < valid.words.length; length++) {
        const words = valid.words.slice(0, length);
        expect(attempt({ ...valid, words }, 0), `${length} words`).toBe('INTERNAL');
      }
    }
  });

  it('refuses steps that do not exist, and steps with the parameters of others', () => {
    const valid = encode(validPlan(0));
    const step = 8 + 15 * valid.words[2]! + valid.words[4]! + valid.words[5]!;
    for (let code = -1; code <= stepNames.length; code++) {
      const words = valid.words.slice();
      if (words[step] === code) continue;
      words[step] = code;
      expect(attempt({ ...valid, words }, 0)).toMatch(/^(INTERNAL|BACKEND_FAILURE)$/);
    }
  });

  it('refuses what is no plan, no bytes, no instruction set', () => {
    const { words, model, constants } = encode(validPlan(0));
    const isa = addon.bestIsa;
    const coded = (code: string) => expect.objectContaining({ code });
    const { NativeModel } = addon;
    expect(() => new NativeModel(undefined as never, isa)).toThrow(coded('INTERNAL'));
    expect(() => new NativeModel([] as never, isa)).toThrow(coded('INTERNAL'));
    expect(() => new NativeModel(model, 'sse9')).toThrow(coded('BACKEND_UNAVAILABLE'));
    expect(() => new NativeModel(model, Symbol('avx2') as never)).toThrow();
    const handle = new NativeModel(model, isa);
    expect(() => handle.prepare(undefined as never, constants, 1)).toThrow(coded('INTERNAL'));
    expect(() => handle.prepare(words, {} as never, 1)).toThrow(coded('INTERNAL'));
    expect(() => handle.prepare(words, constants.subarray(1), 1)).toThrow(coded('INTERNAL'));
    const plan = handle.prepare(words, constants, -1);
    const x = new Float32Array(32);
    const wrong = [undefined, [], [x, x], [undefined], [{}], ['x'], [new Float32Array(31)]];
    for (const inputs of wrong) {
      expect(() => plan.runSync(inputs as never)).toThrow();
      expect(() => plan.run(inputs as never)).toThrow();
    }
    plan.cancel(-1);
    plan.cancel(Number.NaN);
    expect(plan.runSync([x])).toHaveLength(1);
    plan.dispose();
    plan.dispose();
    expect(plan.memoryBytes()).toBe(0);
    expect(() => plan.runSync([x])).toThrow(coded('DISPOSED'));
    expect(() => plan.run([x])).toThrow(coded('DISPOSED'));
    handle.dispose();
    handle.dispose();
    expect(() => handle.prepare(words, constants, 1)).toThrow(coded('DISPOSED'));
    expect(() => Reflect.apply(handle.packedBytes, {}, [])).toThrow();
  });

  it('refuses constants in parts that overlap, or lie outside, or are not there', () => {
    const { words, model: block, constants } = encode(drawProblem(suites[0]!, 1).plan);
    const isa = addon.bestIsa;
    const open = (bytes: unknown, offsets: readonly number[], ...lengths: readonly number[]) =>
      new addon.NativeModel(
        {
          bytes: bytes as number,
          offsets: Float64Array.from(offsets),
          data: lengths.map((length) => new Uint8Array(length)),
        },
        isa,
      );
    const internal = expect.objectContaining({ code: 'INTERNAL' });
    expect(() => open(256, [0, 64], 65, 1)).toThrow(internal);
    expect(() => open(256, [64, 0], 1, 1)).toThrow(internal);
    expect(() => open(256, [0], 193)).toThrow(internal);
    expect(() => open(256, [256], 1)).toThrow(internal);
    expect(() => open(256, [32], 1)).toThrow(internal);
    expect(() => open(256, [-64], 1)).toThrow(internal);
    expect(() => open(256, [Number.NaN], 1)).toThrow(internal);
    expect(() => open(256, [0], 1, 1)).toThrow(internal);
    expect(() => open('many', [0], 1)).toThrow(internal);
    expect(() => new addon.NativeModel({} as never, isa)).toThrow(internal);
    open(256, [0, 64], 64, 128).dispose();
    const turned = { source: new Int16Array(12), batches: 2, rows: 3, columns: 2 };
    const openTurned = (data: object) =>
      new addon.NativeModel(
        { bytes: 128, offsets: Float64Array.of(0), data: [data as never] },
        isa,
      );
    openTurned(turned).dispose();
    for (const wrong of [{ columns: 3 }, { rows: -3 }, { batches: undefined }, { source: [1] }]) {
      expect(() => openTurned({ ...turned, ...wrong })).toThrow(internal);
    }

    const whole = {
      bytes: block.length,
      offsets: Float64Array.of(0),
      data: [block.subarray(0, block.length - tensorSlack)],
    };
    const handle = new addon.NativeModel(whole, isa);
    expect(() => handle.prepare(words, constants, 1)).toThrow(internal);
    const plan = handle.prepare(words, constants, 1, whole);
    // What a plan has packed or kept is there for the next one.
    handle.prepare(words, constants, 1).dispose();
    plan.dispose();
    handle.dispose();
  });

  it('keeps a plan running after its model is gone', () => {
    const { words, model, constants } = encode(validPlan(0));
    const handle = new addon.NativeModel(model, addon.bestIsa);
    const plan = handle.prepare(words, constants, 2);
    const x = new Float32Array(32).fill(1);
    const [before] = plan.runSync([x]);
    handle.dispose();
    const [after] = plan.runSync([x]);
    expect(new Uint8Array(after!)).toEqual(new Uint8Array(before!));
    plan.dispose();
  });
});
