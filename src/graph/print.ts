/**
 * Graphs as text: a line per value, in columns: its name, its type, how it is computed. Constants
 * show as `name type dims`, or as their value when they have a single element. Names come from models,
 * so control characters are shown escaped.
 */
import { byteLengthOf, isInteger } from '../core/dtype.js';
import { elementCount } from '../core/shape.js';
import type { Tensor } from '../core/tensor.js';
import { type Attribute, type Graph, type Node, qualifiedOp, typeOf } from './ir.js';
import { formatType } from './verify.js';

/** Columns are as wide as their widest entry, up to this. */
const widest = 48;

/** Most numbers shown of a list. */
const mostNumbers = 16;

/** The whole graph, one line per input, node output and graph output. */
export function printGraph(graph: Graph): string {
  const rows = [
    ...graph.inputs.map((input) => row(graph, input, 'input')),
    ...graph.nodes.flatMap((node) => nodeRows(graph, node)),
    ...graph.outputs.map(({ name, value }) => row(graph, value, outputText(name, value))),
  ];
  const widthOf = (column: 0 | 1): number =>
    Math.min(widest, Math.max(...rows.map((cells) => cells[column].length), 0));
  const [first, second] = [widthOf(0), widthOf(1)];
  const lines = rows.map(([name, type, how]) =>
    `${name.padEnd(first)}  ${type.padEnd(second)}  ${how}`.trimEnd(),
  );
  return [headline(graph), ...lines].join('\n');
}

/** 'name: 12 nodes, 3 constants of 1.2 KB, opset 21'. */
function headline(graph: Graph): string {
  const bytes = [...graph.constants.values()].reduce(
    (sum, { type, dims }) => sum + byteLengthOf(type, elementCount(dims)),
    0,
  );
  const opsets = [...graph.opsets].map(([domain, version]) =>
    domain === '' ? `opset ${version}` : `${printable(domain)} ${version}`,
  );
  const name = graph.name === '' ? 'graph' : printable(graph.name);
  const counts = `${graph.nodes.length} nodes, ${graph.constants.size} constants`;
  return `${name}: ${counts} of ${formatBytes(bytes)}, ${opsets.join(', ')}`;
}

/** 512 B, 1.2 KB, 3.4 MB: powers of 1000. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  for (const unit of ['B', 'KB', 'MB']) {
    if (value < 999.5) return `${unit === 'B' ? value : value.toPrecision(3)} ${unit}`;
    value /= 1000;
  }
  return `${value.toPrecision(3)} GB`;
}

type Row = readonly [name: string, type: string, how: string];

function row(graph: Graph, value: string, how: string): Row {
  const type = typeOf(graph, value);
  return [printable(value), type === undefined ? '?' : formatType(type), how];
}

function outputText(name: string, value: string): string {
  return name === value ? 'output' : `output '${printable(name)}'`;
}

function nodeRows(graph: Graph, node: Node): Row[] {
  const inputs = node.inputs.map((input) => operand(graph, input));
  const attributes = [...node.attributes].map(
    ([name, attribute]) => ` ${printable(name)}=${attributeText(attribute)}`,
  );
  const how = `${printable(qualifiedOp(node))}(${inputs.join(', ')})${attributes.join('')}`;
  return node.outputs
    .filter((output) => output !== '')
    .map((output, i) => row(graph, output, i === 0 ? how : `and ${printable(node.name)}`));
}

function operand(graph: Graph, value: string): string {
  if (value === '') return '-';
  const constant = graph.constants.get(value);
  if (constant === undefined) return printable(value);
  return literal(constant) ?? `${printable(value)} ${formatType(constant)}`;
}

/** The value of a constant with few elements that are numbers as they lie. */
function literal({ type, dims, data }: Tensor): string | undefined {
  const plain = type === 'float32' || type === 'float64' || type === 'bool' || isInteger(type);
  const count = elementCount(dims);
  if (!plain || count !== data.length || dims.length > 1 || count > 8) return undefined;
  if (type === 'float32' && dims.length === 1 && count > 1) return undefined;
  const numbers = Array.from(data as ArrayLike<number | bigint>, (x) =>
    typeof x === 'number' ? shortNumber(x) : String(x),
  );
  return dims.length === 0 ? numbers[0] : `[${numbers.join(', ')}]`;
}

/** Seven digits tell any two float32 apart that a reader would. */
function shortNumber(x: number): string {
  return Number.isInteger(x) ? String(x) : String(Number(x.toPrecision(7)));
}

function attributeText(attribute: Attribute): string {
  switch (attribute.kind) {
    case 'int':
      return String(attribute.value);
    case 'float':
      return shortNumber(attribute.value);
    case 'string':
      return `'${printable(attribute.value)}'`;
    case 'tensor':
      return literal(attribute.value) ?? formatType(attribute.value);
    case 'graph':
      return `{${attribute.value.nodes.length} nodes}`;
    case 'ints':
    case 'floats':
      return listText(attribute.value.map(shortNumber));
    case 'strings':
      return listText(attribute.value.map((text) => `'${printable(text)}'`));
  }
}

function listText(items: readonly string[]): string {
  const more = items.length > mostNumbers ? ', …' : '';
  return `[${items.slice(0, mostNumbers).join(', ')}${more}]`;
}

function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (c) => {
    return `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
