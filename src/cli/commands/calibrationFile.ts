/**
 * Calibrations as files: the bytes of `Calibration.save()`, or, where the name ends in .json, an object that tells what
 * they are of and holds them in base64. Reading goes by the content, not by the name.
 */
import { OctavoError } from '../../core/errors.js';
import { writeFileAtomic } from '../../onnx/save.js';
import { Calibration } from '../../quantize/calibration.js';
import { describeShards, missingShards } from '../../quantize/shards.js';
import { readWhole } from '../inputs/files.js';

/** Throws `FILE_NOT_FOUND`, `FILE_UNREADABLE` or `INVALID_CALIBRATION`, naming the file. */
export async function readCalibration(file: string): Promise<Calibration> {
  const bytes = await readWhole(file);
  const isJson = bytes[0] === '{'.charCodeAt(0);
  return Calibration.load(isJson ? bytesInJson(bytes, file) : bytes, file);
}

function bytesInJson(text: Uint8Array, where: string): Uint8Array {
  try {
    const { calibration } = JSON.parse(new TextDecoder().decode(text)) as { calibration: unknown };
    if (typeof calibration === 'string') return Buffer.from(calibration, 'base64');
  } catch {
    // Falls through: what is not JSON holds no calibration.
  }
  throw new OctavoError('INVALID_CALIBRATION', 'not a saved calibration', {
    where,
    expected: "JSON with a string 'calibration'",
  });
}

/** Throws `FILE_UNWRITABLE`, and leaves what was there as it was. */
export function writeCalibration(calibration: Calibration, file: string): Promise<void> {
  const bytes = calibration.save();
  if (!/\.json$/i.test(file)) return writeFileAtomic(file, bytes);
  const { model, samples, shards } = calibration;
  const content = { model, samples, shards, calibration: Buffer.from(bytes).toString('base64') };
  return writeFileAtomic(file, Buffer.from(`${JSON.stringify(content, null, 1)}\n`));
}

/** Such as '12 samples: shards 1/8 2/8, 6 missing'. */
export function describeCalibration({ samples, shards }: Calibration): string {
  const count = `${samples} sample${samples === 1 ? '' : 's'}`;
  if (shards === undefined) return count;
  return `${count}: ${describeShards(shards)}, ${missingShards(shards).length} missing`;
}
