/** When the end of a run is announced. */
import { describe, it } from 'vitest';
import { expectToEnd, programOf } from './program.js';

const sources = ['test/lifecycle/foresight.cc', 'native/binding/foresight.cc'];
const { file, missing } = programOf('foresight', sources);

describe.skipIf(missing !== undefined)(`foresight${missing ? `: ${missing}` : ''}`, () => {
  it('tells the step', () => expectToEnd(file));
});
