import type { Condition } from '../api/index.ts';
import { instantMs, isNodeBound } from '../world/object.ts';
import type { SoundPolicy } from '../world/policy.ts';
import type { View } from '../world/view.ts';

/** What keeps a policy from the workloads that it names. */
export interface TargetProblem {
  readonly reason: 'TargetKindUnsupported' | 'TargetKindForbidden' | 'TargetNotFound';
  readonly message: string;
}

/**
 * How long a policy waits for a workload that it names before it says that a person must act: as long as a Deployment
 * waits for its pods (the default of `progressDeadlineSeconds`).
 */
export const targetPatienceMs = 600_000;

/**
 * When a policy that waits for workloads that it names will have waited too long, by its own condition, which outlives the
 * process that wrote it. Undefined where it does not wait, or has waited too long already.
 */
export const overdueAtMs = (conditions: readonly Condition[] = []): number | undefined => {
  const accepted = conditions.find(({ type }) => type === 'Accepted');
  return accepted?.status === 'Unknown' && accepted.reason === 'TargetNotFound'
    ? (instantMs(accepted.lastTransitionTime) ?? 0) + targetPatienceMs
    : undefined;
};

/** Whether a policy whose workloads are not there has waited for them too long. An edited spec waits anew. */
export const isOverdue = ({ status, generation }: SoundPolicy, nowMs: number): boolean => {
  const accepted = status?.conditions?.find(({ type }) => type === 'Accepted');
  if (accepted?.reason !== 'TargetNotFound') return false;
  if (accepted.status === 'False') return accepted.observedGeneration === generation;
  return nowMs >= (overdueAtMs(status?.conditions) ?? Number.POSITIVE_INFINITY);
};

type TargetRef = NonNullable<SoundPolicy['spec']['targetRefs']>[number];

/**
 * What keeps a policy from the workloads that it names, or undefined: kinds whose pods are never governed before kinds that
 * the operator may not read, and those before workloads that are not there. Of what is not known yet nothing is said, nor of a policy that governs nothing anyway.
 */
export const findTargetProblem = (
  view: View,
  { namespace, spec }: SoundPolicy,
): TargetProblem | undefined => {
  const targets = spec.mode === 'Enforce' ? (spec.targetRefs ?? []) : [];
  const bound = targets.filter(isNodeBound);
  if (bound.length > 0) return { reason: 'TargetKindUnsupported', message: describeBound(bound) };
  const forbidden = [...new Set(targets.flatMap((target) => describeForbidden(view, target)))];
  if (forbidden.length > 0) return { reason: 'TargetKindForbidden', message: forbidden.join('; ') };
  const missing = targets.filter((target) => view.hasWorkload(target, namespace, target.name) === false);
  return missing.length > 0
    ? { reason: 'TargetNotFound', message: missing.map((target) => describeMissing(view, target)).join('; ') }
    : undefined;
};

/** Kinds that a policy names and that cannot be read now, for another reason than a missing right, in words. */
export const failingTargets = (view: View, { spec }: SoundPolicy): readonly string[] => {
  const failing = (spec.targetRefs ?? []).flatMap((target) => {
    const known = view.ownerKind(target);
    return known?.standing === 'Failing' ? [`${nameOf(target)} cannot be read: ${known.problem}`] : [];
  });
  return [...new Set(failing)];
};

const describeBound = (targets: readonly TargetRef[]): string =>
  `pods of ${[...new Set(targets.map(nameOf))].join(' and ')} belong to their node and are never touched: leave it out of targetRefs`;

const describeForbidden = (view: View, target: TargetRef): readonly string[] => {
  const known = view.ownerKind(target);
  if (known?.standing !== 'Forbidden') return [];
  // The installation's optional roles are named by the group of the kinds that they open.
  const role = `spotpolicy-operator-${target.group || 'core'}`;
  return [
    `the operator may not read ${nameOf(target)}: add the ClusterRole ${role}, or another that allows list and watch on ${known.resource} and carries the label rbac.spotpolicy.dev/aggregate-to-operator: "true" (${known.problem})`,
  ];
};

const describeMissing = (view: View, target: TargetRef): string =>
  view.ownerKind(target)?.standing === 'Absent'
    ? `the cluster has no kind of workload ${nameOf(target)}`
    : `there is no ${nameOf(target)} named ${target.name}`;

const nameOf = ({ group, kind }: TargetRef): string => (group ? `${kind}.${group}` : kind);
