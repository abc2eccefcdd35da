/**
 * Elements that change places when they are read, and not before. Weights seldom have their axes in the order in which
 * kernels want them: the native backend packs them from where they lie, and nobody writes them in between.
 */
import { type DataType, type TypedArray, viewOf } from './dtype.js';
import type { Shape } from './shape.js';
import type { Tensor } from './tensor.js';
import { planeTurner, unsignedBits } from './turnPlane.js';

/** Planes that follow each other. */
interface Planes {
  readonly batches: number;
  readonly rows: number;
  readonly columns: number;
}

/** [batches][rows][columns] in `source`, wanted as [batches][columns][rows]. Elements are whole bytes. */
export class Turned implements Planes {
  readonly batches: number;
  readonly rows: number;
  readonly columns: number;
  #data: TypedArray | undefined;

  constructor(
    readonly type: DataType,
    readonly source: TypedArray,
    { batches, rows, columns }: Planes,
  ) {
    this.batches = batches;
    this.rows = rows;
    this.columns = columns;
  }

  get byteLength(): number {
    return this.source.byteLength;
  }

  /** The elements in their new places, moved when they are first asked for. */
  get data(): TypedArray {
    if (this.#data === undefined) {
      const bytes = new Uint8Array(this.byteLength);
      this.writeTo(bytes);
      this.#data = viewOf(this.type, bytes.buffer, 0, this.source.length);
    }
    return this.#data;
  }

  /** Writes the elements to the front of a block, which begins at a multiple of their size. */
  writeTo(block: Uint8Array): void {
    const { type, source, batches, rows, columns } = this;
    const to = viewOf(type, block.buffer, block.byteOffset, source.length);
    // What lies in a row comes to lie in a column.
    const plane = { rows: columns, columns: rows, rowStep: rows, columnStep: columns };
    const turn = planeTurner(unsignedBits(source), unsignedBits(to), plane);
    for (let batch = 0; batch < batches; batch++) {
      turn(batch * rows * columns, batch * rows * columns);
    }
  }
}

/** What tensors hold: the same where they share their elements. */
export type Storage = TypedArray | Turned;

const storages = new WeakMap<Tensor, Turned>();

/** A tensor of these elements, which are moved when its data are read. */
export function turnedTensor(turned: Turned, dims: Shape): Tensor {
  const tensor = {
    type: turned.type,
    dims,
    get data() {
      return turned.data;
    },
  } as Tensor;
  storages.set(tensor, turned);
  return tensor;
}

/** A tensor's elements, without moving any. */
export function storageOf(tensor: Tensor): Storage {
  return storages.get(tensor) ?? tensor.data;
}

/** A tensor's elements where they lie, in the order in which they do. */
export function sourceOf(storage: Storage): TypedArray {
  return storage instanceof Turned ? storage.source : storage;
}

/** The same elements under other dims. */
export function withDims(tensor: Tensor, dims: Shape): Tensor {
  const turned = storages.get(tensor);
  return turned === undefined ? ({ ...tensor, dims } as Tensor) : turnedTensor(turned, dims);
}
