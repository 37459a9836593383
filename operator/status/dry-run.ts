import { statusBounds, type SpotPolicyStatus } from '../api/index.ts';
import { isBoundToNode } from '../policy/owners.ts';
import { governingPolicy, governorAmong, namespacesOf, rulesOf } from '../policy/rules.ts';
import { isLive, type Pod } from '../world/pod.ts';
import { policyKey, type SoundPolicy } from '../world/policy.ts';
import type { View } from '../world/view.ts';

/** What a policy would do, as the status has it. */
export type DryRun = NonNullable<SpotPolicyStatus['dryRun']>;

/** The living pods that a policy would govern if it were enforced. Costs what the namespaces that it reaches have pods. */
export const tryOut = (view: View, policy: SoundPolicy): DryRun => {
  const gained = namespacesOf(view, policy).flatMap((name) => wonIn(view, name, policy));
  const losses = new Map<string, number>();
  for (const pod of gained) {
    const loser = governingPolicy(view, pod);
    if (loser) losses.set(policyKey(loser), (losses.get(policyKey(loser)) ?? 0) + 1);
  }
  return {
    pods: gained.length,
    taken: [...losses]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .slice(0, statusBounds.dryRunSources)
      .map(([loser, pods]) => ({ policy: loser, pods })),
    samples: gained
      .map(({ namespace, name }) => `${namespace}/${name}`)
      .toSorted()
      .slice(0, statusBounds.dryRunSamples),
  };
};

const wonIn = (view: View, namespace: string, policy: SoundPolicy): readonly Pod[] => {
  const enforced: SoundPolicy = { ...policy, spec: { ...policy.spec, mode: 'Enforce' } };
  const rules = rulesOf([...view.rules(namespace), enforced]);
  return [...view.pods.group('namespace', namespace)].filter(
    (pod) => isLive(pod) && !isBoundToNode(pod) && governorAmong(view, rules, pod) === enforced,
  );
};
