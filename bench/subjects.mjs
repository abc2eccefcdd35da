/**
 * What the suites measure: a subject is one operator on one shape, with every contender that can compute it.
 *
 * @typedef {object} Subject
 * @property {string} name of the case
 * @property {'int8' | 'fp32'} precision
 * @property {'gops' | 'gbs'} metric
 * @property {number} amount operations, or bytes read and written
 * @property {() => any} draw the numbers, once for all contenders: { x, … }
 * @property {(numbers: any) => { plan: import('../dist/esm/runtime/plan.js').Plan, constants: Uint8Array }} plan Octavo's own
 * @property {(isa: string) => (object | undefined)} peak a contender that also has `amount`
 * @property {(numbers: any) => { bytes: Uint8Array, feeds: object }} model for peers
 * @property {(data: ArrayLike<number>) => ArrayLike<number>} inOurOrder a peer's answer
 * @property {(answer: ArrayLike<number>) => number} tolerance how far a peer's answer may be from ours
 */
import { cases } from './cases.mjs';
import { drawLayer, floatLayer, floatPlan, int8Plan } from './layer.mjs';
import { peakFor } from './native.mjs';
import { channelsLast, floatModel, int8Model } from './onnx.mjs';
import { quantizeSubjects } from './quantize.mjs';

/** @returns {Subject} uint8 in and uint8 out, requantization fused. */
export function int8Subject(shape) {
  return {
    name: shape.kind === 'gemm' ? `${shape.name} u8s8u8` : shape.name,
    precision: 'int8',
    metric: 'gops',
    amount: shape.ops,
    draw: () => drawLayer(shape),
    plan: (layer) => int8Plan(shape, layer),
    peak: (isa) => peakFor('u8s8s32', isa),
    model: (layer) => int8Model(shape, layer),
    inOurOrder: (data) => channelsLast(shape, data),
    tolerance: () => 1,
  };
}

/** @returns {Subject} */
export function floatSubject(shape) {
  return {
    name: `${shape.name} f32`,
    precision: 'fp32',
    metric: 'gops',
    amount: shape.ops,
    draw: () => floatLayer(drawLayer(shape)),
    plan: (layer) => floatPlan(shape, layer),
    peak: (isa) => peakFor('f32', isa),
    model: (layer) => floatModel(shape, layer),
    inOurOrder: (data) => channelsLast(shape, data),
    tolerance: (answer) =>
      1e-4 * answer.reduce((most, value) => Math.max(most, Math.abs(value)), 0),
  };
}

/** Subjects that belong into the same rounds: a layer in both precisions, and each conversion alone. */
export const groups = [
  ...cases.map((shape) => [int8Subject(shape), floatSubject(shape)]),
  ...quantizeSubjects.map((subject) => [subject]),
];
