/**
 * One build at a time in a checkout: `npm start` beside `npm test` waits instead of compiling into the same files.
 * The lock is a file that holds the owner's process id and that the owner touches while it lives. It is stale when that
 * process is gone, or when nobody touched it for a minute (a process id may have been given to another program).
 */
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root, say } from './run.mjs';

const lockFile = path.join(root, '.cache', 'build.lock');
const touchEveryMs = 5_000;
const staleAfterMs = 60_000;

function tryAcquire() {
  // Link, not create: the file appears with its content or not at all.
  const own = `${lockFile}.${process.pid}`;
  fs.writeFileSync(own, String(process.pid));
  try {
    fs.linkSync(own, lockFile);
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    return false;
  } finally {
    fs.rmSync(own, { force: true });
  }
}

function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** The process that holds the lock, or undefined when it died or let go. */
function owner() {
  try {
    const pid = Number(fs.readFileSync(lockFile, 'utf8'));
    const age = Date.now() - fs.statSync(lockFile).mtimeMs;
    return age < staleAfterMs && isAlive(pid) ? pid : undefined;
  } catch {
    return undefined;
  }
}

function touch() {
  const now = new Date();
  fs.utimes(lockFile, now, now, () => {});
}

/** Runs `work` while holding the lock. */
export async function withLock(work) {
  fs.mkdirSync(path.dirname(lockFile), { recursive: true });
  let announced = false;
  while (!tryAcquire()) {
    const pid = owner();
    if (pid === undefined) {
      fs.rmSync(lockFile, { force: true });
      continue;
    }
    if (!announced) say(`waiting for the build of process ${pid}`);
    announced = true;
    await sleep(200);
  }
  const timer = setInterval(touch, touchEveryMs);
  const release = () => fs.rmSync(lockFile, { force: true });
  process.once('exit', release);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    process.off('exit', release);
    release();
  }
}
