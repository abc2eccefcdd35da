/**
 * Writes a quantization into a graph as ordinary ONNX: a QuantizeLinear / DequantizeLinear pair behind
 * every quantized value, and integer constants with a DequantizeLinear in place of weights and biases.
 * A pass like any other: one patch per value, one per anchor.
 */
import { allocate } from '../core/dtype.js';
import { scalar, type Tensor } from '../core/tensor.js';
import { attribute } from '../graph/attributes.js';
import type { Attribute, Graph, Node, ValueType } from '../graph/ir.js';
import { namesFor } from '../graph/names.js';
import type { Patch } from '../graph/patch.js';
import { isPackedType, pack, type QuantParams } from '../numerics/index.js';
import type { Pass } from '../passes/pass.js';
import type { QuantizedBias, QuantizedWeight } from './weights.js';

/** What replaces an anchor's weight and bias. */
export interface AnchorPatch {
  readonly node: Node;
  readonly weightName: string;
  readonly weight: QuantizedWeight;
  readonly bias: QuantizedBias | undefined;
}

/** Per-tensor parameters of every value that gets a pair. */
export type ValueParams = ReadonlyMap<string, QuantParams>;

/** A pass that inserts the pairs of `values`; each value is done once. */
export function insertValuePairs(values: ValueParams): Pass {
  const waiting = [...values];
  return {
    name: 'insertQdq',
    next(graph) {
      const entry = waiting.shift();
      return entry && valuePatch(graph, entry[0], entry[1]);
    },
  };
}

/** A pass that replaces the weights and biases of `anchors`. */
export function insertAnchorConstants(anchors: readonly AnchorPatch[]): Pass {
  const waiting = [...anchors];
  return {
    name: 'quantizeWeights',
    next(graph) {
      const entry = waiting.shift();
      return entry && anchorPatch(graph, entry);
    },
  };
}

function valuePatch(graph: Graph, value: string, params: QuantParams): Patch {
  const pair = pairOf(graph, namesFor(graph), value, params);
  return {
    what: `quantize ${value}`,
    add: pair.nodes,
    constants: pair.constants,
    types: pair.types,
    replace: [[value, pair.dequantized]],
  };
}

/** A QuantizeLinear and a DequantizeLinear behind a value. */
export interface Pair {
  readonly nodes: readonly Node[];
  readonly constants: readonly (readonly [string, Tensor])[];
  readonly types: readonly (readonly [string, ValueType])[];
  /** What the second one writes. */
  readonly dequantized: string;
}

export function pairOf(
  graph: Graph,
  name: (wish: string) => string,
  value: string,
  params: QuantParams,
): Pair {
  const quantized = name(`${value}_q`);
  const dequantized = name(`${value}_dq`);
  const parameters = parameterConstants(name, value, params);
  const type = graph.constants.get(value) ?? graph.types.get(value);
  return {
    nodes: [
      makeNode(name, 'QuantizeLinear', [value, ...parameters.names], quantized),
      makeNode(name, 'DequantizeLinear', [quantized, ...parameters.names], dequantized),
    ],
    constants: parameters.constants,
    types: [
      [quantized, { type: params.type, dims: type?.dims }],
      [dequantized, { type: 'float32', dims: type?.dims }],
    ],
    dequantized,
  };
}

function anchorPatch(graph: Graph, { node, weightName, weight, bias }: AnchorPatch): Patch {
  const name = namesFor(graph);
  // An earlier patch may have rewired the node: find it by name, which never changes.
  const current = graph.nodes.find((candidate) => candidate.name === node.name) ?? node;
  const constants: [string, Tensor][] = [];
  const nodes: Node[] = [];
  const types: [string, { type: 'float32'; dims: readonly number[] }][] = [];
  const addDequantized = (base: string, data: Tensor, params: QuantParams): string => {
    const quantized = name(`${base}_q`);
    const dequantized = name(`${base}_dq`);
    const parameters = parameterConstants(name, base, params);
    constants.push([quantized, data], ...parameters.constants);
    const attributes: [string, Attribute][] =
      params.axis === undefined ? [] : [['axis', attribute.int(params.axis)]];
    nodes.push(
      makeNode(name, 'DequantizeLinear', [quantized, ...parameters.names], dequantized, attributes),
    );
    types.push([dequantized, { type: 'float32', dims: data.dims }]);
    return dequantized;
  };
  const inputs = [...current.inputs];
  inputs[1] = addDequantized(weightName, weight.data, weight.params);
  if (bias !== undefined) {
    const { data, scale } = bias;
    const zeroPoint = new Int32Array(scale.length);
    const params: QuantParams = { type: 'int32', scale, zeroPoint, axis: 0 };
    inputs[2] = addDequantized(`${node.name}_bias`, data, params);
  }
  return {
    what: `quantize the weights of ${node.name}`,
    remove: [current],
    add: [...nodes, { ...current, inputs }],
    constants,
    types,
  };
}

function parameterConstants(
  name: (wish: string) => string,
  base: string,
  params: QuantParams,
): { names: string[]; constants: [string, Tensor][] } {
  const scaleName = name(`${base}_scale`);
  const zeroPointName = name(`${base}_zp`);
  const { scale, zeroPoint, axis } = params;
  if (axis === undefined) {
    return {
      names: [scaleName, zeroPointName],
      constants: [
        [scaleName, scalar('float32', scale[0]!)],
        [zeroPointName, zeroPointTensor(params, [])],
      ],
    };
  }
  const scales: [string, Tensor] = [
    scaleName,
    { type: 'float32', dims: [scale.length], data: scale },
  ];
  // Per channel they are mostly zero, which is what DequantizeLinear takes where there are none.
  if (zeroPoint.every((value) => value === 0)) return { names: [scaleName], constants: [scales] };
  const zeros = zeroPointTensor(params, [zeroPoint.length]);
  return { names: [scaleName, zeroPointName], constants: [scales, [zeroPointName, zeros]] };
}

/** Zero points as a tensor of the codes' type. */
export function zeroPointTensor({ type, zeroPoint }: QuantParams, dims: readonly number[]): Tensor {
  if (isPackedType(type)) return { type, dims, data: pack(Int8Array.from(zeroPoint), type) };
  const data = allocate(type, zeroPoint.length);
  (data as Int32Array).set(zeroPoint);
  return { type, dims, data } as Tensor;
}

function makeNode(
  name: (wish: string) => string,
  op: string,
  inputs: readonly string[],
  output: string,
  attributes: readonly [string, Attribute][] = [],
): Node {
  return {
    name: name(`${output}_node`),
    op,
    domain: '',
    inputs,
    outputs: [output],
    attributes: new Map(attributes),
  };
}
