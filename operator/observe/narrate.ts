import { apiVersion, type Condition, type SpotPolicyStatus } from '../api/index.ts';
import type { Outcome } from '../app.ts';
import type { InjectionOutcome } from '../injection/stream.ts';
import type { TemplateOutcome } from '../injection/workload-stream.ts';
import type { CleanUpOutcome } from '../interruption/clean-up-stream.ts';
import type { Effect } from '../interruption/look.ts';
import type { InterruptionOutcome } from '../interruption/stream.ts';
import type { DryRun } from '../status/dry-run.ts';
import type { Loss, StatusOutcome } from '../status/stream.ts';
import type { Interruption } from '../world/interruption.ts';
import { revisionOf } from '../policy/revision.ts';
import { type Policy, policyKey, policyOf } from '../world/policy.ts';
import { templates } from '../world/template.ts';
import type { Change, View } from '../world/view.ts';
import { type ClockOutcome, tellClock } from './clock-story.ts';
import type { EventRecorder } from './event-recorder.ts';
import type { EventNote, EventSubject } from './events.ts';
import { type EventStory, tellStep } from './interruption-story.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { newlyMissed } from './missed-pods.ts';

/** Where a story goes. */
export interface Narrator {
  readonly log: Log;
  readonly metrics: Metrics;
  readonly events: EventRecorder;
  readonly world: View;
  readonly nowMs: () => number;
  /** The pod that this program runs in, if it runs in one. */
  readonly self: { readonly namespace: string; readonly name: string };
}

/** Tells one outcome: what changed the cluster is one `info` line, one metric and, for users, one Event. */
export const narrate = (narrator: Narrator, outcome: Outcome): void => {
  switch (outcome.room) {
    case 'world':
      return ofWorld(narrator, outcome.change);
    case 'interruption':
      return ofInterruption(narrator, outcome);
    case 'clean-up':
      return ofCleanUp(narrator, outcome);
    case 'injection':
      return ofInjection(narrator, outcome);
    case 'status':
      return ofStatus(narrator, outcome);
    case 'clock':
      return ofClock(narrator, outcome);
  }
};

const ofWorld = ({ log, metrics, world }: Narrator, change: Change): void => {
  if (change.kind === 'Failed') {
    const { of: source, trouble } = change;
    log.warn({ source, err: trouble.error, failures: trouble.failures }, 'source failed and is tried again');
    metrics.worldWatchRestarts.inc({ source, reason: world.synced(source) ? 'resume' : 'relist' });
  } else if (change.kind === 'Synced') {
    log.debug({ source: change.of }, 'source synced');
    metrics.worldSynced.set({ source: change.of }, 1);
  } else if (change.kind === 'OwnerKind' && change.after) {
    const { group, kind, standing, problem, whole } = change.after;
    log.info({ group, kind, standing, problem, whole }, 'followed a kind of owner');
  }
};

const ofInterruption = (narrator: Narrator, outcome: InterruptionOutcome): void => {
  const { log, metrics, events, nowMs } = narrator;
  const { before, after, called } = outcome;
  if (!before) metrics.interruptionNotices.inc({ signal: after.onCondition ? 'condition' : 'event' });
  if (called && endsPod(called.effect)) {
    const answer =
      called.answer.kind === 'Refused' && called.answer.byBudget ? 'Blocked' : called.answer.kind;
    metrics.interruptionEvictions.inc({ result: answer });
    if (called.answer.kind === 'Done') {
      metrics.interruptionNoticeToEviction.observe(Math.max(0, nowMs() - after.noticedAtMs) / 1000);
    }
  }
  if (after.outcome && after.phase === 'Done' && before?.phase !== 'Done') {
    metrics.interruptionOutcomes.inc({ outcome: after.outcome });
  }
  for (const story of tellStep(before, after)) {
    log.info({ ...whichPod(after), ...story.details }, story.line);
    for (const note of notesOf(narrator.world, after, story)) events.record(note);
  }
};

