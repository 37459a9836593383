import { policyKey, type SoundPolicy } from '../../operator/world/policy.ts';
import { ourAnnotations } from '../../operator/api/keys.ts';
import { isDegraded, isOnVirtualNode, wantsSpot } from '../../operator/policy/capacity.ts';
import { deviationOf, divides, indexOf, shareOfIndex } from '../../operator/policy/distribution.ts';
import { isBoundToNode, ownerChain, type Subject } from '../../operator/policy/owners.ts';
import { revisionOf } from '../../operator/policy/revision.ts';
import { contenders, governingPolicy, isTied, namespacesOf, rulesOf } from '../../operator/policy/rules.ts';
import { covers, governorAmong } from '../../operator/policy/rules.ts';
import { isAsWanted, madeFrom, ownedUnder } from '../../operator/policy/template-gift.ts';
import { isRankTooOld, versionRank } from '../../operator/policy/virtual-node.ts';
import { hasTemplate } from '../../operator/world/template.ts';
import { cohortOf } from '../../operator/world/cohort.ts';
import { isLive, type Pod } from '../../operator/world/pod.ts';
import { type Templated, templateKinds } from '../../operator/world/template.ts';
import type { View } from '../../operator/world/view.ts';

const nameFor = (reader: SoundPolicy, policy: SoundPolicy): string =>
  reader.kind === 'SpotPolicy' && policy.kind === 'SpotPolicy' ? policy.name : policyKey(policy);
const sorted = (texts: Iterable<string>): string[] => [...new Set(texts)].toSorted();
const grouped = <T>(items: readonly T[], keyOf: (item: T) => string | undefined): [string, T[]][] => {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    if (key !== undefined) groups.set(key, [...(groups.get(key) ?? []), item]);
  }
  return [...groups].toSorted(([a], [b]) => (a < b ? -1 : 1));
};

const isCounted = (view: View, pod: Pod): boolean =>
  isLive(pod) && !isBoundToNode(pod) && view.pods.byName(pod.namespace, pod.name) === pod;

const standing = (view: View, pod: Pod): string => {
  if (pod.phase === 'Pending') return 'pending';
  if (!wantsSpot(pod)) return 'onDemand';
  if (isDegraded(view, pod)) return 'fallback';
  return isOnVirtualNode(view, pod) ? 'spot' : 'offVirtualNode';
};

const deviation = (view: View, policy: SoundPolicy, pods: readonly Pod[]): number => {
  const { distribution } = policy.spec;
  const rest = pods.filter((pod) => indexOf(view, pod) === undefined);
  const misplaced = pods.filter((pod) => {
    const index = indexOf(view, pod);
    return index !== undefined && wantsSpot(pod) !== (shareOfIndex(index, distribution).capacity === 'spot');
  });
  return grouped(rest, (pod) => cohortOf(pod, policyKey(policy)))
    .map(([, of]) => ({
      spot: of.filter(wantsSpot).length,
      onDemand: of.filter((pod) => !wantsSpot(pod)).length,
    }))
    .reduce((sum, tally) => sum + deviationOf(tally, distribution), misplaced.length);
};

