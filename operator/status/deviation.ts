import { wantsSpot } from '../policy/capacity.ts';
import { deviationOf, indexOf, shareOfIndex, type Tally } from '../policy/distribution.ts';
import { cohortOf } from '../world/cohort.ts';
import type { Pod } from '../world/pod.ts';
import { policyKey, type SoundPolicy } from '../world/policy.ts';
import type { View } from '../world/view.ts';

/** How many of a workload's living pods under a policy have not the capacity that its distribution means for them. */
export const countDeviation = (view: View, policy: SoundPolicy, pods: readonly Pod[]): number => {
  const { distribution } = policy.spec;
  const tallies = new Map<string, Tally>();
  let misplaced = 0;
  for (const pod of pods) {
    const spot = wantsSpot(pod);
    const index = indexOf(view, pod);
    if (index !== undefined) {
      misplaced += Number(spot !== (shareOfIndex(index, distribution).capacity === 'spot'));
      continue;
    }
    const cohort = cohortOf(pod, policyKey(policy));
    const before = tallies.get(cohort) ?? { spot: 0, onDemand: 0 };
    tallies.set(cohort, {
      spot: before.spot + Number(spot),
      onDemand: before.onDemand + Number(!spot),
    });
  }
  return [...tallies.values()].reduce((sum, tally) => sum + deviationOf(tally, distribution), misplaced);
};
