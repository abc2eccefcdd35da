/** The code of the benchmarks: their command line, the form of their rows, and their sums. No times. */
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { cases, conv, gemm } from '../../bench/cases.mjs';
import { chartOf } from '../../bench/chart.mjs';
import { drawLayer } from '../../bench/layer.mjs';
import { networks } from '../../bench/networks.mjs';
import { channelsLast, toPlanes } from '../../bench/onnx.mjs';
import { parseCommand, suites } from '../../bench/options.mjs';
import { kernelTime, wallContender } from '../../bench/ort.mjs';
import { loadOnnxRuntime } from '../../bench/peers.mjs';
import { judge, judgeBy } from '../../bench/pick.mjs';
import { resultsOf } from '../../bench/report.mjs';
import { faultOf, makeRows } from '../../bench/rows.mjs';
import { floatSubject, int8Subject } from '../../bench/subjects.mjs';
import { calibrate, median, takeTurns } from '../../bench/timing.mjs';
import { createNativeBackend } from '../../src/backends/native/index.js';
import { createReferenceBackend } from '../../src/backends/reference/index.js';
import { importModel } from '../../src/onnx/import.js';
import { available } from '../runners/run.js';

const native = available('the benchmark of kernels', () => createNativeBackend(), false);

const bench = (...args: string[]) =>
  spawnSync(process.execPath, ['bench/main.mjs', ...args], { encoding: 'utf8' });

describe('the command line', () => {
  const faults: [string, string[]][] = [
    ['no suite', []],
    ['an unknown suite', ['kernel']],
    ['an unknown option', ['kernels', '--thread', '1']],
    ['an option of another suite', ['kernels', '--limit', '3']],
    ['two suites', ['kernels', 'models']],
    ['a broken expression', ['kernels', '--filter', '(']],
    ['no whole number of threads', ['kernels', '--threads', '1.5']],
    ['no thread', ['kernels', '--threads', '0']],
  ];
  for (const [what, args] of faults) {
    it(`refuses ${what}`, () => {
      expect(() => parseCommand(args)).toThrow(expect.objectContaining({ name: 'UsageError' }));
    });
  }

  it('exits with 2 and says how it is used', () => {
    const unknown = bench('nothing');
    expect(unknown.status).toBe(2);
    for (const name of Object.keys(suites)) expect(unknown.stderr).toContain(name);
  });

  it.skipIf(native === undefined)('exits with 2 where Octavo refuses an option', () => {
    const isa = bench('kernels', '--isa', 'altivec', '--alone');
    expect(isa.status).toBe(2);
    expect(isa.stderr).toContain('altivec');
  });

  it('reads what a suite takes', () => {
    const { suite, options } = parseCommand(['kernels', '--filter', '^gemm', '--threads', '2']);
    expect(suite).toBe(suites.kernels);
    expect(options).toMatchObject({ filter: /^gemm/, threads: 2 });
  });
});

describe('rows', () => {
  const measured = {
    suite: 'kernels',
    case: 'gemm 128x768x768 u8s8u8',
    backend: 'native',
    isa: 'avx512vnni',
    threads: 2,
    metric: 'gops',
    value: 900,
    peak: 500,
    rounds: 31,
  };

  it('are one for each peer whose value is known, and ahead is above 1', () => {
    const peers = [
      { peer: 'a', peerValue: 450 },
      { peer: 'b', peerValue: undefined },
    ];
    const { rounds, ...rest } = measured;
    expect(makeRows(measured, peers)).toEqual([
      { ...rest, ofPeak: 0.9, peer: 'a', peerValue: 450, ratio: 2, rounds },
    ]);
    expect(makeRows({ ...measured, metric: 'ms' }, peers)).toMatchObject([{ ratio: 0.5 }]);
    expect(makeRows(measured)).toEqual([{ ...measured, ofPeak: 0.9 }]);
  });

  it('are checked', () => {
    const [row] = makeRows(measured, [{ peer: 'a', peerValue: 450 }]);
    expect(faultOf(row)).toBeUndefined();
    expect(faultOf({ ...row, value: Number.NaN })).toContain('value');
    expect(faultOf({ ...row, ratio: undefined })).toContain('ratio');
    expect(faultOf({ ...row, metric: 'flops' })).toContain('flops');
    expect(faultOf({ ...row, suite: '' })).toContain('suite');
  });

  const runs: [string, string, string][] = [
    ['kernels', '320->1280|quantize f32->u8 64Ki', 'conv 1x1 320->1280 @7 (mbv2)'],
    ['pick', 'dw3x3 s1 960 @7$', 'conv dw3x3 s1 960 @7'],
    ['overhead', 'runSync', 'runSync() of a plan of one step'],
    ['wasm', 'dw3x3 s1 960 @7$', 'conv dw3x3 s1 960 @7'],
  ];
  for (const [suite, filter, name] of runs) {
    it.skipIf(native === undefined)(
      `come out of ${suite} in the form that is documented`,
      () => {
        const file = path.join(tmpdir(), `octavo-bench-${process.pid}.json`);
        const peers = suite === 'wasm' ? ['--alone'] : [];
        const { status, stderr } = bench(suite, '--filter', filter, '--json', file, ...peers);
        // A noisy machine may make a pick look slow.
        expect(suite === 'pick' ? [0, 1] : [0], stderr).toContain(status);
        const report = JSON.parse(readFileSync(file, 'utf8'));
        rmSync(file);
        expect(report).toMatchObject({
          cpu: expect.any(String),
          node: process.version,
          date: expect.stringMatching(/^\d{4}-\d\d-\d\d$/),
        });
        expect(report.rows.map((row: { case: string }) => row.case)).toContain(name);
        for (const row of report.rows) expect(faultOf(row), JSON.stringify(row)).toBeUndefined();
      },
      120_000,
    );
  }
});

