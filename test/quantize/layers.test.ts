import { describe, expect, it } from 'vitest';
import { type Graph, indexOf } from '../../src/graph/ir.js';
import { exportModel } from '../../src/onnx/export.js';
import { importModel } from '../../src/onnx/import.js';
import type { LayerOverride, QuantizeStaticOptions } from '../../src/quantize/options.js';
import { quantizeStatic } from '../../src/quantize/static.js';
import { compareModels } from '../../src/report/compare.js';
import { InferenceSession } from '../../src/runtime/session.js';
import { runOnnxRuntime } from '../helpers/onnxruntime.js';
import { feedsFor, smallCnn, smallCnnInput } from './nets.js';

const data = feedsFor(smallCnnInput, 16);
const model = smallCnn().model(smallCnnInput, ['y', 'logits']);
const quantized = (options: Partial<QuantizeStaticOptions>) =>
  quantizeStatic(model, { calibrationData: data, ...options });

/** Types of the codes that a node reads. */
function typesOf(graph: Graph, name: string) {
  const index = indexOf(graph);
  const node = graph.nodes.find((candidate) => candidate.name === name)!;
  return node.inputs.slice(0, 2).map((input) => {
    const codes = index.producer(input)!.inputs[0]!;
    return (graph.constants.get(codes) ?? graph.types.get(codes))!.type;
  });
}

const sqnrOf = async (options: Partial<QuantizeStaticOptions>) => {
  const { model: integer } = await quantized(options);
  return (await compareModels(model, integer, { data })).outputs[1]!.sqnr;
};

describe('types of 4 and 16 bits', () => {
  it.each([
    [{ weightType: 'int4' }, 10],
    [{ weightType: 'uint4', symmetric: { weights: false } }, 10],
    [{ weightType: 'int4', symmetric: { weights: false } }, 10],
    [{ weightType: 'int4', perChannel: false }, 5],
    [{ activationType: 'uint16' }, 30],
    [{ activationType: 'int16' }, 30],
    [{ activationType: 'int16', calibrationMethod: 'max' }, 30],
    [{ weightType: 'int4', activationType: 'uint16' }, 10],
    [{ weightType: 'int16' }, 30],
    [{ weightType: 'int16', activationType: 'uint16' }, 60],
    [{ weightType: 'int16', activationType: 'int16', symmetric: { activations: true } }, 60],
    [{ weightType: 'int16', activationType: 'int16', perChannel: false }, 60],
    [{ weightType: 'int16', symmetric: { weights: false }, activationType: 'uint16' }, 60],
  ] satisfies [Partial<QuantizeStaticOptions>, number][])(
    'gives a file that onnxruntime answers as Octavo does: %o',
    async (options, least) => {
      const { model: integer } = await quantized(options);
      const { outputs } = await compareModels(model, integer, { data });
      expect(outputs[1]!.sqnr).toBeGreaterThan(least);
      const bytes = exportModel(integer.graph, integer.meta);
      const session = await InferenceSession.create(importModel(bytes));
      for (const feeds of data.slice(0, 4)) {
        const { logits } = await session.run(feeds);
        const theirs = (await runOnnxRuntime(bytes, feeds)).get('logits')!.data as Float32Array;
        (logits!.data as Float32Array).forEach((value, i) => {
          expect(value).toBeCloseTo(theirs[i]!, 1);
        });
      }
      session.dispose();
    },
  );

  it('loses less the finer the type', async () => {
    const eight = await sqnrOf({});
    expect(await sqnrOf({ activationType: 'uint16' })).toBeGreaterThan(eight);
    expect(await sqnrOf({ weightType: 'int4' })).toBeLessThan(eight - 10);
    const wide = await sqnrOf({ weightType: 'int16', activationType: 'uint16' });
    expect(wide).toBeGreaterThan((await sqnrOf({ activationType: 'uint16' })) + 10);
  });
});

describe('overrides', () => {
  it('sets the types of the layers that it names, and of no others', async () => {
    const { model: integer, report } = await quantized({
      overrides: [
        { nodes: ['Conv_deep'], weightType: 'uint4', activationType: 'int16' },
        { nodes: [/right/], weightType: 'int4' },
        { nodes: [/right/], calibrationMethod: 'max' },
      ],
    });
    const { graph } = integer;
    expect(typesOf(graph, 'Conv_deep')).toEqual(['int16', 'uint4']);
    expect(typesOf(graph, 'Conv_right')).toEqual(['uint8', 'int4']);
    expect(typesOf(graph, 'Conv_left')).toEqual(['uint8', 'int8']);
    const calibrators = report.activations.map(({ name, calibrator }) => [name, calibrator]);
    expect(calibrators).toContainEqual(['x', 'mse']);
    // What left and right both read: right has a method of its own.
    expect(calibrators).toContainEqual(['sum_relu', 'max']);
  });

  it('gives a value that two layers read the finer of their types', async () => {
    const types = async (overrides: readonly LayerOverride[]) => {
      const { graph } = (await quantized({ overrides })).model;
      return [typesOf(graph, 'Conv_left')[0], typesOf(graph, 'Conv_right')[0]];
    };
    const left = { nodes: ['Conv_left'], activationType: 'uint16' } as const;
    const right = { nodes: ['Conv_right'], activationType: 'int16' } as const;
    expect(await types([left])).toEqual(['uint16', 'uint16']);
    expect(await types([right])).toEqual(['int16', 'int16']);
    expect(await types([right, left])).toEqual(['uint16', 'uint16']);
  });

  it('brings back what one coarse layer loses', async () => {
    const coarse = await sqnrOf({ weightType: 'int4' });
    const mixed = await sqnrOf({
      weightType: 'int4',
      overrides: [{ nodes: [/^Gemm/], weightType: 'int8' }],
    });
    expect(mixed).toBeGreaterThan(coarse + 3);
  });

  it.each([
    [{ nodes: ['Conv_none'] }, 'NO_MATCH', 'overrides[0].nodes'],
    [{ nodes: [/Softmax/] }, 'NO_MATCH', 'overrides[0].nodes'],
    [{ nodes: ['Conv_left'], weightType: 'int3' }, 'INVALID_ARGUMENT', 'overrides[0].weightType'],
    [{ nodes: ['Conv_left'], bits: 4 }, 'INVALID_ARGUMENT', 'bits'],
    [
      { nodes: ['Conv_left'], calibrationMethod: 'max', percentile: 99 },
      'INVALID_ARGUMENT',
      'overrides[0].percentile',
    ],
  ])('refuses %o', async (override, code, where) => {
    const overrides = [override as unknown as LayerOverride];
    await expect(quantized({ overrides })).rejects.toMatchObject({ code, where });
  });
});
