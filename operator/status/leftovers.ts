import { removableFromMs } from '../policy/leftover.ts';
import { governingPolicy, namespacesOf } from '../policy/rules.ts';
import type { SoundPolicy } from '../world/policy.ts';
import type { View } from '../world/view.ts';

// The rest would say the same of others.
const mostNamed = 3;

/** Which pods of a policy have ended, stay, and count as healthy in their budgets; empty where none do. */
export const describeCounted = (view: View, policy: SoundPolicy): string => {
  const names = namespacesOf(view, policy)
    .flatMap((namespace) => [...view.pods.group('ghost', namespace)])
    .filter((pod) => removableFromMs(pod, policy.spec) === undefined)
    .filter((pod) => governingPolicy(view, pod)?.uid === policy.uid)
    .map(({ namespace, name }) => (policy.kind === 'SpotPolicy' ? name : `${namespace}/${name}`))
    .toSorted();
  if (names.length === 0) return '';
  const more = names.length > mostNamed ? ` and ${names.length - mostNamed} more` : '';
  return `pods that have ended still show Ready and count as healthy in their disruption budgets until they are deleted: ${names.slice(0, mostNamed).join(', ')}${more}`;
};
