/**
 * If and Loop, as ONNX has them and as closures (graph/closures): what their bodies tell of the outputs. Names of free
 * dims mean something in their own graph only.
 */
import type { Graph, Node, ValueType } from '../ir.js';
import { typeOf } from '../ir.js';
import { contradiction } from './context.js';
import type { OpDefinition } from './op.js';

function bodyOf(node: Node, name: string): Graph | undefined {
  const attribute = node.attributes.get(name);
  return attribute?.kind === 'graph' ? attribute.value : undefined;
}

/** Types of a body's outputs, as far as they are known. */
function typesOf(body: Graph | undefined): readonly (ValueType | undefined)[] {
  return body?.outputs.map(({ value }) => typeOf(body, value)) ?? [];
}

/** What two branches have in common. */
function either(
  node: Node,
  a: ValueType | undefined,
  b: ValueType | undefined,
): ValueType | undefined {
  if (a === undefined || b === undefined) {
    const known = a ?? b;
    return known && { type: known.type };
  }
  if (a.type !== b.type) throw contradiction(node, 'the branches differ in type', a.type, b.type);
  if (a.dims === undefined || a.dims.length !== b.dims?.length) return { type: a.type };
  const dims = a.dims.map((dim, i) =>
    typeof dim === 'number' && dim === b.dims![i] ? dim : undefined,
  );
  return { type: a.type, dims };
}

function conditional(domain: string, most: number): OpDefinition {
  return {
    ...{ op: 'If', domain, since: 1 },
    inputs: [1, most],
    outputs: [1, Number.POSITIVE_INFINITY],
    infer: ({ node }) => {
      const then = typesOf(bodyOf(node, 'then_branch'));
      const other = typesOf(bodyOf(node, 'else_branch'));
      return node.outputs.map((_, i) => either(node, then[i], other[i]));
    },
  };
}

/** Carried values may change their dims, and what is scanned has one more. */
function loop(domain: string): OpDefinition {
  return {
    ...{ op: 'Loop', domain, since: 1 },
    inputs: [2, Number.POSITIVE_INFINITY],
    optionalInputs: [0, 1],
    outputs: [1, Number.POSITIVE_INFINITY],
    infer: ({ node }) => {
      const [, ...results] = typesOf(bodyOf(node, 'body'));
      return node.outputs.map((_, i) => results[i] && { type: results[i].type });
    },
  };
}

export const controls: readonly OpDefinition[] = [
  conditional('', 1),
  conditional('octavo', Number.POSITIVE_INFINITY),
  loop(''),
  loop('octavo'),
];
