/** The bar chart of the README: some layers of the kernels suite, one thread, INT8 and FP32 beside onnxruntime-node. */

/** Layers, each with what it stands for. */
const layers = [
  ['gemm 1x1024x1024', 'matrix · vector 1024²'],
  ['gemm 128x768x768', 'matrix product 128×768×768'],
  ['gemm 1024x1024x1024', 'matrix product 1024³'],
  ['conv 3x3 s1 64->64 @56', '3×3, 64 → 64 at 56²'],
  ['conv 3x3 s1 256->256 @14', '3×3, 256 → 256 at 14²'],
  ['conv 1x1 64->256 @56', '1×1, 64 → 256 at 56²'],
  ['conv 7x7 s2 3->64 @224', 'first layer 7×7, 3 → 64'],
  ['conv dw3x3 s1 96 @112', 'depthwise 3×3, 96 at 112²'],
  ['conv dw3x3 s1 384 @14', 'depthwise 3×3, 384 at 14²'],
];

const series = [
  { label: 'Octavo INT8', colour: '#1f6feb', of: (by) => by.int8?.value },
  { label: 'onnxruntime-node INT8', colour: '#a5c9f7', of: (by) => by.int8?.peer },
  { label: 'Octavo FP32', colour: '#bf5f00', of: (by) => by.fp32?.value },
  { label: 'onnxruntime-node FP32', colour: '#f2c79a', of: (by) => by.fp32?.peer },
];

const width = 900;
const left = 230;
const right = 90;
const top = 84;
const bar = 11;
const gap = 14;

/** SVG text; undefined where the reports have none of the layers. */
export function chartOf(reports) {
  const groups = [];
  for (const [name, label] of layers) {
    const by = {
      int8: figuresOf(reports, name.startsWith('gemm') ? `${name} u8s8u8` : name),
      fp32: figuresOf(reports, `${name} f32`),
    };
    if (by.int8 !== undefined) groups.push({ label, by });
  }
  if (groups.length === 0) return undefined;
  const from = reports.findLast(({ rows }) => rows.some(isCharted));
  const pitch = bar * series.length + gap;
  const height = top + groups.length * pitch + 16;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="13" fill="#24292f">`,
    `<title>GOP/s of single layers on one thread, Octavo and onnxruntime-node</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    text(16, 26, 'Single layers on one thread, GOP/s', 'font-size="16" font-weight="600"'),
    text(
      16,
      46,
      `${from.cpu}, Node ${from.node.slice(1)}, ${from.date}. Bars are relative to the fastest of each layer. onnxruntime-node: its kernels alone, by its profiler.`,
      'font-size="11" fill="#57606a"',
    ),
    legend(),
    ...groups.map((group, i) => groupOf(group, top + i * pitch)),
    '</svg>',
  ];
  return `${parts.join('\n')}\n`;
}

function isCharted({ suite, backend, threads }) {
  return suite === 'kernels' && backend === 'native' && threads === 1;
}

/** Octavo's best on the case, over instruction sets, and the peer's kernels; of reports the last that has it. */
function figuresOf(reports, name) {
  const rows = reports
    .flatMap((report) => report.rows)
    .filter((row) => isCharted(row) && row.case === name);
  if (rows.length === 0) return undefined;
  const beside = rows.findLast(({ peer }) => /^onnxruntime-node .* kernel$/.test(peer ?? ''));
  return { value: (beside ?? rows.at(-1)).value, peer: beside?.peerValue };
}

function legend() {
  return series
    .map(({ label, colour }, i) => {
      const x = 16 + i * 205;
      return `<rect x="${x}" y="58" width="12" height="12" fill="${colour}"/>${text(x + 18, 69, label)}`;
    })
    .join('\n');
}

function groupOf({ label, by }, y) {
  const values = series.map(({ of }) => of(by));
  const most = Math.max(...values.filter((value) => value !== undefined));
  const bars = values.map((value, i) => {
    if (value === undefined) return '';
    const length = Math.max((value / most) * (width - left - right), 1).toFixed(1);
    const at = y + i * bar;
    const figure = value.toPrecision(value < 1000 ? 3 : 4);
    return (
      `<rect x="${left}" y="${at}" width="${length}" height="${bar - 2}" fill="${series[i].colour}"/>` +
      text(left + Number(length) + 5, at + bar - 3, figure, 'font-size="10"')
    );
  });
  const middle = y + (bar * series.length) / 2 + 3;
  return [text(left - 10, middle, label, 'text-anchor="end"'), ...bars].join('\n');
}

function text(x, y, content, attributes = '') {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return `<text x="${x}" y="${y}" ${attributes}>${escaped}</text>`;
}
