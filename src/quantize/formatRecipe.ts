/** A recipe as text. */
import type { Recipe } from './recipe.js';

/** As JSON with a line for each layer and each activation. */
export function formatRecipe(recipe: Recipe): string {
  const given = Object.entries(recipe).filter(([, value]) => value !== undefined);
  const fields = given.map(([name, value]) => {
    const isList = Array.isArray(value) && value.length > 0;
    const lines = isList ? value.map((item) => `\n  ${JSON.stringify(item)}`) : [];
    return ` ${JSON.stringify(name)}: ${isList ? `[${lines.join(',')}\n ]` : JSON.stringify(value)}`;
  });
  return `{\n${fields.join(',\n')}\n}\n`;
}
