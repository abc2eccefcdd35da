/** Who may know whom: the import directions that keep each room of the project readable by itself. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { importsOf, includesOf, resolveImport, root, sourceFiles } from './sources.js';

interface Rule {
  readonly why: string;
  /** The files the rule binds. */
  readonly from: RegExp;
  /** What they may import, types included; by default everything. Tried on resolved paths and on bare specifiers. */
  readonly only?: RegExp;
  /** What they may not import. */
  readonly never?: RegExp;
}

const files = /^node:(fs|path)/;

const rules: readonly Rule[] = [
  { why: 'core is the bottom', from: /^src\/core\//, only: /^src\/core\// },
  { why: 'numerics know core only', from: /^src\/numerics\//, only: /^src\/(core|numerics)\// },
  {
    why: 'calibration sees tensors, not graphs',
    from: /^src\/calibrate\//,
    only: /^src\/(core|numerics|calibrate)\/|^node:/,
  },
  {
    why: 'the IR knows nothing of what is done with it',
    from: /^src\/graph\//,
    only: /^src\/(core|numerics|graph)\//,
  },
  { why: 'passes never see ONNX', from: /^src\/passes\//, never: /^src\/(onnx|backends|cli)\// },
  {
    why: 'onnx never sees a backend',
    from: /^src\/onnx\//,
    never: /^src\/(backends|runtime|cli)\//,
  },
  { why: 'the runtime never touches files', from: /^src\/runtime\//, never: files },
  {
    why: 'the reference backend is core and numerics, and the contracts it implements',
    from: /^src\/backends\/reference\//,
    only: /^src\/(core|numerics|backends\/reference)\/|^src\/backends\/backend\.ts$|^src\/runtime\/(steps|kinds|plan)\.ts$|^node:timers/,
  },
  {
    why: 'backends run plans, and know neither graphs nor model files',
    from: /^src\/backends\/(native|wasm)\//,
    never: /^src\/(onnx|graph|passes|quantize|calibrate|cli)\//,
  },
  {
    why: 'nothing but the command line knows the command line',
    from: /^src\/(?!cli\/)/,
    never: /^src\/cli\//,
  },
];

const imports = sourceFiles('src').flatMap((file) =>
  importsOf(file).map(({ specifier, typeOnly }) => ({
    file,
    typeOnly,
    target: specifier.startsWith('.') ? resolveImport(file, specifier) : specifier,
  })),
);

test.each(rules)('$why', ({ from, only, never }) => {
  const bound = imports.filter(({ file }) => from.test(file));
  expect(sourceFiles('src').filter((file) => from.test(file))).not.toEqual([]);
  const broken = bound.filter(({ target }) => (only && !only.test(target)) || never?.test(target));
  expect(broken.map(({ file, target }) => `${file} → ${target}`)).toEqual([]);
});

/** The first import cycle, as a list of files, or an empty list. Type imports do not count: they are gone at run time. */
function findCycle(): string[] {
  const targets = new Map<string, string[]>();
  for (const { file, target, typeOnly } of imports) {
    if (!typeOnly) targets.set(file, [...(targets.get(file) ?? []), target]);
  }
  const done = new Set<string>();
  const visit = (file: string, trail: readonly string[]): string[] => {
    if (trail.includes(file)) return [...trail.slice(trail.indexOf(file)), file];
    if (done.has(file)) return [];
    for (const target of targets.get(file) ?? []) {
      const cycle = visit(target, [...trail, file]);
      if (cycle.length > 0) return cycle;
    }
    done.add(file);
    return [];
  };
  for (const file of targets.keys()) {
    const cycle = visit(file, []);
    if (cycle.length > 0) return cycle;
  }
  return [];
}

test('no file imports itself by way of others', () => {
  expect(findCycle()).toEqual([]);
});

const beyondBaseline = /\/(sse\w*|avx\w*|amx\w*|neon\w*)\.cc$/;

test('kernels include neither Node-API nor C++ headers that hold code', () => {
  const harmless = /^(cstdint|cstddef|cstring|std(int|def)\.h|string\.h|\w+intrin\.h|arm_neon\.h)$/;
  const seen = new Set<string>();
  const visit = (file: string): string[] => {
    if (seen.has(file)) return [];
    seen.add(file);
    const { local, system } = includesOf(file);
    const broken = system.filter((name) => !harmless.test(name));
    return [...broken.map((name) => `${file} → <${name}>`), ...local.flatMap(visit)];
  };
  const kernels = sourceFiles('native/kernels', beyondBaseline);
  expect(kernels).not.toEqual([]);
  expect(kernels.flatMap(visit)).toEqual([]);
});

// The linker keeps one copy of a weak symbol: an inline function that AVX-512 code shares with the rest would be taken
// from either, and then run on a CPU without AVX-512.
const objects = fs.existsSync(path.join(root, 'build/CMakeFiles'))
  ? sourceFiles('build/CMakeFiles', /kernels_(sse|avx|amx|neon)\w*\.dir\/.*\.o$/)
  : [];

test.skipIf(objects.length === 0)('kernel objects share no code with the rest at link time', () => {
  const shared = objects.flatMap((object) =>
    execFileSync('nm', ['--defined-only', '--demangle', object], { cwd: root, encoding: 'utf8' })
      .split('\n')
      .filter((line) => /^\S+ [WVu] /.test(line))
      .map((line) => `${object}: ${line}`),
  );
  expect(shared).toEqual([]);
});
