/**
 * A quantization as one page that needs nothing else: what it cost and brought, which layers hurt, and what calibration
 * saw of every value. All figures are in the page itself; its script sorts, filters and unfolds.
 */
import { formatBytes } from '../graph/print.js';
import type { Finding } from '../quantize/findings.js';
import { db, escaped, htmlPage, percent, short } from './html.js';
import { ErrorScale, errorOf, layerChart, rankLayers } from './layerChart.js';
import { layerTable } from './layerTable.js';
import type { PageLatency } from './layerTimes.js';
import type { PageLayer, QuantizationPageData } from './quantizationData.js';
import { quantizationScript } from './quantizationScript.js';
import { quantizationStyle } from './quantizationStyle.js';
import { recipeSection } from './recipeSection.js';
import { sparkline, tensorEntry } from './tensorSection.js';

/** Layers that the top of the page names. */
const namedLayers = 3;

/** The page, as HTML. Every name in the data is shown as text, whatever it holds. */
export function renderQuantizationReport(data: QuantizationPageData): string {
  const { title, scheme, samples, latency } = data;
  const ranked = rankLayers(data.layers);
  const seen = samples > 0 ? [plural(samples, 'sample')] : [];
  const where = [scheme, ...seen, ...(latency === undefined ? [] : [latency.where])];
  const body = `<h1>${escaped(title)}</h1>
<p class="where">${escaped(where.join('; '))}</p>
${cards(data)}
${missing(data.missing ?? [])}
${findings(data.findings ?? [])}
${ranked.length === 0 ? '' : whichHurts(data, ranked)}
${layerTable(data, ranked, scaleOf(ranked))}
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
  const { bytes, latency, layers, kind } = data;
  const float = layers.filter(({ integer }) => !integer).map(({ node }) => node);
  return `<div class="cards">
${accuracyCard(data)}
${card('Size', `${formatBytes(bytes.before)} → ${formatBytes(bytes.after)}`, `${(bytes.before / bytes.after).toFixed(1)}× smaller`)}
${latency === undefined ? '' : latencyCard(latency)}
${card('Layers', `${layers.length - float.length} ${kind}, ${float.length} float`, float.length === 0 ? 'every layer is quantized' : `in float: ${float.join(', ')}`)}
</div>`;
}

function latencyCard({ float, int8 }: PageLatency): string {
  const speed = float / int8;
  const change = speed >= 1 ? `${speed.toFixed(1)}× faster` : `${(1 / speed).toFixed(1)}× slower`;
  const times = `${msShort(float)} → ${msShort(int8)} ms`;
  return card('Latency of one run', times, change, speed >= 1 ? '' : 'warn');
}

function accuracyCard({ accuracy, answers, comparedOn }: QuantizationPageData): string {
  if (answers === undefined) return '';
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

/** What a reader may look for in vain. */
function missing(list: readonly string[]): string {
  if (list.length === 0) return '';
  const items = list.map((what) => `<li>${escaped(what)}</li>`);
  return `<h2>Not on this page</h2><ul class="findings">${items.join('')}</ul>`;
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
  const isApart = measured.some(({ alone }) => alone.weights ?? alone.activations);
  const all = answers?.sqnr ?? Number.NaN;
  return `<h2>Which layer hurts</h2>
<ol class="worst">${items.join('\n')}</ol>
<div class="legend"><span><i style="background:var(--first)"></i>${isApart ? 'its weights' : 'the layer'} quantized, and nothing else</span>${isApart ? '<span><i style="background:var(--second)"></i>its input activations</span>' : ''}<span><i class="hollow"></i>left in float</span></div>
${layerChart(measured, named, scaleOf(ranked, all), all)}`;
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

function tensors({ tensors: list }: QuantizationPageData): string {
  if (list.length === 0) return '';
  const entries = list
    .map((tensor, i) => ({ sqnr: tensor.sqnr, html: tensorEntry(tensor, i) }))
    .sort((a, b) => (a.sqnr === b.sqnr ? 0 : a.sqnr - b.sqnr));
  return `<h2>What calibration saw of each value, the coarsest first</h2>
<div class="tools" hidden><input id="tensor-filter" type="search" placeholder="Filter values" aria-label="Filter values"><select id="tensor-order" aria-label="Order of the values"><option value="sqnr">coarsest first</option><option value="order">in order of computation</option></select></div>
<div id="tensors">${entries.map(({ html }) => html).join('\n')}</div>`;
}

function weights({ weights: list, tensors }: QuantizationPageData): string {
  const rows = list.map(
    ({ node, name, dims, scales, scaleRange, sqnr, seen, bins }) =>
      `<tr><td class="name" title="${escaped(name)}">${escaped(node)}</td><td title="${short(seen.min)} … ${short(seen.max)}">${sparkline(bins)}</td><td data-v="${seen.max - seen.min}">${short(seen.min)} … ${short(seen.max)}</td><td data-v="${dims.reduce((a, b) => a * b, 1)}">${dims.join(' × ')}</td><td data-v="${scales}">${scales}</td><td data-v="${scaleRange.max / scaleRange.min}">${short(scaleRange.min)} … ${short(scaleRange.max)}</td><td data-v="${sqnr}">${db(sqnr)}</td></tr>`,
  );
  const heads = [
    ...['layer', 'histogram, log', 'range', 'dims', 'scales'],
    ...['smallest … largest scale', 'SQNR, dB'],
  ];
  // Where nothing was calibrated they are what there is to see.
  const open = tensors.length === 0 ? ' open' : '';
  return `<details class="more"${open}><summary>Weights of ${plural(list.length, 'layer')}</summary>
<div class="scroll"><table id="weights" class="sortable"><thead><tr>${heads.map((head) => `<th scope="col">${head}</th>`).join('')}</tr></thead><tbody>${rows.join('\n')}</tbody></table></div></details>`;
}

function plural(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

function msShort(value: number): string {
  return String(Number(value.toPrecision(value < 10 ? 3 : 4)));
}
