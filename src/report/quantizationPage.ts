/**
 * A quantization as one page that needs nothing else: what it cost and brought, which layers hurt, and what calibration
 * saw of every value. All figures are in the page itself; its script sorts, filters and unfolds.
 */
import { formatBytes } from '../graph/print.js';
import type { Finding } from '../quantize/findings.js';
import { db, escaped, htmlPage, ms, percent, short, smallPercent } from './html.js';
import { ErrorScale, errorOf, layerChart, rankLayers } from './layerChart.js';
import type { PageLayer, QuantizationPageData } from './quantizationData.js';
import { quantizationScript } from './quantizationScript.js';
import { quantizationStyle } from './quantizationStyle.js';
import { recipeSection } from './recipeSection.js';
import { tensorEntry } from './tensorSection.js';

/** Layers that the top of the page names. */
const namedLayers = 3;

/** The page, as HTML. Every name in the data is shown as text, whatever it holds. */
export function renderQuantizationReport(data: QuantizationPageData): string {
  const { title, scheme, samples, latency } = data;
  const ranked = rankLayers(data.layers);
  const body = `<h1>${escaped(title)}</h1>
<p class="where">${escaped(scheme)}; ${plural(samples, 'sample')}; ${escaped(latency.where)}</p>
${cards(data)}
${findings(data.findings ?? [])}
${ranked.length === 0 ? '' : whichHurts(data, ranked)}
${layerTable(data, ranked)}
${tensors(data)}
${weights(data)}
${data.recipe === undefined ? '' : recipeSection(data.recipe)}`;
  return htmlPage({
    title: `${title}: quantization`,
    style: quantizationStyle,
    body,
    script: quantizationScript,
  });
}

function cards(data: QuantizationPageData): string {
  const { bytes, latency, layers } = data;
  const float = layers.filter(({ integer }) => !integer).map(({ node }) => node);
  const speed = latency.float / latency.int8;
  return `<div class="cards">
${accuracyCard(data)}
${card('Size', `${formatBytes(bytes.before)} → ${formatBytes(bytes.after)}`, `${(bytes.before / bytes.after).toFixed(1)}× smaller`)}
${card('Latency of one run', `${msShort(latency.float)} → ${msShort(latency.int8)} ms`, speed >= 1 ? `${speed.toFixed(1)}× faster` : `${(1 / speed).toFixed(1)}× slower`, speed >= 1 ? '' : 'warn')}
${card('Layers', `${layers.length - float.length} INT8, ${float.length} float`, float.length === 0 ? 'every layer is quantized' : `in float: ${float.join(', ')}`)}
</div>`;
}

function accuracyCard({ accuracy, answers, comparedOn }: QuantizationPageData): string {
  const same = `same top-1 on ${percent(answers.top1Agreement)}`;
  const against = `${db(answers.sqnr)} dB SQNR, ${same}`;
  if (accuracy === undefined) {
    const quality = answers.sqnr >= 30 ? 'good' : answers.sqnr >= 15 ? 'warn' : 'bad';
    const small = `${same} of ${plural(comparedOn, 'sample')} compared`;
    return card('Answers against float', `${db(answers.sqnr)} dB SQNR`, small, quality);
  }
  const { metric, float, quantized, drop, maxDrop, withinBudget } = accuracy;
  const score = (value: number) => (metric === 'agreement' ? percent(value) : short(value));
  const budget = `${percent(Math.max(drop, 0))} lost of ${percent(maxDrop)} allowed`;
  const name =
    metric === 'evaluate' ? 'Your metric' : metric === 'agreement' ? 'Agreement' : 'Signal';
  const verdict = withinBudget ? 'within the budget' : 'over the budget';
  return card(
    `${name}, ${verdict}`,
    `${score(float)} → ${score(quantized)}`,
    `${budget}; ${against}`,
    withinBudget ? 'good' : 'bad',
  );
}

function card(head: string, figure: string, small: string, quality = ''): string {
  return `<section class="card ${quality}"><h2>${escaped(head)}</h2><b>${escaped(figure)}</b><small>${escaped(small)}</small></section>`;
}