describe('cases', () => {
  it('are read from their names', () => {
    const byName = (name: string) => cases.find((shape) => shape.name === name);
    expect(byName('gemm 128x3072x768')).toMatchObject({ width: 128, outputs: 3072, inputs: 768 });
    expect(byName('gemm 128x3072x768')?.ops).toBe(2 * 128 * 3072 * 768);
    expect(byName('conv dw3x3 s2 96 @112')).toMatchObject({ groups: 96, stride: 2, outHeight: 56 });
    expect(byName('conv dw3x3 s2 96 @112')?.ops).toBe(2 * 56 * 56 * 96 * 9);
    expect(byName('conv 7x7 s2 3->64 @224')).toMatchObject({ pad: 3, inputs: 3, outWidth: 112 });
    expect(new Set(cases.map(({ name }) => name)).size).toBe(30);
  });

  it('have the same numbers every time', () => {
    const shape = cases.find(({ name }) => name === 'conv 3x3 s2 3->32 @224')!;
    expect(drawLayer(shape)).toEqual(drawLayer(shape));
  });

  it('go to channels first and back', () => {
    const data = Uint8Array.of(1, 2, 3, 4, 5, 6);
    expect(toPlanes(data, 2, 3)).toEqual(Uint8Array.of(1, 4, 2, 5, 3, 6));
    const shape = { kind: 'conv', outHeight: 1, outWidth: 2, outputs: 3 };
    expect(channelsLast(shape, toPlanes(data, 2, 3))).toEqual(data);
  });
});

describe('the judgement of dispatch', () => {
  it('compares the pick with the best', () => {
    const others = [
      { name: 'a', time: 120 },
      { name: 'b', time: 96 },
    ];
    expect(judge(100, others)).toMatchObject({ best: { name: 'b' }, share: 0.96, good: true });
    expect(judge(102, others)).toMatchObject({ best: { name: 'b' }, good: false });
    expect(judge(80, others)).toMatchObject({ share: 1.2, good: true });
    expect(judge(80, [])).toEqual({ pick: 80, best: undefined, share: 1, good: true });
  });

  /** Answers with the lists of times one after the other, and notes what was asked for. */
  function fake(...answers: number[][]) {
    const asked: string[][] = [];
    const measure = async (names: string[]) => {
      asked.push(names);
      return answers[asked.length - 1];
    };
    return { measure, asked };
  }

  it('believes a pick that is good at once', async () => {
    const { measure, asked } = fake([100, 99, 130]);
    expect(await judgeBy(measure, ['a', 'b'])).toMatchObject({ good: true });
    expect(asked).toEqual([['a', 'b']]);
  });

  it('measures a suspect again, against those that were faster', async () => {
    const { measure, asked } = fake([100, 50, 99, 80], [100, 98, 97]);
    expect(await judgeBy(measure, ['a', 'b', 'c'])).toMatchObject({ good: true, share: 0.97 });
    expect(asked).toEqual([
      ['a', 'b', 'c'],
      ['a', 'c'],
    ]);
  });

  it('condemns a pick that was always slow', async () => {
    const { measure, asked } = fake([100, 50], [100, 60], [100, 70]);
    expect(await judgeBy(measure, ['a'])).toMatchObject({ good: false, share: 0.7 });
    expect(asked).toHaveLength(3);
  });
});

describe('timing', () => {
  it('takes the median of turns, each of as many repeats as fill a burst', async () => {
    const bursts: [string, number][] = [];
    const contender = (name: string, time: number) => ({
      name,
      burst(repeats: number) {
        bursts.push([name, repeats]);
        return repeats * time;
      },
    });
    const slow = contender('slow', 1e6);
    expect(await calibrate(slow)).toBe(1);
    const { times, rounds } = await takeTurns([slow, contender('fast', 10)], { least: 3, most: 3 });
    expect(times).toEqual([1e6, 10]);
    expect(rounds).toBe(3);
    expect(bursts.at(-1)).toEqual(['fast', 1e5]);
    expect(median([3, 1, 2])).toBe(2);
  });

  it('adds up the kernels of a profile', () => {
    const event = (name: string, op_name: string, dur: number) => ({
      cat: 'Node',
      name: `${name}_kernel_time`,
      dur,
      args: { op_name },
    });
    const events = [
      ...[90, 10, 12, 11].map((dur) => event('conv', 'QLinearConv', dur)),
      ...[5, 5, 5, 5].map((dur) => event('move', 'Transpose', dur)),
      { cat: 'Session', name: 'model_run', dur: 1 },
    ];
    expect(kernelTime(events, [false, true, true, true])).toBe(11_500);
    expect(kernelTime(events, [false, false, false, false])).toBeUndefined();
    expect(kernelTime([], [true])).toBeUndefined();
  });
});

