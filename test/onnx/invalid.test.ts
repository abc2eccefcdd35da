/** What import says of files that are no model, contradict themselves, or ask for too much. */
import { describe, expect, test } from 'vitest';
import type { ErrorCode } from '../../src/core/errors.js';
import { attribute as a } from '../../src/graph/attributes.js';
import { importModel } from '../../src/onnx/import.js';
import { encodeModel, type GraphProto, type ModelProto } from '../../src/onnx/messages.js';
import { bytesOf, float32, graphProto, model, nodeProto } from '../helpers/onnx-builder.js';

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

function expectError(bytes: Uint8Array, code: ErrorCode, message: RegExp, limits = {}): void {
  expect(() => importModel(bytes, { limits })).toThrow(
    expect.objectContaining({
      name: 'OctavoError',
      code,
      message: expect.stringMatching(message),
    }),
  );
}

describe('no model at all', () => {
  test('nothing', () => expectError(new Uint8Array(), 'INVALID_MODEL', /holds no graph/));
  test('text', () => {
    expectError(new TextEncoder().encode('<html>not found</html>'), 'INVALID_MODEL', /model/);
  });
  test('a picture', () => {
    expectError(Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10), 'INVALID_MODEL', /model/);
  });
  test('a Git LFS pointer', () => {
    const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n';
    expectError(new TextEncoder().encode(pointer), 'INVALID_MODEL', /model/);
  });
});

