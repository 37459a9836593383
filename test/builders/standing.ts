import type { Standing } from '../../operator/interruption/gate.ts';
import { aComputedBudget, type BudgetFigures, known } from './world.ts';

/** How a budget stands to a pod: `web` of one disruption, nothing under way, and never refused anything. */
export const aStanding = (figures: BudgetFigures = {}, more: Partial<Standing> = {}): Standing => ({
  budget: known('PodDisruptionBudget', aComputedBudget(figures)),
  underWay: 0,
  refusedAtMs: Number.NEGATIVE_INFINITY,
  ghosts: 0,
  ...more,
});
