/**
 * Compiles a graph to a plan. The graph is wholly in Octavo's own vocabulary and all dims are known:
 * node `octavo:X` becomes step X, attributes become parameters of the same name. Attributes that a step
 * has no field for served shape inference and are dropped.
 *
 * `octavo:Reshape` becomes nothing: its result is the same bytes under other dims. Of a Concat remains what its parts' own
 * steps cannot write where they end up (./parts). Every graph output is a tensor of the arena that no graph input and no constant
 * shares, by a Copy where need be.
 */
import { bitsOf } from '../core/dtype.js';
import { invariant, OctavoError } from '../core/errors.js';
import { type Limits, resolveLimits } from '../core/limits.js';
import type { Shape } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { storageOf } from '../core/turned.js';
import { type Attribute, type Graph, type Node, qualifiedOp, typeOf } from '../graph/ir.js';
import {
  type ConstantOffsets,
  checkedBytes,
  type Lifetime,
  layoutArena,
  layoutConstants,
} from './memory.js';
import { type Draft, placeParts } from './parts.js';
import type { Plan, PlanTensor, Step } from './plan.js';
import { type FieldKind, isStepName, maxRank, mayWriteWider, nodeFieldsOf } from './steps.js';

export interface CompileOptions {
  /** Constants that lie in the model space; the others go to the plan's own. */
  readonly model?: ConstantOffsets | undefined;
  readonly limits?: Partial<Limits> | undefined;
}

/**
 * Throws `UNSUPPORTED_OPERATOR` for a node outside the vocabulary, `UNSUPPORTED_TYPE` for an output of less than a byte that is not computed, `LIMIT_EXCEEDED` for a tensor or an
 * arena above the limits, and `INTERNAL` where lowering left out a parameter or a type.
 */
export function compile(graph: Graph, options: CompileOptions = {}): Plan {
  const limits = resolveLimits(options.limits);
  const aliases = new Map<string, string>();
  const rootOf = (value: string): string => aliases.get(value) ?? value;
  const whole: Draft[] = [];
  for (const node of graph.nodes) {
    if (qualifiedOp(node) === 'octavo:Reshape') {
      aliases.set(node.outputs[0]!, rootOf(node.inputs[0]!));
    } else {
      whole.push(draftOf(node));
    }
  }
  const copies = new Map<string, string>();
  const ports = graph.outputs.map(({ name, value }) => {
    const root = rootOf(value);
    const computed = !graph.constants.has(root) && !graph.inputs.includes(root);
    if (computed) return { name, value };
    const type = typeOf(graph, root)?.type;
    if (type !== undefined && bitsOf(type) < 8) {
      throw new OctavoError('UNSUPPORTED_TYPE', 'elements below a byte cannot be handed out', {
        where: name,
        found: type,
      });
    }
    let copy = copies.get(value);
    if (copy === undefined) {
      copy = `${value}:copy`;
      while (typeOf(graph, copy) !== undefined) copy += "'";
      copies.set(value, copy);
      whole.push({ op: 'Copy', node: name, inputs: [value], outputs: [copy], params: {} });
    }
    return { name, value: copy };
  });

  const copied = new Map([...copies].map(([value, copy]) => [copy, value]));
  const described = new Map<string, ReturnType<typeof describeValue>>();
  const describe = (value: string) => {
    let result = described.get(value);
    if (result === undefined) {
      result = describeValue(graph, copied.get(value) ?? value, limits);
      described.set(value, result);
    }
    return result;
  };
  const outputs = ports.map((port) => port.value);
  const dimsOf = (value: string) => describe(value).dims;
  const drafts = placeParts(whole, { dimsOf, rootOf, outputs });
  const arena = placeActivations(graph.inputs, drafts, outputs, {
    isConstant: (value) => graph.constants.has(rootOf(value)),
    rootOf,
    bytesOf: (value) => describe(value).bytes,
    limit: limits.arenaBytes,
  });
  const constantOf = (value: string): Tensor | undefined => graph.constants.get(rootOf(value));
  const own = layoutConstants(constantsBeyond(drafts, constantOf, options.model));

  const tensors: PlanTensor[] = [];
  const indexes = new Map<string, Map<string, number>>();
  /** The tensor of a value, or of its bytes under other dims. */
  const indexOfValue = (value: string, dims?: Shape): number => {
    if (value === '') return -1;
    const own = describe(value);
    const key = (dims ?? own.dims).join();
    const byDims = indexes.get(value) ?? new Map<string, number>();
    const known = byDims.get(key);
    if (known !== undefined) return known;
    const index = tensors.push({ ...own, dims: dims ?? own.dims, ...placeOf(value) }) - 1;
    indexes.set(value, byDims.set(key, index));
    return index;
  };
  const placeOf = (value: string): Pick<PlanTensor, 'space' | 'offset'> => {
    const constant = constantOf(value);
    if (constant === undefined) return { space: 'arena', offset: arena.offsetOf(rootOf(value)) };
    const shared = options.model?.get(storageOf(constant));
    if (shared !== undefined) return { space: 'model', offset: shared };
    return { space: 'plan', offset: own.offsets.get(storageOf(constant))! };
  };
  const inputs = graph.inputs.map((name) => ({ name, tensor: indexOfValue(name) }));
  const steps = drafts.map(
    ({ op, node, inputs, outputs, params, dims }) =>
      ({
        op,
        node,
        inputs: inputs.map((value) => indexOfValue(value)),
        outputs: outputs.map((value) => indexOfValue(value, dims)),
        params,
      }) as unknown as Step,
  );
  return {
    tensors,
    steps,
    inputs,
    outputs: ports.map(({ name, value }) => ({ name, tensor: indexOfValue(value) })),
    arenaBytes: arena.bytes,
    constants: own.bytes,
  };
}

