import { optOutLabel } from '../api/keys.ts';
import type { WorkloadReference } from '../world/interruption.ts';
import type { Policy, SoundPolicy } from '../world/policy.ts';
import type { View } from '../world/view.ts';
import { ownerChain, type Subject } from './owners.ts';
import { selects } from './selector.ts';

const isSound = (policy: Policy): policy is SoundPolicy => policy.spec !== undefined;

/**
 * The policies of one namespace that govern, in the order in which they are asked; the first that matches wins.
 *
 * Higher priority first, then those that name their workloads before those that only select, then by name. Age does
 * not count: a restored cluster must decide as the first one did.
 */
export const rulesOf = (policies: Iterable<Policy>): readonly SoundPolicy[] =>
  [...policies]
    .filter(isSound)
    .filter(({ spec }) => spec.mode === 'Enforce')
    .toSorted(
      (a, b) =>
        b.spec.priority - a.spec.priority ||
        specificity(b) - specificity(a) ||
        (a.name < b.name ? -1 : Number(a.name > b.name)),
    );

const specificity = ({ spec }: SoundPolicy): number => (spec.targetRefs?.length ? 1 : 0);

/** Whether the spec covers the pod: its selector and its targetRefs, as far as each is given. */
export const covers = (
  { spec }: SoundPolicy,
  labels: Subject['labels'],
  chain: readonly WorkloadReference[],
): boolean =>
  (spec.selector === undefined || selects(spec.selector, labels)) &&
  (!spec.targetRefs?.length ||
    spec.targetRefs.some(({ group, kind, name }) =>
      chain.some((owner) => owner.group === group && owner.kind === kind && owner.name === name),
    ));

/** Whether the owner of the pod or of its namespace wants to be left alone. */
export const isOptedOut = (
  view: View,
  { namespace, labels }: Pick<Subject, 'namespace' | 'labels'>,
): boolean =>
  labels[optOutLabel] === 'false' || view.namespaces.byName('', namespace)?.labels[optOutLabel] === 'false';

/** The policy that governs a pod, or undefined. Costs what the rules of one namespace cost. */
export const governingPolicy = (view: View, subject: Subject): SoundPolicy | undefined => {
  if (isOptedOut(view, subject)) return undefined;
  const rules = view.rules(subject.namespace);
  if (rules.length === 0) return undefined;
  const chain = ownerChain(view, subject);
  return rules.find((rule) => covers(rule, subject.labels, chain));
};
