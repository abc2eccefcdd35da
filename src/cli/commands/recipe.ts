/** octavo quantize --recipe and --write-recipe: quantizing again as it was done before, and keeping how it was done. */
import { OctavoError } from '../../core/errors.js';
import { formatBytes } from '../../graph/print.js';
import { exportModel } from '../../onnx/export.js';
import { loadModel, saveModel } from '../../onnx/model.js';
import { writeFileAtomic } from '../../onnx/save.js';
import { applyRecipe } from '../../quantize/applyRecipe.js';
import { formatRecipe } from '../../quantize/formatRecipe.js';
import { parseRecipe } from '../../quantize/parseRecipe.js';
import type { Recipe, WithRecipe } from '../../quantize/recipe.js';
import { recipeIn } from '../../report/recipeSection.js';
import type { CommandContext } from '../command.js';
import { readWhole } from '../inputs/files.js';
import { dashed, type RawOptions, text, UsageError } from '../options.js';
import { defaultOutput, requireWritable } from './outputFile.js';
import { phases } from './phases.js';

/** What goes with a recipe, by the option's name: all else it settles. */
const besides = [
  ...['recipe', 'output', 'json', 'quiet', 'backend', 'isa', 'threads'],
  ...['o', '--'],
];

/** The file of the recipe to follow. Throws a UsageError for options beside it that it settles. */
export function recipeOption(options: RawOptions): string | undefined {
  const file = text(options, 'recipe');
  if (file === undefined) return undefined;
  const settled = Object.keys(options).find(
    (name) => options[name] !== undefined && !besides.includes(name),
  );
  if (settled === undefined) return file;
  throw new UsageError(`--recipe settles how to quantize, and does not take ${dashed(settled)}`);
}

export async function quantizeByRecipe(
  file: string,
  recipeFile: string,
  { options, terminal, signal }: CommandContext,
): Promise<void> {
  const recipe = await readRecipe(recipeFile);
  const type = recipe.kind === 'weights' ? recipe.type : 'int8';
  const output = text(options, 'output') ?? defaultOutput(file, type);
  await requireWritable(output, file);
  const source = await loadModel(file);
  const progress = phases(terminal);
  const { update: onProgress } = progress;
  const model = await applyRecipe(source, recipe, { signal, onProgress }).finally(progress.end);
  await saveModel(model, output);
  const bytesBefore = exportModel(source.graph, source.meta).length;
  const bytesAfter = exportModel(model.graph, model.meta).length;
  const layers = recipe.layers.length;
  const result = { output, recipe: recipeFile, kind: recipe.kind, layers, bytesBefore, bytesAfter };
  terminal.result(result, () =>
    [
      `Saved ${output}: ${formatBytes(bytesBefore)} → ${formatBytes(bytesAfter)}, ${(bytesBefore / bytesAfter).toFixed(1)}× smaller`,
      `As ${recipeFile} says (${recipe.kind}): ${layers} ${layers === 1 ? 'layer' : 'layers'} with quantized weights`,
    ].join('\n'),
  );
}

/** JSON, or a page of --report that holds it. Throws `INVALID_RECIPE`, and as `readWhole` does. */
async function readRecipe(file: string): Promise<Recipe> {
  const content = new TextDecoder().decode(await readWhole(file));
  const json = content.trimStart().startsWith('<') ? recipeIn(content) : content;
  let value: unknown;
  try {
    value = JSON.parse(json ?? '');
  } catch (cause) {
    throw new OctavoError('INVALID_RECIPE', 'not a recipe', {
      where: file,
      expected: 'JSON, or a page of --report',
      cause,
    });
  }
  return parseRecipe(value);
}

/** Where --write-recipe goes. */
export async function recipeOutput(
  options: RawOptions,
  model: string,
): Promise<string | undefined> {
  const file = text(options, 'writeRecipe');
  if (file !== undefined) await requireWritable(file, model);
  return file;
}

/** Throws `FILE_UNWRITABLE`, and leaves what was there as it was. */
export async function writeRecipe(file: string | undefined, result: WithRecipe): Promise<void> {
  if (file === undefined) return;
  await writeFileAtomic(file, new TextEncoder().encode(formatRecipe(result.recipe)));
}
