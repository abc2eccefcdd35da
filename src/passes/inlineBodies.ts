/**
 * Puts the body of an If in its place once the condition is known, and that of a Loop, one iteration at a time, for as
 * long as it is known to go on. What a body computes may decide about the next: this pass takes turns with folding.
 *
 * A Loop under way has its state in attributes: `iteration`, the number of the next one, and `scanned`, how many values
 * of each scan output there are; these are inputs between the carried values and the captured ones.
 */
import { allocate } from '../core/dtype.js';
import type { Tensor } from '../core/tensor.js';
import { attribute, intOf } from '../graph/attributes.js';
import { isClosure } from '../graph/closures.js';
import { type Attribute, type Graph, type Node, typeOf, type ValueType } from '../graph/ir.js';
import { namesFor } from '../graph/names.js';
import { areStatic } from '../graph/ops/dims.js';
import { constantFolding, refineTypes } from './constantFolding.js';
import type { Rewrite, Site } from './lower/rules.js';
import { change } from './match.js';
import type { Pass } from './pass.js';

type Place = Pick<Site, 'graph' | 'node' | 'fresh'>;
type Inline = (place: Place) => Rewrite | undefined;

interface Inlined {
  readonly nodes: readonly Node[];
  readonly types: readonly (readonly [string, ValueType])[];
  /** Values that stand for the outputs of the body. */
  readonly outputs: readonly string[];
}

/** The nodes of a body under fresh names, its inputs being `given`. */
function inlined(body: Graph, given: readonly string[], fresh: Site['fresh']): Inlined {
  const names = new Map(body.inputs.map((input, i) => [input, given[i] ?? '']));
  names.set('', '');
  const types: [string, ValueType][] = [];
  for (const node of body.nodes) {
    for (const output of node.outputs) {
      if (output === '') continue;
      const name = fresh(output);
      names.set(output, name);
      // Dims follow from those around the body, when folding infers them.
      const type = body.types.get(output)?.type;
      if (type !== undefined) types.push([name, { type }]);
    }
  }
  const of = (value: string): string => names.get(value) ?? value;
  const nodes = body.nodes.map((node) => ({
    ...node,
    name: fresh(node.name),
    inputs: node.inputs.map(of),
    outputs: node.outputs.map(of),
  }));
  return { nodes, types, outputs: body.outputs.map(({ value }) => of(value)) };
}

function bodyOf(node: Node, name: string): Graph | undefined {
  const body: Attribute | undefined = node.attributes.get(name);
  return body?.kind === 'graph' ? body.value : undefined;
}

/** Whether a constant of one element is not 0; undefined while it is computed. */
function truthOf(graph: Graph, value: string): boolean | undefined {
  const constant = graph.constants.get(value);
  return constant === undefined ? undefined : Number(constant.data[0]) !== 0;
}

const inlineIf: Inline = ({ graph, node, fresh }) => {
  const condition = truthOf(graph, node.inputs[0]!);
  if (condition === undefined) return undefined;
  const body = bodyOf(node, condition ? 'then_branch' : 'else_branch');
  if (body === undefined) return undefined;
  const { nodes, types, outputs } = inlined(body, node.inputs.slice(1), fresh);
  return change(`put the ${condition ? 'then' : 'else'} branch of '${node.name}' in its place`, {
    remove: [node],
    add: nodes,
    types,
    replace: node.outputs.flatMap((output, i) => (output === '' ? [] : [[output, outputs[i]!]])),
  });
};

/** The inputs of a Loop by what they are. */
function partsOf(node: Node, body: Graph) {
  const [limit = '', condition = '', ...rest] = node.inputs;
  const count = intOf(node, 'carried', 0);
  const scans = body.outputs.length - 1 - count;
  const rounds = intOf(node, 'scanned', 0);
  const carried = rest.slice(0, count);
  const scanned = rest.slice(count, count + scans * rounds);
  return {
    limit,
    condition,
    carried,
    scanned,
    captured: rest.slice(count + scans * rounds),
    scans,
    rounds,
  };
}

const inlineLoop: Inline = (site) => {
  const { graph, node } = site;
  const body = bodyOf(node, 'body');
  if (body === undefined) return undefined;
  const { limit, condition } = partsOf(node, body);
  const iteration = intOf(node, 'iteration', 0);
  const most =
    limit === '' ? Number.POSITIVE_INFINITY : Number(graph.constants.get(limit)?.data[0]);
  const goesOn = condition === '' ? true : truthOf(graph, condition);
  if (iteration >= most || goesOn === false) return endOf(site, body);
  return Number.isNaN(most) || goesOn === undefined ? undefined : unrolled(site, body, iteration);
};

