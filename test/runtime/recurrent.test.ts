/** LSTM, GRU and RNN in all forms that onnxruntime takes: its answers, on every backend. */
import { describe, expect, it } from 'vitest';
import { backendNames } from '../../src/backends/backend.js';
import type { Tensor } from '../../src/core/tensor.js';
import { attribute } from '../../src/graph/attributes.js';
import type { Attribute } from '../../src/graph/ir.js';
import { InferenceSession } from '../../src/runtime/session.js';
import { bytesOf, float32, nodeProto, t } from '../helpers/onnx-builder.js';
import { runOnnxRuntime } from '../helpers/onnxruntime.js';
import { createRandom, floats } from '../helpers/random.js';

const [steps, batch, width, hidden] = [5, 3, 4, 6];
const gates = { LSTM: 4, GRU: 3, RNN: 1 } as const;
type Op = keyof typeof gates;

interface Form {
  readonly direction?: 'forward' | 'reverse' | 'bidirectional';
  readonly attributes?: Readonly<Record<string, Attribute>>;
  /** Optional inputs: b, lengths, h, c, p. */
  readonly with?: string;
  /** The one output that the node has. */
  readonly only?: string;
  /** Inputs that are computed, not constants. */
  readonly free?: string;
}

/** Lengths of rows; onnxruntime tells nothing of empty ones but zeros. */
const lengths = t('int32', [5, 2, 4]);

function modelOf(op: Op, { direction = 'forward', attributes = {}, free = '', ...form }: Form) {
  const random = createRandom(op.length + direction.length);
  const has = (part: string) => (form.with ?? '').includes(part);
  const count = direction === 'bidirectional' ? 2 : 1;
  const rows = gates[op] * hidden;
  const tensor = (...dims: number[]): Tensor => ({
    type: 'float32',
    dims,
    data: floats(
      random,
      dims.reduce((a, b) => a * b, 1),
    ),
  });
  const all: readonly (readonly [string, Tensor | undefined])[] = [
    ['w', tensor(count, rows, width)],
    ['r', tensor(count, rows, hidden)],
    ['b', has('b') ? tensor(count, 2 * rows) : undefined],
    ['l', has('l') ? lengths : undefined],
    ['h', has('h') ? tensor(count, batch, hidden) : undefined],
    ['c', has('c') ? tensor(count, batch, hidden) : undefined],
    ['p', has('p') ? tensor(count, 3 * hidden) : undefined],
  ];
  const given = all.filter((entry): entry is readonly [string, Tensor] => entry[1] !== undefined);
  const fed = given.filter(([name]) => free.includes(name));
  const outputs = op === 'LSTM' ? ['y', 'yh', 'yc'] : ['y', 'yh'];
  const kept = outputs.map((name) => (name === (form.only ?? name) ? name : ''));
  const names = all.slice(0, op === 'LSTM' ? 7 : 5).map(([name, value]) => (value ? name : ''));
  const bytes = bytesOf(17, {
    nodes: [
      nodeProto(op, ['x', ...names], kept, {
        hidden_size: attribute.int(hidden),
        direction: attribute.string(direction),
        ...attributes,
      }),
    ],
    inputs: {
      x: float32('T', 'B', width),
      ...Object.fromEntries(fed.map(([name, { type, dims }]) => [name, { type, dims }])),
    },
    outputs: kept.filter((name) => name !== ''),
    constants: Object.fromEntries(given.filter(([name]) => !free.includes(name))),
  });
  return { bytes, feeds: { x: tensor(steps, batch, width), ...Object.fromEntries(fed) } };
}

const activations = (...names: string[]) => ({ activations: attribute.strings(names) });

