/**
 * The operator form of quantized models (QLinearConv, QGemm …) put as what it means: dequantize,
 * compute in float, quantize. Fusing then finds the same islands as in models of the QDQ form, so that
 * there is one way to an integer step. Computed scales are left alone, and so unsupported.
 */
import type { Tensor } from '../../core/tensor.js';
import { attribute, floatOf, intOf } from '../../graph/attributes.js';
import { type Attribute, typeOf } from '../../graph/ir.js';
import { checkScale } from './quantParams.js';
import { type Rewriting, rewriting } from './rewriting.js';
import { type Rule, type RulePass, type Rules, rulePass, type Site, unsupported } from './rules.js';

/** Value, scale and zero point names; the zero point may be ''. */
type Quantized = readonly [value: string, scale: string, zeroPoint: string];

type Attributes = ReadonlyMap<string, Attribute>;

const none: Attributes = new Map();

function dequantized(to: Rewriting, [x, scale, zeroPoint]: Quantized, axis?: number): string {
  const inputs = zeroPoint === '' ? [x, scale] : [x, scale, zeroPoint];
  const attributes = axis === undefined ? none : new Map([['axis', attribute.int(axis)]]);
  const type = { type: 'float32', dims: to.typeOf(x)?.dims } as const;
  return to.node({ op: 'DequantizeLinear', domain: '', inputs, attributes }, type);
}

/** An int32 bias, whose scale is the product of the other two. */
function dequantizedBias(
  site: Site,
  to: Rewriting,
  bias: string,
  scales: readonly [string, string],
  factor = 1,
): string {
  const [a, b] = scales.map((name) => checkScale(site.graph.constants.get(name)!, name));
  const length = Math.max(a!.length, b!.length);
  const data = Float32Array.from({ length }, (_, i) =>
    Math.fround(Math.fround(a![a!.length === 1 ? 0 : i]! * b![b!.length === 1 ? 0 : i]!) * factor),
  );
  const dims = length === 1 ? [] : [length];
  const scale = to.constant(`${bias}/scale`, { type: 'float32', dims, data } as Tensor);
  return dequantized(to, [bias, scale, ''], 0);
}

/** Computes `op` in float and writes it, quantized, as the node's output. */
function finish(
  site: Site,
  to: Rewriting,
  [op, inputs, attributes]: readonly [string, readonly string[], Attributes],
  y: readonly [scale: string, zeroPoint: string] | undefined,
): void {
  const output = site.node.outputs[0]!;
  const type = typeOf(site.graph, output)!;
  const float = { type: 'float32', dims: type.dims } as const;
  const computed = { op, domain: '', inputs, attributes };
  if (y === undefined) {
    to.node(computed, float, output);
    return;
  }
  const value = to.node(computed, float);
  const [scale, zeroPoint] = y;
  const quantize = { op: 'QuantizeLinear', domain: '', attributes: none };
  const parameters = zeroPoint === '' ? [scale] : [scale, zeroPoint];
  to.node({ ...quantize, inputs: [value, ...parameters] }, type, output);
}

/** A rule for nodes whose output's type is known, and the scales at these inputs float32 constants. */
function expand(scales: readonly number[], write: (site: Site, to: Rewriting) => void): Rule {
  return (site) => {
    const { graph, node } = site;
    const known = scales.every((i) => {
      const scale = node.inputs[i] ?? '';
      return scale === '' || graph.constants.get(scale)?.type === 'float32';
    });
    if (!known || typeOf(graph, node.outputs[0]!) === undefined) return undefined;
    const to = rewriting(site);
    write(site, to);
    return to.done(`expand ${node.name}`);
  };
}

/** The three inputs from `first` on. */
function quantizedAt({ node }: Site, first: number): Quantized {
  return [node.inputs[first]!, node.inputs[first + 1]!, node.inputs[first + 2] ?? ''];
}

function outputAt({ node }: Site, first: number): readonly [string, string] {
  return [node.inputs[first]!, node.inputs[first + 1] ?? ''];
}

const conv = expand([1, 4, 6], (site, to) => {
  const { node } = site;
  const x = quantizedAt(site, 0);
  const w = quantizedAt(site, 3);
  const bias = node.inputs[8] ?? '';
  const inputs = [dequantized(to, x), dequantized(to, w, 0)];
  if (bias !== '') inputs.push(dequantizedBias(site, to, bias, [x[1], w[1]]));
  finish(site, to, ['Conv', inputs, node.attributes], outputAt(site, 6));
});

const matMul = expand([1, 4, 6], (site, to) => {
  const b = quantizedAt(site, 3);
  // One scale for each column of b; a's rows share theirs.
  const axis = (to.typeOf(b[0])?.dims?.length ?? 2) - 1;
  const inputs = [dequantized(to, quantizedAt(site, 0)), dequantized(to, b, axis)];
  finish(site, to, ['MatMul', inputs, none], outputAt(site, 6));
});

const gemm = expand([1, 4, 7], (site, to) => {
  const { node } = site;
  const a = quantizedAt(site, 0);
  const b = quantizedAt(site, 3);
  const c = node.inputs[6] ?? '';
  const alpha = floatOf(node, 'alpha', 1);
  const axis = intOf(node, 'transB', 0) === 0 ? 1 : 0;
  const inputs = [dequantized(to, a), dequantized(to, b, axis)];
  if (c !== '') inputs.push(dequantizedBias(site, to, c, [a[1], b[1]], alpha));
  const isQuantized = (node.inputs[7] ?? '') !== '';
  finish(site, to, ['Gemm', inputs, node.attributes], isQuantized ? outputAt(site, 7) : undefined);
});

const binary = (op: string): Rule =>
  expand([1, 4, 6], (site, to) => {
    const inputs = [0, 3].map((first) => dequantized(to, quantizedAt(site, first)));
    finish(site, to, [op, inputs, none], outputAt(site, 6));
  });

/** x and y with their parameters, and an operator of the same attributes. */
const unary = (op: string): Rule =>
  expand([1, 3], (site, to) => {
    const { attributes } = site.node;
    if (intOf(site.node, 'channels_last', 0) !== 0) throw unsupported(site, 'channels_last');
    const x = dequantized(to, quantizedAt(site, 0));
    finish(site, to, [op, [x], attributes], outputAt(site, 3));
  });

/** yScale, yZero, and then x, scale and zero point of each part. */
const concat: Rule = (site) => {
  const firsts = site.node.inputs.flatMap((_, i) => (i % 3 === 2 ? [i] : []));
  const scales = [0, ...firsts.map((first) => first + 1)];
  return expand(scales, (_, to) => {
    const inputs = firsts.map((first) => dequantized(to, quantizedAt(site, first)));
    finish(site, to, ['Concat', inputs, site.node.attributes], outputAt(site, 0));
  })(site);
};

const rules: Rules = {
  QLinearConv: conv,
  QLinearMatMul: matMul,
  'com.microsoft:QGemm': gemm,
  'com.microsoft:QLinearAdd': binary('Add'),
  'com.microsoft:QLinearMul': binary('Mul'),
  'com.microsoft:QLinearAveragePool': unary('AveragePool'),
  'com.microsoft:QLinearGlobalAveragePool': unary('GlobalAveragePool'),
  'com.microsoft:QLinearSigmoid': unary('Sigmoid'),
  'com.microsoft:QLinearLeakyRelu': unary('LeakyRelu'),
  'com.microsoft:QLinearConcat': concat,
};

export const expandQOperators: RulePass = rulePass('expand quantized operators', rules);

/** Operators that this pass rewrites. */
export const qOperators: ReadonlySet<string> = new Set(Object.keys(rules));