/** One iteration, and the loop behind it. */
function unrolled({ node, fresh }: Place, body: Graph, iteration: number): Rewrite {
  const { limit, carried, scanned, captured, scans, rounds } = partsOf(node, body);
  const [number, condition] = [fresh(`${node.name}/iteration`), fresh(`${node.name}/condition`)];
  const constants: [string, Tensor][] = [
    [number, { type: 'int64', dims: [], data: BigInt64Array.of(BigInt(iteration)) }],
    [condition, { type: 'bool', dims: [], data: Uint8Array.of(1) }],
  ];
  const round = inlined(body, [number, condition, ...carried, ...captured], fresh);
  const [goesOn, ...values] = round.outputs;
  const next: Node = {
    ...node,
    name: fresh(node.name),
    inputs: [
      limit,
      goesOn!,
      ...values.slice(0, carried.length),
      ...scanned,
      ...values.slice(carried.length, carried.length + scans),
      ...captured,
    ],
    attributes: new Map<string, Attribute>([
      ...node.attributes,
      ['iteration', attribute.int(iteration + 1)],
      ['scanned', attribute.int(rounds + 1)],
    ]),
  };
  return change(`iteration ${iteration} of '${node.name}'`, {
    remove: [node],
    add: [...round.nodes, next],
    constants,
    types: round.types,
  });
}

/** What the loop leaves behind: the carried values, and what was scanned along a new first axis. */
function endOf({ graph, node, fresh }: Place, body: Graph): Rewrite | undefined {
  const { carried, scanned, scans, rounds } = partsOf(node, body);
  const replace: [string, string][] = [];
  const add: Node[] = [];
  const constants: [string, Tensor][] = [];
  const types: [string, ValueType][] = [];
  for (const [i, output] of node.outputs.entries()) {
    if (output === '') continue;
    if (i < carried.length) {
      replace.push([output, carried[i]!]);
      continue;
    }
    if (rounds === 0) {
      const value = body.outputs[1 + i]!.value;
      const { type, dims } = body.types.get(value) ?? {};
      if (type === undefined || !areStatic(dims)) return undefined; // of a shape that nobody knows
      constants.push([output, { type, dims: [0, ...dims], data: allocate(type, 0) } as Tensor]);
      continue;
    }
    const axes = fresh(`${output}/axes`);
    constants.push([axes, { type: 'int64', dims: [1], data: BigInt64Array.of(0n) }]);
    const parts = Array.from({ length: rounds }, (_, round) => {
      const part = scanned[round * scans + (i - carried.length)]!;
      const whole = fresh(`${part}/scanned`);
      const inputs = [part, axes];
      add.push(plain('Unsqueeze', fresh(`${node.name}/Unsqueeze`), inputs, [whole]));
      const type = typeOf(graph, part)?.type;
      if (type !== undefined) types.push([whole, { type }]);
      return whole;
    });
    const axis = new Map([['axis', attribute.int(0)]]);
    add.push(plain('Concat', fresh(`${node.name}/Concat`), parts, [output], axis));
  }
  return change(`end of '${node.name}'`, { remove: [node], add, constants, types, replace });
}

function plain(
  op: string,
  name: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: ReadonlyMap<string, Attribute> = new Map(),
): Node {
  return { name, op, domain: '', inputs, outputs, attributes };
}

/** Whether inference has nothing to add: what bodies leave behind has no dims yet. */
function isSettled({ nodes, types }: Graph): boolean {
  return nodes.every(({ outputs }) =>
    outputs.every((output) => output === '' || areStatic(types.get(output)?.dims)),
  );
}

const folding = constantFolding();

/** Folding, and one body whenever nothing is left to fold. */
export const foldAndInline: Pass = {
  name: 'fold constants and inline bodies',
  next(graph) {
    const folded = folding.next(graph);
    if (folded !== undefined) return folded;
    const closures = graph.nodes.filter(isClosure);
    const fresh = closures.length === 0 ? (wish: string) => wish : namesFor(graph);
    for (const node of closures) {
      const inline = node.op === 'If' ? inlineIf : inlineLoop;
      const rewrite = inline({ graph, node, fresh });
      if (rewrite !== undefined) return rewrite;
    }
    return isSettled(graph) ? undefined : refineTypes.next(graph);
  },
};