function findings(list: readonly Finding[]): string {
  if (list.length === 0) return '';
  const items = list.map(
    ({ level, code, where, what, advice }) =>
      `<li class="${escaped(level)}"><b>${escaped(where)}</b>: ${escaped(what)} <small>${escaped(code)}</small><br><span class="soft">${escaped(advice)}</span></li>`,
  );
  return `<h2>Findings</h2><ul class="findings">${items.join('')}</ul>`;
}

function whichHurts(
  { layers, answers }: QuantizationPageData,
  ranked: readonly PageLayer[],
): string {
  const named = ranked
    .filter(({ alone }) => Number.isFinite(alone.both))
    .slice(0, Math.min(namedLayers, Math.max(ranked.length - 1, 1)));
  const items = named.map(
    (layer, i) =>
      `<li><span class="badge">${i + 1}</span><code>${escaped(layer.node)}</code><p>${escaped(whatHurts(layer))}</p></li>`,
  );
  const measured = layers.filter(({ alone }) => alone.both !== undefined);
  return `<h2>Which layer hurts</h2>
<ol class="worst">${items.join('\n')}</ol>
<div class="legend"><span><i style="background:var(--first)"></i>its weights quantized, and nothing else</span><span><i style="background:var(--second)"></i>its input activations</span><span><i class="hollow"></i>left in float</span></div>
${layerChart(measured, named, scaleOf(ranked, answers.sqnr), answers.sqnr)}`;
}

function scaleOf(layers: readonly PageLayer[], ...others: readonly number[]): ErrorScale {
  const parts = layers.flatMap(({ alone }) => [alone.both, alone.weights, alone.activations]);
  return new ErrorScale([...others, ...parts.filter((sqnr) => sqnr !== undefined)]);
}

/** In a sentence: how much, and which side. */
function whatHurts({ alone, op, integer }: PageLayer): string {
  const { both, weights, activations } = alone;
  const error = `${short(100 * errorOf(both!))} %`;
  const much = `${op}: quantized alone it moves the answers by ${error} (${db(both)} dB)`;
  const rest = integer ? '' : '; left in float';
  if (weights === undefined || activations === undefined) return `${much}${rest}`;
  const apart = Math.abs(weights - activations);
  const side = weights < activations ? 'its weights' : 'its input activations';
  return `${much}; ${apart < 1 ? 'weights and activations alike' : `mostly ${side}`}${rest}`;
}

function layerTable({ layers, tensors }: QuantizationPageData, ranked: readonly PageLayer[]) {
  const scale = scaleOf(ranked);
  const others = layers.filter((layer) => !ranked.includes(layer));
  const order = new Map(layers.map((layer, i) => [layer, i + 1]));
  const tensorAt = new Map(tensors.map(({ name }, i) => [name, i]));
  const rows = [...ranked, ...others].map((layer) =>
    layerRow(layer, order.get(layer)!, scale, tensorAt),
  );
  const heads = [
    ['#', 'place in the computation'],
    ['layer', 'its name leads to what it reads'],
    ['kind', ''],
    ['hurts, dB', 'SQNR of the answers with this layer alone quantized: the lower, the worse'],
    ['weights', 'the same with its weights alone quantized'],
    ['activations', 'the same with its input activations alone quantized'],
    [
      'outputs',
      'SQNR of what it writes in the quantized model, before and after its bias was corrected',
    ],
    ['clipped', 'share of its input values beyond their range'],
    ['float ms', ''],
    ['INT8 ms', ''],
    ['runs in', ''],
  ];
  const cells = heads.map(
    ([head, title], i) =>
      `<th scope="col" title="${title}"${i === 3 && ranked.length > 0 ? ' aria-sort="ascending"' : ''}>${head}</th>`,
  );
  return `<h2>Layers, the most sensitive first</h2>
<div class="tools" hidden><input id="layer-filter" type="search" placeholder="Filter layers" aria-label="Filter layers"><select id="layer-kind" aria-label="Which layers"><option value="">INT8 and float</option><option value="INT8">INT8</option><option value="float">float</option></select><span id="layer-count" class="soft" aria-live="polite">${rows.length} of ${rows.length}</span></div>
<div class="scroll"><table id="layers" class="sortable"><thead><tr>${cells.join('')}</tr></thead>
<tbody>${rows.join('\n')}</tbody></table></div>`;
}

