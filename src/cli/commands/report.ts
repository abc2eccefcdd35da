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
import { type RawOptions, text, UsageError } from '../options.js';

/** Where the page goes; undefined without --report. Throws a UsageError where there is nothing to measure on. */
export function reportOf(options: RawOptions, data: string | undefined): string | undefined {
  const page = text(options, 'report');
  if (page === undefined || data !== undefined) return page;
  throw new UsageError('--report needs samples to measure on: --data');
}

/** Gathers the page of a quantization and writes it, where one is wanted. `file` is the float model. */
export async function writeReport(
  page: string | undefined,
  file: string,
  model: Model,
  quantized: QuantizedForPage,
  options: Omit<QuantizationPageOptions, 'calibrationData'> & Partial<QuantizationPageOptions>,
  { terminal }: CommandContext,
): Promise<void> {
  const { calibrationData } = options;
  if (page === undefined || calibrationData === undefined) return;
  terminal.note('Measuring layers for the report.');
  const title = path.basename(file);
  const data = await quantizationPageData(model, quantized, { title, ...options, calibrationData });
  await writeFile(page, renderQuantizationReport(data));
  terminal.note(`Wrote ${page}.`);
}
