/**
 * Stands in for the module `vitest` where Vitest itself cannot run: an emulated CPU would spend minutes in its bundler,
 * or lacks the bundler's binary. It is Vitest's own runner and assertions, both plain JavaScript.
 */
// biome-ignore lint/correctness/noUndeclaredDependencies: a part of vitest, and of its version
import { chai, JestAsymmetricMatchers, JestChaiExpect, JestExtend, setState } from '@vitest/expect';

// biome-ignore lint/correctness/noUndeclaredDependencies: likewise
import * as runner from '@vitest/runner';

export const { afterAll, afterEach, beforeAll, beforeEach, describe } = runner;

/** `it` without its third argument, a time limit that is meant for a real CPU. */
export const it = new Proxy(runner.it, {
  apply: (target, self, args) => Reflect.apply(target, self, args.slice(0, 2)),
});

for (const plugin of [JestExtend, JestChaiExpect, JestAsymmetricMatchers]) chai.use(plugin);

export const expect = Object.assign((value, message) => chai.expect(value, message), chai.expect);
setState({ assertionCalls: 0, expectedAssertionsNumber: null }, expect);
