/**
 * Child processes for the scripts. Only `node:` modules, because these files run before `npm ci` has.
 * Output is held back and shown when the command fails: a build that works says one line, one that does not says everything.
 */
import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** A failure whose message is the whole story: printed without a stack. */
export class BuildError extends Error {}

export function say(text) {
  console.log(`octavo: ${text}`);
}

/** Runs `command` in the project root; resolves to its exit code and its output, both streams in order of arrival. */
export function capture(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...options,
    });
    const chunks = [];
    child.stdout.on('data', (chunk) => chunks.push(chunk));
    child.stderr.on('data', (chunk) => chunks.push(chunk));
    child.on('error', reject);
    child.on('close', (code, signal) =>
      resolve({ code: code ?? 1, signal, output: Buffer.concat(chunks).toString() }),
    );
  });
}

/** Like `capture`, but a non-zero exit code throws a BuildError that carries the output and `advice`. */
export async function run(command, args, { advice = '', ...options } = {}) {
  const { code, signal, output } = await capture(command, args, options);
  if (code !== 0) {
    const how = signal ? `was killed by ${signal}` : `failed with exit code ${code}`;
    throw new BuildError(
      [output.trimEnd(), `${args.join(' ')} ${how}`, advice].filter(Boolean).join('\n'),
    );
  }
  return output;
}

/** Runs `command` on the terminal of this process; resolves to its exit code. */
export function attach(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit', ...options });
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
}

/** Whether `command --version` starts and succeeds. */
export function isOnPath(command) {
  return spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0;
}

/** Runs `main`, prints a BuildError without its stack, and sets the exit code from the outcome. */
export async function runMain(main) {
  try {
    process.exitCode = (await main()) ?? 0;
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
