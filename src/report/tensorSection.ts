/** A value as a folded entry: its shape at a glance, and unfolded the ranges that calibrators would give it. */
import { db, escaped, short, smallPercent } from './html.js';
import type { RangeCandidate, TensorFigure } from './tensorFigures.js';

const plot = { left: 132, right: 190, width: 620, height: 150 } as const;
const rowHeight = 22;

/** @param order its place in the computation, from 0. */
export function tensorEntry(tensor: TensorFigure, order: number): string {
  const { name, type, sqnr, clipped, calibrator } = tensor;
  const shape = sparkline(tensor.bins, `h${order}`);
  return `<details class="tensor" id="t${order}" data-order="${order}" data-sqnr="${sqnr}">
<summary>${shape}<code>${escaped(name)}</code><span>${db(sqnr)} dB</span><span>${clipped > 0 ? `${smallPercent(clipped)} clipped` : ''}</span><span class="soft">${escaped(calibrator)}, ${type}</span></summary>
${figure(tensor, order)}
${facts(tensor)}
</details>`;
}

/** A small histogram with log counts; `id` is its path's. */
export function sparkline(bins: readonly number[], id?: string): string {
  const named = id === undefined ? '' : ` id="${id}"`;
  return `<svg class="spark" viewBox="0 0 100 40" preserveAspectRatio="none" aria-hidden="true"><path${named} d="${outline(bins)}"/></svg>`;
}

/** Log counts as an area of 100 × 40; a bin that holds anything is seen. */
function outline(bins: readonly number[]): string {
  const most = Math.log10(1 + Math.max(...bins));
  const width = 100 / bins.length;
  let path = 'M0 40';
  bins.forEach((count, i) => {
    const tall = count === 0 || most === 0 ? 0 : 1 + (37 * Math.log10(1 + count)) / most;
    path += `V${(40 - tall).toFixed(1)}H${((i + 1) * width).toFixed(1)}`;
  });
  return `${path}V40Z`;
}

function figure(tensor: TensorFigure, order: number): string {
  const { seen, range, candidates, calibrator } = tensor;
  const span = seen.max - seen.min || 1;
  const x = (value: number) => {
    const share = Math.min(Math.max((value - seen.min) / span, 0), 1);
    return plot.left + share * plot.width;
  };
  const full = plot.left + plot.width + plot.right;
  const axis = plot.height + 18;
  const tall = axis + 14 + rowHeight * candidates.length;
  const [from, to] = [x(range.min), x(range.max)];
  const cut = (a: number, b: number) =>
    b - a < 0.5
      ? ''
      : `<rect x="${a.toFixed(1)}" y="0" width="${(b - a).toFixed(1)}" height="${plot.height}" class="cut"/>`;
  const rows = candidates.map((candidate, i) =>
    candidateRow(candidate, candidate.calibrator === calibrator, axis + 18 + i * rowHeight, x),
  );
  return `<div class="scroll"><svg class="figure" viewBox="0 0 ${full} ${tall}" width="${full}" height="${tall}" role="img" aria-label="Histogram with logarithmic counts, and the ranges of the calibrators">
<svg x="${plot.left}" y="0" width="${plot.width}" height="${plot.height}" viewBox="0 0 100 40" preserveAspectRatio="none"><use href="#h${order}" class="shape"/></svg>
${cut(plot.left, from)}${cut(to, plot.left + plot.width)}
<path d="M${from.toFixed(1)} 0V${plot.height}M${to.toFixed(1)} 0V${plot.height}" class="edge"/>
<path d="M${plot.left} ${plot.height}H${plot.left + plot.width}" class="grid"/>
<text x="${plot.left - 8}" y="12" text-anchor="end" class="soft">counts, log</text>
<text x="${plot.left}" y="${axis - 2}" class="soft">${short(seen.min)}</text><text x="${plot.left + plot.width}" y="${axis - 2}" text-anchor="end" class="soft">${short(seen.max)}</text>
${rows.join('\n')}
</svg></div>`;
}

function candidateRow(
  { calibrator, range, clipped, sqnr }: RangeCandidate,
  isChosen: boolean,
  y: number,
  x: (value: number) => number,
): string {
  const [from, to] = [x(range.min), x(range.max)];
  const title = `${calibrator}: ${range.min} … ${range.max}`;
  return `<g class="candidate${isChosen ? ' chosen' : ''}"><title>${escaped(title)}</title><text x="${plot.left - 8}" y="${y + 5}" text-anchor="end">${escaped(calibrator)}</text>
<rect x="${from.toFixed(1)}" y="${y - 4}" width="${Math.max(to - from, 1).toFixed(1)}" height="9" rx="2"/><text x="${plot.left + plot.width + 10}" y="${y + 5}">${db(sqnr)} dB, clips ${smallPercent(clipped)}</text></g>`;
}

function facts({ range, seen, scale, zeroPoint, clipped, sharedBy, name }: TensorFigure): string {
  const others = sharedBy.filter((value) => value !== name);
  const items: [string, string][] = [
    ['seen', `${short(seen.min)} … ${short(seen.max)}`],
    ['kept', `${short(range.min)} … ${short(range.max)}`],
    ['scale', String(scale)],
    ['zero point', String(zeroPoint)],
    ['clipped', smallPercent(clipped)],
  ];
  if (others.length > 0) items.push(['shared by', others.join(', ')]);
  const list = items.map(([term, text]) => `<div><dt>${term}</dt><dd>${escaped(text)}</dd></div>`);
  return `<dl>${list.join('')}</dl>`;
}