const forms: readonly (readonly [Op, string, Form])[] = [
  ...(['LSTM', 'GRU', 'RNN'] as const).flatMap((op): (readonly [Op, string, Form])[] => [
    [op, 'plain', {}],
    [op, 'reverse, all inputs', { direction: 'reverse', with: 'blhc' }],
    [op, 'bidirectional', { direction: 'bidirectional', with: 'bhc' }],
    [op, 'bidirectional of several lengths', { direction: 'bidirectional', with: 'bl', free: 'l' }],
    [op, 'clipped', { with: 'bhc', attributes: { clip: attribute.float(0.4) } }],
    [op, 'computed weights', { direction: 'bidirectional', with: 'bhc', free: 'wrbhc' }],
  ]),
  ['LSTM', 'peepholes', { with: 'bhcp' }],
  ['LSTM', 'peepholes, clipped', { with: 'bp', attributes: { clip: attribute.float(0.3) } }],
  [
    'LSTM',
    'no forget gate of its own',
    { with: 'b', attributes: { input_forget: attribute.int(1) } },
  ],
  [
    'LSTM',
    'other functions',
    {
      direction: 'bidirectional',
      attributes: {
        ...activations('HardSigmoid', 'Softsign', 'Tanh', 'Sigmoid', 'ScaledTanh', 'Affine'),
        activation_alpha: attribute.floats([0.3, 0.9, 0.7]),
        activation_beta: attribute.floats([0.4, 0.8, 0.1]),
      },
    },
  ],
  ...['', 'b', 'bh'].map((more): readonly [Op, string, Form] => [
    'GRU',
    `reset behind the product, with '${more}'`,
    {
      direction: 'bidirectional',
      with: more,
      attributes: { linear_before_reset: attribute.int(1) },
    },
  ]),
  ['GRU', 'other functions', { with: 'b', attributes: activations('HardSigmoid', 'Softsign') }],
  ...['Relu', 'LeakyRelu', 'Elu', 'Softplus', 'ThresholdedRelu'].map(
    (name): readonly [Op, string, Form] => [
      'RNN',
      name,
      {
        with: 'b',
        attributes: { ...activations(name), activation_alpha: attribute.floats([0.1]) },
      },
    ],
  ),
];

describe.each(backendNames)('on %s', (backend) => {
  it.each(forms)('%s: %s', async (op, _, form) => {
    const { bytes, feeds } = modelOf(op, form);
    const expected = await runOnnxRuntime(bytes, feeds);
    const session = await InferenceSession.create(bytes, { backend });
    const results = await session.run(feeds);
    session.dispose();
    for (const [name, { dims, data }] of expected) {
      const found = results[name]!;
      expect(found.dims, name).toEqual(dims);
      // Of numbers up to about 1, and a few dozen roundings behind each other.
      for (let i = 0; i < data.length; i++) {
        expect(Number(found.data[i]), `${name}[${i}]`).toBeCloseTo(Number(data[i]), 5);
      }
    }
  });
});

describe('outputs that are not asked for', () => {
  it.each(['LSTM', 'GRU', 'RNN'] as const)('the last state of a %s alone', async (op) => {
    const { bytes, feeds } = modelOf(op, { with: 'b', only: 'yh' });
    const expected = await runOnnxRuntime(bytes, feeds);
    const session = await InferenceSession.create(bytes);
    const { yh } = await session.run(feeds);
    session.dispose();
    const wanted = expected.get('yh')!.data as Float32Array;
    for (const [i, value] of wanted.entries()) expect(Number(yh!.data[i])).toBeCloseTo(value, 5);
  });
});

describe('what is refused', () => {
  it('an activation that ONNX has not', async () => {
    const { bytes } = modelOf('RNN', { attributes: activations('Gelu') });
    await expect(InferenceSession.create(bytes)).rejects.toMatchObject({
      code: 'UNSUPPORTED_OPERATOR',
      message: expect.stringContaining('Gelu'),
    });
  });

  it('a list of activations that is too short', async () => {
    const { bytes } = modelOf('LSTM', { attributes: activations('Tanh') });
    await expect(InferenceSession.create(bytes)).rejects.toMatchObject({ code: 'INVALID_GRAPH' });
  });

  it.each(backendNames)('a length beyond the last time step, on %s', async (backend) => {
    const { bytes, feeds } = modelOf('GRU', { with: 'l', free: 'l' });
    const session = await InferenceSession.create(bytes, { backend });
    const wrong = { ...feeds, l: t('int32', [5, 6, 1]) };
    await expect(session.run(wrong)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    const negative = { ...feeds, l: t('int32', [5, -1, 1]) };
    await expect(session.run(negative)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    session.dispose();
  });
});
