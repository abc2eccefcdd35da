/** A profile as one page that needs nothing else: the kinds of steps as bars, and all steps along the run. */
import type { Profile, StepProfile } from '../runtime/profile.js';
import { escaped, htmlPage, ms, percent } from './html.js';

/** Milliseconds of whole calls of `run`, as a caller sees them. */
export interface Latency {
  readonly median: number;
  readonly lowest: number;
  /** Below this are 95 of 100. */
  readonly p95: number;
}

/** Kinds that have a colour of their own; the others share the last one. */
const colours = ['#2563eb', '#f59e0b', '#10b981', '#ef4444', '#8b5cf6', '#06b6d4', '#ec4899'];
const otherColour = '#94a3b8';

const style = `
.run { display: flex; height: 44px; border-radius: 6px; overflow: hidden; background: var(--line); }
.run div { min-width: 0; box-shadow: inset -1px 0 rgb(255 255 255 / 35%); } .run div:hover { filter: brightness(1.25); }
td.chart { text-align: left; width: 40%; }
`;

/** The page, as HTML. `title` is the model, `where` the machine. */
export function profilePage(
  title: string,
  where: string,
  profile: Profile,
  latency: Latency,
): string {
  const colourOf = new Map(profile.operators.map(({ op }, i) => [op, colours[i] ?? otherColour]));
  const { backend, isa, threads, runs, operators, steps } = profile;
  const threadsText = `${threads} thread${threads === 1 ? '' : 's'}`;
  const kinds = operators.map(
    (one) => `<tr><td>${escaped(one.op)}</td><td>${one.steps}</td><td>${ms(one.ms)}</td>
<td class="chart"><span class="bar" style="width:${(100 * one.share).toFixed(1)}%;background:${colourOf.get(one.op)}"></span> ${percent(one.share)}</td>
<td>${one.gops?.toFixed(0) ?? ''}</td></tr>`,
  );
  const most = Math.max(...steps.map((step) => step.ms), 0);
  const rows = [...steps].sort((a, b) => b.ms - a.ms).map((step) => stepRow(step, most, colourOf));
  const body = `<h1>${escaped(title)}</h1>
<p class="where">${escaped(where)}; ${escaped(backend)}, ${escaped(isa)}, ${threadsText}</p>
<p><span class="big">${ms(latency.median)} ms</span> a run (median of ${runs}; lowest ${ms(latency.lowest)}, 95 % below ${ms(latency.p95)}); the steps alone take ${ms(profile.ms)} ms</p>
<h2>The run, step by step</h2>
<div class="run">${steps.map((step) => segment(step, colourOf)).join('')}</div>
<h2>Kinds of steps</h2>
<table><thead><tr><th>kind</th><th>steps</th><th>ms</th><th style="text-align:left">share</th><th>GOP/s</th></tr></thead>
<tbody>${kinds.join('\n')}</tbody></table>
<h2>Steps, the slowest first</h2>
<table><thead><tr><th>step</th><th>kind</th><th>writes</th><th>ms</th><th></th><th>GOP/s</th></tr></thead>
<tbody>${rows.join('\n')}</tbody></table>`;
  return htmlPage({ title: `${title}: profile`, style, body });
}

function segment(step: StepProfile, colourOf: ReadonlyMap<string, string>): string {
  const title = `${step.node} (${step.op}): ${ms(step.ms)} ms, ${percent(step.share)}`;
  return `<div style="flex:${step.ms} 0 0;background:${colourOf.get(step.op)}" title="${escaped(title)}"></div>`;
}

function stepRow(
  { node, op, output, ms: time, share, gops }: StepProfile,
  most: number,
  colourOf: ReadonlyMap<string, string>,
): string {
  const width = most === 0 ? 0 : (100 * time) / most;
  return `<tr><td class="name" title="${escaped(node)}">${escaped(node)}</td><td>${escaped(op)}</td><td>${escaped(output)}</td><td>${ms(time)}</td>
<td class="chart" style="width:22%"><span class="bar" style="width:${width.toFixed(1)}%;background:${colourOf.get(op)}" title="${percent(share)}"></span></td><td>${gops?.toFixed(0) ?? ''}</td></tr>`;
}
