/** Matrix products in float32. What is constant about alpha, beta and transB is put into the constants. */
import type { Tensor } from '../../core/tensor.js';
import { floatOf, intOf } from '../../graph/attributes.js';
import type { Dim } from '../../graph/ir.js';
import { binaryKinds } from '../../runtime/kinds.js';
import { floatConstantOf, isDequantize } from './quantParams.js';
import { type Rewriting, rewriting } from './rewriting.js';
import { areFloat, type Rule, type Rules, type Site } from './rules.js';

const unbounded = { lower: Number.NEGATIVE_INFINITY, upper: Number.POSITIVE_INFINITY };

const matMul: Rule = (site) => {
  const { node, index } = site;
  const [a, b] = node.inputs as [string, string];
  const output = node.outputs[0]!;
  if (!areFloat(site, a, b)) return undefined;
  const to = rewriting(site);
  const aDims = to.typeOf(a)?.dims;
  const bDims = to.typeOf(b)?.dims;
  const yDims = to.typeOf(output)?.dims;
  if (aDims === undefined || bDims === undefined || yDims === undefined) return undefined;
  // Above three axes, quantized fusing waits for dims; products of int16 above two.
  const codes = index.producer(a)?.inputs[0] ?? '';
  const most = to.typeOf(codes)?.type === 'int16' ? 2 : 3;
  const free = aDims.length > most && aDims.some((dim) => typeof dim !== 'number');
  if (free && isDequantize(index.producer(a)) && isDequantize(index.producer(b))) return undefined;

  // A vector is a row on the left and a column on the right; the axis this adds goes again.
  const row = aDims.length === 1;
  const column = bDims.length === 1;
  const left = row ? to.reshape(a, [1, ...aDims]) : a;
  const right = column ? to.reshape(scaled(site, to, b, 1), [...bDims, 1]) : scaled(site, to, b, 1);
  if (left === undefined || right === undefined) return undefined;
  const batch = yDims.slice(0, yDims.length - (row ? 0 : 1) - (column ? 0 : 1));
  const dims: Dim[] = [...batch, row ? 1 : aDims.at(-2), column ? 1 : bDims.at(-1)];
  const params = { transposeA: 0, transposeB: 0, ...unbounded };
  const shaped = row || column;
  const y = to.step(
    'MatMul',
    [left, right],
    params,
    { type: 'float32', dims },
    {
      output: shaped ? undefined : output,
    },
  );
  if (shaped && to.reshape(y, yDims, output) === undefined) return undefined;
  return to.done(`lower ${node.name}`);
};

/** alpha · op(a) · op(b) + beta · c */
const gemm: Rule = (site) => {
  const { node } = site;
  const [a, b, c = ''] = node.inputs as [string, string, string?];
  const output = node.outputs[0]!;
  if (!areFloat(site, a, b, c)) return undefined;
  const to = rewriting(site);
  const type = to.typeOf(output);
  if (type?.dims === undefined || !broadcastsTo(to.typeOf(c)?.dims, type.dims)) return undefined;
  const alpha = floatOf(node, 'alpha', 1);
  const beta = floatOf(node, 'beta', 1);
  const transposeA = intOf(node, 'transA', 0) === 0 ? 0 : 1;
  const constantB = floatConstantOf(site, b) !== undefined;
  const turned = intOf(node, 'transB', 0) !== 0;
  const transposeB = turned && !constantB ? 1 : 0;
  let right = constantB ? scaled(site, to, b, alpha) : b;
  if (turned && constantB) right = to.transpose(right, [1, 0]);
  // A product that cannot carry alpha is multiplied before c is added.
  const after = !constantB && alpha !== 1;
  const bias = c === '' || beta === 0 ? undefined : scaled(site, to, c, beta);
  const inputs = bias === undefined || after ? [a, right] : [a, right, bias];
  const params = { transposeA, transposeB, ...unbounded };
  let y = to.step('MatMul', inputs, params, type, { output: after ? undefined : output });
  if (after) {
    const factor = to.constant(`${node.name}/alpha`, filled(alpha));
    const last = bias === undefined;
    y = to.step('Binary', [y, factor], { kind: binaryKinds.Mul }, type, {
      output: last ? output : undefined,
    });
    if (!last) to.step('Binary', [y, bias], { kind: binaryKinds.Add }, type, { output });
  }
  return to.done(`lower ${node.name}`);
};

/** Whether dims, if any, may be those of the result, or 1, from the last one on. */
function broadcastsTo(dims: readonly Dim[] = [], result: readonly Dim[]): boolean {
  const ahead = result.length - dims.length;
  return dims.every((dim, i) => {
    const wanted = result[ahead + i];
    return dim === 1 || typeof dim !== 'number' || typeof wanted !== 'number' || dim === wanted;
  });
}

function filled(value: number): Tensor {
  return { type: 'float32', dims: [], data: Float32Array.of(value) };
}

/** value · factor, at once where the value is constant. */
function scaled(site: Site, to: Rewriting, value: string, factor: number): string {
  const constant = floatConstantOf(site, value);
  if (constant === undefined) {
    if (factor === 1) return value;
    const by = to.constant(`${site.node.name}/factor`, filled(factor));
    return to.step('Binary', [value, by], { kind: binaryKinds.Mul }, to.typeOf(value)!);
  }
  if (factor === 1 && site.graph.constants.has(value)) return value;
  const data = factor === 1 ? constant.data : constant.data.map((x) => x * factor);
  return to.constant(value, { ...constant, data } as Tensor);
}

export const matMulRules: Rules = { MatMul: matMul, Gemm: gemm };
