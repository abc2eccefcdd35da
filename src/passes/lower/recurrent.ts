/**
 * LSTM, GRU and RNN. What they make of the inputs, x · wᵀ + b, is one product for all time steps; a step for each
 * direction does what one time step needs of the one before it.
 */
import type { Tensor } from '../../core/tensor.js';
import {
  attribute,
  floatOf,
  floatsOf,
  intOf,
  stringOf,
  stringsOf,
} from '../../graph/attributes.js';
import type { Dim, Node, ValueType } from '../../graph/ir.js';
import { contradiction } from '../../graph/ops/context.js';
import { gatesOf } from '../../graph/ops/recurrent.js';
import { binaryKinds, unaryKinds } from '../../runtime/kinds.js';
import type { NodeParams } from '../../runtime/steps.js';
import type { UnaryFunction } from './elementwise.js';
import { floatValue } from './quantParams.js';
import { type Rewriting, rewriting } from './rewriting.js';
import { areFloat, type Rule, type Rules, type Site, unsupported } from './rules.js';

type Op = keyof typeof gatesOf;

/** The functions f, g, h of one direction where none are named. */
const usual: Readonly<Record<Op, readonly string[]>> = {
  LSTM: ['Sigmoid', 'Tanh', 'Tanh'],
  GRU: ['Sigmoid', 'Tanh'],
  RNN: ['Tanh'],
};

/** ONNX's functions, with alpha and beta where they take any. */
const functions = new Map<string, UnaryFunction & { readonly takes: number }>([
  ['Relu', { kind: 'Clip', alpha: 0, beta: Number.POSITIVE_INFINITY, takes: 0 }],
  ...(['Tanh', 'Sigmoid', 'Softsign', 'Softplus'] as const).map(
    (kind) => [kind, { kind, alpha: 0, beta: 0, takes: 0 }] as const,
  ),
  ['LeakyRelu', { kind: 'LeakyRelu', alpha: 0.01, beta: 0, takes: 1 }],
  ['ThresholdedRelu', { kind: 'ThresholdedRelu', alpha: 1, beta: 0, takes: 1 }],
  ['Elu', { kind: 'Elu', alpha: 1, beta: 0, takes: 1 }],
  ['HardSigmoid', { kind: 'HardSigmoid', alpha: 0.2, beta: 0.5, takes: 2 }],
  ['Affine', { kind: 'Affine', alpha: 1, beta: 0, takes: 2 }],
  ['ScaledTanh', { kind: 'ScaledTanh', alpha: 1, beta: 1, takes: 2 }],
]);

/** The functions of all directions, in order. Alphas and betas are listed for those that take any. */
function functionsOf(site: Site, op: Op, count: number): UnaryFunction[] {
  const { node } = site;
  const wanted = usual[op].length * count;
  const names =
    stringsOf(node, 'activations') ?? (new Array(count).fill(usual[op]).flat(1) as string[]);
  if (names.length !== wanted) {
    throw contradiction(node, 'wrong number of activations', String(wanted), String(names.length));
  }
  const alphas = [...(floatsOf(node, 'activation_alpha') ?? [])];
  const betas = [...(floatsOf(node, 'activation_beta') ?? [])];
  return names.map((name) => {
    const known = functions.get(name);
    if (known === undefined) throw unsupported(site, `activation ${name}`);
    const { kind, takes } = known;
    const alpha = takes > 0 ? (alphas.shift() ?? known.alpha) : known.alpha;
    return { kind, alpha, beta: takes > 1 ? (betas.shift() ?? known.beta) : known.beta };
  });
}

/** `size` elements from `start` on along an axis. */
function part(to: Rewriting, value: string, axis: number, start: number, size: number): string {
  const { type, dims } = to.typeOf(value)!;
  if (start === 0 && dims![axis] === size) return value;
  const cut = dims!.with(axis, size);
  const constant = to.constantOf(value);
  if (constant !== undefined) {
    const inner = constant.dims.slice(axis + 1).reduce((a, b) => a * b, 1);
    const row = constant.dims[axis]! * inner;
    const source = constant.data as Float32Array;
    const rows = source.length / row;
    const data = new Float32Array(rows * size * inner);
    for (let i = 0; i < rows; i++) {
      const from = i * row + start * inner;
      data.set(source.subarray(from, from + size * inner), i * size * inner);
    }
    return to.constant(`${value}/part`, { type, dims: cut, data } as Tensor);
  }
  const params = {
    starts: dims!.map((_, i) => (i === axis ? start : 0)),
    steps: dims!.map(() => 1),
  };
  const sizes = attribute.ints(dims!.map((_, i) => (i === axis ? size : -1)));
  return to.step('Slice', [value], params, { type, dims: cut }, { extra: { sizes } });
}

/** a + b of one shape, at once where both are constants. */
function sum(to: Rewriting, a: string, b: string): string {
  const [left, right] = [to.constantOf(a), to.constantOf(b)];
  if (left === undefined || right === undefined) {
    return to.step('Binary', [a, b], { kind: binaryKinds.Add }, to.typeOf(a)!);
  }
  const addend = right.data as Float32Array;
  const data = (left.data as Float32Array).map((value, i) => value + addend[i]!);
  return to.constant(`${a}/sum`, { ...left, data } as Tensor);
}