function layerRow(
  layer: PageLayer,
  order: number,
  scale: ErrorScale,
  tensorAt: ReadonlyMap<string, number>,
): string {
  const { node, op, alone, outputs, clipped, floatMs, int8Ms, integer } = layer;
  const runs = integer ? 'INT8' : 'float';
  const [first] = layer.tensors.map((name) => tensorAt.get(name));
  const name = first === undefined ? escaped(node) : `<a href="#t${first}">${escaped(node)}</a>`;
  const width = alone.both === undefined ? 0 : 60 * scale.of(alone.both);
  const moved =
    outputs && Math.abs(outputs.after - outputs.before) >= 0.05 ? `${db(outputs.before)} → ` : '';
  return `<tr data-layer="${escaped(node)}" data-runs="${runs}"><td data-v="${order}">${order}</td><td class="name" title="${escaped(node)}">${name}</td><td>${escaped(op)}</td>
<td class="hurt" data-v="${alone.both ?? ''}"><i style="width:${width.toFixed(1)}px"></i><span>${db(alone.both)}</span></td>${figure(alone.weights, db)}${figure(alone.activations, db)}
<td data-v="${outputs?.after ?? ''}">${outputs ? `${moved}${db(outputs.after)}` : ''}</td>${figure(clipped, smallPercent)}${figure(floatMs, ms)}${figure(int8Ms, ms)}<td><span class="pill ${runs}">${runs}</span></td></tr>`;
}

function figure(value: number | undefined, format: (value: number) => string): string {
  return value === undefined
    ? '<td data-v=""></td>'
    : `<td data-v="${value}">${format(value)}</td>`;
}

function tensors({ tensors: list }: QuantizationPageData): string {
  if (list.length === 0) return '';
  const entries = list
    .map((tensor, i) => ({ sqnr: tensor.sqnr, html: tensorEntry(tensor, i) }))
    .sort((a, b) => (a.sqnr === b.sqnr ? 0 : a.sqnr - b.sqnr));
  return `<h2>What calibration saw of each value, the coarsest first</h2>
<div class="tools" hidden><input id="tensor-filter" type="search" placeholder="Filter values" aria-label="Filter values"><select id="tensor-order" aria-label="Order of the values"><option value="sqnr">coarsest first</option><option value="order">in order of computation</option></select></div>
<div id="tensors">${entries.map(({ html }) => html).join('\n')}</div>`;
}

function weights({ weights: list }: QuantizationPageData): string {
  const rows = list.map(
    ({ node, name, dims, scales, scaleRange, sqnr }) =>
      `<tr><td class="name" title="${escaped(name)}">${escaped(node)}</td><td data-v="${dims.reduce((a, b) => a * b, 1)}">${dims.join(' × ')}</td><td data-v="${scales}">${scales}</td><td data-v="${scaleRange.max / scaleRange.min}">${short(scaleRange.min)} … ${short(scaleRange.max)}</td><td data-v="${sqnr}">${db(sqnr)}</td></tr>`,
  );
  const heads = ['layer', 'dims', 'scales', 'smallest … largest scale', 'SQNR, dB'];
  return `<details class="more"><summary>Weights of ${plural(list.length, 'layer')}</summary>
<table class="sortable"><thead><tr>${heads.map((head) => `<th scope="col">${head}</th>`).join('')}</tr></thead><tbody>${rows.join('\n')}</tbody></table></details>`;
}

function plural(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

function msShort(value: number): string {
  return String(Number(value.toPrecision(value < 10 ? 3 : 4)));
}
