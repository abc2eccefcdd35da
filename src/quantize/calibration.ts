/**
 * What samples showed of a model: one collector for each value whose range is wanted. Parts that several machines
 * collected merge to the bits of one that saw everything.
 *
 * The saved form: "OCTA", a version byte, the length of a JSON header as uint32 (little-endian), the header
 * `{ model, samples, shards?, values: [[name, bytes], …] }`, and the collectors' snapshots one after the other.
 */
import { Collector } from '../calibrate/index.js';
import { OctavoError } from '../core/errors.js';
import { fingerprint } from '../core/fingerprint.js';
import type { Graph } from '../graph/ir.js';
import { exportModel } from '../onnx/export.js';
import { areShards, mergeShards, oneShard, type Shards } from './shards.js';

const magic = [0x4f, 0x43, 0x54, 0x41, 1];

interface Header {
  readonly model: string;
  readonly samples: number;
  readonly shards?: Shards | undefined;
  readonly values: readonly (readonly [name: string, bytes: number])[];
}

export class Calibration {
  /** Feeds seen. */
  readonly samples: number;
  /** Which shards of the data it has seen; undefined where it is not marked as one, or has seen all. */
  readonly shards: Shards | undefined;
  readonly #collectors: ReadonlyMap<string, Collector>;
  #model: string | Graph;

  /**
   * @internal Made by `calibrate`, `load` and `merge`.
   * @param model the float graph whose values these are, or its digest
   */
  constructor(
    model: string | Graph,
    samples: number,
    collectors: ReadonlyMap<string, Collector>,
    shards?: Shards,
  ) {
    this.#model = model;
    this.samples = samples;
    this.#collectors = collectors;
    this.shards = shards;
  }

  /** Fingerprint of the float graph whose values these are. */
  get model(): string {
    if (typeof this.#model !== 'string') this.#model = digestOf(this.#model);
    return this.#model;
  }

  /** Names of the values watched, in the order of computation. */
  get values(): readonly string[] {
    return [...this.#collectors.keys()];
  }

  /** Throws `INVALID_CALIBRATION` for a value that was not watched. */
  collector(value: string): Collector {
    const collector = this.#collectors.get(value);
    if (collector !== undefined) return collector;
    throw new OctavoError('INVALID_CALIBRATION', 'this value was not watched', {
      where: value,
      expected: 'a calibration with the same choice of nodes',
      found: `${this.#collectors.size} other values`,
    });
  }

  /**
   * The same, marked as what the samples index − 1, index − 1 + count … of the data showed: `merge` then refuses to count
   * them twice, and forgets the marks once it has all shards. Throws `INVALID_ARGUMENT` unless 1 ≤ index ≤ count.
   */
  asShard(index: number, count: number): Calibration {
    return new Calibration(this.#model, this.samples, this.#collectors, oneShard(index, count));
  }

  /**
   * Both together. Parts may be merged in any order, with the same result. Throws `INVALID_CALIBRATION` unless both
   * watched the same values of the same model, and both are different shards of as many, or neither is marked as one.
   * @param where what errors call the other
   */
  merge(other: Calibration, where = 'merge'): Calibration {
    if (other.model !== this.model) throw otherModel(this.model, other.model, where);
    const theirs = new Set(other.values);
    if (theirs.size !== this.#collectors.size || !this.values.every((name) => theirs.has(name))) {
      throw new OctavoError('INVALID_CALIBRATION', 'parts that watched different values', {
        where,
        expected: `${this.#collectors.size} values`,
        found: `${theirs.size} values`,
      });
    }
    const shards = mergeShards(this.shards, other.shards, where);
    const merged = this.values.map((name) => {
      const both = new Collector({ name, nonFinite: 'skip' });
      both.merge(this.collector(name));
      both.merge(other.collector(name));
      return [name, both] as const;
    });
    return new Calibration(this.model, this.samples + other.samples, new Map(merged), shards);
  }

  /** Throws `INVALID_CALIBRATION` unless it was made with this float graph. */
  requireGraph(graph: Graph): void {
    if (this.#model === graph) return;
    const digest = digestOf(graph);
    if (digest !== this.model) throw otherModel(digest, this.model);
  }

  /** Equal contents give equal bytes. */
  save(): Uint8Array {
    const parts = [...this.#collectors].map(([name, from]) => [name, from.save()] as const);
    const values = parts.map(([name, bytes]) => [name, bytes.length] as const);
    const { model, samples, shards } = this;
    const header: Header = { model, samples, shards, values };
    const text = new TextEncoder().encode(JSON.stringify(header));
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, text.length, true);
    const blocks = [Uint8Array.from(magic), length, text, ...parts.map(([, bytes]) => bytes)];
    const out = new Uint8Array(blocks.reduce((sum, block) => sum + block.length, 0));
    let at = 0;
    for (const block of blocks) {
      out.set(block, at);
      at += block.length;
    }
    return out;
  }

  /** Throws `INVALID_CALIBRATION`, naming `where`, on bytes that `save` cannot make. */
  static load(bytes: Uint8Array, where = 'calibration'): Calibration {
    const { header, start } = readHeader(bytes, where);
    let at = start;
    const collectors = header.values.map(([name, length]) => {
      const snapshot = bytes.subarray(at, at + length);
      at += length;
      return [name, Collector.load(snapshot, { name, nonFinite: 'skip' })] as const;
    });
    if (at !== bytes.length) throw broken(where, `${bytes.length - at} bytes too many`);
    return new Calibration(header.model, header.samples, new Map(collectors), header.shards);
  }
}

function readHeader(bytes: Uint8Array, where: string): { header: Header; start: number } {
  if (!(bytes instanceof Uint8Array)) throw broken(where, 'something other than a Uint8Array');
  if (bytes.length < 9 || !magic.every((byte, i) => bytes[i] === byte)) {
    throw broken(where, 'another header or version');
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const start = 9 + view.getUint32(5, true);
  if (start > bytes.length) throw broken(where, 'a cut end');
  try {
    const header: unknown = JSON.parse(new TextDecoder().decode(bytes.subarray(9, start)));
    if (isHeader(header)) return { header, start };
  } catch {
    // Falls through: what is not JSON is no header.
  }
  throw broken(where, 'a header that makes no sense');
}

function isHeader(value: unknown): value is Header {
  const { model, samples, shards, values } = (value ?? {}) as Partial<Header>;
  const isCount = (n: unknown) => Number.isSafeInteger(n) && (n as number) >= 0;
  return (
    typeof model === 'string' &&
    isCount(samples) &&
    (shards === undefined || areShards(shards)) &&
    Array.isArray(values) &&
    values.every(
      (entry) => Array.isArray(entry) && typeof entry[0] === 'string' && isCount(entry[1]),
    )
  );
}

function broken(where: string, found: string): OctavoError {
  return new OctavoError('INVALID_CALIBRATION', 'not a saved calibration', { where, found });
}

function otherModel(expected: string, found: string, where = 'calibration'): OctavoError {
  return new OctavoError('INVALID_CALIBRATION', 'a calibration of another model', {
    where,
    expected: `the model ${expected.slice(0, 12)}`,
    found: found.slice(0, 12),
  });
}

/** Fingerprint of the graph as a file: what a calibration belongs to. */
export function digestOf(graph: Graph): string {
  return fingerprint(exportModel(graph));
}