/** Parameters of the three steps; each takes those it has. */
function paramsOf(node: Node, reverse: boolean, own: readonly UnaryFunction[]) {
  const [f, g, h] = own.map(({ kind, alpha, beta }) => ({ kind: unaryKinds[kind], alpha, beta }));
  return {
    reverse: reverse ? 1 : 0,
    clip: floatOf(node, 'clip', Number.POSITIVE_INFINITY),
    ...{ fKind: f!.kind, fAlpha: f!.alpha, fBeta: f!.beta },
    ...(g && { gKind: g.kind, gAlpha: g.alpha, gBeta: g.beta }),
    ...(h && { hKind: h.kind, hAlpha: h.alpha, hBeta: h.beta }),
    inputForget: intOf(node, 'input_forget', 0) === 0 ? 0 : 1,
    linearBeforeReset: intOf(node, 'linear_before_reset', 0) === 0 ? 0 : 1,
  };
}

const steps = { LSTM: 'Lstm', GRU: 'Gru', RNN: 'Rnn' } as const;

const recurrent =
  (op: Op): Rule =>
  (site) => {
    const { node, fresh } = site;
    const [x, ...rest] = node.inputs as [string, ...string[]];
    const lengths = node.inputs[4] ?? '';
    if (!areFloat(site, x, ...rest.filter((input) => input !== lengths))) return undefined;
    const to = rewriting(site);
    const [w, r, b, , h, c, peepholes] = Array.from({ length: 7 }, (_, i) =>
      rest[i] === undefined || rest[i] === '' || i === 3 ? '' : floatValue(site, to, rest[i]),
    ) as [string, string, string, string, string, string, string];
    const [xType, wDims, rDims] = [to.typeOf(x), to.typeOf(w)?.dims, to.typeOf(r)?.dims];
    const [count, width] = wDims ?? [];
    const hidden = rDims?.[2];
    const ready = [count, width, hidden].every((dim) => typeof dim === 'number');
    const open = [b, h, c, peepholes].some(
      (value) => value !== '' && to.typeOf(value)?.dims === undefined,
    );
    if (xType?.dims === undefined || !ready || open) return undefined;
    const gates = gatesOf[op] * (hidden as number);

    const batchFirst = intOf(node, 'layout', 0) === 1;
    const states = [h, c].map((value) =>
      value === '' || !batchFirst ? value : to.transpose(value, [1, 0, 2]),
    );
    const rows = batchFirst ? to.transpose(x, [1, 0, 2]) : x;
    const [time, batch] = to.typeOf(rows)!.dims!;
    const own = functionsOf(site, op, count as number);
    const backward = stringOf(node, 'direction', 'forward') === 'reverse';
    const float = (...dims: readonly Dim[]): ValueType => ({ type: 'float32', dims });

    const results = Array.from({ length: count as number }, (_, d) => {
      const direction = (value: string) => (value === '' ? '' : part(to, value, 0, d, 1));
      const biases = direction(b);
      const operands = [rows, direction(w)];
      let recurrentBias = '';
      if (biases !== '') {
        const flat = (value: string) => to.reshape(value, [gates])!;
        const [ofX, ofH] = [0, gates].map((start) => flat(part(to, biases, 1, start, gates)));
        // The reset gate may lie between the two.
        const apart = op === 'GRU' && intOf(node, 'linear_before_reset', 0) !== 0;
        operands.push(apart ? ofX! : sum(to, ofX!, ofH!));
        if (apart) recurrentBias = ofH!;
      }
      const unbounded = { lower: Number.NEGATIVE_INFINITY, upper: Number.POSITIVE_INFINITY };
      const projection = { transposeA: 0, transposeB: 1, ...unbounded };
      const projected = to.step('MatMul', operands, projection, float(time, batch, gates));
      const [first, cell] = states.map(direction);
      const inputs = [projected, direction(r), recurrentBias, first!, lengths];
      if (op === 'LSTM') inputs.push(cell!, direction(peepholes));
      const params = paramsOf(node, backward || d === 1, own.slice(d * usual[op].length));
      const state = float(1, batch, hidden);
      const types = [float(time, 1, batch, hidden), state, ...(op === 'LSTM' ? [state] : [])];
      const outputs = types.map((_, i) => fresh(`${node.name}/y${i}`));
      to.steps(steps[op], inputs, params as unknown as NodeParams<'Lstm'>, types, outputs);
      return outputs;
    });

    // Of the directions one, and of the layouts the wished one.
    results[0]!.forEach((_, i) => {
      const output = node.outputs[i] ?? '';
      if (output === '') return;
      const axis = i === 0 ? 1 : 0;
      const values = results.map((list) => list[i]!);
      const { type, dims } = to.typeOf(values[0]!)!;
      const perm = i === 0 ? [2, 0, 1, 3] : [1, 0, 2];
      const whole = { type, dims: dims!.with(axis, count) };
      const joined =
        values.length === 1
          ? values[0]!
          : to.step('Concat', values, { axis }, whole, { output: batchFirst ? undefined : output });
      if (batchFirst) to.transpose(joined, perm, output);
      else if (values.length === 1) to.replace(output, joined);
    });
    return to.done(`lower ${node.name}`);
  };

export const recurrentRules: Rules = {
  LSTM: recurrent('LSTM'),
  GRU: recurrent('GRU'),
  RNN: recurrent('RNN'),
};
