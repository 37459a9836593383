import type { Condition } from '../api/index.ts';
import { apiTime } from '../world/object.ts';
import type { Probe, WebhookContest } from '../world/objects.ts';
import type { Policy, SoundPolicy } from '../world/policy.ts';
import type { TemplateTrouble } from '../world/template.ts';
import type { Governed } from './governed.ts';
import { listed } from './listed.ts';
import { findProgrammed, type Programmed } from './programmed.ts';
import { isOverdue, type TargetProblem } from './targets.ts';
import type { Unwritable } from './templates.ts';

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
  readonly contest: WebhookContest | undefined;
  /** What stands between pod templates and the policy. */
  readonly troubles: readonly TemplateTrouble[];
  /** Kinds whose pod templates cannot be read, in words; empty where all can. */
  readonly unseen: string;
  /** Its pods whose template is never written, where it writes templates. */
  readonly unwritable: Unwritable | undefined;
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
export const findConditions = (policy: SoundPolicy, grounds: Grounds, nowMs: number): readonly Finding[] => {
  const { outlook, ...programmed } = findProgrammed(policy, grounds);
  const problem = grounds.target ?? findConflict(policy, grounds);
  if (problem) return unmet(programmed, problem, isStuck(policy, problem, nowMs));
  const { forbidden, governed, counted, unreadable } = grounds;
  const missed = policy.spec.injection.at === 'Pod' ? describeUninjected(governed.pods.uninjected) : '';
  const why: Why = {
    reason: forbidden === undefined ? programmed.reason : 'Forbidden',
    message: [forbidden ?? programmed.message, missed, counted, unreadable].filter(Boolean).join('; '),
  };
  return [
    is('Accepted', 'True', { reason: 'Accepted', message: 'the spec is valid' }),
    programmed,
    ...summarize(forbidden === undefined ? outlook : 'Stuck', why),
  ];
};

// Such as those of a workload that was applied in one file with its policy.
const describeUninjected = (count: number): string =>
  count > 0
    ? `${count} pods have nothing of what the policy asks for, because they were created before admission was in force or while it could not be reached; restart their workloads`
    : '';

type Why = Pick<Finding, 'reason' | 'message'>;

const is = (type: Finding['type'], status: Finding['status'], { reason, message }: Why): Finding => ({
  type,
  status,
  reason,
  message,
});

// kstatus and Argo CD wait while a policy is Reconciling, and give up once it is Stalled.
const summarize = (outlook: Programmed['outlook'], why: Why): readonly Finding[] => {
  switch (outlook) {
    case 'Done':
      return [is('Ready', 'True', why)];
    case 'Passing':
      return [is('Ready', 'False', why), is('Reconciling', 'True', why)];
    case 'Stuck':
      return [is('Ready', 'False', why), is('Stalled', 'True', why)];
  }
};

const unmet = (programmed: Finding, problem: Why, needsPerson: boolean): readonly Finding[] => [
  is('Accepted', needsPerson ? 'False' : 'Unknown', problem),
  programmed,
  ...summarize(needsPerson ? 'Stuck' : 'Passing', problem),
];

// A workload may come a moment later, in the same sync. Rights and priorities do not change by waiting.
const isStuck = (policy: SoundPolicy, { reason }: Why, nowMs: number): boolean =>
  reason !== 'TargetNotFound' || isOverdue(policy, nowMs);

const findConflict = (
  { spec }: SoundPolicy,
  { governed: { tiedWinners, tiedLosers } }: Grounds,
): Why | undefined => {
  if (spec.mode !== 'Enforce' || tiedWinners.length + tiedLosers.length === 0) return undefined;
  const parts = [
    tiedWinners.length > 0 &&
      `${listed(tiedWinners)} ${tiedWinners.length === 1 ? 'wins' : 'win'} pods that this policy selects too`,
    tiedLosers.length > 0 &&
      `this policy wins pods that ${listed(tiedLosers)} ${tiedLosers.length === 1 ? 'selects' : 'select'} too`,
  ];
  const why = 'by nothing but the order of names; give them different priorities';
  return { reason: 'Conflicted', message: `${parts.filter(Boolean).join(', ')}, ${why}` };
};

/** The types of condition that the operator writes. */
export const conditionTypes: readonly string[] = [
  'Accepted',
  'Programmed',
  'Ready',
  'Reconciling',
  'Stalled',
];

/** The findings as conditions: a transition time changes only with the status. Conditions of others stay. */
export const writeConditions = (
  before: readonly Condition[],
  findings: readonly Finding[],
  generation: number,
  nowMs: number,
): Condition[] => {
  const written = findings.map((finding) => {
    const earlier = before.find(({ type }) => type === finding.type);
    // The default status of the definition says Reconciling since 1970; nobody has observed that.
    const since = earlier?.observedGeneration === undefined ? undefined : earlier;
    const lastTransitionTime = since?.status === finding.status ? since.lastTransitionTime : apiTime(nowMs);
    return { ...finding, observedGeneration: generation, lastTransitionTime };
  });
  return [...written, ...before.filter(({ type }) => !conditionTypes.includes(type))];
};
