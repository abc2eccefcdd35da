import type { PlanTensor, Step } from '../../runtime/plan.js';

export function checkStep(
  _step: Step,
  _inputs: readonly (PlanTensor | undefined)[],
  _outputs: readonly PlanTensor[],
  _where: string,
): void {}
