/**
 * One node under inference, in short: types read 'float32 [N, 3]', a tensor is a constant, attributes
 * are plain values (whole numbers are ints).
 */
import type { DataType } from '../../src/core/dtype.js';
import type { Tensor } from '../../src/core/tensor.js';
import { attribute } from '../../src/graph/attributes.js';
import { inferTypes } from '../../src/graph/infer.js';
import type { Attribute, Dim, ValueType } from '../../src/graph/ir.js';
import { formatType, verify } from '../../src/graph/verify.js';
import { graphOf, node, t } from '../helpers/onnx-builder.js';

export type Given = string | Tensor;

export type Plain = Readonly<Record<string, number | string | readonly number[]>>;

/** An operator with its domain: 'Conv', 'octavo:Conv', 'com.microsoft:QGemm'. */
export type QualifiedOp = string;

/** Operator, inputs, types of the outputs as text, attributes, number of outputs. */
export type Row = readonly [
  QualifiedOp,
  readonly Given[],
  expected: string,
  Plain?,
  outputs?: number,
];

export function attributesOf(plain: Plain): Record<string, Attribute> {
  return Object.fromEntries(
    Object.entries(plain).map(([name, value]) => {
      if (typeof value === 'string') return [name, attribute.string(value)];
      return [name, typeof value === 'number' ? attribute.int(value) : attribute.ints(value)];
    }),
  );
}

/** Verifies and infers a node with `count` outputs y0, y1 …; their types as text. */
export function infer(
  qualified: QualifiedOp,
  given: readonly Given[],
  attributes: Plain = {},
  count = 1,
): string {
  const [op, domain = ''] = qualified.split(':').reverse() as [string, string?];
  const inputs: Record<string, ValueType> = {};
  const constants: Record<string, Tensor> = {};
  const names = given.map((what, i) => {
    if (what === '') return '';
    if (typeof what === 'string') inputs[`i${i}`] = parseType(what);
    else constants[`i${i}`] = what;
    return `i${i}`;
  });
  const results = Array.from({ length: count }, (_, i) => `y${i}`);
  const graph = graphOf({
    inputs,
    constants,
    nodes: [node(op, names, results, attributesOf(attributes), domain)],
    outputs: { y: 'y0' },
  });
  verify(graph);
  const typed = inferTypes(graph);
  verify(typed);
  return results
    .map((value) => {
      const type = typed.types.get(value);
      return type === undefined ? 'unknown' : formatType(type);
    })
    .join('; ');
}

/** 'float32 [1, N, ?]' or 'float32'. */
export function parseType(text: string): ValueType {
  const match = /^(\w+)(?: \[(.*)\])?$/.exec(text)!;
  const dims = match[2]
    ?.split(', ')
    .filter((dim) => dim !== '')
    .map((dim): Dim => (dim === '?' ? undefined : /^\d+$/.test(dim) ? Number(dim) : dim));
  return { type: match[1] as DataType, dims };
}

export const i64 = (...values: number[]): Tensor => t('int64', values);
export const f32 = (...values: number[]): Tensor => t('float32', values);

/** An int64 scalar. */
export const n64 = (value: number): Tensor => t('int64', [value], []);

/** A float32 tensor of these dims. */
export const w = (...dims: number[]): Tensor =>
  t('float32', new Array(dims.reduce((a, b) => a * b, 1)).fill(0.5), dims);

/** A row's inputs, for the name of its test. */
export function describeGiven(given: readonly Given[]): string {
  return given
    .map((x) => (typeof x === 'string' ? x || '-' : `constant ${formatType(x)}`))
    .join(', ');
}
