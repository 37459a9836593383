import { ourAnnotations } from '../api/keys.ts';
import { isDegraded, isOnVirtualNode, wantsSpot } from '../policy/capacity.ts';
import { divides, indexOf } from '../policy/distribution.ts';
import { isBoundToNode, ownerChain, type Subject, topWorkload } from '../policy/owners.ts';
import { revisionOf } from '../policy/revision.ts';
import { contenders, governingPolicy, governorAmong } from '../policy/rules.ts';
import { isAsWanted, madeFrom, ownedUnder } from '../policy/template-gift.ts';
import type { WorkloadReference } from '../world/interruption.ts';
import { isLive, type Pod } from '../world/pod.ts';
import { policyKey, type SoundPolicy } from '../world/policy.ts';
import type { Template, Templated } from '../world/template.ts';
import type { View } from '../world/view.ts';

/** A policy in DryRun as if it were enforced, and the rules that its namespace would have then. */
export interface Trial {
  readonly enforced: SoundPolicy;
  readonly rules: readonly SoundPolicy[];
}

/** What a living pod adds to the counts of policies; small, for there is one for each pod. */
export interface Contribution {
  readonly pod: Pod;
  /** The policies that would govern it if those before them were not there; the first one does. */
  readonly contenders: readonly SoundPolicy[];
  /** The policies in DryRun that would govern it if they were enforced. */
  readonly gainers: readonly SoundPolicy[];
  readonly top: WorkloadReference | undefined;
  readonly standing: Standing;
  /** Its index, where its policy divides pods and its workload numbers them. */
  readonly index: number | undefined;
}

/** What a pod counts as: waiting, on spot capacity, or on demand and why. */
export type Standing = 'pending' | 'spot' | 'onDemand' | 'fallback' | 'offVirtualNode';

const nobody: readonly SoundPolicy[] = [];

/** What a pod adds to the counts; undefined for one that ends, that goes with its node, or that concerns no policy. */
export const contributionOf = (view: View, pod: Pod, trials: readonly Trial[]): Contribution | undefined => {
  if (!isLive(pod) || isBoundToNode(pod)) return undefined;
  const all = contenders(view, pod);
  const gainers = gainersOf(view, pod, trials);
  const [governor] = all;
  if (!governor) {
    if (gainers.length === 0) return undefined;
    return { pod, contenders: nobody, gainers, top: undefined, standing: 'pending', index: undefined };
  }
  const rules = view.rules(pod.namespace);
  return {
    pod,
    // Of the pods of a namespace most have the same; a list of their own would be a quarter of what is kept of them.
    contenders: all.length === rules.length ? rules : all,
    gainers,
    top: topWorkload(ownerChain(view, pod)),
    standing: standingOf(view, pod),
    index: divides(governor.spec) ? indexOf(view, pod) : undefined,
  };
};

const gainersOf = (view: View, subject: Subject, trials: readonly Trial[]): readonly SoundPolicy[] => {
  const won = trials.filter(({ enforced, rules }) => governorAmong(view, rules, subject) === enforced);
  return won.length > 0 ? won.map(({ enforced }) => enforced) : nobody;
};

const standingOf = (view: View, pod: Pod): Standing => {
  if (pod.phase === 'Pending') return 'pending';
  if (!wantsSpot(pod)) return 'onDemand';
  if (isDegraded(view, pod)) return 'fallback';
  return isOnVirtualNode(view, pod) ? 'spot' : 'offVirtualNode';
};

/** How the stamps of a pod compare with what its policy gives. */
export const stampOf = ({ annotations, createdAtMs }: Pod, governor: SoundPolicy) => {
  const { policy, revision, reason } = ourAnnotations;
  const stamped = annotations[policy];
  const injects = governor.spec.injection.at !== 'None';
  const current = stamped === policyKey(governor) && annotations[revision] === revisionOf(governor);
  return {
    outdated: injects && stamped !== undefined && !current,
    uninjected: injects && stamped === undefined && createdAtMs >= governor.createdAtMs,
    userValueKept: annotations[reason] === 'UserValueKept',
  };
};

/** What the pod template of a workload adds to the counts of policies. */
export interface TemplateContribution {
  /** The policy that governs it, where that one writes templates. */
  readonly governor: SoundPolicy | undefined;
  /** The policies in DryRun that would write something into it. */
  readonly writers: readonly SoundPolicy[];
}

/** Whether a policy is about pod templates. */
export const writesTemplates = ({ spec }: SoundPolicy): boolean => spec.injection.at === 'Workload';

/** What a template adds to the counts; undefined where it concerns no policy. */
export const templateContributionOf = (
  view: View,
  workload: Templated,
  trials: readonly Trial[],
): TemplateContribution | undefined => {
  const { template } = workload;
  if (!template) return undefined;
  const made = madeFrom(workload, template);
  const governing = governingPolicy(view, made);
  const governor = governing && writesTemplates(governing) ? governing : undefined;
  const writing = trials.filter(({ enforced }) => writesTemplates(enforced));
  const writers = gainersOf(view, made, writing).filter((policy) => writtenTo(workload, template, policy));
  return governor || writers.length > 0 ? { governor, writers } : undefined;
};

/** What a policy would write into a template that it would govern: what its field manager is to own, and what it leaves. */
export const writtenTo = (workload: Templated, template: Template, policy: SoundPolicy) => {
  if (workload.terminating || template.fixed !== undefined) return undefined;
  const { annotations, labels } = ownedUnder(policy, workload, template);
  if (isAsWanted(template, { annotations, labels })) return undefined;
  const removed = [
    ...template.owned.annotations.filter((key) => !(key in annotations)),
    ...template.owned.labels.filter((key) => !(key in labels)),
  ];
  return { annotations, labels, ...(removed.length > 0 && { removed }) };
};
