/**
 * Functions of one quantized value. Whatever lies between a DequantizeLinear and a QuantizeLinear and
 * depends on nothing else is a function of one byte: a table of 256, each entry computed as the graph
 * would, so the result is the same to the bit wherever the float operators round the same. Nothing in
 * between is a change of scale; and where the scales agree too, nothing is left.
 */
import type { Tensor } from '../core/tensor.js';
import { type Node, typeOf } from '../graph/ir.js';
import { equalShapes } from '../graph/ops/dims.js';
import { binaryFunctions, unaryFunctions } from '../numerics/functions.js';
import type { BinaryKind } from '../runtime/kinds.js';
import { type Dequantized, dequantizedFrom } from './fuseQuantizedMovement.js';
import { unaryOf } from './lower/elementwise.js';
import {
  type Coding,
  codingOf,
  decode,
  encode,
  floatConstantOf,
  isByte,
  isQuantize,
  sameCoding,
} from './lower/quantParams.js';
import { type Rewriting, rewriting } from './lower/rewriting.js';
import { onlyConsumer, type Rule, rulePass, type Site } from './lower/rules.js';
import { addLookup, fromBits, isByteType, isSameTable, lookupOf, tableOf } from './lower/tables.js';

/** Longest chain of operators that becomes a table. */
const deepest = 16;

/** A value as a function of one dequantized value: its numbers for the 256 patterns of bits. */
interface Curve {
  readonly source: Dequantized;
  readonly numbers: Float32Array;
}

/** Curves of values that were asked for, so that a value with many readers is computed once. */
type Known = Map<string, Curve | undefined>;

/** The value as a curve; undefined when it depends on more than one dequantized byte. */
function curveOf(
  site: Site,
  value: string,
  known: Known = new Map(),
  depth = deepest,
): Curve | undefined {
  if (!known.has(value)) known.set(value, computeCurve(site, value, known, depth));
  return known.get(value);
}

function computeCurve(site: Site, value: string, known: Known, depth: number): Curve | undefined {
  const { graph, index } = site;
  const source = dequantizedFrom(site, value);
  if (source !== undefined) {
    const { coding, codes } = source;
    if (!isByte(coding) || graph.constants.has(codes)) return undefined;
    const numbers = Float32Array.from({ length: 256 }, (_, bits) =>
      decode(fromBits(bits, coding.type), coding),
    );
    return { source, numbers };
  }
  const node = index.producer(value);
  if (node === undefined || node.domain !== '' || depth === 0) return undefined;
  const f = unaryOf({ ...site, node });
  if (f !== undefined) {
    const x = curveOf(site, node.inputs[0]!, known, depth - 1);
    const apply = unaryFunctions[f.kind];
    return x && { ...x, numbers: x.numbers.map((number) => apply(number, f.alpha, f.beta)) };
  }
  return Object.hasOwn(binaryFunctions, node.op) && node.inputs.length === 2
    ? combinedCurve(site, node, known, depth)
    : undefined;
}

/** Arithmetic of two curves of the same source, or of one and a constant of one element. */
function combinedCurve(site: Site, node: Node, known: Known, depth: number): Curve | undefined {
  const [left, right] = node.inputs as [string, string];
  const a = operandOf(site, left, known, depth);
  const b = operandOf(site, right, known, depth);
  const curve = typeof a === 'object' ? a : b;
  if (a === undefined || b === undefined || typeof curve !== 'object') return undefined;
  const apart = typeof a === 'object' && typeof b === 'object' && a.source.node !== b.source.node;
  // A constant of higher rank would give the result more axes.
  const grown = !equalShapes(
    typeOf(site.graph, node.outputs[0]!)?.dims,
    typeOf(site.graph, curve.source.codes)?.dims,
  );
  if (apart || grown) return undefined;
  const apply = binaryFunctions[node.op as BinaryKind];
  const at = (operand: Curve | number, i: number) =>
    typeof operand === 'number' ? operand : operand.numbers[i]!;
  return { ...curve, numbers: curve.numbers.map((_, i) => apply(at(a, i), at(b, i))) };
}

function operandOf(
  site: Site,
  value: string,
  known: Known,
  depth: number,
): Curve | number | undefined {
  const constant = floatConstantOf(site, value);
  if (constant === undefined) return curveOf(site, value, known, depth - 1);
  return constant.data.length === 1 ? constant.data[0] : undefined;
}

