import { evictingVersion } from '../policy/virtual-node.ts';
import { optOutLabel } from '../api/keys.ts';
import type { Condition } from '../api/index.ts';
import { apiTime } from '../world/object.ts';
import type { Probe } from '../world/objects.ts';
import type { Policy, SoundPolicy } from '../world/policy.ts';
import type { TemplateTrouble } from '../world/template.ts';
import type { Governed } from './governed.ts';
import { describeFixed, findTemplateTrouble } from './templates.ts';
import type { TargetProblem } from './targets.ts';

/** What a condition says; when it began to say so is added where it is written. */
export interface Finding {
  readonly type: 'Accepted' | 'Programmed' | 'Ready' | 'Reconciling' | 'Stalled';
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
}

/** What the conditions of a policy are found from. */
export interface Grounds {
  readonly governed: Governed;
  /**
   * The namespaces that the policy is about: some, or none because its own is exempt or opts out, because none has the
   * labels, or because they cannot be listed.
   */
  readonly reach: 'Some' | 'Exempt' | 'OptedOut' | 'None' | 'Unknown';
  readonly probe: Probe | undefined;
  /** What stands between pod templates and the policy. */
  readonly troubles: readonly TemplateTrouble[];
  /** Kinds whose pod templates cannot be read, in words; empty where all can. */
  readonly unseen: string;
  /** What keeps it from the workloads that it names. */
  readonly target: TargetProblem | undefined;
  /** Pods that have ended and make budgets too generous, in words; empty where there are none. */
  readonly counted: string;
  /** Sources that cannot be read, in words; empty when all can. */
  readonly unreadable: string;
  /** What the API server said when it refused the operator a call about a doomed pod for want of a right. */
  readonly forbidden: string | undefined;
}

/** The conditions of a policy whose spec cannot be understood. */
export const stalled = ({ problems }: Policy): readonly Finding[] => {
  const message = problems.map(({ field, message: text }) => `${field}: ${text}`).join('; ');
  return [
    { type: 'Accepted', status: 'False', reason: 'Invalid', message },
    { type: 'Programmed', status: 'False', reason: 'Invalid', message: 'the policy is not accepted' },
    { type: 'Ready', status: 'False', reason: 'Invalid', message },
    { type: 'Stalled', status: 'True', reason: 'Invalid', message },
  ];
};

/** The conditions of a policy, always in the same order. */
export const findConditions = (policy: SoundPolicy, grounds: Grounds): readonly Finding[] => {
  const programmed = findProgrammed(policy, grounds);
  const problem = grounds.target ?? findConflict(policy, grounds);
  if (problem) return unmet(programmed, problem);
  const { forbidden, counted, unreadable } = grounds;
  const ready = isSettled(programmed) && forbidden === undefined;
  const reason = forbidden === undefined ? programmed.reason : 'Forbidden';
  const message = [forbidden ?? programmed.message, counted, unreadable].filter(Boolean).join('; ');
  return [
    { type: 'Accepted', status: 'True', reason: 'Accepted', message: 'the spec is valid' },
    programmed,
    { type: 'Ready', status: ready ? 'True' : 'False', reason, message },
    ...(ready ? [] : [{ type: 'Reconciling', status: 'True', reason, message } as const]),
  ];
};

// Nothing that the operator does will change it: somebody must.
const unmet = (programmed: Finding, problem: Pick<Finding, 'reason' | 'message'>): readonly Finding[] => [
  { type: 'Accepted', status: 'False', ...problem },
  programmed,
  { type: 'Ready', status: 'False', ...problem },
  { type: 'Stalled', status: 'True', ...problem },
];

const findConflict = (
  { spec }: SoundPolicy,
  { governed: { tiedWinners, tiedLosers } }: Grounds,
): Pick<Finding, 'reason' | 'message'> | undefined => {
  if (spec.mode !== 'Enforce' || tiedWinners.length + tiedLosers.length === 0) return undefined;
  const parts = [
    tiedWinners.length > 0 && `${listed(tiedWinners)} wins pods that this policy selects too`,
    tiedLosers.length > 0 && `this policy wins pods that ${listed(tiedLosers)} selects too`,
  ];
  const why = 'by nothing but the order of names; give them different priorities';
  return { reason: 'Conflicted', message: `${parts.filter(Boolean).join(', ')}, ${why}` };
};

// A default of the cluster may lose to hundreds.
const mostListed = 5;
const listed = (names: readonly string[]): string =>
  [
    names.slice(0, mostListed).join(', '),
    ...(names.length > mostListed ? [`and ${names.length - mostListed} more`] : []),
  ].join(' ');