const ofCleanUp = ({ log, metrics, events }: Narrator, outcome: CleanUpOutcome): void => {
  const { namespace, name, uid } = outcome.pod;
  const which = { namespace, pod: name, uid, policy: outcome.policy };
  metrics.interruptionFailedPods.inc({ result: outcome.kind });
  if (outcome.kind === 'failed') {
    log.warn({ ...which, err: outcome.error, againInMs: outcome.againInMs }, 'failed pod not removed');
    return;
  }
  log.info(which, 'removed failed pod');
  events.record({
    subject: { apiVersion: 'v1', kind: 'Pod', namespace, name, uid },
    type: 'Normal',
    reason: 'FailedPodRemoved',
    message: 'ECI had taken its instance; the object is removed (interruption.failedPods of its policy)',
  });
};

const endsPod = ({ kind }: Effect): boolean => kind === 'Evict' || kind === 'Delete' || kind === 'Remove';

const whichPod = ({ namespace, name, uid, settings }: Interruption) => ({
  namespace,
  pod: name,
  uid,
  policy: settings.policy,
});

// On the pod for whoever debugs it, and on the policy for whoever owns it.
const notesOf = (
  world: View,
  interruption: Interruption,
  { type, reason, message }: EventStory,
): EventNote[] => {
  const { namespace, name, uid, settings } = interruption;
  const policy = policyOf(world, settings.policy);
  const onPolicy = `pod ${policy?.kind === 'SpotPolicy' ? name : `${namespace}/${name}`}: ${message}`;
  return [
    { subject: { apiVersion: 'v1', kind: 'Pod', namespace, name, uid }, type, reason, message },
    ...(policy ? [{ subject: subjectOf(policy), type, reason, message: onPolicy }] : []),
  ];
};

const subjectOf = ({ kind, namespace, name, uid }: Policy): EventSubject => ({
  apiVersion,
  kind,
  namespace,
  name,
  uid,
});

const conflictIn = (status: SpotPolicyStatus | undefined): Condition | undefined =>
  status?.conditions?.find(({ type, reason }) => type === 'Accepted' && reason === 'Conflicted');

const tellTrial = ({ pods, taken, templates: written }: DryRun): string => {
  const losses = taken.map(({ policy, pods: lost }) => `${lost} from ${policy}`).join(', ');
  const rollouts = written ? `, and write ${written.total} pod templates` : '';
  return `enforced, it would govern ${pods} pods${losses && `, taking ${losses}`}${rollouts}`;
};

const ofInjection = (narrator: Narrator, outcome: InjectionOutcome | TemplateOutcome): void => {
  const { log } = narrator;
  switch (outcome.kind) {
    case 'templated':
      return ofTemplate(narrator, outcome);
    case 'troubled':
      return;
    case 'applied': {
      const { ignore, fail } = outcome.coverage;
      return log.info({ ignore: ignore.length, fail: fail.length }, 'applied the webhook configuration');
    }
    case 'lost':
      return ofLoss(narrator, outcome);
    case 'settled':
      return log.info('no other writer changes the webhook configuration any more');
    case 'removed':
      return log.info('removed the webhook configuration: no policy needs it');
    case 'failed':
      return log.warn(
        { err: outcome.error, againInMs: outcome.againInMs },
        'webhook configuration not applied',
      );
    case 'probed': {
      const { namespace, name, generation, reached, problem } = outcome.probe;
      return log.debug(
        { namespace, policy: name, generation, reached, problem },
        'asked admission about a policy',
      );
    }
  }
};

const ofLoss = (
  { log, metrics }: Narrator,
  { change: { after }, rival, againInMs }: Extract<InjectionOutcome, { kind: 'lost' }>,
): void => {
  metrics.injectionWebhookLosses.inc();
  const line = 'another writer had changed the webhook configuration; wrote it again';
  if (!after) return log.info({ rival }, line);
  log.warn({ rival, losses: after.losses, againInMs }, `${line}, and will do so less and less often`);
};

