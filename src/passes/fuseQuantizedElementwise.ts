/** Sums, differences and products of two quantized values, quantized again: QAdd and QMul. */
import type { Tensor } from '../core/tensor.js';
import { typeOf } from '../graph/ir.js';
import { type Epilogue, epilogueOf } from './fuseQuantizedEpilogue.js';
import { dequantizedFrom } from './fuseQuantizedMovement.js';
import { type Coding, codesOf, isByte } from './lower/quantParams.js';
import { type Rewriting, rewriting } from './lower/rewriting.js';
import { type Rule, rulePass, type Site } from './lower/rules.js';

/** An operand as uint8 codes. */
interface Operand {
  readonly codes: string;
  readonly coding: Coding;
}

function operandOf(site: Site, to: Rewriting, value: string): Operand | undefined {
  const source = dequantizedFrom(site, value);
  if (source === undefined || !isByte(source.coding)) return undefined;
  const { codes, coding } = source;
  if (coding.type === 'uint8') return source;
  const constant = to.constantOf(codes);
  if (constant === undefined) return undefined;
  const data = Uint8Array.from(codesOf(constant), (code) => code + 128);
  const shifted = { type: 'uint8', dims: constant.dims, data } as Tensor;
  return {
    codes: to.constant(`${codes}/unsigned`, shifted),
    coding: { ...coding, type: 'uint8', zeroPoint: coding.zeroPoint + 128 },
  };
}

/** A rule for a node of two quantized operands and an epilogue that quantizes. */
function fuse(
  add: (
    to: Rewriting,
    a: Operand,
    b: Operand,
    epilogue: Epilogue & { readonly coding: Coding<'uint8'> },
  ) => void,
): Rule {
  return (site) => {
    const { node } = site;
    const to = rewriting(site);
    const [a, b] = node.inputs.map((input) => operandOf(site, to, input));
    const epilogue = epilogueOf(site, node.outputs[0]!);
    const { coding } = epilogue;
    if (a === undefined || b === undefined || coding === undefined) return undefined;
    if (typeOf(site.graph, node.outputs[0]!)?.dims === undefined) return undefined;
    to.remove(...epilogue.nodes);
    add(to, a, b, { ...epilogue, coding });
    return to.done(`fuse ${node.name}`);
  };
}

const sum = (sign: 1 | -1): Rule =>
  fuse((to, a, b, { coding, min, max, output }) => {
    const params = {
      aZero: a.coding.zeroPoint,
      bZero: b.coding.zeroPoint,
      yZero: coding.zeroPoint,
      aMultiplier: Math.fround(a.coding.scale / coding.scale),
      bMultiplier: sign * Math.fround(b.coding.scale / coding.scale),
      min,
      max,
    };
    to.step('QAdd', [a.codes, b.codes], params, to.typeOf(output)!, { output });
  });

const product: Rule = fuse((to, a, b, { coding, min, max, output }) => {
  const params = {
    aZero: a.coding.zeroPoint,
    bZero: b.coding.zeroPoint,
    yZero: coding.zeroPoint,
    multiplier: Math.fround(Math.fround(a.coding.scale * b.coding.scale) / coding.scale),
    min,
    max,
  };
  to.step('QMul', [a.codes, b.codes], params, to.typeOf(output)!, { output });
});

export const fuseQuantizedElementwise = rulePass('fuse quantized arithmetic', {
  Add: sum(1),
  Sub: sum(-1),
  Mul: product,
});
