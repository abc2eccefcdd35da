/** The table of layers: a column for each figure that any of them has. */
import { db, escaped, ms, smallPercent } from './html.js';
import type { ErrorScale } from './layerChart.js';
import type { PageLayer, QuantizationPageData } from './quantizationData.js';

interface Row {
  readonly layer: PageLayer;
  /** Its place in the computation, from 1. */
  readonly order: number;
  /** What its name leads to: the first tensor that it reads. */
  readonly tensor: number | undefined;
  readonly scale: ErrorScale;
  readonly kind: QuantizationPageData['kind'];
}

interface Column {
  readonly head: string;
  readonly title: string;
  readonly cell: (row: Row) => string;
  /** Whether a layer has such a figure; without it every layer has. */
  readonly has?: (layer: PageLayer) => boolean;
  readonly sorted?: boolean;
}

function figure(value: number | undefined, format: (value: number) => string): string {
  return value === undefined
    ? '<td data-v=""></td>'
    : `<td data-v="${value}">${format(value)}</td>`;
}

/** A column of one figure. */
function figures(
  head: string,
  title: string,
  of: (layer: PageLayer) => number | undefined,
  format: (value: number) => string,
): Column {
  return {
    head,
    title,
    cell: ({ layer }) => figure(of(layer), format),
    has: (layer) => of(layer) !== undefined,
  };
}

function hurts({ layer: { alone }, scale }: Row): string {
  const width = alone.both === undefined ? 0 : 60 * scale.of(alone.both);
  return `<td class="hurt" data-v="${alone.both ?? ''}"><i style="width:${width.toFixed(1)}px"></i><span>${db(alone.both)}</span></td>`;
}

function outputsOf({ layer: { outputs } }: Row): string {
  const moved =
    outputs && Math.abs(outputs.after - outputs.before) >= 0.05 ? `${db(outputs.before)} → ` : '';
  return `<td data-v="${outputs?.after ?? ''}">${outputs ? `${moved}${db(outputs.after)}` : ''}</td>`;
}

function nameOf({ layer: { node }, tensor }: Row): string {
  const name = tensor === undefined ? escaped(node) : `<a href="#t${tensor}">${escaped(node)}</a>`;
  return `<td class="name" title="${escaped(node)}">${name}</td>`;
}

function runsIn({ layer: { integer }, kind }: Row): string {
  const runs = integer ? kind : 'float';
  return `<td><span class="pill ${runs}">${runs}</span></td>`;
}

function columnsFor({ kind, tensors }: QuantizationPageData): readonly Column[] {
  const calibrated = tensors.length > 0;
  return [
    {
      head: '#',
      title: 'place in the computation',
      cell: ({ order }) => `<td data-v="${order}">${order}</td>`,
    },
    {
      head: 'layer',
      title: calibrated ? 'its name leads to what it reads' : '',
      cell: nameOf,
    },
    { head: 'kind', title: '', cell: ({ layer }) => `<td>${escaped(layer.op)}</td>` },
    {
      head: 'hurts, dB',
      title: 'SQNR of the answers with this layer alone quantized: the lower, the worse',
      cell: hurts,
      has: ({ alone }) => alone.both !== undefined,
      sorted: true,
    },
    figures(
      'weights',
      'the same with its weights alone quantized',
      ({ alone }) => alone.weights,
      db,
    ),
    figures(
      'activations',
      'the same with its input activations alone quantized',
      ({ alone }) => alone.activations,
      db,
    ),
    // Beside the two above it would be a third figure of the same kind: the weights have a section of their own.
    ...(calibrated
      ? []
      : [figures('codes, dB', 'SQNR of its weights', ({ weightSqnr }) => weightSqnr, db)]),
    {
      head: 'outputs',
      title:
        'SQNR of what it writes in the quantized model, before and after its bias was corrected',
      cell: outputsOf,
      has: ({ outputs }) => outputs !== undefined,
    },
    figures(
      'clipped',
      'share of its input values beyond their range',
      ({ clipped }) => clipped,
      smallPercent,
    ),
    figures('float ms', '', ({ floatMs }) => floatMs, ms),
    figures(`${kind} ms`, '', ({ int8Ms }) => int8Ms, ms),
    { head: kind === 'INT8' ? 'runs in' : 'is', title: '', cell: runsIn },
  ];
}

/** `ranked` are the layers that were measured, the worst first. */
export function layerTable(
  data: QuantizationPageData,
  ranked: readonly PageLayer[],
  scale: ErrorScale,
): string {
  const { layers, tensors, kind } = data;
  const others = layers.filter((layer) => !ranked.includes(layer));
  const order = new Map(layers.map((layer, i) => [layer, i + 1]));
  const tensorAt = new Map(tensors.map(({ name }, i) => [name, i]));
  const columns = columnsFor(data).filter(({ has }) => has === undefined || layers.some(has));
  const rows = [...ranked, ...others].map((layer) => {
    const [tensor] = layer.tensors.map((name) => tensorAt.get(name));
    const row = { layer, order: order.get(layer)!, tensor, scale, kind };
    const runs = layer.integer ? kind : 'float';
    return `<tr data-layer="${escaped(layer.node)}" data-runs="${runs}">${columns.map(({ cell }) => cell(row)).join('')}</tr>`;
  });
  const cells = columns.map(
    ({ head, title, sorted }) =>
      `<th scope="col" title="${title}"${sorted ? ' aria-sort="ascending"' : ''}>${head}</th>`,
  );
  const heading = ranked.length > 0 ? 'Layers, the most sensitive first' : 'Layers';
  return `<h2>${heading}</h2>
<div class="tools" hidden><input id="layer-filter" type="search" placeholder="Filter layers" aria-label="Filter layers"><select id="layer-kind" aria-label="Which layers"><option value="">${kind} and float</option><option value="${kind}">${kind}</option><option value="float">float</option></select><span id="layer-count" class="soft" aria-live="polite">${rows.length} of ${rows.length}</span></div>
<div class="scroll"><table id="layers" class="sortable"><thead><tr>${cells.join('')}</tr></thead>
<tbody>${rows.join('\n')}</tbody></table></div>`;
}
