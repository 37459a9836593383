import { statusBounds, type SpotPolicyStatus } from '../api/index.ts';
import { isBoundToNode, type Subject } from '../policy/owners.ts';
import { governingPolicy, governorAmong, namespacesOf, rulesOf } from '../policy/rules.ts';
import { isAsWanted, madeFrom, ownedUnder } from '../policy/template-gift.ts';
import { isLive, type Pod } from '../world/pod.ts';
import { policyKey, type SoundPolicy } from '../world/policy.ts';
import { type Templated, templateKinds } from '../world/template.ts';
import type { View } from '../world/view.ts';

/** What a policy would do, as the status has it. */
export type DryRun = NonNullable<SpotPolicyStatus['dryRun']>;
type Templates = NonNullable<DryRun['templates']>;

/**
 * The living pods that a policy would govern if it were enforced, and the pod templates that it would write. Costs what
 * the namespaces that it reaches have of both.
 */
export const tryOut = (view: View, policy: SoundPolicy): DryRun => {
  const trials = namespacesOf(view, policy).map((namespace) => ({
    namespace,
    wins: trialIn(view, namespace, policy),
  }));
  const gained = trials.flatMap(({ namespace, wins }) => podsIn(view, namespace).filter(wins));
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
    ...(policy.spec.injection.at === 'Workload' && {
      templates: sample(trials.flatMap(({ namespace, wins }) => writtenIn(view, namespace, policy, wins))),
    }),
  };
};

type Wins = (subject: Subject) => boolean;

const trialIn = (view: View, namespace: string, policy: SoundPolicy): Wins => {
  const enforced: SoundPolicy = { ...policy, spec: { ...policy.spec, mode: 'Enforce' } };
  const rules = rulesOf([...view.rules(namespace), enforced]);
  return (subject) => governorAmong(view, rules, subject) === enforced;
};

const podsIn = (view: View, namespace: string): readonly Pod[] =>
  [...view.pods.group('namespace', namespace)].filter((pod) => isLive(pod) && !isBoundToNode(pod));

const writtenIn = (view: View, namespace: string, policy: SoundPolicy, wins: Wins): Templates['samples'] =>
  templateKinds.flatMap((kind) =>
    [...view.templated(kind).group('template', namespace)].flatMap(
      (workload) => writtenTo(workload, policy, wins) ?? [],
    ),
  );

const writtenTo = (
  workload: Templated,
  policy: SoundPolicy,
  wins: Wins,
): Templates['samples'][number] | undefined => {
  const { kind, namespace, name, template, terminating } = workload;
  if (!template || terminating || template.fixed !== undefined) return undefined;
  if (!wins(madeFrom(workload, template))) return undefined;
  const { annotations, labels } = ownedUnder(policy, workload, template);
  if (isAsWanted(template, { annotations, labels })) return undefined;
  const removed = [
    ...template.owned.annotations.filter((key) => !(key in annotations)),
    ...template.owned.labels.filter((key) => !(key in labels)),
  ];
  return { kind, namespace, name, annotations, labels, ...(removed.length > 0 && { removed }) };
};

const sample = (written: Templates['samples']): Templates => ({
  total: written.length,
  samples: written
    .toSorted((a, b) => (whichOf(a) < whichOf(b) ? -1 : 1))
    .slice(0, statusBounds.dryRunTemplates),
});

const whichOf = ({ namespace, name, kind }: Templates['samples'][number]): string =>
  `${namespace}/${name}/${kind}`;
