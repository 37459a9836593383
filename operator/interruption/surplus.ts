import { statusBounds } from '../api/index.ts';
import type { Interruption, WorkloadReference } from '../world/interruption.ts';
import { objectKey } from '../world/object.ts';
import { policyOf } from '../world/policy.ts';
import type { View } from '../world/view.ts';

/**
 * The ended interruptions of a policy that need not be remembered, by UID: more than its status lists, the oldest first,
 * or all where the policy is gone. Of a workload with others under way all are remembered, or a replacement that is
 * credited already would be taken for theirs.
 */
export const surplusOf = (view: View, policy: string): readonly string[] => {
  const kept = policyOf(view, policy) ? statusBounds.interruptions : 0;
  const done = [...view.interruptions.group('policy', policy)].filter(({ phase }) => phase === 'Done');
  if (done.length <= kept) return [];
  return done
    .toSorted((a, b) => a.noticedAtMs - b.noticedAtMs)
    .slice(0, done.length - kept)
    .filter(({ workload }) => !workload || !isBusy(view, workload))
    .map(({ uid }) => uid);
};

/** The policies whose ended interruptions may be surplus once this one has ended: its own, and others of its workload. */
export const policiesAround = (view: View, { settings, workload }: Interruption): readonly string[] => {
  const others = workload ? [...view.interruptions.group('workload', objectKey(workload))] : [];
  return [...new Set([settings.policy, ...others.map((other) => other.settings.policy)])];
};

const isBusy = (view: View, workload: WorkloadReference): boolean =>
  [...view.interruptions.group('workload', objectKey(workload))].some(({ phase }) => phase !== 'Done');
