/**
 * Binding free dimensions: a graph for inputs of any batch size becomes one for the inputs at hand, all
 * of whose shapes follow. Plans are made of such graphs.
 */
import { OctavoError } from '../core/errors.js';
import { formatShape, type Shape } from '../core/shape.js';
import { inferTypes } from '../graph/infer.js';
import { type Dim, type Graph, typeOf, type ValueType } from '../graph/ir.js';
import { constantFolding } from './constantFolding.js';
import { type Pass, runPasses } from './pass.js';

/** Sizes of free dimensions by name. */
export type FreeDimensions = Readonly<Record<string, number>>;

/**
 * The graph with its inputs' dims as given and all other types inferred anew. `inputDims` may leave out
 * inputs; what it and `overrides` leave open stays free.
 *
 * Throws `INVALID_INPUT` for an unknown input, a rank or size that the model does not take, or two
 * sizes for one name; `INVALID_ARGUMENT` for a size that is no size; `NO_MATCH` for an override that
 * names no free dimension; and what inference throws when an operator does not take these shapes.
 */
export function bindDims(
  graph: Graph,
  inputDims: ReadonlyMap<string, Shape>,
  overrides: FreeDimensions = {},
): Graph {
  const sizes = new Map<string, { readonly size: number; readonly from: string }>();
  const names = new Set<Dim>(graph.inputs.flatMap((input) => typeOf(graph, input)?.dims ?? []));
  for (const [name, size] of Object.entries(overrides)) {
    const from = `free dimension '${name}'`;
    if (!names.has(name)) {
      throw new OctavoError('NO_MATCH', 'no input has this free dimension', {
        where: from,
        found: [...names].filter((dim) => typeof dim === 'string').join(', ') || 'none',
      });
    }
    if (!Number.isSafeInteger(size) || size < 0) {
      const found = String(size);
      throw new OctavoError('INVALID_ARGUMENT', 'not a size', { where: from, found });
    }
    sizes.set(name, { size, from });
  }
  for (const [input, dims] of inputDims) {
    if (!graph.inputs.includes(input)) {
      throw new OctavoError('INVALID_INPUT', 'the model has no such input', {
        where: input,
        expected: graph.inputs.join(', '),
      });
    }
    bindInput(input, typeOf(graph, input)?.dims, dims, sizes);
  }
  if (sizes.size === 0 && inputDims.size === 0) return inferTypes(graph);
  const bind = (dim: Dim): Dim => (typeof dim === 'string' ? (sizes.get(dim)?.size ?? dim) : dim);
  const types = new Map(
    [...graph.types].map(([value, { type, dims }]): [string, ValueType] => [
      value,
      { type, dims: (graph.inputs.includes(value) && inputDims.get(value)) || dims?.map(bind) },
    ]),
  );
  return inferTypes({ ...graph, types });
}

function bindInput(
  input: string,
  declared: readonly Dim[] | undefined,
  given: Shape,
  sizes: Map<string, { readonly size: number; readonly from: string }>,
): void {
  const refuse = (what: string): OctavoError =>
    new OctavoError('INVALID_INPUT', what, {
      where: input,
      expected: formatShape(declared ?? []),
      found: formatShape(given),
    });
  if (given.some((size) => !Number.isSafeInteger(size) || size < 0)) {
    throw new OctavoError('INVALID_INPUT', 'bad dimension', {
      where: input,
      expected: 'whole numbers from 0',
      found: formatShape(given),
    });
  }
  if (declared === undefined) return;
  if (declared.length !== given.length) throw refuse('wrong rank');
  declared.forEach((dim, axis) => {
    const size = given[axis]!;
    if (typeof dim === 'number' && dim !== size) throw refuse(`wrong size of axis ${axis}`);
    if (typeof dim !== 'string') return;
    const bound = sizes.get(dim);
    if (bound !== undefined && bound.size !== size) {
      throw refuse(`axis ${axis} is '${dim}', which is ${bound.size} by ${bound.from}`);
    }
    sizes.set(dim, { size, from: input });
  });
}

/**
 * The graph for inputs of these dims: bound, with all shape arithmetic computed, so that shapes which
 * depend on the inputs' dims are numbers. Throws what `bindDims` throws.
 */
export function specialize(
  graph: Graph,
  inputDims: ReadonlyMap<string, Shape>,
  overrides: FreeDimensions = {},
  folding: Pass = constantFolding(),
): Graph {
  return runPasses(bindDims(graph, inputDims, overrides), [folding]);
}
