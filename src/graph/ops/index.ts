/** All operators that Octavo has a definition of, by domain and name. */
import { OctavoError } from '../../core/errors.js';
import type { Node } from '../ir.js';
import { attentionStep } from './attention.js';
import { binaries } from './binary.js';
import { contribFusions } from './contribFused.js';
import { contribProducts } from './contribMatmul.js';
import { controls } from './control.js';
import { convolutions } from './convolution.js';
import { transposedConvolutions } from './convTranspose.js';
import { einsum } from './einsum.js';
import { generators } from './generate.js';
import { indexings, indexSteps } from './indexing.js';
import { lowPrecisionSteps } from './lowPrecision.js';
import { matMuls } from './matmul.js';
import { movements } from './movement.js';
import { normalizations, quantizedUnaries } from './normalize.js';
import { steps } from './octavo.js';
import type { OpDefinition } from './op.js';
import { pools } from './pool.js';
import { quantizers } from './quantize.js';
import { rearrangements } from './rearranging.js';
import { recurrences } from './recurrent.js';
import { reductions } from './reduce.js';
import { resizes } from './resize.js';
import { samplings } from './sampling.js';
import { transformers } from './transformer.js';
import { typedSteps } from './typedSteps.js';
import { unaries } from './unary.js';

const families: readonly (readonly OpDefinition[])[] = [
  convolutions,
  transposedConvolutions,
  matMuls,
  pools,
  normalizations,
  unaries,
  binaries,
  reductions,
  movements,
  generators,
  controls,
  rearrangements,
  indexings,
  recurrences,
  resizes,
  quantizers,
  quantizedUnaries,
  steps,
  typedSteps,
  indexSteps,
  lowPrecisionSteps,
  contribProducts,
  contribFusions,
  transformers,
  samplings,
  [einsum],
  [attentionStep],
];

/** By domain, then by operator. */
const domains = new Map<string, Map<string, OpDefinition>>();
for (const definition of families.flat()) {
  const { op, domain } = definition;
  const known = domains.get(domain) ?? new Map<string, OpDefinition>();
  domains.set(domain, known.set(op, definition));
}

/** Every operator with a definition, ONNX's first. */
export const operators: readonly OpDefinition[] = [...domains.values()].flatMap((known) => [
  ...known.values(),
]);

export function definitionOf(node: Pick<Node, 'op' | 'domain'>): OpDefinition | undefined {
  return domains.get(node.domain)?.get(node.op);
}

/**
 * The definition of a node's operator. Throws `UNSUPPORTED_OPERATOR`, naming node, operator, domain
 * and opset, when there is none, or when `opset` is older than the form it describes.
 */
export function requireDefinition(node: Node, opset: number): OpDefinition {
  const definition = definitionOf(node);
  if (definition === undefined || opset < definition.since) {
    const domain = node.domain === '' ? 'ai.onnx' : node.domain;
    throw new OctavoError(
      'UNSUPPORTED_OPERATOR',
      `operator ${node.op} (domain ${domain}, opset ${opset}) is not supported`,
      {
        where: node.name,
        expected: definition === undefined ? undefined : `opset ${definition.since} or later`,
        found: definition === undefined ? undefined : `opset ${opset}`,
      },
    );
  }
  return definition;
}
