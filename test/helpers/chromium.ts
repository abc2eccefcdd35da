/** Debian's Chromium, for tests of what runs or is shown in a browser. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type BrowserContext, chromium } from 'playwright-core';

const executablePath = '/usr/bin/chromium';

/** Why there is no browser here, or undefined. */
export const noChromium = existsSync(executablePath) ? undefined : `there is no ${executablePath}`;

export interface Chromium {
  readonly context: BrowserContext;
  close(): Promise<void>;
}

export async function startChromium(): Promise<Chromium> {
  const folder = mkdtempSync(path.join(tmpdir(), 'octavo-chromium-'));
  const context = await chromium.launchPersistentContext(folder, {
    executablePath,
    args: [
      ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
      ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
    ],
  });
  return {
    context,
    async close() {
      await context.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