/** QuantizeLinear of a curve. */
const quantize: Rule = (site) => {
  const { graph, node } = site;
  const output = node.outputs[0]!;
  const coding = codingOf(graph, node);
  if (coding === undefined) return undefined;
  const direct = dequantizedFrom(site, node.inputs[0]!);
  if (direct !== undefined && sameCoding(direct.coding, coding)) {
    const to = rewriting(site);
    to.replace(output, direct.codes);
    return to.done(`drop ${node.name}, which undoes ${direct.node.name}`);
  }
  const curve = isByte(coding) ? curveOf(site, node.inputs[0]!) : undefined;
  if (curve === undefined || !isByte(curve.source.coding) || !isByte(coding)) return undefined;
  const to = rewriting(site);
  const table = Uint8Array.from(curve.numbers, (number) => encode(number, coding) & 0xff);
  addLookup(to, curve.source.codes, table, coding.type, output);
  return to.done(`compute ${node.name} by table`);
};

/** Parts of different codings, joined and quantized again: each is brought to the last coding itself. */
const concat: Rule = (site) => {
  const { graph, node } = site;
  const next = onlyConsumer(site, node.outputs[0]!);
  const coding = next && isQuantize(next) ? codingOf(graph, next) : undefined;
  const output = next?.outputs[0];
  const type = output === undefined ? undefined : typeOf(graph, output);
  if (!isByte(coding) || type === undefined) return undefined;
  const parts = node.inputs.map((input) => dequantizedFrom(site, input));
  if (!parts.every((part) => isByte(part?.coding))) return undefined;
  const to = rewriting(site);
  const inputs = parts.map((part) => recoded(to, part!, coding));
  to.remove(next!);
  to.node({ ...node, inputs }, type, output);
  return to.done(`join codes in ${node.name}`);
};

/** The codes in another coding. */
function recoded(
  to: Rewriting,
  { codes, coding }: Dequantized,
  target: Coding<'uint8' | 'int8'>,
): string {
  if (sameCoding(coding, target) || !isByteType(coding.type)) return codes;
  const recode = (code: number) => encode(decode(code, coding), target);
  const constant = to.constantOf(codes);
  if (constant === undefined)
    return addLookup(to, codes, tableOf(coding.type, recode), target.type);
  const old = constant.data as Uint8Array | Int8Array;
  const data = target.type === 'int8' ? Int8Array.from(old, recode) : Uint8Array.from(old, recode);
  return to.constant(`${codes}/recoded`, { ...constant, type: target.type, data } as Tensor);
}

export const fuseQuantizedLookup = rulePass('fuse quantized functions', {
  QuantizeLinear: quantize,
  'octavo:QuantizeLinear': quantize,
  Concat: concat,
});

/** A table that only clamps what a step wrote becomes the step's own clamp; two tables become one. */
const simplify: Rule = (site) => {
  const { graph, index, node } = site;
  const [x] = node.inputs as [string, string];
  const output = node.outputs[0]!;
  const table = lookupOf(graph, node);
  const from = typeOf(graph, x)?.type;
  const type = typeOf(graph, output)?.type;
  if (table === undefined || !isByteType(from) || !isByteType(type)) return undefined;
  if (
    from === type &&
    isSameTable(
      table,
      tableOf(from, (code) => code),
    )
  ) {
    const to = rewriting(site);
    to.replace(output, x);
    return to.done(`drop ${node.name}, which changes nothing`);
  }
  const producer = index.producer(x);
  const first = lookupOf(graph, producer);
  if (first !== undefined) {
    const to = rewriting(site);
    const both = first.map((bits) => table[bits]!);
    addLookup(to, producer!.inputs[0]!, both, type, output);
    return to.done(`join ${producer!.name} and ${node.name}`);
  }
  return clampInto(site, producer, table);
};

const clamping = new Set(['QConv', 'QAdd', 'QMul', 'QAveragePool']);

function clampInto(site: Site, producer: Node | undefined, table: Uint8Array) {
  const { graph, node } = site;
  const [x] = node.inputs as [string, string];
  const output = node.outputs[0]!;
  if (producer?.domain !== 'octavo' || !clamping.has(producer.op)) return undefined;
  if (onlyConsumer(site, x) !== node) return undefined;
  if (typeOf(graph, x)?.type !== 'uint8' || typeOf(graph, output)?.type !== 'uint8')
    return undefined;
  const min = producer.attributes.get('min');
  const max = producer.attributes.get('max');
  if (min?.kind !== 'int' || max?.kind !== 'int') return undefined;
  const low = table[min.value]!;
  const high = table[max.value]!;
  for (let code = min.value; code <= max.value; code++) {
    if (table[code] !== Math.min(Math.max(code, low), high)) return undefined;
  }
  const to = rewriting(site);
  to.remove(producer);
  const attributes = new Map([
    ...producer.attributes,
    ['min', { kind: 'int', value: low }],
    ['max', { kind: 'int', value: high }],
  ] as const);
  to.node({ ...producer, attributes }, typeOf(graph, output)!, output);
  return to.done(`clamp in ${producer.name}`);
}

export const simplifyLookups = rulePass('simplify tables', { 'octavo:Lookup': simplify });
