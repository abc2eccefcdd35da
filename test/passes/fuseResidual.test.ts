/**
 * Residual sums in the products before them: where they go in, where they must not, and that the
 * fused plan gives the bits of the one with two steps, on every backend.
 */
import { describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backends/backend.js';
import { createReferenceBackend } from '../../src/backends/reference/index.js';
import { createWasmBackend } from '../../src/backends/wasm/index.js';
import type { TypedArray } from '../../src/core/dtype.js';
import { elementCount } from '../../src/core/shape.js';
import type { Tensor } from '../../src/core/tensor.js';
import { attribute, intOf } from '../../src/graph/attributes.js';
import type { Dim, Graph, Node, ValueType } from '../../src/graph/ir.js';
import { printGraph } from '../../src/graph/print.js';
import { fuseResidual } from '../../src/passes/fuseResidual.js';
import { attributesOf } from '../../src/passes/lower/rewriting.js';
import { runPasses } from '../../src/passes/pass.js';
import { compile } from '../../src/runtime/compile.js';
import type { StepParams } from '../../src/runtime/steps.js';
import { createRandom, integers, type Random } from '../helpers/random.js';
import { neutralParams } from '../helpers/singleStep.js';
import { nativeBackends } from '../native/contenders.js';
import { build, countOps } from './oracle.js';

const { string } = attribute;

/** A graph in Octavo's own operators: QConv steps and sums of images [1, H, W, C]. */
function network(random: Random) {
  const nodes: Node[] = [];
  const constants: Record<string, Tensor> = {};
  const inputs: Record<string, ValueType> = {};
  const own = (op: string, reads: string[], y: string, attributes: Node['attributes']) => {
    nodes.push({ name: y, op, domain: 'octavo', inputs: reads, outputs: [y], attributes });
    return y;
  };
  const self = {
    input(name: string, dims: readonly Dim[]) {
      inputs[name] = { type: 'uint8', dims };
      return name;
    },
    constant(name: string, tensor: Tensor) {
      constants[name] = tensor;
      return name;
    },
    conv(
      x: string,
      y: string,
      dims: [number, number, number, number],
      params: Partial<StepParams<'QConv'>> = {},
      type = 'uint8',
    ) {
      const channels = dims[0];
      const factor = Float32Array.from({ length: channels }, () => random.real(0.002, 0.004));
      const data = integers(random, 'int8', elementCount(dims));
      const reads = [
        x,
        self.constant(`${y}_w`, { type: 'int8', dims, data }),
        '',
        self.constant(`${y}_m`, { type: 'float32', dims: [channels], data: factor }),
      ];
      const pad = (dims[1] - 1) / 2;
      const window = { padTop: pad, padLeft: pad, xZero: 128, yZero: 120 };
      const attributes = attributesOf('QConv', { ...neutralParams('QConv'), ...window, ...params });
      attributes.set('padBottom', attribute.int(pad)).set('padRight', attribute.int(pad));
      return own('QConv', reads, y, attributes.set('outputType', string(type)));
    },
    add(a: string, b: string, y: string, params: Partial<StepParams<'QAdd'>> = {}) {
      const sum = { aZero: 120, bZero: 99, yZero: 77, min: 77, max: 255 };
      const factors = { aMultiplier: Math.fround(0.6), bMultiplier: Math.fround(0.83) };
      return own('QAdd', [a, b], y, attributesOf('QAdd', { ...sum, ...factors, ...params }));
    },
    reshape(x: string, y: string, target: number[]) {
      const data = BigInt64Array.from(target, BigInt);
      const shape = self.constant(`${y}_t`, { type: 'int64', dims: [target.length], data });
      return own('Reshape', [x, shape], y, new Map());
    },
    graph: (...outputs: string[]): Graph =>
      build({ nodes, inputs, constants, outputs: Object.fromEntries(outputs.map((y) => [y, y])) }),
  };
  return self;
}

type Network = ReturnType<typeof network>;

const fused = (graph: Graph) => runPasses(graph, [fuseResidual]);

interface Case {
  readonly name: string;
  readonly make: (g: Network) => string[];
  readonly ops: Record<string, number>;
}

const image = [1, 7, 9, 24];

const cases: readonly Case[] = [
  {
    name: 'the product is the first operand',
    make: (g) => [
      g.add(g.conv(g.input('x', image), 'c', [40, 3, 3, 24]), g.input('r', [1, 7, 9, 40]), 'y'),
    ],
    ops: { QConv: 1 },
  },
  {
    name: 'the product is the second operand, subtracted',
    make: (g) => [
      g.add(g.input('r', [1, 7, 9, 40]), g.conv(g.input('x', image), 'c', [40, 1, 1, 24]), 'y', {
        aZero: 3,
        bZero: 120,
        bMultiplier: -0.5,
        min: 0,
      }),
    ],
    ops: { QConv: 1 },
  },
  {
    name: 'a chain of blocks',
    make: (g) => {
      const x = g.input('x', image);
      const one = g.add(g.conv(x, 'c', [24, 3, 3, 24]), x, 's');
      const inner = g.conv(one, 'd', [96, 1, 1, 24]);
      return [g.add(one, g.conv(inner, 'e', [24, 1, 1, 96]), 'y', { aZero: 77, bZero: 120 })];
    },
    ops: { QConv: 3 },
  },
  {
    name: 'of two products the later one adds',
    make: (g) => {
      const x = g.input('x', image);
      const left = g.conv(x, 'c', [32, 1, 1, 24]);
      const right = g.conv(g.conv(x, 'd', [16, 1, 1, 24]), 'e', [32, 3, 3, 16]);
      return [g.add(left, right, 'y', { bZero: 120 })];
    },
    ops: { QConv: 3 },
  },
  {
    name: 'rows of a matrix, under other dims',
    make: (g) => {
      const rows = g.reshape(g.conv(g.input('x', image), 'c', [30, 1, 1, 24]), 'm', [63, 30]);
      return [g.add(rows, g.input('r', [63, 30]), 'y')];
    },
    ops: { QConv: 1, Reshape: 2 },
  },
  {
    name: 'grouped, of one pixel, and in parts along the channels',
    make: (g) => {
      const x = g.input('x', image);
      const grouped = g.add(
        g.conv(x, 'c', [48, 3, 3, 8], { groups: 3 }),
        g.input('r', [1, 7, 9, 48]),
        's',
      );
      const pixel = g.conv(g.input('p', [1, 1, 1, 900]), 'd', [130, 1, 1, 900]);
      const wide = g.conv(g.input('w', [1, 5, 5, 512]), 'e', [1000, 1, 1, 512]);
      return [
        grouped,
        g.add(pixel, g.input('q', [1, 1, 1, 130]), 't'),
        g.add(wide, g.input('v', [1, 5, 5, 1000]), 'u'),
      ];
    },
    ops: { QConv: 3 },
  },
  {
    name: 'not of a product that something else reads',
    make: (g) => {
      const c = g.conv(g.input('x', image), 'c', [24, 1, 1, 24]);
      return [g.add(c, 'x', 'y'), g.conv(c, 'd', [8, 1, 1, 24])];
    },
    ops: { QConv: 2, QAdd: 1 },
  },
  {
    name: 'not of a product that is shown, nor of one with itself',
    make: (g) => {
      const c = g.conv(g.input('x', image), 'c', [24, 1, 1, 24]);
      const d = g.conv('x', 'd', [24, 1, 1, 24]);
      return [c, g.add(c, 'x', 'y'), g.add(d, d, 'z', { bZero: 120 })];
    },
    ops: { QConv: 2, QAdd: 2 },
  },
  {
    name: 'not where either operand is repeated',
    make: (g) => {
      const c = g.conv(g.input('x', image), 'c', [24, 1, 1, 24]);
      const d = g.conv(g.input('p', [1, 1, 1, 24]), 'd', [24, 1, 1, 24]);
      return [g.add(c, g.input('r', [1, 1, 1, 24]), 'y'), g.add(d, 'x', 'z')];
    },
    ops: { QConv: 2, QAdd: 2 },
  },
  {
    name: 'not where the sum reads the codes by another zero point',
    make: (g) => [g.add(g.conv(g.input('x', image), 'c', [24, 1, 1, 24]), 'x', 'y', { aZero: 9 })],
    ops: { QConv: 1, QAdd: 1 },
  },
  {
    name: 'not where a sum might leave int32',
    make: (g) => [
      g.add(g.conv(g.input('x', image), 'c', [24, 1, 1, 24]), 'x', 'y', { bMultiplier: 2 ** 21 }),
    ],
    ops: { QConv: 1, QAdd: 1 },
  },
  {
    name: 'not in a depthwise product',
    make: (g) => [g.add(g.conv(g.input('x', image), 'c', [24, 3, 3, 1], { groups: 24 }), 'x', 'y')],
    ops: { QConv: 1, QAdd: 1 },
  },
];

function bitsOf(backend: Backend, graph: Graph, feeds: ReadonlyMap<string, TypedArray>) {
  const plan = compile(graph);
  const model = backend.open(new Uint8Array(64));
  try {
    return model.prepare(plan).runSync(plan.inputs.map(({ name }) => feeds.get(name)!));
  } finally {
    model.dispose();
  }
}

describe('fusing residual sums', () => {
  const backends = [createReferenceBackend(), createWasmBackend(), ...nativeBackends(2)];

  it.each(cases)('$name', ({ make, ops }) => {
    for (let seed = 1; seed <= 3; seed++) {
      const g = network(createRandom(seed));
      const graph = g.graph(...make(g));
      const after = fused(graph);
      expect(countOps(after)).toEqual(ops);
      const feeds = new Map(
        graph.inputs.map((name) => {
          const { dims } = graph.types.get(name)!;
          return [name, integers(createRandom(seed), 'uint8', elementCount(dims as number[]))];
        }),
      );
      const expected = bitsOf(createReferenceBackend(), graph, feeds);
      for (const backend of backends) expect(bitsOf(backend, after, feeds)).toEqual(expected);
    }
  });

  it('lets the later product of two add the other', () => {
    const later = cases.find(({ name }) => name.startsWith('of two products'))!;
    const g = network(createRandom(1));
    const { nodes } = fused(g.graph(...later.make(g)));
    const adding = nodes.filter((node) => node.inputs.length === 6);
    expect(adding.map((node) => [node.inputs[1], node.inputs[5]])).toEqual([['e_w', 'c']]);
    expect(intOf(adding[0]!, 'codeZero', -1)).toBe(120);
  });

  it('keeps free dims, and waits for those that may differ', () => {
    const g = network(createRandom(1));
    const c = g.conv(g.input('x', ['N', 7, 9, 24]), 'c', [24, 1, 1, 24]);
    const d = g.conv('x', 'd', [24, 1, 1, 24]);
    const sums = [g.add(c, 'x', 'y'), g.add(d, g.input('r', ['M', 7, 9, 24]), 'z')];
    expect(countOps(fused(g.graph(...sums)))).toEqual({ QConv: 2, QAdd: 1 });
  });

  it('is seen in what prints a graph', () => {
    const g = network(createRandom(1));
    const c = g.conv(g.input('x', image), 'c', [24, 1, 1, 24]);
    const text = printGraph(fused(g.graph(g.add(c, 'x', 'y'))));
    expect(text).toMatch(/QConv.*codeZero/s);
  });
});
