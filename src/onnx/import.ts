/**
 * From the bytes of an ONNX file to the IR. The file is untrusted: names live in maps, sizes are
 * checked before they cost memory, and whatever is wrong is an error that names the thing.
 *
 * The IR always speaks one dialect, opset 21 of ONNX's own operators; older forms are upgraded here and
 * nowhere else. Constant nodes become constants, an initializer is a constant even where it is listed
 * as an input too, nodes get unique names, types are inferred rather than believed.
 */
import { OctavoError } from '../core/errors.js';
import { type Limits, resolveLimits } from '../core/limits.js';
import type { Tensor } from '../core/tensor.js';
import type { Graph, Node, ValueType } from '../graph/ir.js';
import { definitionOf } from '../graph/ops/index.js';
import { sortNodes } from '../graph/patch.js';
import { verifyInferred } from '../graph/verify.js';
import { readAttributes } from './attributes.js';
import { floatTensor, int64Tensor } from './constants.js';
import { openExternalData } from './externalData.js';
import {
  decodeModel,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  type ValueOutlineProto,
} from './messages.js';
import type { Model, ModelMeta } from './model.js';
import { type Names, namesOf } from './names.js';
import { readTensor, type TensorContext } from './tensors.js';
import { isStated, isSupported, outlinedTypeOf, valueTypeOf } from './types.js';
import { upgradeGraph } from './upgrade.js';
import { newestOpset } from './versions.js';

export interface ImportOptions {
  /** Path of the file that the bytes come from: external data are looked for next to it. */
  readonly path?: string | undefined;
  /** External data by location, taken instead of files. */
  readonly externalData?: ReadonlyMap<string, Uint8Array> | undefined;
  readonly limits?: Partial<Limits> | undefined;
  /** Nobody else has the bytes: tensors may be moved within them. */
  readonly ownsBytes?: boolean | undefined;
}

interface Importer extends TensorContext {
  readonly names: Names;
  readonly nodeNames: Set<string>;
  /** Operator set version by domain. */
  readonly opsets: Map<string, number>;
  /** 'domain:name' of the functions that the file defines. */
  readonly functions: ReadonlySet<string>;
  nodesLeft: number;
}

/**
 * Imports a model. Constants may share the memory of `bytes`, which must not change afterwards.
 * Throws `INVALID_MODEL`, `INVALID_GRAPH`, `INVALID_TENSOR`, `UNSUPPORTED_OPERATOR`,
 * `UNSUPPORTED_TYPE`, `LIMIT_EXCEEDED`, and for external data `UNSAFE_PATH`, `FILE_NOT_FOUND` and
 * `FILE_UNREADABLE`.
 */
export function importModel(bytes: Uint8Array, options: ImportOptions = {}): Model {
  const limits = resolveLimits(options.limits);
  const name = options.path ?? 'model';
  if (bytes.length > limits.modelBytes) {
    throw new OctavoError('LIMIT_EXCEEDED', 'the model is too large', {
      where: name,
      expected: `at most ${limits.modelBytes} bytes (limit modelBytes)`,
      found: String(bytes.length),
    });
  }
  const proto = decodeModel(bytes, limits, name);
  if (proto.graph === undefined) {
    throw new OctavoError('INVALID_MODEL', 'the file holds no graph: it is no ONNX model', {
      where: name,
    });
  }
  const external = openExternalData({
    modelPath: options.path,
    files: options.externalData,
    limits,
    modelBytes: bytes.length,
  });
  try {
    const importer: Importer = {
      limits,
      external,
      ownsBytes: options.ownsBytes,
      names: namesOf(proto.graph),
      nodeNames: new Set(),
      opsets: opsetsOf(proto, name),
      functions: new Set(proto.functions?.map((f) => `${domainOf(f.domain)}:${f.name ?? ''}`)),
      nodesLeft: limits.nodes,
    };
    const meta = metaOf(proto, importer.opsets);
    const raw = importGraph(proto.graph, importer);
    if (raw.outputs.length === 0) {
      throw new OctavoError('INVALID_GRAPH', 'the graph has no outputs', { where: name });
    }
    const graph = upgradeGraph(raw, importer.names);
    checkScopes(graph, () => false);
    verifyInferred(graph);
    return { graph, meta };
  } finally {
    external.close();
  }
}

