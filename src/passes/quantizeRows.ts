/**
 * Quantizing rows by their largest magnitude, written in ONNX as `quantizeDynamic` writes it: scale = ReduceMax(|x|) / 127
 * along the last axis, 1 where that is 0; codes = Cast(Clip(Round(x / scale), −128, 127)). It becomes one
 * DynamicQuantizeRows, of the same bits. Only rows with NaN differ, whose codes ONNX leaves open.
 */
import { intOf } from '../graph/attributes.js';
import type { Node } from '../graph/ir.js';
import { rewriting } from './lower/rewriting.js';
import { onlyConsumer, type Rule, rulePass, type Site } from './lower/rules.js';
import { producedBy, uniformOf } from './match.js';

/** x behind `scale`, where that is the scale of x's rows; and the node that makes it. */
function rowScaleOf(site: Site, scale: string): { x: string; node: Node } | undefined {
  const { graph } = site;
  const choice = producedBy(site, scale, 'Where');
  const [isZero = '', one = '', step = ''] = choice?.inputs ?? [];
  const equal = producedBy(site, isZero, 'Equal');
  const quotient = producedBy(site, step, 'Div');
  const largest = producedBy(site, quotient?.inputs[0] ?? '', 'ReduceMax');
  const magnitude = producedBy(site, largest?.inputs[0] ?? '', 'Abs');
  if (choice === undefined || equal === undefined || magnitude === undefined) return undefined;
  const x = magnitude.inputs[0]!;
  const rank = graph.types.get(x)?.dims?.length;
  const axes = graph.constants.get(largest!.inputs[1] ?? '')?.data;
  const axis = axes?.length === 1 ? Number(axes[0]) : undefined;
  const alongRows = axis === -1 || (rank !== undefined && axis === rank - 1);
  const same =
    equal.inputs[0] === step &&
    uniformOf(graph, equal.inputs[1]!) === 0 &&
    uniformOf(graph, one) === 1 &&
    uniformOf(graph, quotient!.inputs[1]!) === 127 &&
    intOf(largest!, 'keepdims', 1) === 1;
  return same && alongRows ? { x, node: choice } : undefined;
}

const cast: Rule = (site) => {
  const { graph, node } = site;
  const int8 = 3;
  if (intOf(node, 'to', 0) !== int8) return undefined;
  const alone = (value: string, op: string) => {
    const producer = producedBy(site, value, op);
    return producer && onlyConsumer(site, value) !== undefined ? producer : undefined;
  };
  const clip = alone(node.inputs[0]!, 'Clip');
  const round = clip && alone(clip.inputs[0]!, 'Round');
  const quotient = round && alone(round.inputs[0]!, 'Div');
  if (quotient === undefined) return undefined;
  const [low, high] = clip!.inputs.slice(1).map((bound) => uniformOf(graph, bound));
  const [x, scale] = quotient.inputs as [string, string];
  const rows = rowScaleOf(site, scale);
  if (low !== -128 || high !== 127 || rows?.x !== x) return undefined;
  const to = rewriting(site);
  const dims = to.typeOf(x)?.dims;
  if (to.typeOf(x)?.type !== 'float32' || dims === undefined) return undefined;
  const [, steps] = to.quantizeRows(x, node.outputs[0]!);
  const kept = to.reshape(steps, [...dims.slice(0, -1), 1]);
  if (kept === undefined) return undefined;
  to.remove(clip!, round!, quotient, rows.node);
  to.replace(scale, kept);
  return to.done(`quantize rows in ${node.name}`);
};

export const fuseQuantizeRows = rulePass('fuse the quantizing of rows', { Cast: cast });
