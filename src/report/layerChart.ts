/** Layers along the run, each as tall as the error that it alone brings into the answers. */
import { db, escaped, short } from './html.js';
import type { PageLayer } from './quantizationData.js';

const height = 260;
const top = 44;
const bottom = 24;
const left = 92;

/** Layers that were measured, those first that hurt most. */
export function rankLayers(layers: readonly PageLayer[]): readonly PageLayer[] {
  const cost = ({ alone }: PageLayer) => alone.both ?? Number.POSITIVE_INFINITY;
  return layers
    .filter(({ alone }) => alone.both !== undefined)
    .sort((a, b) => (cost(a) === cost(b) ? 0 : cost(a) - cost(b)));
}

/** Error of the answers as a share of their magnitude: 20 dB are 0.1. */
export function errorOf(sqnr: number): number {
  return 10 ** (-sqnr / 20);
}

/** Where errors are drawn: linear, the largest of them at 1, so that what hurts stands out. */
export class ErrorScale {
  readonly largest: number;

  /** `sqnrs` in dB; those that are not finite do not count. */
  constructor(sqnrs: readonly number[]) {
    this.largest = Math.max(...sqnrs.filter(Number.isFinite).map(errorOf), 1e-9);
  }

  /** 0 … 1. */
  of(sqnr: number): number {
    return Math.min(errorOf(sqnr) / this.largest, 1);
  }

  /** About four round shares from 0 on. */
  get ticks(): readonly number[] {
    const rough = this.largest / 4;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].find((one) => one * power >= rough)! * power;
    const count = Math.floor(this.largest / step);
    return Array.from({ length: count + 1 }, (_, i) => i * step);
  }
}

/** @param all SQNR of the answers with every layer quantized. @param marked the layers that a number is put on. */
export function layerChart(
  layers: readonly PageLayer[],
  marked: readonly PageLayer[],
  scale: ErrorScale,
  all: number,
): string {
  const slot = Math.min(Math.max((1080 - left - 44) / layers.length, 9), 70);
  const width = Math.round(left + slot * layers.length + 12);
  const y = (sqnr: number) => top + (1 - scale.of(sqnr)) * (height - top - bottom);
  const groups = layers.map((layer, i) => {
    const x = left + i * slot;
    const rank = marked.indexOf(layer) + 1;
    return layerGroup(layer, rank, { x, slot, y });
  });
  return `<div class="scroll"><svg class="layers" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img"
 aria-label="Error that each layer brings into the answers; the table below has the figures">
${gridLines(scale, width, y)}
${Number.isFinite(all) ? allLine(all, width, y(all)) : ''}
${groups.join('\n')}
<text x="${left}" y="${height - 6}" class="soft">first layer</text><text x="${width - 12}" y="${height - 6}" class="soft" text-anchor="end">last layer</text>
</svg></div>`;
}

function gridLines({ ticks }: ErrorScale, width: number, y: (sqnr: number) => number): string {
  const lines = ticks.map((share) => {
    const sqnr = -20 * Math.log10(share);
    const at = y(sqnr).toFixed(1);
    const text = `${short(100 * share)} %${share === 0 ? '' : ` · ${sqnr.toFixed(0)} dB`}`;
    return `<path d="M${left} ${at}H${width - 12}" class="grid"/><text x="${left - 8}" y="${at}" dy="4" text-anchor="end" class="soft">${text}</text>`;
  });
  return `${lines.join('')}<text x="4" y="14" class="soft">error of the answers</text>`;
}

function allLine(all: number, width: number, y: number): string {
  return `<path d="M${left} ${y.toFixed(1)}H${width - 12}" class="all"/><text x="${width - 12}" y="${(y - 5).toFixed(1)}" text-anchor="end" class="all">all layers together: ${db(all)} dB</text>`;
}

interface Place {
  readonly x: number;
  readonly slot: number;
  readonly y: (sqnr: number) => number;
}

function layerGroup(layer: PageLayer, rank: number, { x, slot, y }: Place): string {
  const { both, weights, activations } = layer.alone;
  const floor = height - bottom;
  const gap = slot * 0.14;
  const wide = slot - 2 * gap;
  const bar = (sqnr: number | undefined, kind: string, at: number, size: number) => {
    if (sqnr === undefined) return '';
    const head = Math.min(y(sqnr), floor - 1);
    return `<rect x="${at.toFixed(1)}" y="${head.toFixed(1)}" width="${size.toFixed(1)}" height="${(floor - head).toFixed(1)}" class="${kind}"/>`;
  };
  const half = weights === undefined || activations === undefined ? wide : wide / 2;
  const offset = weights === undefined ? 0 : half;
  const loudest = Math.min(...[both, weights, activations].filter((one) => one !== undefined));
  const mark =
    rank === 0
      ? ''
      : `<circle cx="${(x + slot / 2).toFixed(1)}" cy="${(y(loudest) - 14).toFixed(1)}" r="9" class="mark"/>
<text x="${(x + slot / 2).toFixed(1)}" y="${(y(loudest) - 10).toFixed(1)}" text-anchor="middle" class="mark">${rank}</text>`;
  const parts = [
    ...(weights === undefined ? [] : [`weights ${db(weights)}`]),
    ...(activations === undefined ? [] : [`activations ${db(activations)}`]),
  ];
  const apart = parts.length === 0 ? '' : `; ${parts.join(', ')}`;
  const whole = parts.length === 0 ? bar(both, 'weights', x + gap, wide) : '';
  const title = `${layer.node} (${layer.op}): ${db(both)} dB alone${apart}${layer.integer ? '' : '; left in float'}`;
  return `<g class="layer${layer.integer ? '' : ' float'}${rank > 0 ? ' worst' : ''}" data-layer="${escaped(layer.node)}"><title>${escaped(title)}</title>
<rect x="${x.toFixed(1)}" y="${top}" width="${slot.toFixed(1)}" height="${floor - top}" class="slot"/>${whole}${bar(weights, 'weights', x + gap, half)}${bar(activations, 'activations', x + gap + offset, half)}${mark}</g>`;
}
