/** Functions in the quantizing of rows behind them: which are applied there, and that the results stay the same bits. */
import { describe, expect, it } from 'vitest';
import { quantizeDynamic } from '../../src/quantize/dynamic.js';
import { float32, node, t } from '../helpers/onnx-builder.js';
import { grid } from './lowerCases.js';
import { build, countOps, lowered, runReference } from './oracle.js';

const constants = { w: grid(5, 8), v: grid(8, 3), shape: t('int64', [2, 3, 8]) };
const feeds = { x: grid(1, 6, 5) };

/** x · w, the function, and another product; `reshape` in between. */
async function network(op: string, { outputs = ['y'], reshape = false } = {}) {
  const read = reshape ? 'flat' : 'f';
  const source = build({
    nodes: [
      node('MatMul', ['x', 'w'], ['p']),
      node(op, ['p'], ['f']),
      ...(reshape ? [node('Reshape', ['f', 'shape'], ['flat'])] : []),
      node('MatMul', [read, 'v'], ['y']),
    ],
    inputs: { x: float32(1, 6, 5) },
    outputs: Object.fromEntries(outputs.map((output) => [output, output])),
    constants,
  });
  const { model } = await quantizeDynamic({ graph: source, meta: undefined as never });
  return model.graph;
}

describe('functions of rows that are quantized', () => {
  it.each([
    ['Gelu', {}],
    ['Sigmoid', {}],
    ['Gelu', { reshape: true }],
  ])('%s %o is applied there', async (op, options) => {
    const graph = await network(op, options);
    expect(countOps(lowered(graph, feeds))).not.toHaveProperty('Unary');
    // Read by somebody else, it is a step of its own.
    const shown = await network(op, { ...options, outputs: ['y', 'f'] });
    expect(countOps(lowered(shown, feeds))).toMatchObject({ Unary: 1, DynamicQuantizeRows: 2 });
    expect(runReference(graph, feeds).y).toEqual(runReference(shown, feeds).y);
  });

  it('is a bound of the product where that takes it', async () => {
    const nodes = lowered(await network('Relu'), feeds).nodes;
    expect(nodes.map(({ op }) => op)).not.toContain('Unary');
    const product = nodes.find(({ op }) => op === 'QConvDynamic')!;
    expect(product.attributes.get('lower')).toMatchObject({ value: 0 });
  });
});
