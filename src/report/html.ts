/**
 * What the pages of reports share: a shell that needs nothing else, its looks in light and dark, and figures as text.
 * A page can load nothing: its policy allows the styles in it, and the one script that knows its nonce.
 */

export interface HtmlPage {
  /** Text, not HTML. */
  readonly title: string;
  /** CSS beside that of every page. */
  readonly style: string;
  /** HTML, in which every name was `escaped`. */
  readonly body: string;
  /** JavaScript; it holds no data, so that nothing a model says can become part of it. */
  readonly script?: string;
}

const sharedStyle = `
:root { color-scheme: light dark; --ink: #0f172a; --soft: #64748b; --ground: #fff; --raised: #f8fafc; --line: #e2e8f0;
  --bad: #dc2626; --good: #059669; --warn: #b45309; --first: #2563eb; --second: #f59e0b; }
@media (prefers-color-scheme: dark) { :root { --ink: #e2e8f0; --soft: #94a3b8; --ground: #0f172a; --raised: #1e293b; --line: #334155;
  --bad: #f87171; --good: #34d399; --warn: #fbbf24; --first: #60a5fa; --second: #fbbf24; } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 960px; margin: 2rem auto; padding: 0 1rem; color: var(--ink); background: var(--ground); }
h1 { font-size: 1.4rem; margin-bottom: 0; overflow-wrap: anywhere; } h2 { font-size: 1.1rem; margin-top: 2rem; }
p.where { color: var(--soft); margin-top: 0; } .big { font-size: 2rem; font-weight: 600; }
table { border-collapse: collapse; width: 100%; } td, th { padding: 3px 8px; text-align: right; white-space: nowrap; }
td:first-child, th:first-child { text-align: left; } td.name { max-width: 22rem; overflow: hidden; text-overflow: ellipsis; }
tbody tr:nth-child(odd) { background: var(--raised); } th { color: var(--soft); font-weight: 500; }
.bar { display: inline-block; height: 11px; border-radius: 2px; vertical-align: middle; }
`;

/** A whole document. */
export function htmlPage({ title, style, body, script }: HtmlPage): string {
  const nonce = crypto.getRandomValues(new Uint32Array(4)).join('-');
  const scripts = script === undefined ? '' : `; script-src 'nonce-${nonce}'`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'${scripts}">
<title>${escaped(title)}</title><style>${sharedStyle}${style}</style></head><body>
${body}
${script === undefined ? '' : `<script nonce="${nonce}">${script}</script>`}</body></html>
`;
}

/** Text as HTML, in an element or between double quotes. Names come from the model. */
export function escaped(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
  };
  return text.replace(/[&<>"]/g, (character) => entities[character]!);
}

/** Milliseconds with the places that tell something. */
export function ms(value: number): string {
  return value.toFixed(value < 0.1 ? 4 : value < 10 ? 3 : 1);
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** A share that is small where all is well: 0, 0.0012 %, 3.4 %. */
export function smallPercent(share: number): string {
  return share === 0 ? '0' : `${Number((100 * share).toPrecision(2))} %`;
}

/** Decibels: 23.4, '∞' where nothing is lost, '–' where there is no figure. */
export function db(value: number | undefined): string {
  if (value === Number.POSITIVE_INFINITY) return '∞';
  return value !== undefined && Number.isFinite(value) ? value.toFixed(1) : '–';
}

/** Three places, as short as they can be written. */
export function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}
