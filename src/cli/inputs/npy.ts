/** NumPy's .npy and .npz files as tensors. Format: NumPy's documentation, numpy.lib.format, versions 1 to 3. */
import { unzipSync } from 'fflate';
import type { DataType } from '../../core/dtype.js';
import { bitsOf, viewOf } from '../../core/dtype.js';
import { OctavoError } from '../../core/errors.js';
import { elementCount } from '../../core/shape.js';
import { type Tensor, tensor } from '../../core/tensor.js';

const types: ReadonlyMap<string, DataType> = new Map([
  ['f4', 'float32'],
  ['f8', 'float64'],
  ['f2', 'float16'],
  ['i1', 'int8'],
  ['u1', 'uint8'],
  ['i2', 'int16'],
  ['u2', 'uint16'],
  ['i4', 'int32'],
  ['u4', 'uint32'],
  ['i8', 'int64'],
  ['u8', 'uint64'],
  ['b1', 'bool'],
]);

/** Reads one array. Throws `INVALID_TENSOR` naming `where`. */
export function parseNpy(bytes: Uint8Array, where: string): Tensor {
  const malformed = (what: string) => new OctavoError('INVALID_TENSOR', what, { where });
  const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
  if (bytes.length < 12 || magic.some((byte, i) => bytes[i] !== byte)) {
    throw malformed('not a .npy file');
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isLong = bytes[6]! >= 2;
  const start = isLong ? 12 : 10;
  const end = start + (isLong ? view.getUint32(8, true) : view.getUint16(8, true));
  if (end > bytes.length) throw malformed('the header is cut off');
  const header = new TextDecoder('latin1').decode(bytes.subarray(start, end));

  const descr = /'descr':\s*'([<>|=])(\w+)'/.exec(header);
  const type = types.get(descr?.[2] ?? '');
  if (descr === null || type === undefined) {
    throw new OctavoError('UNSUPPORTED_TYPE', 'element type not supported', {
      where,
      expected: [...types.keys()].join(', '),
      found: /'descr':\s*([^,]+)/.exec(header)?.[1]?.trim() ?? 'none',
    });
  }
  if (descr[1] === '>') throw malformed('big-endian elements are not supported');
  if (/'fortran_order':\s*True/.test(header)) throw malformed('Fortran order is not supported');
  const shape = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1];
  if (shape === undefined) throw malformed('the header has no shape');
  const dims = shape
    .split(',')
    .map((dim) => dim.trim())
    .filter((dim) => dim !== '')
    .map(Number);
  const count = elementCount(dims, where);
  const size = (count * bitsOf(type)) / 8;
  if (bytes.length - end !== size) {
    throw new OctavoError('INVALID_TENSOR', 'the data does not fit the shape', {
      where,
      expected: `${size} bytes`,
      found: `${bytes.length - end} bytes`,
    });
  }
  // Elements must be aligned to their width, which a view into the file need not be.
  const copy = bytes.slice(end);
  return tensor(type, viewOf(type, copy.buffer, 0, count), dims, where);
}

/** Reads every array of an archive, by name. Throws `INVALID_TENSOR` naming the file or the member. */
export function parseNpz(bytes: Uint8Array, where: string): Map<string, Tensor> {
  let members: Record<string, Uint8Array>;
  try {
    members = unzipSync(bytes);
  } catch (cause) {
    throw new OctavoError('INVALID_TENSOR', 'not a .npz file', { where, cause });
  }
  return new Map(
    Object.entries(members).map(([member, content]) => [
      member.replace(/\.npy$/, ''),
      parseNpy(content, `${where}/${member}`),
    ]),
  );
}
