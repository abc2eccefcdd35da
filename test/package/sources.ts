/** The source files of the project and what they import, for the tests that watch over its structure. */
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url));

export interface Import {
  readonly specifier: string;
  /** Erased by the compiler: `import type` and `export type`. */
  readonly typeOnly: boolean;
}

/** Files below `folder` whose names match `pattern`, relative to the root, with forward slashes, sorted. */
export function sourceFiles(folder: string, pattern = /\.[cm]?ts$/): string[] {
  return fs
    .readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => path.posix.join(folder, name.replaceAll('\\', '/')))
    .filter((name) => pattern.test(name))
    .sort();
}

const declaration = /^(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?'([^']+)';/gm;
const call = /\b(?:import|require)\(\s*'([^']+)'/g;

/** Static and dynamic imports of one TypeScript file. */
export function importsOf(file: string): Import[] {
  const text = fs.readFileSync(path.join(root, file), 'utf8');
  return [
    ...[...text.matchAll(declaration)].map(([, type, specifier]) => ({
      specifier: specifier!,
      typeOnly: type !== undefined,
    })),
    ...[...text.matchAll(call)].map(([, specifier]) => ({
      specifier: specifier!,
      typeOnly: false,
    })),
  ];
}

/** The file a relative import names: `../core/shape.js` in src/graph/ir.ts → src/core/shape.ts. */
export function resolveImport(file: string, specifier: string): string {
  const target = path.posix.join(path.posix.dirname(file), specifier);
  return target.replace(/\.(c|m)?js$/, '.$1ts');
}

/** What a C++ file includes: our own headers, named from the root, and the system's, in angle brackets. */
export function includesOf(file: string): { local: string[]; system: string[] } {
  const text = fs.readFileSync(path.join(root, file), 'utf8');
  const local = [...text.matchAll(/^\s*#\s*include\s+"([^"]+)"/gm)].map(([, name]) => name!);
  const system = [...text.matchAll(/^\s*#\s*include\s+<([^>]+)>/gm)].map(([, name]) => name!);
  return { local, system };
}