// The operator has done what the spec asks, which may be to stand back.
const isSettled = ({ status, reason }: Finding): boolean =>
  status === 'True' ||
  reason === 'Disabled' ||
  reason === 'DryRun' ||
  reason === 'Overridden' ||
  reason === 'NotOnVirtualNode' ||
  reason === 'VirtualNodeTooOld';

const is = (status: Finding['status'], reason: string, message: string): Finding => ({
  type: 'Programmed',
  status,
  reason,
  message,
});

const findProgrammed = (policy: SoundPolicy, grounds: Grounds): Finding => {
  const { governed, reach, probe, troubles } = grounds;
  const { spec, generation } = policy;
  if (spec.mode === 'Disabled') return is('False', 'Disabled', 'the policy is disabled and governs no pod');
  if (spec.mode === 'DryRun') {
    return is('False', 'DryRun', 'the policy governs no pod; status.dryRun says which it would');
  }
  if (reach !== 'Some') return findOutOfReach(reach);
  const { pods, winners } = governed;
  if (pods.matched === 0 && winners.length > 0) {
    return is('False', 'Overridden', `every pod it selects is governed by ${listed(winners)}`);
  }
  if (spec.injection.at === 'Pod') {
    const current = probe?.generation === generation ? probe : undefined;
    if (!current?.reached)
      return is('False', 'Pending', current?.problem ?? 'admission has not been asked yet');
  }
  const trouble = findTemplateTrouble(troubles);
  if (trouble) return is('False', trouble.reason, trouble.message);
  if (pods.offVirtualNode > 0 && pods.spot === 0) {
    const advice = 'label them alibabacloud.com/eci: "true" (injection.scheduling: VirtualNode)';
    return is(
      'False',
      'NotOnVirtualNode',
      `${pods.offVirtualNode} pods run on ordinary nodes, where ECI's annotations have no effect; ${advice}`,
    );
  }
  if (spec.interruption.evictor === 'VirtualNode' && governed.oldNodes.length > 0) {
    const advice = 'upgrade it, or choose interruption.evictor: Operator';
    return is(
      'False',
      'VirtualNodeTooOld',
      `ack-virtual-node of ${listed(governed.oldNodes)} is older than ${evictingVersion} and evicts no pod; ${advice}`,
    );
  }
  if (winners.length > 0) {
    return is(
      'True',
      'PartiallyOverridden',
      `some of the pods it selects are governed by ${listed(winners)}`,
    );
  }
  return is('True', 'Programmed', describeProgrammed(spec.injection.at, grounds));
};

const describeProgrammed = (
  at: SoundPolicy['spec']['injection']['at'],
  { troubles, unseen }: Grounds,
): string => {
  switch (at) {
    case 'Pod':
      return 'new pods get what the policy asks for';
    case 'Workload':
      return ['pod templates have what the policy asks for', describeFixed(troubles), unseen]
        .filter(Boolean)
        .join('; ');
    case 'None':
      return 'annotations stay as users wrote them; interruptions are handled';
  }
};

const findOutOfReach = (reach: Exclude<Grounds['reach'], 'Some'>): Finding => {
  switch (reach) {
    case 'Exempt':
      return is(
        'False',
        'Overridden',
        'no pod of this namespace is ever governed: the installation excludes it',
      );
    case 'OptedOut':
      return is(
        'False',
        'Overridden',
        `the label ${optOutLabel}: "false" of the namespace exempts every pod`,
      );
    case 'None':
      return is(
        'True',
        'Programmed',
        'no namespace has the labels of namespaceSelector; one that gets them is covered',
      );
    case 'Unknown':
      return is('False', 'Pending', 'the namespaces are not known yet');
  }
};

/** The findings as conditions: a transition time changes only with the status. Conditions of others stay. */
export const writeConditions = (
  before: readonly Condition[],
  findings: readonly Finding[],
  generation: number,
  nowMs: number,
): Condition[] => {
  const types: readonly string[] = ['Accepted', 'Programmed', 'Ready', 'Reconciling', 'Stalled'];
  const written = findings.map((finding) => {
    const earlier = before.find(({ type }) => type === finding.type);
    // The default status of the definition says Reconciling since 1970; nobody has observed that.
    const since = earlier?.observedGeneration === undefined ? undefined : earlier;
    const lastTransitionTime = since?.status === finding.status ? since.lastTransitionTime : apiTime(nowMs);
    return { ...finding, observedGeneration: generation, lastTransitionTime };
  });
  return [...written, ...before.filter(({ type }) => !types.includes(type))];
};
