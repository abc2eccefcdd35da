/**
 * Products of integers whose weights no step takes, since they are computed: in float32, which holds every sum of up to
 * 258 products of bytes exactly, longer ones in parts of that. And com.microsoft's operators that scale such a product.
 */
import { intOf } from '../../graph/attributes.js';
import { isStepProduct } from '../integerProducts.js';
import { unsupported } from '../lower/rules.js';
import type { Expand, Expansion } from './expansion.js';

/** 258 · 255 · 255 < 2^24 */
const longestExact = 258;

const float32 = 1;
const int32 = 6;

/** A value less its zero point, in float32. `axis`: where a vector of zero points runs along, if not the last. */
function centered(to: Expansion, value: string, zero: string, axis?: number): string {
  const x = to.op('Cast', [value], { to: float32 });
  if (zero === '') return x;
  let by = to.op('Cast', [zero], { to: float32 });
  const isVector = to.dimsOf(by)?.length === 1 && to.dimsOf(by)![0] !== 1;
  if (isVector && axis !== undefined) by = to.op('Unsqueeze', [by, to.constant('int64', [axis])]);
  return to.op('Sub', [x, by]);
}

/** Σ of parts of the depth, each rounded to nothing. */
function summed(
  to: Expansion,
  depth: number,
  longest: number,
  part: (begin: number, end: number) => string,
): string {
  let sum: string | undefined;
  for (let begin = 0; begin < Math.max(depth, 1); begin += longest) {
    const product = part(begin, Math.min(begin + longest, depth));
    const exact = to.op('Cast', [product], { to: int32 });
    sum = sum === undefined ? exact : to.op('Add', [sum, exact]);
  }
  return sum!;
}

function sliced(to: Expansion, x: string, axis: number, begin: number, end: number, whole: number) {
  if (begin === 0 && end === whole) return x;
  const [from, until, along] = [begin, end, axis].map((i) => to.constant('int64', [i]));
  return to.op('Slice', [x, from!, until!, along!]);
}

const matMulInteger: Expand = (to) => {
  if (isStepProduct(to.site)) return false;
  const [a, b] = [to.input(0), to.input(1)];
  const depth = to.dimsOf(a)?.at(-1);
  const [aRank, bRank] = [to.dimsOf(a)?.length, to.dimsOf(b)?.length];
  if (typeof depth !== 'number' || aRank === undefined || bRank === undefined) return false;
  const known = [2, 3].every((i) => to.input(i) === '' || to.dimsOf(to.input(i)) !== undefined);
  if (!known) return false;
  const left = centered(to, a, to.input(2), 1);
  const right = centered(to, b, to.input(3));
  const sum = summed(to, depth, longestExact, (begin, end) =>
    to.op('MatMul', [
      sliced(to, left, aRank - 1, begin, end, depth),
      sliced(to, right, Math.max(bRank - 2, 0), begin, end, depth),
    ]),
  );
  to.output(0, sum);
  return true;
};

const convInteger: Expand = (to) => {
  if (isStepProduct(to.site)) return false;
  const [x, w] = [to.input(0), to.input(1)];
  const shape = to.shapeOf(w);
  if (shape === undefined) return false;
  const taps = shape.slice(2).reduce((product, size) => product * size, 1);
  const depth = shape[1]!;
  const groups = intOf(to.node, 'group', 1);
  const longest = Math.floor(longestExact / taps);
  if (longest < 1 || (groups > 1 && depth > longest)) {
    throw unsupported(to.site, `computed weights of ${depth * taps} products a sum`);
  }
  const left = centered(to, x, to.input(2));
  const zero = to.input(3);
  const vector = zero !== '' && to.dimsOf(zero)?.length === 1 && to.dimsOf(zero)![0] !== 1;
  const axes = to.constant(
    'int64',
    Array.from({ length: shape.length - 1 }, (_, i) => i + 1),
  );
  const right = centered(to, w, vector ? to.op('Unsqueeze', [zero, axes]) : zero);
  const attributes = Object.fromEntries(to.node.attributes);
  const sum = summed(to, depth, longest, (begin, end) =>
    to.op(
      'Conv',
      [sliced(to, left, 1, begin, end, depth), sliced(to, right, 1, begin, end, depth)],
      attributes,
    ),
  );
  to.output(0, sum);
  return true;
};

/** aScale · bScale, and bias where there is one, on the product. */
function scaled(to: Expansion, product: string, aScale: string, bScale: string, bias: string) {
  const scale = to.op('Mul', [aScale, bScale]);
  const y = to.op('Mul', [to.op('Cast', [product], { to: float32 }), scale]);
  to.output(0, bias === '' ? y : to.op('Add', [y, bias]));
  return true;
}

function withoutAbsent(...inputs: readonly string[]): string[] {
  const names = [...inputs];
  while (names.at(-1) === '') names.pop();
  return names;
}

const matMulIntegerToFloat: Expand = (to) => {
  const inputs = withoutAbsent(to.input(0), to.input(1), to.input(4), to.input(5));
  const product = to.op('MatMulInteger', inputs);
  return scaled(to, product, to.input(2), to.input(3), to.input(6));
};

const dynamicQuantizeMatMul: Expand = (to) => {
  const [codes, scale, zero] = to.ops('DynamicQuantizeLinear', [to.input(0)], 3);
  const inputs = withoutAbsent(codes!, to.input(1), zero!, to.input(3));
  return scaled(to, to.op('MatMulInteger', inputs), scale!, to.input(2), to.input(4));
};

export const integerProducts: Readonly<Record<string, Expand>> = {
  MatMulInteger: matMulInteger,
  ConvInteger: convInteger,
  'com.microsoft:MatMulIntegerToFloat': matMulIntegerToFloat,
  'com.microsoft:DynamicQuantizeMatMul': dynamicQuantizeMatMul,
};
