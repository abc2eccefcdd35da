/** Plans whose steps contradict themselves are refused when they are prepared, by name. */
import { describe, expect, it } from 'vitest';
import { OctavoError } from '../../src/core/errors.js';
import type { StepName } from '../../src/runtime/steps.js';
import { singleStepPlan } from '../helpers/singleStep.js';
import { nativeBackends } from './contenders.js';
import { type Fault, faults } from './faults.js';

describe('malformed steps', () => {
  const [backend] = nativeBackends(1);
  const table = Object.entries(faults).flatMap(([op, list]) =>
    (list as readonly Fault<StepName>[]).map(
      ([what, ...fault]) => [op as StepName, what, fault] as const,
    ),
  );

  it.runIf(backend).each(table)(
    '%s: %s',
    (op, _, [reads, y, params = {}, types = ['float32', 'float32'], second]) => {
      const [read, written] = types;
      const operands = reads.map((dims) => dims && { type: read, dims });
      const results = [{ type: written, dims: y }];
      if (second !== undefined) results.push({ type: second[0], dims: second[1] });
      const plan = singleStepPlan(op, operands, results, params);
      const model = backend!.open(plan.model);
      try {
        model.prepare(plan);
        expect.unreachable('the plan was prepared');
      } catch (error) {
        expect(error).toBeInstanceOf(OctavoError);
        expect(error).toMatchObject({ code: 'BACKEND_FAILURE', where: `test ${op}` });
      } finally {
        model.dispose();
      }
    },
  );
});
