/**
 * Pages in Debian's Chromium that load Octavo's build (dist/esm) as it is, served on localhost.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { startChromium } from '../helpers/chromium.js';

const build = fileURLToPath(new URL('../../dist/esm/', import.meta.url));
/** The one dependency of what the page imports, in its form for browsers. */
const fflate = fileURLToPath(new URL('../../node_modules/fflate/esm/browser.js', import.meta.url));

const html = `<!doctype html><title>Octavo</title>
<script type="importmap">{ "imports": { "fflate": "/fflate.js" } }</script>
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
    const file =
      pathname === '/fflate.js' ? fflate : path.join(build, pathname.replace(/^\/octavo\//, ''));
    if (
      !(file === fflate || file.startsWith(build)) ||
      !file.endsWith('.js') ||
      !existsSync(file)
    ) {
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
