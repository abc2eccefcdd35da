/**
 * Attention as one step: the forms that are recognised, those that must not be, and that a model gives
 * what ONNX Runtime gives, heads known from the start or only with the dims of its inputs.
 */
import { describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backends/backend.js';
import { createReferenceBackend } from '../../src/backends/reference/index.js';
import { createWasmBackend } from '../../src/backends/wasm/index.js';
import { elementCount } from '../../src/core/shape.js';
import type { Tensor } from '../../src/core/tensor.js';
import { attribute, floatOf, intOf } from '../../src/graph/attributes.js';
import {
  type Dim,
  type Graph,
  type Node,
  qualifiedOp,
  type ValueType,
} from '../../src/graph/ir.js';
import { createProgram } from '../../src/runtime/program.js';
import { float32, node, t } from '../helpers/onnx-builder.js';
import { createRandom, floats } from '../helpers/random.js';
import { runSingle, singleStepPlan } from '../helpers/singleStep.js';
import { nativeBackends } from '../native/contenders.js';
import { build, countOps, lowered, type Results, runOracle, runReference } from './oracle.js';

const { int, ints } = attribute;
const [batch, queries, keys, heads, depth] = [2, 5, 7, 3, 4];
const width = heads * depth;

interface Form {
  /** The perm of k, or two of them in a row. */
  readonly ofKeys?: readonly (readonly number[])[];
  readonly ofValues?: readonly number[];
  readonly back?: readonly number[];
  /** Where a constant multiplies or divides, in order. */
  readonly scales?: readonly (readonly ['q' | 'k' | 'v' | 'scores', 'Mul' | 'Div', Tensor])[];
  readonly scaleFirst?: boolean;
  readonly mask?: readonly Dim[] | Tensor;
  readonly maskBeforeScale?: boolean;
  readonly softmaxAxis?: number;
  readonly outputs?: readonly string[];
}

const scale = (value: number): Tensor => t('float32', [value], []);

/** A graph of inputs q, k and v [B, S, heads · D], and of a mask. */
function attention(form: Form): Graph {
  const { ofKeys = [[0, 2, 3, 1]], ofValues = [0, 2, 1, 3], back = [0, 2, 1, 3] } = form;
  const { scales = [], mask, maskBeforeScale = false, outputs = [], scaleFirst = false } = form;
  const nodes: Node[] = [];
  const constants: Record<string, Tensor> = {
    split: t('int64', [0n, 0n, BigInt(heads), BigInt(depth)]),
    join: t('int64', [0n, 0n, -1n]),
  };
  const inputs: Record<string, ValueType> = {
    q: float32('B', 'Q', width),
    k: float32('B', 'K', width),
    v: float32('B', 'K', width),
  };
  let at = 0;
  const add = (op: string, reads: string[], attributes: Node['attributes'] = new Map()) => {
    const y = `${op}_${at++}`;
    nodes.push({ name: y, op, domain: '', inputs: reads, outputs: [y], attributes });
    return y;
  };
  const scaled = (where: string, value: string) =>
    scales.reduce((x, [place, op, factor], i) => {
      if (place !== where) return x;
      constants[`factor${i}`] = factor;
      return add(op, op === 'Mul' && i % 2 === 1 ? [`factor${i}`, x] : [x, `factor${i}`]);
    }, value);
  const turned = (name: 'q' | 'k' | 'v', perms: readonly (readonly number[])[]) => {
    const split = add('Reshape', [name, 'split']);
    const early = scaleFirst ? scaled(name, split) : split;
    const moved = perms.reduce(
      (x, perm) => add('Transpose', [x], new Map([['perm', ints([...perm])]])),
      early,
    );
    return scaleFirst ? moved : scaled(name, moved);
  };
  const masked = (value: string) => {
    if (mask === undefined) return value;
    if ('data' in mask) constants['mask'] = mask;
    else inputs['mask'] = float32(...mask);
    return add('Add', maskBeforeScale ? ['mask', value] : [value, 'mask']);
  };
  const q = turned('q', [[0, 2, 1, 3]]);
  const k = turned('k', ofKeys);
  const product = add('MatMul', [q, k]);
  const scores = maskBeforeScale
    ? scaled('scores', masked(product))
    : masked(scaled('scores', product));
  const axis = new Map([['axis', int(form.softmaxAxis ?? -1)]]);
  const weights = add('Softmax', [scores], axis);
  const v = turned('v', [ofValues]);
  const sums = add('MatMul', [weights, v]);
  const y = add('Reshape', [
    add('Transpose', [sums], new Map([['perm', ints([...back])]])),
    'join',
  ]);
  const shown: Record<string, string> = { scores, weights, sums, turned: q };
  const further = outputs.map((name) => [name, shown[name]!] as const);
  return build({ nodes, inputs, constants, outputs: { y, ...Object.fromEntries(further) } });
}

function feedsOf(graph: Graph, sizes: Readonly<Record<string, number>>, seed: number): Results {
  const random = createRandom(seed);
  return Object.fromEntries(
    graph.inputs.map((name): [string, Tensor] => {
      const dims = graph.types.get(name)!.dims!.map((dim) => {
        return typeof dim === 'number' ? dim : sizes[dim!]!;
      });
      const data = floats(random, elementCount(dims));
      return [name, { type: 'float32', dims, data }];
    }),
  );
}

const sizes = { B: batch, Q: queries, K: keys };

/** Differences are up to 1e-4 of the largest value. */
function expectNear(found: Results, wanted: Results): void {
  for (const [name, { data, dims }] of Object.entries(wanted)) {
    expect(found[name]!.dims).toEqual(dims);
    const ours = found[name]!.data as Float32Array;
    const theirs = data as Float32Array;
    const largest = theirs.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    const off = theirs.reduce((most, x, i) => Math.max(most, Math.abs(x - ours[i]!)), 0);
    expect(off, name).toBeLessThanOrEqual(1e-4 * largest);
  }
}

const half = scale(0.5);
const numbers = floats(createRandom(3), heads * queries * keys);
const forms: readonly (readonly [name: string, form: Form, scale: number])[] = [
  ['no scale', {}, 1],
  ['a divisor', { scales: [['scores', 'Div', scale(4)]] }, 0.25],
  ['a factor', { scales: [['scores', 'Mul', half]] }, 0.5],
  ['a factor of rank 1', { scales: [['scores', 'Mul', t('float32', [0.5])]] }, 0.5],
  ['a factor of q', { scales: [['q', 'Mul', half]] }, 0.5],
  ['a factor of q, before it is turned', { scales: [['q', 'Mul', half]], scaleFirst: true }, 0.5],
  [
    'factors of q and k',
    {
      scales: [
        ['q', 'Mul', half],
        ['k', 'Mul', half],
      ],
    },
    0.25,
  ],
  [
    'a divisor of k and of scores',
    {
      scales: [
        ['k', 'Div', half],
        ['scores', 'Div', half],
      ],
    },
    4,
  ],
  [
    'k turned twice',
    {
      ofKeys: [
        [0, 2, 1, 3],
        [0, 1, 3, 2],
      ],
    },
    1,
  ],
  ['a mask for all queries', { mask: ['B', 1, 1, 'K'] }, 1],
  ['a mask for each query', { scales: [['scores', 'Div', half]], mask: ['B', 1, 'Q', 'K'] }, 2],
  ['a mask for all heads', { scales: [['q', 'Div', half]], mask: ['B', heads, 'Q', 'K'] }, 2],
  ['a mask on the left', { mask: ['Q', 'K'], maskBeforeScale: true }, 1],
  ['a constant mask', { mask: t('float32', [...numbers], [heads, queries, keys]) }, 1],
];

const refused: readonly (readonly [name: string, form: Form])[] = [
  ['values that are scaled', { scales: [['v', 'Mul', half]] }],
  [
    'a factor that is no single number',
    { scales: [['scores', 'Mul', t('float32', [1, 2, 3, 4, 5, 6, 7])]] },
  ],
  ['a divisor of 0', { scales: [['scores', 'Div', scale(0)]] }],
  [
    'a mask that is scaled',
    { mask: ['B', 1, 1, 'K'], maskBeforeScale: true, scales: [['scores', 'Mul', half]] },
  ],
  [
    'a constant mask that is scaled',
    {
      mask: t('float32', [...numbers.subarray(0, keys)]),
      maskBeforeScale: true,
      scales: [['scores', 'Mul', half]],
    },
  ],
  ['softmax over queries', { softmaxAxis: 2 }],
  ['a result that stays turned', { back: [0, 1, 2, 3] }],
  ['a result turned another way', { back: [0, 2, 3, 1] }],
  ['weights that are shown', { outputs: ['weights'] }],
  ['scores that are shown', { outputs: ['scores'] }],
  ['sums that are shown', { outputs: ['sums'] }],
];

describe('attention', () => {
  it.each(forms)('is fused: %s', async (_, form, wanted) => {
    const graph = attention(form);
    const feeds = feedsOf(graph, sizes, 5);
    const fused = lowered(graph, feeds);
    const { Attention, Reshape, ...others } = countOps(fused);
    expect({ Attention, others }).toEqual({ Attention: 1, others: {} });
    const found = fused.nodes.find((n) => qualifiedOp(n) === 'octavo:Attention')!;
    expect(intOf(found, 'heads', 0)).toBe(heads);
    expect(floatOf(found, 'scale', 0)).toBe(wanted);
    expect(found.inputs).toHaveLength(form.mask === undefined ? 3 : 4);
    expectNear(runReference(graph, feeds), await runOracle(graph, feeds));
  });

  it.each(refused)('is not fused: %s', async (_, form) => {
    const graph = attention(form);
    const feeds = feedsOf(graph, sizes, 6);
    const after = countOps(lowered(graph, feeds));
    expect(after['Attention']).toBeUndefined();
    expect(after['MatMul']).toBe(2);
    if (form.scales?.[0]?.[2] !== undefined && form.scales[0][2].data[0] === 0) return;
    expectNear(runReference(graph, feeds), await runOracle(graph, feeds));
  });

  it('leaves a q that something else reads', async () => {
    const graph = attention({ outputs: ['turned'] });
    const feeds = feedsOf(graph, sizes, 7);
    expect(countOps(lowered(graph, feeds))).toMatchObject({ Attention: 1, Transpose: 1 });
    expectNear(runReference(graph, feeds), await runOracle(graph, feeds));
  });

  it('is fused while dims are free', () => {
    const { graph } = createProgram(attention({ mask: ['B', 1, 1, 'K'] }));
    expect(countOps(graph)['Attention']).toBe(1);
    expect(graph.types.get('y') ?? graph.types.get(graph.outputs[0]!.value)).toEqual({
      type: 'float32',
      dims: ['B', 'Q', width],
    });
  });
});

/** Two layers of attention with weights, heads split by shapes that the model computes. */
function encoder(): Graph {
  const random = createRandom(11);
  const nodes: Node[] = [];
  const constants: Record<string, Tensor> = {
    split: t('int64', [BigInt(heads), BigInt(depth)]),
    join: t('int64', [BigInt(width)]),
    root: t('float32', [Math.sqrt(depth)], []),
  };
  const add = (
    op: string,
    reads: string[],
    y: string,
    attributes: Parameters<typeof node>[3] = {},
  ) => {
    nodes.push(node(op, reads, [y], attributes));
    return y;
  };
  let x = 'x';
  add('Shape', ['x'], 'lead', { start: int(0), end: int(2) });
  add('Concat', ['lead', 'split'], 'splitShape', { axis: int(0) });
  add('Concat', ['lead', 'join'], 'joinShape', { axis: int(0) });
  for (const layer of ['a', 'b']) {
    const [q, k, v] = ['q', 'k', 'v'].map((name) => {
      const id = `${layer}${name}`;
      constants[`${id}_w`] = t('float32', [...floats(random, width * width)], [width, width]);
      constants[`${id}_b`] = t('float32', [...floats(random, width)]);
      const sum = add('Add', [add('MatMul', [x, `${id}_w`], `${id}_m`), `${id}_b`], `${id}_s`);
      const split = add('Reshape', [sum, 'splitShape'], `${id}_r`);
      return add('Transpose', [split], `${id}_t`, {
        perm: ints(name === 'k' ? [0, 2, 3, 1] : [0, 2, 1, 3]),
      });
    });
    const scores = add('Div', [add('MatMul', [q!, k!], `${layer}m`), 'root'], `${layer}d`);
    const masked = add('Add', [scores, 'mask'], `${layer}k`);
    const weights = add('Softmax', [masked], `${layer}w`, { axis: int(-1) });
    const sums = add('MatMul', [weights, v!], `${layer}y`);
    const back = add('Transpose', [sums], `${layer}t`, { perm: ints([0, 2, 1, 3]) });
    x = add('Add', [x, add('Reshape', [back, 'joinShape'], `${layer}j`)], `${layer}o`);
  }
  const inputs = { x: float32('B', 'S', width), mask: float32('B', 1, 1, 'S') };
  return build({ nodes, inputs, constants, outputs: { y: x } });
}

describe('attention over no keys', () => {
  const backends: Backend[] = [createReferenceBackend(), createWasmBackend(), ...nativeBackends(1)];
  const f32 = (...dims: number[]) => ({ type: 'float32', dims }) as const;
  const operands = [f32(2, 5, width), f32(2, 0, width), f32(2, 0, width)];
  const plan = singleStepPlan('Attention', operands, [f32(2, 5, width)], { heads, scale: 1 });
  it.each(backends)('is 0: $name $isa', (backend) => {
    const inputs = [new Float32Array(10 * width).fill(1), new Float32Array(0), new Float32Array(0)];
    expect(runSingle(backend, plan, inputs)).toEqual([new Float32Array(10 * width)]);
  });
});

describe('a model with attention', () => {
  const backends: Backend[] = [createReferenceBackend(), createWasmBackend(), ...nativeBackends(2)];
  const graph = encoder();
  const program = createProgram(graph);

  it.each([
    { B: 1, S: 1 },
    { B: 2, S: 9 },
    { B: 3, S: 130 },
  ])('gives what ONNX Runtime gives: $B × $S', async (given) => {
    const feeds = feedsOf(graph, given, 13);
    const dims = new Map(Object.entries(feeds).map(([name, tensor]) => [name, tensor.dims]));
    const { plan } = program.specialize(dims);
    if (given.S > 1) expect(plan.steps.filter(({ op }) => op === 'Attention')).toHaveLength(2);
    const wanted = await runOracle(graph, feeds);
    for (const backend of backends) {
      const model = backend.open(program.constants);
      try {
        const inputs = plan.inputs.map(({ name }) => feeds[name]!.data);
        const [data] = model.prepare(plan).runSync(inputs);
        expectNear({ y: { ...wanted['y']!, data: data! } as Tensor }, wanted);
      } finally {
        model.dispose();
      }
    }
  });
});
