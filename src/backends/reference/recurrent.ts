/**
 * One direction of LSTM, GRU and RNN, row by row of the batch: products, gates and functions in double, states rounded
 * to float32 at every time step.
 */
import { OctavoError } from '../../core/errors.js';
import { unaryFunctions } from '../../numerics/functions.js';
import { nameOfKind, unaryKinds } from '../../runtime/kinds.js';
import type { Step } from '../../runtime/plan.js';
import { dimsOf, elementsOf, optionalElementsOf, type StepKernel } from './kernel.js';
import type { PlanMemory } from './memory.js';

type Recurrent = 'Lstm' | 'Gru' | 'Rnn';

/** What a cell sees of one row in one time step. */
interface Moment {
  readonly hidden: number;
  /** h of the row before. */
  readonly before: Float32Array;
  /** x of gate value j. */
  readonly x: (j: number) => number;
  /** (state · rᵀ + bias) of gate value j. */
  readonly product: (j: number, state: Float32Array) => number;
  readonly row: number;
}

/** New h of the row, element j. */
type Cell = (moment: Moment) => (j: number) => number;

/** One of the cell's functions, of what lies within −clip … clip. */
function functionOf(kind: number, alpha: number, beta: number, clip: number) {
  const f = unaryFunctions[nameOfKind(unaryKinds, kind)];
  return (x: number) => f(Math.min(Math.max(x, -clip), clip), alpha, beta);
}

function recur({ node, inputs, outputs, params }: Step<Recurrent>, memory: PlanMemory, cell: Cell) {
  const [steps, batch, width] = dimsOf(memory, inputs[0]) as readonly [number, number, number];
  const hidden = dimsOf(memory, outputs[1])[2]!;
  const x = elementsOf<'float32'>(memory, inputs[0]);
  const r = elementsOf<'float32'>(memory, inputs[1]);
  const bias = optionalElementsOf<'float32'>(memory, inputs[2]);
  const lengths = optionalElementsOf<'int32'>(memory, inputs[4]);
  const y = elementsOf<'float32'>(memory, outputs[0]).fill(0);
  const h = elementsOf<'float32'>(memory, outputs[1]);
  h.set(optionalElementsOf<'float32'>(memory, inputs[3]) ?? h.fill(0));
  const product = (j: number, state: Float32Array) => {
    let sum = bias?.[j] ?? 0;
    for (let k = 0; k < hidden; k++) sum += r[j * hidden + k]! * state[k]!;
    return sum;
  };
  for (let row = 0; row < batch; row++) {
    const length = lengths?.[row] ?? steps;
    if (length < 0 || length > steps) throw badLength(node, steps, length);
    const state = h.subarray(row * hidden, (row + 1) * hidden);
    for (let s = 0; s < length; s++) {
      const at = (params.reverse === 1 ? length - 1 - s : s) * batch + row;
      const before = state.slice();
      const next = cell({ hidden, before, x: (j) => x[at * width + j]!, product, row });
      for (let j = 0; j < hidden; j++) state[j] = next(j);
      y.set(state, at * hidden);
    }
  }
}

function badLength(node: string, steps: number, found: number): OctavoError {
  return new OctavoError('INVALID_INPUT', 'length out of range', {
    where: node,
    expected: `0 to ${steps}`,
    found: String(found),
  });
}

export const rnn: StepKernel<'Rnn'> = (step, memory) => {
  const { fKind, fAlpha, fBeta, clip } = step.params;
  const f = functionOf(fKind, fAlpha, fBeta, clip);
  recur(
    step,
    memory,
    ({ before, x, product }) =>
      (j) =>
        f(x(j) + product(j, before)),
  );
};

export const gru: StepKernel<'Gru'> = (step, memory) => {
  const { fKind, fAlpha, fBeta, gKind, gAlpha, gBeta, clip, linearBeforeReset } = step.params;
  const f = functionOf(fKind, fAlpha, fBeta, clip);
  const g = functionOf(gKind, gAlpha, gBeta, clip);
  recur(step, memory, ({ hidden, before, x, product }) => {
    const gate = (j: number) => f(x(j) + product(j, before));
    const reset = before.map((value, j) => gate(hidden + j) * value);
    return (j) => {
      const last = 2 * hidden + j;
      const inner =
        linearBeforeReset === 1 ? gate(hidden + j) * product(last, before) : product(last, reset);
      const update = gate(j);
      return (1 - update) * g(x(last) + inner) + update * before[j]!;
    };
  });
};

export const lstm: StepKernel<'Lstm'> = (step, memory) => {
  const { params, inputs, outputs } = step;
  const f = functionOf(params.fKind, params.fAlpha, params.fBeta, params.clip);
  const g = functionOf(params.gKind, params.gAlpha, params.gBeta, params.clip);
  // As ONNX Runtime has it, c is not bounded.
  const last = functionOf(params.hKind, params.hAlpha, params.hBeta, Number.POSITIVE_INFINITY);
  const c = elementsOf<'float32'>(memory, outputs[2]);
  c.set(optionalElementsOf<'float32'>(memory, inputs[5]) ?? c.fill(0));
  const peepholes = optionalElementsOf<'float32'>(memory, inputs[6]);
  recur(step, memory, ({ hidden, before, x, product, row }) => (j) => {
    const at = row * hidden + j;
    const gate = (k: number) => x(k * hidden + j) + product(k * hidden + j, before);
    const peep = (k: number) => (peepholes?.[k * hidden + j] ?? 0) * c[at]!;
    const input = f(gate(0) + peep(0));
    const forget = params.inputForget === 1 ? 1 - input : f(gate(2) + peep(2));
    c[at] = forget * c[at]! + input * g(gate(3));
    return f(gate(1) + peep(1)) * last(c[at]!);
  });
};
