/**
 * native/ → build/Release/octavo.node, by cmake-js. A machine without cmake or a compiler runs on WASM, and setup says so;
 * a compiler that rejects our sources is an error, never "no compiler".
 */
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { BuildError, capture, isOnPath, root, run, say } from './lib/run.mjs';
import { isUpToDate, runStep } from './lib/step.mjs';

const addon = 'build/Release/octavo.node';

const advice =
  'octavo: the native addon did not build. Correct the error above, or set OCTAVO_SKIP_NATIVE=1 to go on without it, on WASM.';

/** What CMake says when the toolchain, and not our code, is at fault. */
const brokenToolchain =
  /No CMAKE_CXX_COMPILER could be found|is not able to compile a simple test program|CMAKE_MAKE_PROGRAM is not set/;

/** Why there is no toolchain, or undefined when there is one. The same commands that cmake-js looks for. */
function missingToolchain() {
  if (process.env.OCTAVO_SKIP_NATIVE === '1') return 'OCTAVO_SKIP_NATIVE=1';
  if (!isOnPath('cmake')) return 'no cmake on PATH';
  if (process.platform === 'win32') return undefined;
  if (!['g++', 'clang++'].some(isOnPath)) return 'no C++ compiler on PATH';
  if (!['ninja', 'make'].some(isOnPath)) return 'no make or ninja on PATH';
  return undefined;
}

function cmakeJs(...args) {
  const cli = createRequire(import.meta.url).resolve('cmake-js/bin/cmake-js');
  return [cli, ...args, '--directory', root];
}

class BrokenToolchain extends Error {}

/** Configures build/; when it was configured elsewhere or with another generator, from nothing. */
async function configure() {
  if ((await capture(process.execPath, cmakeJs('configure'))).code === 0) return;
  const { code, output } = await capture(process.execPath, cmakeJs('reconfigure'));
  if (code === 0) return;
  if (brokenToolchain.test(output)) throw new BrokenToolchain('the C++ compiler does not work');
  throw new BuildError(`${output.trimEnd()}\n${advice}`);
}

async function build() {
  say('compiling the native addon (cmake-js)');
  await configure();
  const parallel = String(os.availableParallelism());
  const output = await run(process.execPath, cmakeJs('build', '--parallel', parallel), { advice });
  if (/\bwarning:/.test(output)) console.warn(output.trimEnd());
}

const step = {
  name: 'native',
  inputs: ['native', 'CMakeLists.txt', 'scripts/build-native.mjs', 'package-lock.json'],
  outputs: [addon],
  build,
};

/** Builds the addon where that is possible. An addon older than its sources is deleted rather than left to load. */
export async function buildNative() {
  if (isUpToDate(step)) return;
  let reason = missingToolchain();
  if (!reason) {
    try {
      await runStep(step);
    } catch (error) {
      if (!(error instanceof BrokenToolchain)) throw error;
      reason = error.message;
    }
  }
  if (!reason) return;
  fs.rmSync(path.join(root, addon), { force: true });
  say(`${reason}: running on WASM (the native backend needs cmake ≥ 3.18 and a C++17 compiler)`);
}
