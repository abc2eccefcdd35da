import { describe, expect, it } from 'vitest';
import { attribute } from '../../src/graph/attributes.js';
import type { Graph } from '../../src/graph/ir.js';
import { sinkTransposes } from '../../src/passes/layout.js';
import { lower } from '../../src/passes/lower/index.js';
import { rewriting } from '../../src/passes/lower/rewriting.js';
import { onlyConsumer, type Rule, rulePass } from '../../src/passes/lower/rules.js';
import { runPasses, type TraceEntry } from '../../src/passes/pass.js';
import { float32, node } from '../helpers/onnx-builder.js';
import { build, lowered } from './oracle.js';

function chain(...ops: string[]): Graph {
  return build({
    nodes: ops.map((op, i) => node(op, [i === 0 ? 'x' : `v${i - 1}`], [`v${i}`])),
    inputs: { x: float32(2, 3, 4, 5) },
    outputs: { y: `v${ops.length - 1}` },
  });
}

function run(graph: Graph, ...passes: Parameters<typeof runPasses>[1]) {
  const patches: TraceEntry[] = [];
  const after = runPasses(graph, passes, { onPatch: (entry) => patches.push(entry) });
  return { ops: after.nodes.map((n) => n.op), names: after.nodes.map((n) => n.name), patches };
}

/** Two Negs in a row are none. */
const cancel: Rule = (site) => {
  const { index, node: outer } = site;
  const inner = index.producer(outer.inputs[0]!);
  if (inner?.op !== 'Neg' || onlyConsumer(site, inner.outputs[0]!) !== outer) return undefined;
  const to = rewriting(site);
  to.remove(inner);
  to.replace(outer.outputs[0]!, inner.inputs[0]!);
  return to.done('cancel two Negs');
};

describe('rulePass', () => {
  it('rewrites all places that do not touch each other by one patch', () => {
    const pass = rulePass('cancel', { Neg: cancel });
    const { ops, patches } = run(chain('Neg', 'Neg', 'Relu', 'Neg', 'Neg', 'Relu'), pass);
    expect(ops).toEqual(['Relu', 'Relu']);
    expect(patches.length).toBe(1);
    expect(patches[0]!.what).toBe('cancel, 2 times; the first: cancel two Negs');
  });

  it('leaves what touches to the next patch', () => {
    const pass = rulePass('cancel', { Neg: cancel });
    const { ops, patches } = run(chain('Neg', 'Neg', 'Neg', 'Relu'), pass);
    // Of three, any two cancel, but not both pairs.
    expect(ops).toEqual(['Neg', 'Relu']);
    expect(patches.length).toBe(1);
    expect(run(chain('Neg', 'Neg', 'Neg', 'Neg', 'Relu'), pass).ops).toEqual(['Relu']);
  });

  it('does one rewrite a patch when asked', () => {
    const { perMatch } = rulePass('cancel', { Neg: cancel });
    const { ops, patches } = run(chain('Neg', 'Neg', 'Relu', 'Neg', 'Neg', 'Relu'), perMatch);
    expect(ops).toEqual(['Relu', 'Relu']);
    expect(patches.map(({ what }) => what)).toEqual(['cancel two Negs', 'cancel two Negs']);
  });

  it('keeps the name of a node on what takes its place', () => {
    const { names, ops } = run(chain('Relu', 'Sigmoid'), lower);
    expect(ops).toEqual(['Unary', 'Unary']);
    expect(names).toEqual(['Relu_v0', 'Sigmoid_v1']);
  });

  it('sweeps what moves down to the bottom in one patch', () => {
    const ops = new Array<string>(50).fill('Sigmoid');
    const graph = build({
      nodes: [
        node('Transpose', ['x'], ['t'], { perm: attribute.ints([0, 2, 3, 1]) }),
        ...ops.map((op, i) => node(op, [i === 0 ? 't' : `v${i - 1}`], [`v${i}`])),
      ],
      inputs: { x: float32(2, 3, 4, 5) },
      outputs: { y: 'v49' },
    });
    const steps = lowered(graph, {}, [lower]);
    const { ops: after, patches } = run(steps, sinkTransposes);
    expect(patches.length).toBe(1);
    expect(after.filter((op) => op === 'Unary').length).toBe(50);
    expect(after.at(-1)).toBe('Transpose');
    const single = run(steps, sinkTransposes.perMatch);
    expect(single.patches.length).toBe(50);
  });
});
