/** The recipe in a page: whole, as data that a script or `octavo quantize --recipe` reads, and to be looked at. */
import { formatRecipe } from '../quantize/formatRecipe.js';
import type { Recipe } from '../quantize/recipe.js';
import { escaped } from './html.js';

const opening = '<script type="application/json" id="recipe">';
const closing = '</script>';

/** Longest text of packed numbers that is shown. */
const mostShown = 60;

/** A section that unfolds. Without JavaScript the data can still be read from the page's source. */
export function recipeSection(recipe: Recipe): string {
  const text = formatRecipe(recipe);
  // Nothing in JSON text can then end the element, or open a comment in it.
  const data = text.replaceAll('<', '\\u003c');
  const shown = formatRecipe(abridged(recipe) as Recipe);
  return `<details class="more"><summary>Recipe, as JSON</summary>
<p class="soft">What was decided, to make the same file from the float model again without samples: <code>octavo quantize model.onnx --recipe recipe.json</code>. Long runs of packed numbers are abridged here, and whole in the file.</p>
<div class="tools" hidden><button type="button" id="recipe-download">Download recipe.json</button></div>
<pre>${escaped(shown)}</pre></details>
${opening}${data}${closing}`;
}

/** The text of the recipe in a page; undefined where there is none. */
export function recipeIn(html: string): string | undefined {
  const start = html.indexOf(opening);
  const end = html.indexOf(closing, start);
  return start < 0 || end < 0 ? undefined : html.slice(start + opening.length, end);
}

/** The same data with long texts cut short. */
function abridged(value: unknown): unknown {
  if (typeof value === 'string' && value.length > mostShown) {
    return `${value.slice(0, mostShown)}… ${value.length} characters`;
  }
  if (Array.isArray(value)) return value.map(abridged);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, abridged(one)]));
}
