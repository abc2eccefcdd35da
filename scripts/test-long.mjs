/** `npm run test:long`: `npm test` with every case instead of a sample. Takes hours; the last line is that of `npm test`. */
process.env.OCTAVO_LONG = '1';
process.env.OCTAVO_PROBLEMS ??= '20000';
process.env.OCTAVO_FUZZ ??= '100000';
await import('./test.mjs');
