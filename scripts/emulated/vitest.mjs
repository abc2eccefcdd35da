/**
 * Stands in for the module `vitest` where Vitest itself cannot run: an emulated CPU would spend minutes in its bundler,
 * or lacks the bundler's binary. It is Vitest's own runner and assertions, both plain JavaScript.
 */
// biome-ignore lint/correctness/noUndeclaredDependencies: a part of vitest, and of its version
import { chai, JestAsymmetricMatchers, JestChaiExpect, JestExtend, setState } from '@vitest/expect';

// biome-ignore lint/correctness/noUndeclaredDependencies: likewise
export { afterAll, afterEach, beforeAll, beforeEach, describe, it, test } from '@vitest/runner';

for (const plugin of [JestExtend, JestChaiExpect, JestAsymmetricMatchers]) chai.use(plugin);

export const expect = Object.assign((value, message) => chai.expect(value, message), chai.expect);
setState({ assertionCalls: 0, expectedAssertionsNumber: null }, expect);