const ofTemplate = (
  { log, metrics, events }: Narrator,
  { workload, policy, answer }: Extract<TemplateOutcome, { kind: 'templated' }>,
): void => {
  const { kind, namespace, name, uid } = workload;
  const which = { namespace, kind, workload: name, uid, policy: policy && policyKey(policy) };
  metrics.injectionTemplates.inc({ result: answer.kind === 'Written' ? 'written' : answer.reason });
  if (answer.kind === 'Refused') {
    log.warn({ ...which, reason: answer.reason, problem: answer.message }, 'pod template not written');
    return;
  }
  log.info(which, policy ? 'wrote a pod template' : 'released a pod template');
  events.record({
    subject: { apiVersion: templates[kind].apiVersion, kind, namespace, name, uid },
    type: 'Normal',
    reason: policy ? 'PodTemplateAnnotated' : 'PodTemplateReleased',
    message: policy
      ? `the pod template has what ${policyKey(policy)} asks for at revision ${revisionOf(policy)}`
      : 'no policy asks for spot annotations in the pod template any more',
  });
};

const ofStatus = (narrator: Narrator, outcome: StatusOutcome): void => {
  const { log, metrics, events } = narrator;
  const { namespace, name } = outcome.policy;
  metrics.statusPatches.inc({ result: outcome.kind });
  if (outcome.kind === 'failed')
    return log.warn({ namespace, policy: name, err: outcome.error }, 'status not written');
  log.debug({ namespace, policy: name }, 'status written');
  const { policy, status, lost } = outcome;
  const subject = subjectOf(policy);
  if (lost) tellLoss(narrator, policy, lost);
  const conflict = conflictIn(status);
  // Told when it begins; the condition says the rest.
  if (conflict && !conflictIn(policy.status)) {
    const { message } = conflict;
    log.info({ namespace, policy: name, because: message }, 'policies conflict');
    events.record({ subject, type: 'Warning', reason: 'PolicyConflict', message });
  }
  const missed = newlyMissed(policy.status, status);
  if (missed > 0) {
    const message = `admission has missed ${missed} pods, which have nothing of what the policy asks for; restart their workloads`;
    log.info({ namespace, policy: name, pods: missed }, 'admission has missed pods');
    events.record({ subject, type: 'Warning', reason: 'PodsNotInjected', message });
  }
  const { dryRun } = status;
  // Pods are mostly created by controllers, which show nobody the warnings they get.
  if (dryRun && JSON.stringify(dryRun) !== JSON.stringify(policy.status?.dryRun))
    events.record({ subject, type: 'Normal', reason: 'DryRun', message: tellTrial(dryRun) });
};

const tellLoss = (
  { log, metrics, events }: Narrator,
  policy: Policy,
  { rivals, losses, againInMs, isNew }: Loss,
): void => {
  const { namespace, name } = policy;
  metrics.statusLosses.inc();
  log.debug({ namespace, policy: name, losses, againInMs }, 'status written over that of another writer');
  // Told when it begins; the condition says the rest.
  if (!isNew) return;
  log.warn({ namespace, policy: name, losses, againInMs, rivals }, 'another writer keeps changing a status');
  events.record({ subject: subjectOf(policy), type: 'Warning', reason: 'StatusContested', message: rivals });
};

const ofClock = ({ log, events, world, self }: Narrator, { offsetMs }: ClockOutcome): void => {
  const { namespace, name } = self;
  const pod = world.pods.byName(namespace, name);
  const { level, line, warning } = tellClock(offsetMs, pod?.nodeName);
  log[level]({ offsetMs }, line);
  const home = world.namespaces.byName('', namespace);
  // Outside of a cluster there is no such pod.
  const subject: EventSubject | undefined = pod
    ? { apiVersion: 'v1', kind: 'Pod', namespace, name, uid: pod.uid }
    : home && { apiVersion: 'v1', kind: 'Namespace', namespace: '', name: namespace, uid: home.uid };
  if (warning && subject) events.record({ subject, type: 'Warning', reason: 'ClockOff', message: warning });
};
