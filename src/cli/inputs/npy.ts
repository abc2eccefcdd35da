/** NumPy's .npy and .npz files as tensors. Format: NumPy's documentation, numpy.lib.format, versions 1 to 3. */
import { unzipSync } from 'fflate';
import { byteLengthOf, type DataType, viewOf } from '../../core/dtype.js';
import { OctavoError } from '../../core/errors.js';
import { defaultLimits } from '../../core/limits.js';
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

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/** Reads one array. Throws `INVALID_TENSOR` and `UNSUPPORTED_TYPE` naming `where`. */
export function parseNpy(bytes: Uint8Array, where: string): Tensor {
  const malformed = (what: string) => new OctavoError('INVALID_TENSOR', what, { where });
  if (bytes.length < 12 || magic.some((byte, i) => bytes[i] !== byte)) {
    throw malformed('not a .npy file');
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isLong = bytes[6]! >= 2;
  const start = isLong ? 12 : 10;
  const end = start + (isLong ? view.getUint32(8, true) : view.getUint16(8, true));
  if (end > bytes.length) throw malformed('the header is cut off');
  const header = new TextDecoder('latin1').decode(bytes.subarray(start, end));

  const type = typeFrom(header, where);
  if (/'fortran_order':\s*True/.test(header)) throw malformed('Fortran order is not supported');
  const shape = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1];
  if (shape === undefined) throw malformed('the header has no shape');
  const dims = shape
    .split(',')
    .map((dim) => dim.trim())
    .filter((dim) => dim !== '')
    .map(Number);
  const count = elementCount(dims, where);
  const size = byteLengthOf(type, count);
  if (bytes.length - end !== size) {
    throw new OctavoError('INVALID_TENSOR', 'the data do not fit the shape', {
      where,
      expected: `${size} bytes`,
      found: `${bytes.length - end} bytes`,
    });
  }
  // Elements must be aligned to their width, which a view into the file need not be.
  return tensor(type, viewOf(type, new Uint8Array(bytes.subarray(end)).buffer, 0, count), dims);
}

function typeFrom(header: string, where: string): DataType {
  const descr = /'descr':\s*'([<>|=])(\w+)'/.exec(header);
  const type = types.get(descr?.[2] ?? '');
  if (descr !== null && descr[1] !== '>' && type !== undefined) return type;
  throw new OctavoError('UNSUPPORTED_TYPE', 'element type not supported', {
    where,
    expected: `little-endian ${[...types.keys()].join(', ')}`,
    found: /'descr':\s*([^,]+)/.exec(header)?.[1]?.trim() ?? 'none',
  });
}

/**
 * Reads the arrays of these names from an archive. Throws `INVALID_TENSOR` naming the file or the member,
 * `INVALID_INPUT` for a name that is not there, and `LIMIT_EXCEEDED` before more is unpacked than a tensor
 * may hold.
 */
export function parseNpz(
  bytes: Uint8Array,
  where: string,
  names: readonly string[],
): Map<string, Tensor> {
  const found: string[] = [];
  let total = 0;
  const isWanted = (member: string, size: number): boolean => {
    found.push(nameOf(member));
    if (!names.includes(nameOf(member))) return false;
    total += size;
    if (total <= defaultLimits.tensorBytes) return true;
    throw new OctavoError('LIMIT_EXCEEDED', 'the archive unpacks to too much', {
      where,
      expected: `at most ${defaultLimits.tensorBytes} bytes`,
    });
  };
  let members: Map<string, Uint8Array>;
  try {
    const unpacked = unzipSync(bytes, {
      filter: ({ name, originalSize }) => isWanted(name, originalSize),
    });
    members = new Map(Object.entries(unpacked).map(([name, data]) => [nameOf(name), data]));
  } catch (cause) {
    if (cause instanceof OctavoError) throw cause;
    throw new OctavoError('INVALID_TENSOR', 'not a .npz file', { where, cause });
  }
  return new Map(
    names.map((name) => {
      const content = members.get(name);
      if (content !== undefined) return [name, parseNpy(content, `${where}/${name}`)] as const;
      throw new OctavoError('INVALID_INPUT', `no array for input '${name}'`, {
        where,
        found: found.join(', ') || 'none',
      });
    }),
  );
}

function nameOf(member: string): string {
  return member.replace(/\.npy$/, '');
}