describe('graphs that break their own rules', () => {
  const node = nodeProto;
  const cases: readonly (readonly [
    string,
    ErrorCode,
    RegExp,
    (graph: GraphProto, proto: ModelProto) => void,
  ])[] = [
    [
      'a cycle',
      'INVALID_GRAPH',
      /cycle/,
      (g) =>
        (g.node = [
          node('Add', ['x', 'b'], ['a']),
          node('Relu', ['a'], ['b']),
          node('Relu', ['b'], ['y']),
        ]),
    ],
    [
      'a node that reads itself',
      'INVALID_GRAPH',
      /cycle/,
      (g) => (g.node = [node('Add', ['x', 'y'], ['y'])]),
    ],
    [
      'a missing value',
      'INVALID_GRAPH',
      /reads 'nowhere'/,
      (g) => (g.node![0]!.input = ['nowhere']),
    ],
    ['a missing input', 'INVALID_GRAPH', /Relu/, (g) => (g.node![0]!.input = [''])],
    ['too many inputs', 'INVALID_GRAPH', /Relu/, (g) => (g.node![0]!.input = ['x', 'x'])],
    [
      'no output',
      'INVALID_GRAPH',
      /wrong number of outputs/,
      (g) => g.node!.push(node('Relu', ['x'], [])),
    ],
    [
      'two nodes that write one value',
      'INVALID_GRAPH',
      /y: two nodes/,
      (g) => g.node!.push(node('Abs', ['x'], ['y'])),
    ],
    [
      'a node that writes an input',
      'INVALID_GRAPH',
      /x: .*more than once/,
      (g) => {
        g.initializer = [{ name: 'w', dataType: 1, dims: [0] }];
        g.node!.push(node('Abs', ['w'], ['x']));
      },
    ],
    [
      'two inputs of one name',
      'INVALID_GRAPH',
      /x: .*more than once/,
      (g) => g.input!.push(g.input![0]!),
    ],
    [
      'two outputs of one name',
      'INVALID_GRAPH',
      /y: two graph outputs/,
      (g) => g.output!.push(g.output![0]!),
    ],
    ['an input without a name', 'INVALID_GRAPH', /no name/, (g) => (g.input![0]!.name = '')],
    ['an input without a type', 'UNSUPPORTED_TYPE', /x: /, (g) => (g.input![0]!.type = undefined!)],
    [
      'an input of strings',
      'UNSUPPORTED_TYPE',
      /x: .*string/,
      (g) => (g.input![0]!.type!.tensorType!.elemType = 8),
    ],
    [
      'an input that is a sequence',
      'UNSUPPORTED_TYPE',
      /x: .*sequence/,
      (g) => (g.input![0]!.type = {}),
    ],
    [
      'an input of rank 9',
      'LIMIT_EXCEEDED',
      /x: .*rank/,
      (g) => (g.input![0]!.type!.tensorType!.shape!.dim = new Array(9).fill({ dimValue: 1 })),
    ],
    [
      'a dimension of 2^60',
      'LIMIT_EXCEEDED',
      /x: /,
      (g) => (g.input![0]!.type!.tensorType!.shape!.dim = [{ dimValue: 2 ** 60 }]),
    ],
    ['no outputs', 'INVALID_GRAPH', /no outputs/, (g) => (g.output = [])],
    [
      'an output that nothing computes',
      'INVALID_GRAPH',
      /z: nothing computes/,
      (g) => (g.output![0]!.name = 'z'),
    ],
    [
      'an output of another type',
      'INVALID_GRAPH',
      /y: .*float32.*int8/,
      (g) => (g.output![0]!.type!.tensorType!.elemType = 3),
    ],
    [
      'an initializer without a name',
      'INVALID_GRAPH',
      /no name/,
      (g) => (g.initializer = [{ dataType: 1, dims: [0] }]),
    ],
    [
      'two initializers of one name',
      'INVALID_GRAPH',
      /w: two/,
      (g) =>
        (g.initializer = [
          { name: 'w', dataType: 1, dims: [0] },
          { name: 'w', dataType: 1, dims: [0] },
        ]),
    ],
    [
      'an initializer that a node writes',
      'INVALID_GRAPH',
      /y: .*more than once/,
      (g) => (g.initializer = [{ name: 'y', dataType: 1, dims: [0] }]),
    ],
    [
      'a sparse initializer',
      'UNSUPPORTED_TYPE',
      /w: sparse/,
      (g) => (g.sparseInitializer = [{ values: { name: 'w' } }]),
    ],
    [
      'an initializer of strings',
      'UNSUPPORTED_TYPE',
      /w: .*string/,
      (g) => (g.initializer = [{ name: 'w', dataType: 8 }]),
    ],
    [
      'a node without an operator',
      'INVALID_MODEL',
      /no operator/,
      (g) => (g.node![0]!.opType = ''),
    ],
    [
      "an operator of Octavo's own",
      'UNSUPPORTED_OPERATOR',
      /octavo:QConv/,
      (g) => Object.assign(g.node![0]!, { opType: 'QConv', domain: 'octavo' }),
    ],
    [
      'a function of the model',
      'UNSUPPORTED_OPERATOR',
      /functions.*my:F/,
      (g, m) => {
        Object.assign(g.node![0]!, { opType: 'F', domain: 'my' });
        m.functions = [{ name: 'F', domain: 'my' }];
      },
    ],
    [
      'an attribute twice',
      'INVALID_MODEL',
      /\.k: .*twice/,
      (g) =>
        (g.node![0]!.attribute = [
          { name: 'k', type: 2 },
          { name: 'k', type: 2 },
        ]),
    ],
    [
      'an attribute of no kind',
      'UNSUPPORTED_TYPE',
      /\.k: /,
      (g) => (g.node![0]!.attribute = [{ name: 'k' }]),
    ],
    [
      'an attribute of a kind to come',
      'UNSUPPORTED_TYPE',
      /type 77/,
      (g) => (g.node![0]!.attribute = [{ name: 'k', type: 77 }]),
    ],
    [
      'a tensor attribute without a tensor',
      'INVALID_MODEL',
      /no value/,
      (g) => (g.node![0]!.attribute = [{ name: 'k', type: 4 }]),
    ],
    [
      'a graph attribute without a graph',
      'INVALID_MODEL',
      /no value/,
      (g) => (g.node![0]!.attribute = [{ name: 'k', type: 5 }]),
    ],
    [
      'an attribute that is not UTF-8',
      'INVALID_MODEL',
      /UTF-8/,
      (g) => (g.node![0]!.attribute = [{ name: 'k', type: 3, s: Uint8Array.of(0xff) }]),
    ],
    [
      'a reference out of a function',
      'INVALID_MODEL',
      /reference/,
      (g) => (g.node![0]!.attribute = [{ name: 'k', refAttrName: 'r' }]),
    ],
    [
      'a Constant without a value',
      'INVALID_MODEL',
      /one value/,
      (g) => g.node!.push(node('Constant', [], ['c'])),
    ],
    [
      'a Constant with two values',
      'INVALID_MODEL',
      /one value/,
      (g) =>
        g.node!.push(node('Constant', [], ['c'], { value_int: a.int(1), value_float: a.float(1) })),
    ],
    [
      'a Constant of strings',
      'UNSUPPORTED_TYPE',
      /value_string/,
      (g) => g.node!.push(node('Constant', [], ['c'], { value_string: a.string('s') })),
    ],
    [
      'a Constant with a wrong kind',
      'UNSUPPORTED_TYPE',
      /value_int/,
      (g) => g.node!.push(node('Constant', [], ['c'], { value_int: a.string('s') })),
    ],
    ['no opset', 'INVALID_MODEL', /which opset/, (_, m) => (m.opsetImport = [])],
    [
      'two opsets',
      'INVALID_MODEL',
      /two operator sets/,
      (_, m) => m.opsetImport!.push({ domain: 'ai.onnx', version: 13 }),
    ],
    ['opset 0', 'INVALID_MODEL', /bad operator set/, (_, m) => (m.opsetImport![0]!.version = 0)],
    [
      'opset without a version',
      'INVALID_MODEL',
      /bad operator set/,
      (_, m) => (m.opsetImport = [{}]),
    ],
  ];
  test.each(cases)('%s', (_, code, message, change) => {
    expectError(changed(change), code, message);
  });

  test('a subgraph that reads what is defined after it, or nowhere', () => {
    for (const name of ['later', 'nowhere']) {
      const proto = model(13, {
        inputs: { x: float32(2), c: { type: 'bool', dims: [] } },
        outputs: ['y', 'later'],
        nodes: [nodeProto('If', ['c'], ['y']), nodeProto('Relu', ['y'], ['later'])],
      });
      proto.graph.node![0]!.attribute = ['then_branch', 'else_branch'].map((branch) => ({
        name: branch,
        type: 5,
        g: graphProto({ nodes: [nodeProto('Abs', [name], [branch])], outputs: [branch] }),
      }));
      expectError(encodeModel(proto), 'INVALID_GRAPH', new RegExp(`reads '${name}'`));
    }
  });
});