/** A node as a step. Throws `UNSUPPORTED_OPERATOR` or `INTERNAL`, naming the node. */
function draftOf(node: Node): Draft {
  const { op, domain, name } = node;
  if (domain !== 'octavo' || !isStepName(op)) {
    throw new OctavoError('UNSUPPORTED_OPERATOR', `operator ${qualifiedOp(node)} has no step`, {
      where: name,
    });
  }
  const params: Draft['params'] = mayWriteWider(op) ? { yFirst: 0 } : {};
  const fields = nodeFieldsOf(op);
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i]![0];
    params[field] = paramOf(node, field, fields[i]![1], node.attributes.get(field));
  }
  return { op, node: name, inputs: node.inputs, outputs: node.outputs, params };
}

function paramOf(
  node: Node,
  field: string,
  kind: FieldKind,
  attribute: Attribute | undefined,
): number | readonly number[] {
  if (kind === 'i32x8' && attribute?.kind === 'ints' && attribute.value.length <= maxRank) {
    const list = new Array<number>(maxRank).fill(0);
    attribute.value.forEach((value, i) => {
      list[i] = requireInt32(value, node.name, field);
    });
    return list;
  }
  if (kind === 'f32' && attribute?.kind === 'float') return attribute.value;
  if (kind === 'i32' && attribute?.kind === 'int') {
    return requireInt32(attribute.value, node.name, field);
  }
  throw new OctavoError('INTERNAL', `the parameter is no ${kind}`, {
    where: `${node.name}.${field}`,
    found: attribute === undefined ? 'none' : `${attribute.kind} ${attribute.value}`,
  });
}

/** The number, which is a field of `where` if there are several. */
function requireInt32(value: number, where: string, field?: string): number {
  if ((value | 0) !== value) {
    throw new OctavoError('LIMIT_EXCEEDED', 'the parameter does not fit 32 bits', {
      where: field === undefined ? where : `${where}.${field}`,
      found: String(value),
    });
  }
  return value;
}

function describeValue(
  graph: Graph,
  value: string,
  limits: Limits,
): Pick<PlanTensor, 'type' | 'dims' | 'bytes'> {
  const type = typeOf(graph, value);
  invariant(type?.dims !== undefined, `'${value}' has no dims`);
  const dims = type.dims.map((dim) => {
    invariant(typeof dim === 'number', `'${value}' has a free dimension`);
    return requireInt32(dim, value);
  });
  if (dims.length > maxRank) {
    throw new OctavoError('LIMIT_EXCEEDED', 'the tensor has too many axes', {
      where: value,
      expected: `at most ${maxRank}`,
      found: String(dims.length),
    });
  }
  return {
    type: type.type,
    dims,
    bytes: checkedBytes({ type: type.type, dims }, limits.tensorBytes, value),
  };
}

interface Placement {
  readonly isConstant: (value: string) => boolean;
  readonly rootOf: (value: string) => string;
  readonly bytesOf: (root: string) => number;
  readonly limit: number;
}

function placeActivations(
  inputs: readonly string[],
  drafts: readonly Draft[],
  outputs: readonly string[],
  { isConstant, rootOf, bytesOf, limit }: Placement,
): { readonly bytes: number; readonly offsetOf: (root: string) => number } {
  const indexes = new Map<string, number>();
  const lifetimes: { bytes: number; birth: number; death: number }[] = [];
  const bear = (value: string, birth: number): void => {
    indexes.set(value, lifetimes.length);
    lifetimes.push({ bytes: bytesOf(value), birth, death: birth });
  };
  const use = (value: string, time: number): void => {
    const index = indexes.get(rootOf(value));
    invariant(index !== undefined, `'${value}' is read before it is written`);
    lifetimes[index]!.death = time;
  };
  for (const input of inputs) bear(input, -1);
  drafts.forEach((draft, time) => {
    for (const value of draft.inputs) if (value !== '' && !isConstant(value)) use(value, time);
    for (const value of draft.outputs) if (value !== '' && !indexes.has(value)) bear(value, time);
  });
  for (const value of outputs) use(value, drafts.length);
  const layout = layoutArena(lifetimes satisfies Lifetime[], limit);
  return { bytes: layout.bytes, offsetOf: (root) => layout.offsets[indexes.get(root)!]! };
}

/** Constants that steps read and the model space does not hold. */
function constantsBeyond(
  drafts: readonly Draft[],
  constantOf: (value: string) => Tensor | undefined,
  shared: ConstantOffsets | undefined,
): Set<Tensor> {
  const result = new Set<Tensor>();
  for (const { inputs } of drafts) {
    for (const value of inputs) {
      const constant = constantOf(value);
      if (constant !== undefined && !shared?.has(storageOf(constant))) result.add(constant);
    }
  }
  return result;
}