/** What the status of a policy counts, counted by going through all pods and templates of all that it is about. */
export const countAnew = (view: View, policy: SoundPolicy) => {
  const names = namespacesOf(view, policy);
  const pods = [...view.pods.all()].filter((pod) => names.includes(pod.namespace) && isCounted(view, pod));
  const own = pods.filter((pod) => governingPolicy(view, pod)?.uid === policy.uid);
  const how = (of: readonly Pod[], ...ways: readonly string[]): number =>
    of.filter((pod) => ways.includes(standing(view, pod))).length;
  const figures = (of: readonly Pod[]) => ({
    spot: how(of, 'spot'),
    onDemand: how(of, 'onDemand', 'fallback', 'offVirtualNode'),
  });
  const stamp = ({ annotations }: Pod): string | undefined => annotations[ourAnnotations.policy];
  const injects = policy.spec.injection.at !== 'None';
  const contended = pods
    .map((pod) => contenders(view, pod))
    .filter((all) => all.some(({ uid }) => uid === policy.uid));
  const winners = contended.flatMap(([first]) => (first && first.uid !== policy.uid ? [first] : []));
  const losers = contended.flatMap(([first, ...others]) => (first?.uid === policy.uid ? others : []));
  const workloads = grouped(own, (pod) => {
    const top = ownerChain(view, pod).at(-1);
    return top && `${top.kind}/${top.name}/${top.group}/${top.namespace}`;
  }).map(([key, of]) => {
    const [kind = '', name = '', group = '', namespace = ''] = key.split('/');
    return { ref: { group, kind, namespace, name }, of };
  });
  const untemplated = workloads.filter(({ ref }) => !hasTemplate(ref)).map(({ ref }) => ref);
  const templates = templateKinds.flatMap((kind) =>
    [...view.templated(kind).all()].filter(({ namespace }) => names.includes(namespace)),
  );
  const versioned = own.filter((pod) => versionRank(pod) !== undefined);
  const trusting = policy.spec.interruption.evictor === 'VirtualNode';
  return {
    governed: {
      pods: {
        ...{
          matched: own.length,
          ...figures(own),
          fallback: how(own, 'fallback'),
          pending: how(own, 'pending'),
        },
        outdated: own.filter(
          (pod) =>
            injects &&
            stamp(pod) !== undefined &&
            (stamp(pod) !== policyKey(policy) ||
              pod.annotations[ourAnnotations.revision] !== revisionOf(policy)),
        ).length,
        uninjected: own.filter(
          (pod) => injects && stamp(pod) === undefined && pod.createdAtMs >= policy.createdAtMs,
        ).length,
        userValueKept: own.filter(({ annotations }) => annotations[ourAnnotations.reason] === 'UserValueKept')
          .length,
        offVirtualNode: how(own, 'offVirtualNode'),
      },
      namespaces: names.map((name) => {
        const there = own.filter(({ namespace }) => namespace === name);
        return { name, pods: there.length, ...figures(there) };
      }),
      workloadsTotal: workloads.length,
      untemplated: { total: untemplated.length, first: untemplated.slice(0, 3) },
      bare: own.filter((pod) => ownerChain(view, pod).length === 0).length,
      oldNodes: grouped(trusting ? versioned : [], ({ nodeName }) => nodeName)
        .filter(([, of]) => isRankTooOld(Math.max(...of.map((pod) => versionRank(pod) ?? 0))))
        .map(([node]) => node),
      winners: sorted(winners.map((each) => nameFor(policy, each))),
      tiedWinners: sorted(
        winners.filter((each) => isTied(policy, each)).map((each) => nameFor(policy, each)),
      ),
      tiedLosers: sorted(losers.filter((each) => isTied(policy, each)).map((each) => nameFor(policy, each))),
    },
    governsTemplates: templates.some(
      (each) => each.template && governingPolicy(view, madeFrom(each, each.template))?.uid === policy.uid,
    ),
    workloads: workloads.slice(0, 20).map(({ ref, of }) => ({
      ...{ ref, pods: of.length, ...figures(of), fallback: how(of, 'fallback') },
      ...(divides(policy.spec) && { deviation: deviation(view, policy, of) }),
    })),
    dryRun: tried(view, policy, pods, templates),
  };
};

const tried = (view: View, policy: SoundPolicy, pods: readonly Pod[], templates: readonly Templated[]) => {
  const enforced: SoundPolicy = { ...policy, spec: { ...policy.spec, mode: 'Enforce' } };
  const wins = (subject: Subject): boolean =>
    covers(policy, subject.labels, () => ownerChain(view, subject)) &&
    governorAmong(view, rulesOf([...view.rules(subject.namespace), enforced]), subject) === enforced;
  const gained = pods.filter(wins);
  const written = templates.flatMap((workload) => {
    const { kind, namespace, name, template } = workload;
    if (!template || workload.terminating || template.fixed !== undefined) return [];
    if (!wins(madeFrom(workload, template))) return [];
    const owned = ownedUnder(policy, workload, template);
    return isAsWanted(template, owned) ? [] : [`${namespace}/${name}/${kind}`];
  });
  return {
    pods: gained.length,
    taken: grouped(gained, (pod) => {
      const loser = governingPolicy(view, pod);
      return loser && policyKey(loser);
    })
      .slice(0, 20)
      .map(([loser, of]) => ({ policy: loser, pods: of.length })),
    samples: gained
      .map(({ namespace, name }) => `${namespace}/${name}`)
      .toSorted()
      .slice(0, 5),
    ...(policy.spec.injection.at === 'Workload' && {
      templates: { total: written.length, samples: written.toSorted().slice(0, 3) },
    }),
  };
};