/** ONNX's own domain has two spellings. */
function domainOf(domain: string | undefined): string {
  return domain === undefined || domain === 'ai.onnx' ? '' : domain;
}

function opsetsOf(proto: ModelProto, where: string): Map<string, number> {
  const opsets = new Map<string, number>();
  for (const { domain, version } of proto.opsetImport ?? []) {
    const key = domainOf(domain);
    if (opsets.has(key)) {
      throw new OctavoError('INVALID_MODEL', `two operator sets for domain '${key}'`, { where });
    }
    if (version === undefined || !Number.isSafeInteger(version) || version < 1) {
      throw new OctavoError('INVALID_MODEL', `bad operator set version for domain '${key}'`, {
        where,
        found: String(version),
      });
    }
    opsets.set(key, version);
  }
  const opset = opsets.get('');
  if (opset !== undefined && opset > newestOpset) {
    throw new OctavoError('UNSUPPORTED_OPERATOR', 'the operator set is too new', {
      where,
      expected: `at most opset ${newestOpset}`,
      found: `opset ${opset}`,
    });
  }
  return opsets;
}

function metaOf(proto: ModelProto, opsets: ReadonlyMap<string, number>): ModelMeta {
  return {
    irVersion: proto.irVersion ?? 0,
    opsets: new Map(opsets),
    producerName: proto.producerName ?? '',
    producerVersion: proto.producerVersion ?? '',
    domain: proto.domain ?? '',
    modelVersion: proto.modelVersion ?? 0,
    docString: proto.docString ?? '',
    metadata: new Map(proto.metadataProps?.map(({ key, value }) => [key ?? '', value ?? ''])),
    unknown: proto.unknown ?? [],
  };
}

/** A graph in the forms of the file's own opset; nodes sorted, nothing else checked across nodes. */
function importGraph(proto: GraphProto, importer: Importer): Graph {
  const constants = new Map<string, Tensor>();
  const addConstant = (name: string, tensor: Tensor): void => {
    if (name === '') throw noName('an initializer', proto);
    if (constants.has(name)) {
      throw new OctavoError('INVALID_GRAPH', 'two initializers have this name', { where: name });
    }
    constants.set(name, tensor);
  };
  const sparse = proto.sparseInitializer?.[0];
  if (sparse !== undefined) {
    throw new OctavoError('UNSUPPORTED_TYPE', 'sparse initializers are not supported', {
      where: sparse.values?.name,
    });
  }
  for (const tensor of proto.initializer ?? []) {
    const name = tensor.name ?? '';
    addConstant(name, readTensor(tensor, name, importer));
  }

  const types = new Map<string, ValueType>();
  const inputs: string[] = [];
  for (const value of proto.input ?? []) {
    const name = value.name ?? '';
    if (constants.has(name)) continue;
    if (name === '') throw noName('a graph input', proto);
    inputs.push(name);
    types.set(name, valueTypeOf(value, importer.limits));
  }
  const outputs = (proto.output ?? []).map((value) => {
    const name = value.name ?? '';
    if (isStated(value.type)) types.set(name, valueTypeOf(value, importer.limits));
    return { name, value: name };
  });

  const nodes: Node[] = [];
  for (const [index, node] of (proto.node ?? []).entries()) {
    const imported = importNode(node, index, importer);
    if (imported.op !== 'Constant' || imported.domain !== '') nodes.push(imported);
    else addConstant(imported.outputs[0] ?? '', constantOf(imported));
  }
  declareInner(types, proto.valueInfo ?? [], nodes, importer.limits);
  for (const name of constants.keys()) types.delete(name);
  return {
    name: proto.name ?? '',
    inputs,
    outputs,
    nodes: sortNodes(nodes),
    constants,
    types,
    opsets: new Map(importer.opsets),
  };
}

