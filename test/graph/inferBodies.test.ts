/** What the bodies of If and Loop tell of the outputs, in ONNX's form and as closures. */
import { describe, expect, it } from 'vitest';
import { inferNode } from '../../src/graph/infer.js';
import type { Attribute, Graph } from '../../src/graph/ir.js';
import { formatType } from '../../src/graph/verify.js';
import { graphOf, node } from '../helpers/onnx-builder.js';
import { parseType } from './inferNode.js';

const same = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, name]));

/** A body that returns its inputs, of these types; '' is of none. */
function body(...types: readonly string[]): Attribute {
  const names = types.map((_, i) => `v${i}`);
  const stated = names.flatMap((name, i) =>
    types[i] === '' ? [] : [[name, parseType(types[i]!)]],
  );
  const value: Graph = {
    ...graphOf({ inputs: {}, nodes: [], outputs: same(names) }),
    types: new Map(stated as [string, ReturnType<typeof parseType>][]),
  };
  return { kind: 'graph', value };
}

function infer(op: string, domain: string, attributes: Record<string, Attribute>, count: number) {
  const inputs = op === 'If' ? ['c'] : ['m', 'c'];
  const outputs = Array.from({ length: count }, (_, i) => `y${i}`);
  const one = { ...node(op, inputs, outputs, attributes), domain };
  const graph = graphOf({ inputs: {}, nodes: [one], outputs: same(outputs) });
  return inferNode(graph, one)!.map((type) => type && formatType(type));
}

describe.each(['', 'octavo'])("bodies, in domain '%s'", (domain) => {
  it.each([
    ['float32 [2, 3]', 'float32 [2, 3]', 'float32 [2, 3]'],
    ['float32 [2, 3]', 'float32 [2, 4]', 'float32 [2, ?]'],
    ['float32 [2, 3]', 'float32 [2]', 'float32'],
    ['float32 [N]', 'float32 [N]', 'float32 [?]'],
    ['int64 [2]', '', 'int64'],
    ['', 'int64 [2]', 'int64'],
    ['', '', undefined],
  ])('If of %s or %s', (then, other, expected) => {
    const branches = { then_branch: body(then), else_branch: body(other) };
    const [found] = infer('If', domain, branches, 1);
    expect(found).toBe(expected);
  });

  it('an If whose branches differ in type contradicts itself', () => {
    const branches = { then_branch: body('int64 [2]'), else_branch: body('int32 [2]') };
    expect(() => infer('If', domain, branches, 1)).toThrow(
      expect.objectContaining({ code: 'INVALID_GRAPH' }),
    );
  });

  it('a Loop tells the types of what it carries and scans', () => {
    const types = infer('Loop', domain, { body: body('bool []', 'float32 [2]', 'int32 []') }, 2);
    expect(types).toEqual([formatType({ type: 'float32' }), formatType({ type: 'int32' })]);
  });
});
