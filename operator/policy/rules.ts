import { optOutLabel } from '../api/keys.ts';
import type { WorkloadReference } from '../world/interruption.ts';
import type { Namespace } from '../world/objects.ts';
import { isSound, type Policy, type SoundPolicy } from '../world/policy.ts';
import type { Precedence } from '../world/rule-book.ts';
import type { View } from '../world/view.ts';
import { ownerChain, type Subject } from './owners.ts';
import { selects } from './selector.ts';
import { candidates } from './table.ts';

/**
 * Of the policies that reach one namespace those that govern, in the order in which they are asked; the first that
 * matches wins.
 *
 * Overrides of the cluster first, then the namespace's own, then defaults of the cluster. Within a level higher priority
 * first, then those that name their workloads before those that only select, then by name. Age does not count: a
 * restored cluster must decide as the first one did.
 */
export const rulesOf = (policies: Iterable<Policy>): readonly SoundPolicy[] =>
  [...policies]
    .filter(isSound)
    .filter(({ spec }) => spec.mode === 'Enforce')
    .toSorted((a, b) => byRank(a, b) || (a.name < b.name ? -1 : Number(a.name > b.name)));

const byRank = (a: SoundPolicy, b: SoundPolicy): number =>
  levelOf(a) - levelOf(b) || b.spec.priority - a.spec.priority || specificity(b) - specificity(a);

// Levels of precedence, the first first.
const levels = { overrides: 0, own: 1, defaults: 2 } as const;

const levelOf = ({ kind, spec }: SoundPolicy): number => {
  if (kind === 'SpotPolicy') return levels.own;
  return spec.precedence === 'Overrides' ? levels.overrides : levels.defaults;
};

const specificity = ({ spec }: SoundPolicy): number => (spec.targetRefs?.length ? 1 : 0);

/**
 * Whether the spec covers the pod: its selector and its targetRefs, as far as each is given. Its owners are asked for
 * last, and only where they count.
 */
export const covers = (
  { spec }: SoundPolicy,
  labels: Subject['labels'],
  chainOf: () => readonly WorkloadReference[],
): boolean =>
  (spec.selector === undefined || selects(spec.selector, labels)) &&
  (!spec.targetRefs?.length ||
    spec.targetRefs.some(({ group, kind, name }) =>
      chainOf().some((owner) => owner.group === group && owner.kind === kind && owner.name === name),
    ));

type Labelled = Pick<Subject, 'labels'>;

/** Whether the owner of a pod or namespace wants it to be left alone. */
export const isOptedOut = ({ labels }: Labelled): boolean => labels[optOutLabel] === 'false';

const reaches = ({ kind, namespace, spec }: Policy, candidate: Namespace): boolean =>
  !isOptedOut(candidate) &&
  (kind === 'SpotPolicy' ? namespace === candidate.name : selects(spec?.namespaceSelector, candidate.labels));

/** What the world keeps the rules of each namespace by. */
export const precedence: Precedence = { reaches, order: rulesOf };

/** The policy that governs a pod, or undefined. Costs what the rules of its namespace cost that speak of such pods. */
export const governingPolicy = (view: View, subject: Subject): SoundPolicy | undefined =>
  governorAmong(view, view.rules(subject.namespace), subject);

/** Which of `rules`, in their order, governs a pod. */
export const governorAmong = (
  view: View,
  rules: readonly SoundPolicy[],
  subject: Subject,
): SoundPolicy | undefined => choose(view, rules, subject, (asked, governs) => asked.find(governs));

/** The policies that would govern a pod if those before them were not there; the first one does. */
export const contenders = (view: View, subject: Subject): readonly SoundPolicy[] =>
  choose(view, view.rules(subject.namespace), subject, (rules, governs) => rules.filter(governs)) ?? [];

const choose = <T>(
  view: View,
  rules: readonly SoundPolicy[],
  subject: Subject,
  pick: (rules: readonly SoundPolicy[], governs: (rule: SoundPolicy) => boolean) => T,
): T | undefined => {
  if (rules.length === 0) return undefined;
  const chain = ownerChain(view, subject);
  // A pod may opt out of everything but an override.
  const optedOut = isOptedOut(subject);
  return pick(
    candidates(rules, subject.labels, chain),
    (rule) => (!optedOut || levelOf(rule) === levels.overrides) && covers(rule, subject.labels, () => chain),
  );
};

/** Whether nothing but their names decides between two policies. */
export const isTied = (a: SoundPolicy, b: SoundPolicy): boolean => byRank(a, b) === 0;

/** The namespaces that any of these policies is about: what an edit from one to the other may concern. */
export const namespacesOfAny = (view: View, policies: readonly (Policy | undefined)[]): readonly string[] => [
  ...new Set(policies.flatMap((policy) => (policy ? namespacesOf(view, policy) : []))),
];

/** The namespaces that a policy, whatever its mode, is about, sorted. */
export const namespacesOf = (view: View, policy: Policy): readonly string[] =>
  policy.kind === 'SpotPolicy'
    ? [policy.namespace].filter((name) => reachesNamed(view, policy, name))
    : [...view.namespaces.all()]
        .filter((namespace) => view.reaches(policy, namespace))
        .map(({ name }) => name)
        .toSorted();

/**
 * Tells whether a policy, in any mode, is about the namespace of this name. The world may see a policy before its namespace: then
 * the policy is about its own.
 */
export const reachesNamed = (view: View, policy: Policy, name: string): boolean => {
  const namespace = view.namespaces.byName('', name);
  return namespace ? view.reaches(policy, namespace) : policy.namespace === name && !view.isExempt(name);
};

/** The policies in DryRun that are about a namespace. */
export const triedIn = (view: View, name: string): readonly SoundPolicy[] =>
  [...view.policies.group('namespace', name), ...view.policies.group('namespace', '')]
    .filter(isSound)
    .filter(({ spec }) => spec.mode === 'DryRun')
    .filter((policy) => reachesNamed(view, policy, name));