/** Adds what the file declares of values inside the graph: the dims only where no operator tells of them. */
function declareInner(
  types: Map<string, ValueType>,
  values: readonly ValueOutlineProto[],
  nodes: readonly Node[],
  limits: Limits,
): void {
  const foreign = nodes.filter((node) => definitionOf(node) === undefined);
  const untold = new Set(foreign.flatMap((node) => node.outputs));
  for (const value of values) {
    const { name = '', type } = value;
    if (types.has(name) || !isSupported(type)) continue;
    types.set(name, outlinedTypeOf(value, limits, untold.has(name)));
  }
}

function noName(what: string, graph: GraphProto): OctavoError {
  return new OctavoError('INVALID_GRAPH', `${what} has no name`, { where: graph.name });
}

function importNode(proto: NodeProto, index: number, importer: Importer): Node {
  const op = proto.opType ?? '';
  const domain = domainOf(proto.domain);
  const given = proto.name ?? '';
  const unique = given !== '' && !importer.nodeNames.has(given);
  const name = unique ? given : importer.names.fresh(given === '' ? `${op}_${index}` : given);
  importer.nodeNames.add(name);
  if (importer.nodesLeft-- <= 0) {
    throw new OctavoError('LIMIT_EXCEEDED', 'the model has too many nodes', {
      where: name,
      expected: `at most ${importer.limits.nodes} (limit nodes)`,
    });
  }
  if (op === '')
    throw new OctavoError('INVALID_MODEL', 'the node has no operator', { where: name });
  if (domain === 'octavo' || importer.functions.has(`${domain}:${op}`)) {
    const what = domain === 'octavo' ? "Octavo's own operators" : 'functions defined in the model';
    throw new OctavoError('UNSUPPORTED_OPERATOR', `${what} cannot be imported`, {
      where: name,
      found: `${domain}:${op}`,
    });
  }
  if (!importer.opsets.has(domain)) {
    if (domain === '') {
      throw new OctavoError('INVALID_MODEL', 'the model does not say which opset it uses', {
        where: name,
      });
    }
    importer.opsets.set(domain, 1);
  }
  const subgraph = (graph: GraphProto): Graph => importGraph(graph, importer);
  return {
    name,
    op,
    domain,
    inputs: proto.input ?? [],
    outputs: proto.output ?? [],
    attributes: readAttributes(proto.attribute ?? [], name, importer, subgraph),
  };
}

/** The tensor of a Constant node, whichever attribute holds it. */
function constantOf({ name, attributes }: Node): Tensor {
  const [entry] = attributes;
  if (entry === undefined || attributes.size !== 1) {
    throw new OctavoError('INVALID_MODEL', 'a Constant has one value', {
      where: name,
      found: String(attributes.size),
    });
  }
  const [key, { kind, value }] = entry;
  if (key === 'value' && kind === 'tensor') return value;
  if (key === 'value_int' && kind === 'int') return int64Tensor([value], []);
  if (key === 'value_ints' && kind === 'ints') return int64Tensor(value);
  if (key === 'value_float' && kind === 'float') return floatTensor('float32', [value], []);
  if (key === 'value_floats' && kind === 'floats') return floatTensor('float32', value);
  throw new OctavoError('UNSUPPORTED_TYPE', `a Constant with ${key} is not supported`, {
    where: name,
    found: kind,
  });
}

/** Every value read inside a graph is defined before, in it or around it. */
function checkScopes(graph: Graph, outer: (value: string) => boolean): void {
  const defined = new Set(graph.inputs);
  const has = (value: string): boolean =>
    value === '' || defined.has(value) || graph.constants.has(value) || outer(value);
  for (const node of graph.nodes) {
    const unknown = node.inputs.find((input) => !has(input));
    if (unknown !== undefined) {
      throw new OctavoError(
        'INVALID_GRAPH',
        `reads '${unknown}', which nothing before it defines`,
        { where: node.name },
      );
    }
    node.attributes.forEach((attribute) => {
      if (attribute.kind === 'graph') checkScopes(attribute.value, has);
    });
    for (let i = 0; i < node.outputs.length; i++) defined.add(node.outputs[i]!);
  }
  for (const { name, value } of graph.outputs) {
    if (value === '' || !has(value)) {
      throw new OctavoError('INVALID_GRAPH', 'nothing computes this graph output', { where: name });
    }
  }
}
