/** What import makes of a file. */
import { describe, expect, test } from 'vitest';
import { attribute as a } from '../../src/graph/attributes.js';
import { importModel } from '../../src/onnx/import.js';
import {
  type AttributeProto,
  encodeModel,
  type GraphProto,
  type ModelProto,
} from '../../src/onnx/messages.js';
import { bytesOf, float32, model, nodeProto, t } from '../helpers/onnx-builder.js';

/** Made anew each time, for tests change it. */
const relu = () => ({
  inputs: { x: float32(2) },
  outputs: { y: float32(2) },
  nodes: [nodeProto('Relu', ['x'], ['y'])],
});

/** The Relu model with its file or graph changed. */
function changed(change: (graph: GraphProto, proto: ModelProto) => void, opset = 13): Uint8Array {
  const proto = model(opset, relu());
  change(proto.graph, proto);
  return encodeModel(proto);
}

describe('the graph', () => {
  test('inputs, outputs, nodes and inferred types', () => {
    const { graph } = importModel(bytesOf(13, relu()));
    expect(graph.inputs).toEqual(['x']);
    expect(graph.outputs).toEqual([{ name: 'y', value: 'y' }]);
    expect(graph.nodes).toHaveLength(1);
    expect(graph.nodes[0]).toMatchObject({ op: 'Relu', domain: '', inputs: ['x'], outputs: ['y'] });
    expect(graph.types.get('y')).toEqual({ type: 'float32', dims: [2] });
    expect(graph.opsets.get('')).toBe(21);
  });

  test('free and unknown dimensions', () => {
    const { graph } = importModel(
      bytesOf(13, { ...relu(), inputs: { x: float32('N', undefined, 3) }, outputs: ['y'] }),
    );
    expect(graph.types.get('x')).toEqual({ type: 'float32', dims: ['N', undefined, 3] });
    const negative = changed((graph) => {
      graph.input![0]!.type!.tensorType!.shape!.dim = [{ dimValue: -1 }, { dimParam: '' }];
      graph.output![0]!.type!.tensorType!.shape = undefined!;
    });
    expect(importModel(negative).graph.types.get('x')!.dims).toEqual([undefined, undefined]);
  });

  test('an initializer that is listed as an input is a constant', () => {
    const { graph } = importModel(
      bytesOf(8, {
        inputs: { x: float32(2), w: float32(2) },
        outputs: ['y'],
        nodes: [nodeProto('Add', ['x', 'w'], ['y'])],
        constants: { w: t('float32', [1, 2]) },
      }),
    );
    expect(graph.inputs).toEqual(['x']);
    expect(graph.constants.get('w')).toEqual(t('float32', [1, 2]));
    expect(graph.types.has('w')).toBe(false);
  });

  test('Constant nodes become constants, whichever attribute they use', () => {
    const cases = [
      [{ value: a.tensor(t('int32', [7, 8], [2, 1])) }, t('int32', [7, 8], [2, 1])],
      [{ value_float: a.float(0.1) }, t('float32', [0.1], [])],
      [{ value_floats: a.floats([1, 2]) }, t('float32', [1, 2])],
      [{ value_int: a.int(2 ** 63) }, t('int64', [2n ** 63n - 1n], [])],
      [{ value_ints: a.ints([-1, 5]) }, t('int64', [-1, 5])],
    ] as const;
    for (const [attributes, tensor] of cases) {
      const nodes = [
        nodeProto('Constant', [], ['c'], attributes as never),
        nodeProto('Identity', ['c'], ['y']),
      ];
      const { graph } = importModel(bytesOf(13, { nodes, outputs: ['y'] }));
      expect(graph.constants.get('c')).toEqual(tensor);
      expect(graph.nodes).toHaveLength(1);
    }
  });

  test('constants that nothing reads are dropped, those a subgraph reads are not', () => {
    const branch = (name: string): AttributeProto => ({
      name,
      type: 5,
      g: { node: [nodeProto('Add', ['x', 'captured'], [name])], output: [{ name }] },
    });
    const proto = model(13, {
      inputs: { x: float32(2), c: { type: 'bool', dims: [] } },
      outputs: ['y'],
      nodes: [nodeProto('If', ['c'], ['y'])],
      constants: { captured: t('float32', [1]), unread: t('float32', [1]) },
    });
    proto.graph.node![0]!.attribute = [branch('then_branch'), branch('else_branch')];
    const { graph } = importModel(encodeModel(proto));
    expect([...graph.constants.keys()]).toEqual(['captured']);
  });

  test('nodes out of order are sorted', () => {
    const nodes = [nodeProto('Relu', ['m'], ['y']), nodeProto('Abs', ['x'], ['m'])];
    const { graph } = importModel(bytesOf(13, { ...relu(), nodes }));
    expect(graph.nodes.map((node) => node.op)).toEqual(['Abs', 'Relu']);
  });

  test('nodes get unique names', () => {
    const chain = [
      nodeProto('Relu', ['x'], ['Abs_2'], {}, { name: 'same' }),
      nodeProto('Relu', ['Abs_2'], ['b'], {}, { name: 'same' }),
      nodeProto('Abs', ['b'], ['y']),
    ];
    const { graph } = importModel(bytesOf(13, { ...relu(), nodes: chain }));
    expect(graph.nodes.map((node) => node.name)).toEqual(['same', 'same_2', 'Abs_2_2']);
  });

  test("names of JavaScript's own are names like any other", () => {
    const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf'];
    const nodes = names.map((name, i) =>
      nodeProto('Relu', [names[i - 1] ?? 'x'], [name], {}, { name }),
    );
    const bytes = bytesOf(13, { inputs: { x: float32(2) }, outputs: ['valueOf'], nodes });
    const { graph } = importModel(bytes);
    expect(graph.nodes.map((node) => node.name)).toEqual(names);
    expect(graph.types.get('__proto__')).toEqual({ type: 'float32', dims: [2] });
    expect(Object.prototype).not.toHaveProperty('polluted');
  });

  test("the two spellings of ONNX's domain", () => {
    const bytes = changed((graph, proto) => {
      graph.node![0]!.domain = 'ai.onnx';
      proto.opsetImport = [{ domain: 'ai.onnx', version: 13 }];
    });
    expect(importModel(bytes).graph.nodes[0]!.domain).toBe('');
  });

  test('attributes without a stated type, and zeros left out as proto3 does', () => {
    const bytes = changed((graph) => {
      graph.node![0]!.attribute = [
        { name: 'int', i: 3 },
        { name: 'float', f: 0.5 },
        { name: 'text', s: new TextEncoder().encode('ü') },
        { name: 'ints', ints: [1, 2] },
        { name: 'zero', type: 2 },
        { name: 'none', type: 7 },
      ];
    });
    expect([...importModel(bytes).graph.nodes[0]!.attributes]).toEqual([
      ['int', a.int(3)],
      ['float', a.float(0.5)],
      ['text', a.string('ü')],
      ['ints', a.ints([1, 2])],
      ['zero', a.int(0)],
      ['none', a.ints([])],
    ]);
  });

  test('what the file says besides the graph', () => {
    const bytes = changed((_, proto) => {
      proto.producerName = 'maker';
      proto.producerVersion = '1.2';
      proto.modelVersion = 3;
      proto.docString = 'words';
      proto.metadataProps = [{ key: '__proto__', value: 'a' }, { key: 'k' }];
    });
    const { meta } = importModel(bytes);
    expect(meta).toMatchObject({
      irVersion: 7,
      producerName: 'maker',
      producerVersion: '1.2',
      modelVersion: 3,
      docString: 'words',
    });
    expect([...meta.metadata]).toEqual([
      ['__proto__', 'a'],
      ['k', ''],
    ]);
    expect([...meta.opsets]).toEqual([['', 13]]);
  });
});

test('data that lie askew are the same, moved within bytes that are the importer’s own or copied', () => {
  const values = (i: number) => Array.from({ length: 40 }, (_, k) => 1000 * i + k);
  const names = ['a', 'bb', 'ccc', 'dddd', 'eeeee', 'f'];
  const bytes = bytesOf(13, {
    inputs: { x: float32(40) },
    outputs: { y: float32(40) },
    nodes: [nodeProto('Sum', ['x', ...names], ['y'])],
    constants: Object.fromEntries(names.map((name, i) => [name, t('float32', values(i), [40])])),
  });
  const untouched = bytes.slice();
  for (const ownsBytes of [false, true]) {
    const { graph } = importModel(bytes, { ownsBytes });
    const data = names.map((name) => graph.constants.get(name)!.data);
    for (const [i, found] of data.entries()) expect(Array.from(found, Number)).toEqual(values(i));
    expect(data.every(({ buffer }) => buffer === bytes.buffer)).toBe(ownsBytes);
    if (!ownsBytes) expect(bytes).toEqual(untouched);
  }
});
