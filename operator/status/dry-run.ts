import { statusBounds, type SpotPolicyStatus } from '../api/index.ts';
import { namespacesOf } from '../policy/rules.ts';
import type { SoundPolicy } from '../world/policy.ts';
import type { TemplateKind } from '../world/template.ts';
import type { View } from '../world/view.ts';
import { writtenTo } from './contribution.ts';
import type { Counts } from './counts.ts';
import { firstOf } from './sorted.ts';

/** What a policy would do, as the status has it. */
export type DryRun = NonNullable<SpotPolicyStatus['dryRun']>;
type Templates = NonNullable<DryRun['templates']>;

/**
 * The living pods that a policy would govern if it were enforced, and the pod templates that it would write, as they were
 * settled last. Costs what there are of namespaces.
 */
export const tryOut = (counts: Counts, policy: SoundPolicy): DryRun => {
  const trials = namespacesOf(counts.view, policy).flatMap((namespace) => {
    const tried = counts.triedOf(policy, namespace);
    return tried
      ? [{ namespace, ...{ pods: tried.pods, taken: tried.taken, templates: tried.templates } }]
      : [];
  });
  const losses = new Map<string, number>();
  for (const { taken } of trials)
    for (const [loser, pods] of taken.entries()) losses.set(loser, (losses.get(loser) ?? 0) + pods);
  const places = (of: 'pods' | 'templates', most: number): readonly string[] =>
    firstOf(
      trials.map(({ namespace, [of]: names }) => placesIn(namespace, names)),
      most,
    );
  return {
    pods: trials.reduce((sum, { pods }) => sum + pods.size, 0),
    taken: [...losses]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .slice(0, statusBounds.dryRunSources)
      .map(([loser, pods]) => ({ policy: loser, pods })),
    samples: [...places('pods', statusBounds.dryRunSamples)],
    ...(policy.spec.injection.at === 'Workload' && {
      templates: {
        total: trials.reduce((sum, { templates }) => sum + templates.size, 0),
        samples: places('templates', statusBounds.dryRunTemplates).flatMap((place) =>
          sampleAt(counts.view, policy, place),
        ),
      },
    }),
  };
};

function* placesIn(namespace: string, names: Iterable<string>): Generator<string, void, undefined> {
  for (const name of names) yield `${namespace}/${name}`;
}

const sampleAt = (view: View, policy: SoundPolicy, place: string): Templates['samples'] => {
  const [namespace = '', name = '', of = ''] = place.split('/');
  const kind = of as TemplateKind;
  const workload = view.templated(kind).byName(namespace, name);
  const written = workload?.template && writtenTo(workload, workload.template, policy);
  return written ? [{ kind, namespace, name, ...written }] : [];
};
