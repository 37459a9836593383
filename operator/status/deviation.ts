import { wantsSpot } from '../policy/capacity.ts';
import { deviationOf, type Distribution, shareOfIndex } from '../policy/distribution.ts';
import { cohortOf, isCountedByController } from '../world/cohort.ts';
import { policyKey, type SoundPolicy } from '../world/policy.ts';
import type { Contribution } from './contribution.ts';

/** How the living pods of a workload under a policy are divided. */
export interface Division {
  /** Numbered pods that have not the capacity that the distribution means for their index. */
  misplaced: number;
  /** The others, by what they ask for; made with the first of them. */
  cohorts: Map<string, { spot: number; onDemand: number }> | undefined;
}

/** No pods. */
export const undivided = (): Division => ({ misplaced: 0, cohorts: undefined });

/** Adds a pod, or takes it away again. */
export const divide = (
  division: Division,
  { pod, index }: Contribution,
  policy: SoundPolicy,
  by: 1 | -1,
): void => {
  const spot = wantsSpot(pod);
  if (index !== undefined) {
    if (spot !== (shareOfIndex(index, policy.spec.distribution).capacity === 'spot'))
      division.misplaced += by;
    return;
  }
  // A share among the pods of several workloads says nothing of one.
  if (!isCountedByController(pod)) return;
  const cohort = cohortOf(pod, policyKey(policy));
  division.cohorts ??= new Map();
  const tally = division.cohorts.get(cohort) ?? { spot: 0, onDemand: 0 };
  tally[spot ? 'spot' : 'onDemand'] += by;
  if (tally.spot + tally.onDemand === 0) division.cohorts.delete(cohort);
  else division.cohorts.set(cohort, tally);
};

/** How many of the pods have not the capacity that a distribution means for them. */
export const deviationIn = ({ misplaced, cohorts }: Division, distribution: Distribution): number =>
  [...(cohorts?.values() ?? [])].reduce((sum, tally) => sum + deviationOf(tally, distribution), misplaced);
