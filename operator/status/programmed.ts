import { optOutLabel } from '../api/keys.ts';
import { evictingVersion } from '../policy/virtual-node.ts';
import type { WebhookContest } from '../world/objects.ts';
import type { SoundPolicy } from '../world/policy.ts';
import type { Finding, Grounds } from './conditions.ts';
import { listed } from './listed.ts';
import { describeFixed, findTemplateTrouble } from './templates.ts';

/**
 * What to expect of a policy, by the reason of its condition Programmed: the operator has done what the spec asks
 * (`Done`), time or a retry may change it (`Passing`), or a person must (`Stuck`).
 */
const outlooks = {
  Programmed: 'Done',
  PartiallyOverridden: 'Done',
  // What the spec asks for may be to stand back.
  Overridden: 'Done',
  Disabled: 'Done',
  DryRun: 'Done',
  Pending: 'Passing',
  Refused: 'Passing',
  NamespaceExcluded: 'Stuck',
  NamespaceOptedOut: 'Stuck',
  FieldManagerConflict: 'Stuck',
  Forbidden: 'Stuck',
  WebhookContested: 'Stuck',
  TemplatesNotWritable: 'Stuck',
  NotOnVirtualNode: 'Stuck',
  VirtualNodeTooOld: 'Stuck',
} as const;

type Reason = keyof typeof outlooks;

/** The condition Programmed, and what to expect of the policy by it. */
export interface Programmed extends Finding {
  readonly outlook: (typeof outlooks)[Reason];
}

const is = (status: Finding['status'], reason: Reason, message: string): Programmed => ({
  type: 'Programmed',
  status,
  reason,
  message,
  outlook: outlooks[reason],
});

/** Whether new pods get what a policy asks for, and if not, why. */
export const findProgrammed = (policy: SoundPolicy, grounds: Grounds): Programmed => {
  const { spec } = policy;
  if (spec.mode === 'Disabled') return is('False', 'Disabled', 'the policy is disabled and governs no pod');
  if (spec.mode === 'DryRun') {
    return is('False', 'DryRun', 'the policy governs no pod; status.dryRun says which it would');
  }
  if (grounds.reach !== 'Some') return findOutOfReach(grounds.reach);
  const { pods, winners } = grounds.governed;
  if (pods.matched === 0 && winners.length > 0) {
    return is('False', 'Overridden', `every pod it selects is governed by ${listed(winners)}`);
  }
  return (
    findPending(policy, grounds) ??
    findUnwritten(grounds) ??
    findNodeTrouble(policy, grounds) ??
    describeProgrammed(spec.injection.at, grounds)
  );
};

const describeContest = ({ writers }: WebhookContest): string =>
  writers.length > 0
    ? `${writers.join(' and ')} write the MutatingWebhookConfiguration in turn; let only one of them write it (--webhook-configuration-name)`
    : 'the MutatingWebhookConfiguration is deleted each time it is written; find out who deletes it';

const findPending = (
  { spec, generation }: SoundPolicy,
  { probe, contest }: Grounds,
): Programmed | undefined => {
  if (spec.injection.at !== 'Pod') return undefined;
  if (contest) return is('False', 'WebhookContested', describeContest(contest));
  const current = probe?.generation === generation ? probe : undefined;
  return current?.reached
    ? undefined
    : is('False', 'Pending', current?.problem ?? 'admission has not been asked yet');
};

const findUnwritten = ({ troubles, unwritable }: Grounds): Programmed | undefined => {
  const trouble = findTemplateTrouble(troubles);
  if (trouble) return is('False', trouble.reason, trouble.message);
  return unwritable?.all ? is('False', 'TemplatesNotWritable', unwritable.message) : undefined;
};

const findNodeTrouble = (
  { spec }: SoundPolicy,
  { governed: { pods, oldNodes } }: Grounds,
): Programmed | undefined => {
  if (pods.offVirtualNode > 0 && pods.spot === 0) {
    const advice = 'label them alibabacloud.com/eci: "true" (injection.scheduling: VirtualNode)';
    const message = `${pods.offVirtualNode} pods run on ordinary nodes, where ECI's annotations have no effect; ${advice}`;
    // A pod that waits for a node may still come to a virtual one.
    return is('False', pods.pending > 0 ? 'Pending' : 'NotOnVirtualNode', message);
  }
  if (spec.interruption.evictor === 'VirtualNode' && oldNodes.length > 0) {
    const advice = 'upgrade it, or choose interruption.evictor: Operator';
    return is(
      'False',
      'VirtualNodeTooOld',
      `ack-virtual-node of ${listed(oldNodes)} is older than ${evictingVersion} and evicts no pod; ${advice}`,
    );
  }
  return undefined;
};

const describeProgrammed = (
  at: SoundPolicy['spec']['injection']['at'],
  { governed: { winners }, troubles, unwritable, unseen }: Grounds,
): Programmed => {
  if (winners.length > 0) {
    const message = `some of the pods it selects are governed by ${listed(winners)}`;
    return is('True', 'PartiallyOverridden', message);
  }
  switch (at) {
    case 'Pod':
      return is('True', 'Programmed', 'new pods get what the policy asks for');
    case 'Workload': {
      const but = [describeFixed(troubles), unwritable?.message, unseen].filter(Boolean);
      return is('True', 'Programmed', ['pod templates have what the policy asks for', ...but].join('; '));
    }
    case 'None': {
      const message = 'annotations stay as users wrote them; interruptions are handled';
      return is('True', 'Programmed', message);
    }
  }
};

const findOutOfReach = (reach: Exclude<Grounds['reach'], 'Some'>): Programmed => {
  switch (reach) {
    case 'Exempt':
      return is(
        'False',
        'NamespaceExcluded',
        'no pod of this namespace is ever governed: the installation excludes it',
      );
    case 'OptedOut':
      return is(
        'False',
        'NamespaceOptedOut',
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
