/** octavo quantize --report: the page of a quantization. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Model } from '../../onnx/model.js';
import {
  type QuantizationPageOptions,
  type QuantizedForPage,
  quantizationPageData,
} from '../../report/quantizationData.js';
import { renderQuantizationReport } from '../../report/quantizationPage.js';
import type { CommandContext } from '../command.js';

/** Gathers the page of a quantization and writes it, where one is wanted. `file` is the float model. */
export async function writeReport(
  page: string | undefined,
  file: string,
  model: Model,
  quantized: QuantizedForPage,
  options: QuantizationPageOptions,
  { terminal }: CommandContext,
): Promise<void> {
  if (page === undefined) return;
  if (options.calibrationData !== undefined) terminal.note('Measuring layers for the report.');
  const title = path.basename(file);
  const data = await quantizationPageData(model, quantized, { title, ...options });
  await writeFile(page, renderQuantizationReport(data));
  terminal.note(`Wrote ${page}.`);
}