describe('limits', () => {
  test('nodes, counted through subgraphs', () => {
    const nodes = Array.from({ length: 10 }, (_, i) => nodeProto('Relu', ['x'], [`y${i}`]));
    const bytes = bytesOf(13, { ...relu(), nodes, outputs: ['y9'] });
    expect(importModel(bytes, { limits: { nodes: 10 } }).graph.nodes).toHaveLength(10);
    expectError(bytes, 'LIMIT_EXCEEDED', /too many nodes/, { nodes: 9 });
  });

  test('subgraphs in subgraphs in subgraphs', () => {
    let graph = graphProto({ nodes: [nodeProto('Relu', ['x'], ['y0'])], outputs: ['y0'] });
    for (let depth = 1; depth <= 100; depth++) {
      const outer = nodeProto('If', ['c'], [`y${depth}`]);
      outer.attribute = [{ name: 'then_branch', type: 5, g: graph }];
      graph = { node: [outer], output: [{ name: `y${depth}` }] };
    }
    const bytes = changed((root) => (root.node = graph.node!));
    expectError(bytes, 'LIMIT_EXCEEDED', /nest too deeply/);
  });

  test('bytes of the model', () => {
    expectError(bytesOf(13, relu()), 'LIMIT_EXCEEDED', /modelBytes/, { modelBytes: 10 });
  });

  test('a chain as long as the limit allows does not overflow the stack', () => {
    const count = 20_000;
    const nodes = Array.from({ length: count }, (_, i) =>
      nodeProto('Relu', [i === count - 1 ? 'x' : `v${i + 1}`], [`v${i}`]),
    );
    const { graph } = importModel(bytesOf(13, { ...relu(), outputs: ['v0'], nodes }));
    expect(graph.nodes).toHaveLength(count);
  });
});
