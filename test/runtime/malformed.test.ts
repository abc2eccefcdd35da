/**
 * Graphs with something wrong in them: an attribute, a constant, a wire or an operator of a random
 * network changed at random. What inference lets through either runs or is refused by an error that
 * names a reason. `INTERNAL` is not one.
 */
import { expect, it } from 'vitest';
import { createReferenceBackend } from '../../src/backends/reference/index.js';
import { allocate } from '../../src/core/dtype.js';
import { OctavoError } from '../../src/core/errors.js';
import { elementCount } from '../../src/core/shape.js';
import type { Tensor } from '../../src/core/tensor.js';
import { inferTypes } from '../../src/graph/infer.js';
import type { Attribute, Graph, Node } from '../../src/graph/ir.js';
import { verify } from '../../src/graph/verify.js';
import { createProgram } from '../../src/runtime/program.js';
import { createRandom, type Random } from '../helpers/random.js';
import { randomNetwork } from '../passes/randomNetwork.js';

const firstSeed = 300_000;
const count = 4000;

const sizes = [0, -1, 1, 2, 3, 7, -2, 255, 65_536, 2 ** 31 - 1, 2 ** 31, 2 ** 40, 2 ** 53 - 1];
const numbers = [0, -0, Number.NaN, Infinity, -Infinity, 1e-45, 1e-38, 3e38, -1, 1e-10, 1e10];
const operators = [
  ...['Conv', 'Gemm', 'MatMul', 'Add', 'Relu', 'Clip', 'MaxPool', 'AveragePool', 'Concat', 'Slice'],
  ...['Pad', 'Reshape', 'Flatten', 'Transpose', 'Softmax', 'QuantizeLinear', 'DequantizeLinear'],
  ...['ReduceMean', 'GlobalAveragePool', 'Squeeze', 'Split', 'Gather', 'Cast', 'LRN', 'Identity'],
];

type Fault = (random: Random, graph: Graph) => Graph;

function withNode(graph: Graph, old: Node, changed: Partial<Node>): Graph {
  return { ...graph, nodes: graph.nodes.map((n) => (n === old ? { ...n, ...changed } : n)) };
}

function withConstant(graph: Graph, name: string, tensor: Tensor): Graph {
  return { ...graph, constants: new Map([...graph.constants, [name, tensor]]) };
}

const faults: readonly Fault[] = [
  function attribute(random, graph) {
    const node = random.pick(graph.nodes.filter((n) => n.attributes.size > 0));
    if (node === undefined) return graph;
    const [name, old] = random.pick([...node.attributes]);
    let changed: Attribute = old;
    if (old.kind === 'int') changed = { kind: 'int', value: random.pick(sizes) };
    if (old.kind === 'float') changed = { kind: 'float', value: random.pick(numbers) };
    if (old.kind === 'ints') {
      const value = [...old.value, 1];
      if (random.chance(0.8)) value.pop();
      value[random.int(0, value.length - 1)] = random.pick(sizes);
      changed = { kind: 'ints', value };
    }
    return withNode(graph, node, { attributes: new Map([...node.attributes, [name, changed]]) });
  },
  function element(random, graph) {
    const [name, tensor] = random.pick([...graph.constants]) ?? [];
    if (name === undefined || tensor === undefined || tensor.data.length === 0) return graph;
    const data = tensor.data.slice() as unknown as (number | bigint)[];
    const size = random.pick(sizes);
    const value = tensor.type === 'float32' ? random.pick(numbers) : size;
    data[random.int(0, data.length - 1)] = tensor.type === 'int64' ? BigInt(size) : value;
    return withConstant(graph, name, { ...tensor, data } as unknown as Tensor);
  },
  function shape(random, graph) {
    const [name, tensor] = random.pick([...graph.constants]) ?? [];
    if (name === undefined || tensor === undefined) return graph;
    const n = elementCount(tensor.dims);
    const dims = random.pick([[n], [1, n], [n, 1], [], [0], [1, 1, n], [n, 1, 1, 1]]);
    const data = tensor.data.slice(0, elementCount(dims));
    return data.length === elementCount(dims)
      ? withConstant(graph, name, { ...tensor, dims, data } as Tensor)
      : graph;
  },
  function wire(random, graph) {
    const at = random.int(0, graph.nodes.length - 1);
    const node = graph.nodes[at]!;
    const earlier = graph.nodes.slice(0, at).flatMap((n) => n.outputs);
    const inputs = [...node.inputs];
    inputs[random.int(0, inputs.length - 1)] = random.pick([
      ...['', 'x', ...earlier],
      ...graph.constants.keys(),
    ]);
    return withNode(graph, node, { inputs });
  },
  function operator(random, graph) {
    return withNode(graph, random.pick(graph.nodes), { op: random.pick(operators) });
  },
];

/** The graph, typed anew, if its own rules still hold. */
function checked(graph: Graph): Graph | undefined {
  try {
    const inputs = new Map([...graph.types].filter(([value]) => graph.inputs.includes(value)));
    const typed = inferTypes({ ...graph, types: inputs });
    verify(typed);
    return typed;
  } catch (error) {
    if (error instanceof OctavoError) return undefined;
    throw error;
  }
}

/** Makes a program and a plan, and runs it where that is quick. */
function tryOut(graph: Graph): void {
  const program = createProgram(graph);
  const { plan } = program.specialize(
    new Map(
      graph.inputs.map((name) => {
        const dims = graph.types.get(name)!.dims!;
        return [name, dims.map((dim) => (typeof dim === 'number' ? dim : 2))];
      }),
    ),
  );
  const work = plan.tensors.reduce((sum, tensor) => sum + tensor.bytes, 0);
  if (work > 2 ** 20) return;
  const model = createReferenceBackend().open(program.constants);
  const feeds = plan.inputs.map((port) => {
    const { type, dims } = plan.tensors[port.tensor]!;
    return allocate(type, elementCount(dims));
  });
  model.prepare(plan).runSync(feeds);
  model.dispose();
}

it(`graphs with faults run or are refused, seeds from ${firstSeed}`, () => {
  const outcomes = new Map<string, number>();
  const tally = (what: string) => outcomes.set(what, (outcomes.get(what) ?? 0) + 1);
  for (let seed = firstSeed; seed < firstSeed + count; seed++) {
    const random = createRandom(seed);
    let { graph } = randomNetwork(seed, 10, random.chance(0.6));
    for (let i = random.int(1, 3); i > 0; i--) graph = random.pick(faults)(random, graph);
    const typed = checked(graph);
    if (typed === undefined) {
      tally('broken');
      continue;
    }
    try {
      tryOut(typed);
      tally('run');
    } catch (error) {
      if (!(error instanceof OctavoError) || error.code === 'INTERNAL') {
        throw new Error(`seed ${seed}`, { cause: error });
      }
      tally('refused');
    }
  }
  // All three happen, or nothing was tested.
  expect(outcomes.get('run')).toBeGreaterThan(count / 10);
  expect(outcomes.get('refused')).toBeGreaterThan(count / 100);
  expect(outcomes.get('broken')).toBeGreaterThan(count / 10);
}, 120_000);
