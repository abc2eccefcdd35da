/**
 * Pages in Debian's Chromium that load Octavo's build (dist/esm) as it is, served on localhost. The
 * modules of Node that it names are empty there, as a bundler would have it.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { startChromium } from '../helpers/chromium.js';

const build = fileURLToPath(new URL('../../dist/esm/', import.meta.url));

/** Names that the build imports from modules of Node, besides their defaults. */
const nodeModules: Readonly<Record<string, readonly string[]>> = {
  'node:crypto': ['randomBytes'],
  'node:fs': ['constants'],
  'node:fs/promises': [],
  'node:path': [],
  'node:url': ['fileURLToPath'],
};

const empty = (names: readonly string[]) =>
  ['export default {};', ...names.map((name) => `export const ${name} = undefined;`)].join('');

const importMap = {
  imports: Object.fromEntries(
    Object.entries(nodeModules).map(([name, names]) => [
      name,
      `data:text/javascript,${encodeURIComponent(empty(names))}`,
    ]),
  ),
};

const html = `<!doctype html><title>Octavo</title>
<script type="importmap">${JSON.stringify(importMap)}</script>
<script type="module">
  import * as octavo from '/octavo/index.js';
  import { createWasmBackend, wasmIsas } from '/octavo/backends/wasm/index.js';
  globalThis.octavo = { ...octavo, createWasmBackend, wasmIsas };
</script>`;

/** What shares memory only with pages that ask for it too. */
const isolation = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

function serve(): Promise<Server> {
  const server = createServer(({ url = '/' }, response) => {
    const { pathname } = new URL(url, 'http://localhost');
    if (pathname === '/plain' || pathname === '/isolated') {
      response.writeHead(200, {
        'Content-Type': 'text/html',
        ...(pathname === '/isolated' && isolation),
      });
      response.end(html);
      return;
    }
    const file = path.join(build, pathname.replace(/^\/octavo\//, ''));
    if (!file.startsWith(build) || !file.endsWith('.js') || !existsSync(file)) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { 'Content-Type': 'text/javascript' }).end(readFileSync(file));
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
}

export interface Browser {
  /** A page that has loaded Octavo as `globalThis.octavo`. */
  open(kind: 'plain' | 'isolated'): Promise<Page>;
  close(): Promise<void>;
}

export async function startBrowser(): Promise<Browser> {
  const server = await serve();
  const chromium = await startChromium();
  const { port } = server.address() as AddressInfo;
  return {
    async open(kind) {
      const page = await chromium.context.newPage();
      const errors: string[] = [];
      page.on('pageerror', (error) => errors.push(String(error)));
      await page.goto(`http://127.0.0.1:${port}/${kind}`);
      await page.waitForFunction('globalThis.octavo !== undefined').catch((cause) => {
        throw new Error(`the page does not load: ${errors.join('; ')}`, { cause });
      });
      return page;
    },
    async close() {
      await chromium.close();
      server.close();
    },
  };
}
