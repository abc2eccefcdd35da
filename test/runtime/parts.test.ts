/** Which steps write into the output of a Concat, and what is left of it. */
import { describe, expect, it } from 'vitest';
import { tensor } from '../../src/core/tensor.js';
import { attribute } from '../../src/graph/attributes.js';
import type { Graph, Node } from '../../src/graph/ir.js';
import { compile } from '../../src/runtime/compile.js';

const { int, float } = attribute;

/** A graph of float values [1, 2, 3, channels], grown by its steps. */
class Net {
  readonly #nodes: Node[] = [];
  readonly #dims = new Map<string, readonly number[]>([['x', [1, 2, 3, 4]]]);
  readonly #constants = new Map([['relu', tensor('float32', Float32Array.of(0), [1])]]);

  #add(op: string, inputs: string[], dims: readonly number[], attributes: Node['attributes']) {
    const output = `${op}${this.#nodes.length}`;
    this.#nodes.push({
      name: output,
      ...{ op, domain: 'octavo', inputs, outputs: [output], attributes },
    });
    this.#dims.set(output, dims);
    return output;
  }

  conv(from: string, channels: number): string {
    const [batch, height, width, depth] = this.#dims.get(from) as [number, number, number, number];
    const weight = `weight${this.#nodes.length}`;
    const data = new Float32Array(channels * depth).fill(1);
    this.#constants.set(weight, tensor('float32', data, [channels, 1, 1, depth]));
    const window = { strideH: 1, strideW: 1, dilationH: 1, dilationW: 1, padTop: 0, padLeft: 0 };
    const numbers = Object.entries({ ...window, groups: 1 });
    const bounds = [['lower', float(-Infinity)] as const, ['upper', float(Infinity)] as const];
    const attributes = new Map([...numbers.map(([k, v]) => [k, int(v)] as const), ...bounds]);
    return this.#add('Conv', [from, weight], [batch, height, width, channels], attributes);
  }

  unary(from: string): string {
    const attributes = new Map([
      ...([['kind', int(9)]] as const),
      ...([['alpha', float(0)]] as const),
      ...([['beta', float(0)]] as const),
    ]);
    return this.#add('Unary', [from], this.#dims.get(from)!, attributes);
  }

  reshape(from: string, dims: readonly number[]): string {
    return this.#add('Reshape', [from], dims, new Map());
  }

  concat(axis: number, ...parts: string[]): string {
    const length = parts.reduce((sum, part) => sum + this.#dims.get(part)![axis]!, 0);
    const dims = this.#dims.get(parts[0]!)!.with(axis, length);
    return this.#add('Concat', parts, dims, new Map([['axis', int(axis)]]));
  }

  /** Steps of the plan, by what they compute: op, what it reads of others, where it writes. */
  steps(...outputs: string[]): string[] {
    const graph: Graph = {
      name: 'net',
      inputs: ['x'],
      outputs: outputs.map((value) => ({ name: value, value })),
      nodes: this.#nodes,
      constants: this.#constants,
      types: new Map([...this.#dims].map(([name, dims]) => [name, { type: 'float32', dims }])),
      opsets: new Map([['', 21]]),
    };
    const { steps, tensors } = compile(graph);
    return steps.map(({ op, inputs, outputs: [y], params }) => {
      const { yFirst } = params as { yFirst?: number };
      const place = yFirst === undefined ? '' : ` from ${yFirst}`;
      return `${op} of ${inputs.length} to ${tensors[y!]!.dims.join('×')}${place}`;
    });
  }
}

describe('parts of a concatenation', () => {
  it('are written where they end up', () => {
    const net = new Net();
    const y = net.concat(3, net.conv('x', 8), net.conv('x', 3));
    expect(net.steps(net.unary(y))).toEqual([
      'Conv of 2 to 1×2×3×11 from 0',
      'Conv of 2 to 1×2×3×11 from 8',
      'Unary of 1 to 1×2×3×11',
    ]);
  });

  it('are moved where their steps cannot, neighbours together', () => {
    const net = new Net();
    const [a, b] = [net.unary('x'), net.unary('x')];
    const y = net.concat(3, a, 'x', net.conv('x', 3), b);
    expect(net.steps(y)).toEqual([
      'Unary of 1 to 1×2×3×4',
      'Unary of 1 to 1×2×3×4',
      'Conv of 2 to 1×2×3×15 from 8',
      'Concat of 2 to 1×2×3×15 from 0',
      'Concat of 1 to 1×2×3×15 from 11',
    ]);
  });

  it('are moved where somebody else reads them, or they are handed out, or come twice', () => {
    const net = new Net();
    const [read, out, twice] = [net.conv('x', 2), net.conv('x', 3), net.conv('x', 5)];
    const y = net.concat(3, read, out, twice, twice);
    expect(net.steps(net.unary(read), out, y)).toEqual([
      'Conv of 2 to 1×2×3×2 from 0',
      'Conv of 2 to 1×2×3×3 from 0',
      'Conv of 2 to 1×2×3×5 from 0',
      'Concat of 4 to 1×2×3×15 from 0',
      'Unary of 1 to 1×2×3×2',
    ]);
  });

  it('are those of a concatenation that is a part itself', () => {
    const net = new Net();
    const inner = net.concat(3, net.conv('x', 2), 'x', net.conv('x', 3));
    const y = net.concat(3, net.conv('x', 1), inner);
    expect(net.steps(y)).toEqual([
      'Conv of 2 to 1×2×3×10 from 1',
      'Conv of 2 to 1×2×3×10 from 7',
      'Concat of 1 to 1×2×3×10 from 3',
      'Conv of 2 to 1×2×3×10 from 0',
    ]);
  });

  it('are written under dims of their own where rows are the same', () => {
    const net = new Net();
    const flat = net.reshape(net.conv('x', 2), [6, 1, 2]);
    const other = net.reshape(net.conv('x', 6), [6, 3, 2]);
    const y = net.concat(1, flat, other);
    expect(net.steps(net.unary(y))).toEqual([
      'Conv of 2 to 1×2×3×8 from 0',
      'Conv of 2 to 1×2×3×8 from 2',
      'Unary of 1 to 6×4×2',
    ]);
  });

  it('are moved where rows are others', () => {
    const net = new Net();
    const y = net.concat(1, net.conv('x', 2), net.conv('x', 2));
    expect(net.steps(y)).toEqual([
      'Conv of 2 to 1×2×3×2 from 0',
      'Conv of 2 to 1×2×3×2 from 0',
      'Concat of 2 to 1×4×3×2 from 0',
    ]);
  });
});