describe('the layers as peers take them', () => {
  it('are the layer that Octavo computes, in int8 and in float', async () => {
    const ort = loadOnnxRuntime();
    expect(ort).toBeDefined();
    const reference = createReferenceBackend();
    for (const shape of [gemm([3, 8, 16]), conv('3x3 s2 3->8 @9'), conv('dw3x3 s1 8 @5')]) {
      for (const subject of [int8Subject(shape), floatSubject(shape)]) {
        const numbers = subject.draw();
        const { plan, constants } = subject.plan(numbers);
        const model = reference.open(constants);
        const [expected] = model.prepare(plan).runSync([numbers.x]);
        const wall = await wallContender('ort', ort!.ort, subject.model(numbers), {});
        const answer = subject.inOurOrder(await wall.answer());
        const tolerance = subject.tolerance(answer);
        const differences = Array.from(expected as Uint8Array | Float32Array, (value, i) =>
          Math.abs(value - answer[i]!),
        );
        const most = Math.max(...differences);
        expect(most, subject.name).toBeLessThanOrEqual(tolerance);
        model.dispose();
        await wall.close();
      }
    }
  });
});

describe('the networks', () => {
  it('load, and are as large as the ones they stand for', async () => {
    for (const { name, model, dims } of networks) {
      const { graph } = importModel(model);
      let weights = 0;
      for (const { data } of graph.constants.values()) weights += data.length;
      const expected = name.startsWith('ResNet') ? 25.5e6 : 3.5e6;
      expect(Math.abs(weights / expected - 1), name).toBeLessThan(0.02);
      expect(dims).toEqual([1, 3, 224, 224]);
    }
  });
});

describe('the report', () => {
  const base = {
    suite: 'kernels',
    backend: 'native',
    isa: 'avx2',
    threads: 1,
    metric: 'gops',
    rounds: 9,
  };
  const gemmCase = 'gemm 128x768x768';
  const rows = [
    ...makeRows({ ...base, case: `${gemmCase} u8s8u8`, value: 100, peak: 150 }, [
      { peer: 'onnxruntime-node 1.30.0 int8 kernel', peerValue: 125 },
    ]),
    ...makeRows({ ...base, case: `${gemmCase} f32`, value: 80 }, [
      { peer: 'onnxruntime-node 1.30.0 fp32 kernel', peerValue: 40 },
    ]),
  ];
  const report = { cpu: 'A <CPU>', node: 'v20.1.0', date: '2026-01-02', rows };

  it('names machine and losses, and shows every row', () => {
    const text = resultsOf([report]);
    expect(text).toContain('A <CPU>, Node 20.1.0, 2026-01-02');
    expect(text).toContain('- gemm 128x768x768 u8s8u8 (native, avx2): 0.80× of onnxruntime-node');
    expect(text).toContain('| gemm 128x768x768 u8s8u8 | 100 | 66.7 % | 125 (**0.80×**) |');
    expect(text).toContain('| gemm 128x768x768 f32 | 80.0 | 40.0 (2.00×) |');
  });

  it('tells where the time of a network goes, small kinds of step together', () => {
    const network = {
      ...rows[0],
      suite: 'models',
      case: 'net int8',
      metric: 'ms',
      profile: [
        { op: 'QConv', steps: 9, ms: 2, share: 0.985, gops: 410.4 },
        { op: 'QAdd', steps: 2, ms: 0.02, share: 0.009 },
        { op: 'Reduce', steps: 1, ms: 0.01, share: 0.006 },
      ],
    };
    expect(resultsOf([{ ...report, rows: [network] }])).toContain(
      '| net int8 | native, avx2 | QConv 98.5 % (410 GOP/s), others 1.5 % |',
    );
    const broken = { ...network, profile: [{ op: 'QConv', steps: 0, ms: 2, share: 1 }] };
    expect(faultOf(broken)).toContain('profile of QConv');
  });

  it('takes the last file for what several have', () => {
    const faster = rows.map((row) => ({ ...row, value: 200, ratio: 3 }));
    const text = resultsOf([report, { ...report, rows: faster }]);
    expect(text).toContain('ahead of every peer on every row');
    expect(text).not.toContain('0.80');
  });

  it('refuses a malformed row', () => {
    expect(() => resultsOf([{ ...report, rows: [{ ...rows[0], value: 0 }] }])).toThrow('value');
  });

  it('draws a chart, where there is something to draw', () => {
    const svg = chartOf([report]);
    expect(svg).toContain('A &lt;CPU&gt;');
    expect(svg?.match(/height="9"/g)).toHaveLength(4);
    expect(chartOf([{ ...report, rows: [] }])).toBeUndefined();
  });
});
