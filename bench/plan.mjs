/** Plans of one step, made without a graph, so that a benchmark times one operator and nothing around it. */
import { byteLengthOf } from '../dist/esm/core/dtype.js';
import { elementCount } from '../dist/esm/core/shape.js';
import { tensorAlignment, tensorSlack } from '../dist/esm/runtime/plan.js';
import { fieldsOf, maxRank } from '../dist/esm/runtime/steps.js';

/** Parameters that change nothing, where a step has them. */
const neutral = {
  strideH: 1,
  strideW: 1,
  dilationH: 1,
  dilationW: 1,
  groups: 1,
  max: 255,
  lower: Number.NEGATIVE_INFINITY,
  upper: Number.POSITIVE_INFINITY,
};

/**
 * A plan of one step. Operands are { type, dims, data }, undefined where an optional one is absent; those with `data`
 * are constants of the model, the others inputs of the plan, in order. Parameters that are not given change nothing.
 *
 * @returns {{ plan: import('../dist/esm/runtime/plan.js').Plan, constants: Uint8Array }}
 */
export function singleStepPlan(op, inputs, outputs, params = {}) {
  const tensors = [];
  const ends = { arena: 0, model: 0 };
  const place = ({ type, dims, data }) => {
    const space = data === undefined ? 'arena' : 'model';
    const bytes = byteLengthOf(type, elementCount(dims));
    const offset = ends[space];
    ends[space] = Math.ceil((offset + bytes) / tensorAlignment) * tensorAlignment;
    return tensors.push({ type, dims, space, offset, bytes }) - 1;
  };
  const read = inputs.map((operand) => (operand === undefined ? -1 : place(operand)));
  const written = outputs.map(place);
  const constants = new Uint8Array(ends.model + tensorSlack);
  for (const [i, operand] of inputs.entries()) {
    if (operand?.data === undefined) continue;
    const { buffer, byteOffset, byteLength } = operand.data;
    constants.set(new Uint8Array(buffer, byteOffset, byteLength), tensors[read[i]].offset);
  }
  const defaults = fieldsOf(op).map(([field, kind]) => [
    field,
    kind === 'i32x8' ? new Array(maxRank).fill(0) : (neutral[field] ?? 0),
  ]);
  const ports = (indexes, name) => indexes.map((tensor, i) => ({ name: `${name}${i}`, tensor }));
  const isInput = (index) => index >= 0 && tensors[index].space === 'arena';
  return {
    constants,
    plan: {
      tensors,
      steps: [
        {
          op,
          node: op,
          inputs: read,
          outputs: written,
          params: { ...Object.fromEntries(defaults), ...params },
        },
      ],
      inputs: ports(read.filter(isInput), 'input'),
      outputs: ports(written, 'output'),
      arenaBytes: ends.arena + tensorSlack,
      constants: new Uint8Array(tensorSlack),
    },
  };
}

/**
 * { plan, constants } on a backend, as a contender. Octavo's native backend measures without call overhead; the others
 * are called, copies included.
 *
 * @param {import('../dist/esm/backends/backend.js').Backend} backend
 */
export function planContender(name, { plan, constants }, inputs, backend) {
  const model = backend.open(constants);
  let prepared;
  try {
    prepared = model.prepare(plan);
  } catch (error) {
    model.dispose();
    throw error;
  }
  const called = (repeats) => {
    const start = process.hrtime.bigint();
    for (let i = 0; i < repeats; i++) prepared.runSync(inputs);
    return Number(process.hrtime.bigint() - start);
  };
  return {
    name,
    burst: (repeats) =>
      prepared.measure === undefined ? called(repeats) : prepared.measure(inputs, repeats),
    /** Steps that a WASM backend leaves to TypeScript. */
    slow: prepared.placements?.filter(({ runs }) => runs === 'typescript') ?? [],
    answer: () => prepared.runSync(inputs),
    close: () => model.dispose(),
  };
}
