/** Pages that are taken while a run is under way, built alone with the thread sanitizer. */
import { describe, expect, it } from 'vitest';
import { InferenceSession } from '../../src/runtime/session.js';
import { noNative } from './backends.js';
import { bitsOf, chainBytes, long, rowsOf } from './nets.js';
import { expectToEnd, programOf, threading } from './program.js';

const sources = ['native/binding/pagesahead.cc', 'native/pack/pages.cc', ...threading];
const { file, missing } = programOf(
  'pagesahead',
  ['test/lifecycle/pagesahead.cc', ...sources],
  ['-fsanitize=thread'],
);

describe.skipIf(missing !== undefined)(`pages ahead${missing ? `: ${missing}` : ''}`, () => {
  it('are nobody else’s once they are waited for', () => expectToEnd(file));
});

describe.skipIf(noNative !== undefined)(`large outputs${noNative ? `: ${noNative}` : ''}`, () => {
  it('are right in fresh memory, beside runs that are aborted', async () => {
    // Long, so that a busy machine does not end runs before they are aborted.
    const x = rowsOf(long.rows, long.size);
    const bytes = chainBytes(long.products, long.size, long.rows);
    const session = await InferenceSession.create(bytes, {
      backend: 'native',
      intraOpNumThreads: 1,
    });
    const [output] = session.outputs;
    const kept = [];
    for (let i = 0; i < 8; i++) {
      const aborting = new AbortController();
      const aborted = session.run({ x }, { signal: aborting.signal });
      aborting.abort();
      await expect(aborted).rejects.toMatchObject({ code: 'ABORTED' });
      kept.push((await session.run({ x }))[output!.name]!);
    }
    const [first, ...others] = kept.map((tensor) => Buffer.from(bitsOf(tensor)));
    expect(first!.some((byte) => byte !== 0)).toBe(true);
    expect(others.every((other) => other.equals(first!))).toBe(true);
    session.dispose();
  });
});
