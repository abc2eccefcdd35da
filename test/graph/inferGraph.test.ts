/** Inference across nodes: shape arithmetic, and what a model declares; and finding definitions. */
import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../src/core/tensor.js';
import { inferTypes } from '../../src/graph/infer.js';
import { definitionOf, requireDefinition } from '../../src/graph/ops/index.js';
import { formatType } from '../../src/graph/verify.js';
import { graphOf, node, t } from '../helpers/onnx-builder.js';
import { attributesOf, i64, n64, parseType } from './inferNode.js';

describe('following shape arithmetic', () => {
  const shapeGraph = (nodes: ReturnType<typeof node>[], constants: Record<string, Tensor>) =>
    inferTypes(
      graphOf({
        inputs: { x: parseType('float32 [N, 3, H, 8]') },
        nodes,
        constants,
        outputs: { y: nodes.at(-1)!.outputs[0]! },
      }),
    );
  const typeOfLast = (nodes: ReturnType<typeof node>[], constants: Record<string, Tensor> = {}) =>
    formatType(shapeGraph(nodes, constants).types.get(nodes.at(-1)!.outputs[0]!)!);

  it('keeps the batch through Shape, Gather, Unsqueeze and Concat', () => {
    const nodes = [
      node('Shape', ['x'], ['s']),
      node('Gather', ['s', 'zero'], ['n']),
      node('Unsqueeze', ['n', 'axes'], ['n1']),
      node('Concat', ['n1', 'rest'], ['target'], attributesOf({ axis: 0 })),
      node('Reshape', ['x', 'target'], ['y']),
    ];
    const constants = { zero: n64(0), axes: i64(0), rest: i64(-1, 4) };
    expect(typeOfLast(nodes, constants)).toBe('float32 [N, ?, 4]');
  });

  it('goes through Slice, Cast, Squeeze and arithmetic', () => {
    const nodes = [
      node('Shape', ['x'], ['s']),
      node('Cast', ['s'], ['s32'], attributesOf({ to: 6 })),
      node('Slice', ['s32', 'one', 'minus', '', ''], ['ch']),
      node('Slice', ['ch', 'zero1', 'one'], ['c']),
      node('Squeeze', ['c'], ['c0']),
      node('Mul', ['c0', 'four'], ['twelve']),
      node('Sub', ['twelve', 'two'], ['ten']),
      node('Cast', ['ten'], ['ten64'], attributesOf({ to: 7 })),
      node('Reshape', ['ten64', 'minus'], ['target']),
      node('ConstantOfShape', ['target'], ['y']),
    ];
    const constants = {
      one: i64(1),
      minus: i64(-1),
      zero1: i64(0),
      four: t('int32', [4], []),
      two: t('int32', [2], []),
    };
    expect(typeOfLast(nodes, constants)).toBe('float32 [10]');
  });

  it('never invents a size', () => {
    const nodes = [
      node('Shape', ['x'], ['s']),
      node('Div', ['s', 's'], ['ratio']),
      node('Mul', ['s', 's'], ['squares']),
      node('ConstantOfShape', ['squares'], ['y']),
    ];
    expect(typeOfLast(nodes)).toBe('float32 [?, 9, ?, 64]');
  });

  it('stays small, however a model makes shapes grow', () => {
    const double = (i: number) =>
      node('Concat', [`v${i}`, `v${i}`], [`v${i + 1}`], attributesOf({ axis: 0 }));
    const grown = Array.from({ length: 60 }, (_, i) => double(i));
    const first = node('Shape', ['x'], ['v0']);
    const graph = shapeGraph([first, ...grown.slice(0, 40)], {});
    expect(graph.types.get('v40')).toEqual({ type: 'int64', dims: [4 * 2 ** 40] });
    const deep = Array.from({ length: 20 }, (_, i) =>
      node('Unsqueeze', [i === 0 ? 'x' : `v${i - 1}`, 'axes'], [`v${i}`]),
    );
    expect(() => shapeGraph(deep, { axes: i64(0, 1, 2, 3, 4) })).toThrow(
      expect.objectContaining({ code: 'LIMIT_EXCEEDED', where: 'Unsqueeze_v12' }),
    );
  });

  it('refuses an index outside the shape', () => {
    const nodes = [node('Shape', ['x'], ['s']), node('Gather', ['s', 'i'], ['y'])];
    expect(() => typeOfLast(nodes, { i: n64(4) })).toThrow(/index out of range/);
  });
});

describe('what a model declares', () => {
  const graph = (declared: string, op = 'Relu') =>
    graphOf({
      inputs: { x: parseType('float32 [N, 3]') },
      nodes: [node(op, ['x'], ['y'])],
      outputs: { y: 'y' },
      types: { y: parseType(declared) },
    });
  const typeOfY = (declared: string, op?: string) =>
    formatType(inferTypes(graph(declared, op)).types.get('y')!);

  it('gives way to what operators say', () => {
    expect(typeOfY('float32 [N, 4]')).toBe('float32 [N, 3]');
    expect(typeOfY('float32')).toBe('float32 [N, 3]');
    expect(typeOfY('float32 [1, 2, 3]')).toBe('float32 [N, 3]');
  });

  it('is believed of operators without a definition', () => {
    expect(typeOfY('int8 [7]', 'Mystery')).toBe('int8 [7]');
  });

  it('must not be another type', () => {
    expect(() => typeOfY('int8 [N, 3]')).toThrow(
      expect.objectContaining({ code: 'INVALID_GRAPH', where: 'y', expected: 'float32' }),
    );
  });
});

describe('requireDefinition', () => {
  it('finds operators by domain', () => {
    expect(definitionOf({ op: 'Conv', domain: '' })?.since).toBe(1);
    expect(definitionOf({ op: 'Conv', domain: 'octavo' })?.domain).toBe('octavo');
    expect(definitionOf({ op: 'toString', domain: '' })).toBeUndefined();
    expect(requireDefinition(node('QGemm', [], ['y'], {}, 'com.microsoft'), 1).op).toBe('QGemm');
  });

  it.each([
    [node('Det', ['x'], ['y']), 21, 'operator Det (domain ai.onnx, opset 21) is not supported'],
    [node('Conv', ['x'], ['y'], {}, 'elsewhere'), 3, 'operator Conv (domain elsewhere, opset 3)'],
    [node('Clip', ['x'], ['y']), 6, 'operator Clip (domain ai.onnx, opset 6)'],
  ])('names node, operator, domain and opset of %o', (unknown, opset, message) => {
    expect(() => requireDefinition(unknown, opset)).toThrow(message);
    expect(() => requireDefinition(unknown, opset)).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED_OPERATOR', where: unknown.name }),
    );
  });
});
