/**
 * Quantizing and dequantizing tensors, in turn with a memcpy that moves as many bytes: the peak here is memory, once in the
 * second-level cache and once out of all of them.
 */
import { ModelBuilder } from './onnx.mjs';
import { singleStepPlan } from './plan.mjs';
import { generator } from './random.mjs';

const sizes = [
  ['64Ki', 2 ** 16],
  ['32Mi', 2 ** 25],
];

/** Bytes that one element is read and written with. */
const bytesOfElement = 5;

const scale = 0.03;
const zeroPoint = 100;

/** @type {readonly import('./subjects.mjs').Subject[]} */
export const quantizeSubjects = sizes.flatMap(([label, count]) => [
  makeSubject(`quantize f32->u8 ${label}`, 'QuantizeLinear', 'float32', 'uint8', count),
  makeSubject(`dequantize u8->f32 ${label}`, 'DequantizeLinear', 'uint8', 'float32', count),
]);

function makeSubject(name, op, from, to, count) {
  const amount = count * bytesOfElement;
  return {
    name,
    precision: 'int8',
    metric: 'gbs',
    amount,
    draw: () => ({ x: drawTensor(from, count) }),
    plan: () =>
      singleStepPlan(
        op,
        [
          { type: from, dims: [count] },
          { type: 'float32', dims: [], data: Float32Array.of(scale) },
          { type: 'uint8', dims: [], data: Uint8Array.of(zeroPoint) },
        ],
        [{ type: to, dims: [count] }],
      ),
    peak: () => memcpyContender(amount),
    model({ x }) {
      const model = new ModelBuilder();
      const input = model.input('x', from, [count]);
      const constants = [model.scalar('float32', scale), model.scalar('uint8', zeroPoint)];
      model.output(model.node(op, [input, ...constants]), to, [count]);
      return { bytes: model.bytes(), feeds: { x: { type: from, dims: [count], data: x } } };
    },
    inOurOrder: (data) => data,
    tolerance: () => (to === 'uint8' ? 1 : 0),
  };
}

/** Floats as activations are: hardly any lies just between two steps of the scale. */
function drawTensor(type, count) {
  const random = generator(type);
  const data = type === 'uint8' ? new Uint8Array(count) : new Float32Array(count);
  for (let i = 0; i < count; i++) {
    data[i] = type === 'uint8' ? i * 31 : random() * 8 - 4;
  }
  return data;
}

/** A memcpy that reads and writes `bytes` bytes together. */
function memcpyContender(bytes) {
  const from = new Uint8Array(bytes / 2).fill(1);
  const to = new Uint8Array(bytes / 2).fill(2);
  return {
    name: 'memcpy',
    amount: bytes,
    burst(repeats) {
      const start = process.hrtime.bigint();
      for (let i = 0; i < repeats; i++) to.set(from);
      return Number(process.hrtime.bigint() - start);
    },
  };
}
