/** The memory of weights, built alone with the thread sanitizer. */
import { describe, it } from 'vitest';
import { expectToEnd, programOf } from './program.js';

const sources = ['buffer', 'pages', 'slab', 'supply'].map((name) => `native/pack/${name}.cc`);
const { file, missing } = programOf(
  'memory',
  ['test/lifecycle/memory.cc', ...sources],
  ['-fsanitize=thread'],
);

describe.skipIf(missing !== undefined)(`memory${missing ? `: ${missing}` : ''}`, () => {
  it('is zeroed, nobody else’s, and given back', () => expectToEnd(file));
});
