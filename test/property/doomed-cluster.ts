import { timetable } from '../../operator/interruption/deadline.ts';
import type { Effect } from '../../operator/interruption/look.ts';
import { writeMark } from '../../operator/interruption/mark.ts';
import type { Answer } from '../../operator/interruption/settle.ts';
import { Members } from '../../operator/status/members.ts';
import { reportOn } from '../../operator/status/report.ts';
import type { Interruption } from '../../operator/world/interruption.ts';
import type { Change } from '../../operator/world/view.ts';
import type { World } from '../../operator/world/world.ts';
import { lead, type Leader } from '../builders/leader.ts';
import {
  aPod,
  anEvent,
  anExpiry,
  noonMs,
  ownedBy,
  type EventWishes,
  type PodWishes,
  uidOf,
} from '../builders/pod.ts';
import { aPolicy } from '../builders/policy.ts';
import { aComputedBudget, aReplicaSet, aWorld, drop, list, put } from '../builders/world.ts';
import { aDeployment, aJob } from '../builders/workloads.ts';

/**
 * How the API server takes the next call: does it, at once or slowly; refuses it, for good or because it is down; is not
 * heard doing it; or says nothing until its client has had enough.
 */
export type Mood = 'Does' | 'IsSlow' | 'BudgetRefuses' | 'Fails' | 'IsDown' | 'IsNotHeard' | 'Hangs';

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What stays the same through one history. */
export interface Setting {
  readonly owners: readonly ('ReplicaSet' | 'Job' | 'None')[];
  readonly onDeadline: 'Delete' | 'Leave';
  readonly jobPods: 'AtDeadline' | 'Immediately' | 'Never';
  readonly budgets: 0 | 1 | 2;
  readonly trustEvents: boolean;
  readonly replacement: 'BeforeEviction' | 'AfterEviction';
}

/** Something that happens in a cluster: to a doomed pod, to a successor, to what surrounds them, or to us. */
export type Happening =
  | {
      readonly kind: 'condition' | 'event' | 'deleted' | 'gone' | 'released' | 'completed';
      readonly pod: number;
    }
  | { readonly kind: 'created' | 'ready' | 'unschedulable' | 'lost'; readonly pod: number }
  | { readonly kind: 'quota'; readonly full: boolean }
  | { readonly kind: 'budget'; readonly allowed: number }
  | { readonly kind: 'scaled'; readonly replicas: number }
  | { readonly kind: 'mood'; readonly mood: Mood }
  | { readonly kind: 'relist' }
  | { readonly kind: 'status' }
  | { readonly kind: 'restart' };

const slowMs = 3_000;
// As long as the client waits for any call.
const hangingMs = 10_000;
const noAnswer = { kind: 'Refused', byBudget: false, message: 'no answer', unsure: true } as const;
// A mark, an eviction, the mark of an end, and two more where a budget changes in between.
const mostCallsInASecond = 6;

/**
 * A cluster with doomed pods, their successors, and a real leader at work on it. Every call is checked against what
 * must never happen; the first that breaks a rule is what `broken` says.
 */
export const doomedCluster = (setting: Setting) => {
  const pods = new Map<string, PodWishes & { readonly name: string }>();
  const events = new Map<string, EventWishes>();
  let replicas = setting.owners.length;
  let allowed = 1;
  let version = 1;
  let full = false;
  let mood: Mood = 'Does';
  let status: ReturnType<typeof reportOn> | undefined;
  let world: World;
  let leader: Leader;
  const underWay = new Map<string, AbortSignal>();
  const broken: string[] = [];
  /** UIDs of pods whose eviction or removal was done, or may have been for all that was heard. */
  const mayHaveEvicted = new Set<string>();

  const budgets = () =>
    ['web', 'too']
      .slice(0, setting.budgets)
      .map((name) => aComputedBudget({ name, allowed, version: String(version) }));
  const policy = () => {
    const { onDeadline, jobPods, replacement } = setting;
    return aPolicy({
      spec: { interruption: { onDeadline, jobPods, replacement } },
      ...(status && { status }),
    });
  };
  const tell = (changes: readonly Change[]): void => leader.tell(changes);
  const change = (name: string, more: PodWishes): void => {
    const uid = uidOf('Pod', name);
    const pod = { ...pods.get(uid), ...more, name };
    pods.set(uid, pod);
    tell(put(world, 'Pod', aPod(pod)));
  };
  const remove = (name: string): void => {
    const pod = pods.get(uidOf('Pod', name));
    if (!pod) return;
    pods.delete(uidOf('Pod', name));
    tell(drop(world, 'Pod', aPod(pod)));
  };
  const terminate = (name: string, graceSeconds: number): void =>
    change(name, { deletion: { atMs: Date.now(), graceSeconds } });

  const readyBeside = (uid: string): number =>
    [...pods.values()].filter(
      ({ name, owner, ready, phase, deletion }) =>
        uidOf('Pod', name) !== uid &&
        owner?.kind !== 'Job' &&
        owner &&
        !phase &&
        !deletion &&
        ready !== false,
    ).length;

  const check = (doomed: Interruption, effect: Effect): void => {
    const rule = (holds: boolean, text: string): unknown =>
      holds || broken.push(`${effect.kind} of ${doomed.name} at ${new Date().toISOString()}: ${text}`);
    const pod = pods.get(doomed.uid);
    rule(underWay.get(doomed.uid)?.aborted !== false, 'another call about it is under way');
    rule(world.interruptions.byUid(doomed.uid)?.phase !== 'Done', 'its interruption is over');
    if (effect.kind === 'Mark') return;
    const kindOfOwner = pod?.owner?.kind;
    if (effect.kind === 'Detach') {
      rule(setting.replacement === 'BeforeEviction', 'the policy says AfterEviction');
      return void rule(kindOfOwner !== 'Deployment', 'it is out of its ReplicaSet already');
    }
    if (effect.kind === 'Attach') return;
    if (effect.kind === 'Delegate') return void rule(false, 'no CloneSet has made it');
    if (effect.kind === 'Remove') return void rule(replicas === 0, 'its Deployment wants pods');
    rule(effect.graceSeconds >= 1, `grace of ${effect.graceSeconds} s`);
    rule(pod?.deletion === undefined && pod?.phase !== 'Failed', 'it has ended already');
    rule(doomed.plan.when !== 'Never', 'its plan leaves it to the reclaim');
    rule(setting.budgets < 2 || effect.kind !== 'Evict', 'two budgets select it');
    const { forceMs, lastEvictionMs } = timetable(doomed, pod?.graceSeconds ?? 30);
    if (effect.kind === 'Evict') {
      const needed = Math.min(replicas, doomed.detached?.ready ?? 0);
      return void rule(
        Date.now() >= lastEvictionMs || readyBeside(doomed.uid) >= needed,
        `${needed} are not Ready`,
      );
    }
    rule(Date.now() >= forceMs, `${forceMs - Date.now()} ms too early`);
    rule(setting.onDeadline === 'Delete', 'the policy says Leave');
    rule(setting.trustEvents || pod?.conditions !== undefined, 'only an Event says so');
  };

  const isHammering = (name: string): boolean =>
    leader.calls.filter(({ pod, seconds }) => pod === name && seconds > (Date.now() - noonMs) / 1000 - 1)
      .length > mostCallsInASecond;

  const doIt = ({ uid, name }: Interruption, effect: Effect): Answer => {
    const pod = pods.get(uid);
    if (!pod) return { kind: 'Gone' };
    if (effect.kind === 'Delegate') return { kind: 'Gone' };
    if (effect.kind === 'Detach' || effect.kind === 'Attach') return move(pod, effect);
    if (effect.kind === 'Mark') {
      const annotations = { ...pod.annotations, 'spotpolicy.dev/interruption': writeMark(effect.mark) };
      change(name, { annotations });
    } else terminate(name, effect.graceSeconds);
    return { kind: 'Done' };
  };
  const move = (
    { name, owner, deletion, annotations }: PodWishes & { readonly name: string },
    effect: Effect & { kind: 'Detach' | 'Attach' },
  ): Answer => {
    const [from, to] = [ownedBy('ReplicaSet', 'web-abc'), ownedBy('Deployment', 'web')];
    const [before, after] = effect.kind === 'Detach' ? [from, to] : [to, from];
    if (owner?.uid === after.uid) return { kind: 'Done' };
    if (deletion || owner?.uid !== before.uid)
      return { kind: 'Refused', byBudget: false, message: 'a test failed' };
    const mark = { 'spotpolicy.dev/interruption': writeMark(effect.mark) };
    change(name, { owner: after, annotations: { ...annotations, ...mark } });
    return { kind: 'Done' };
  };
  const answer = async (doomed: Interruption, effect: Effect, signal: AbortSignal): Promise<Answer> => {
    check(doomed, effect);
    // Whoever hammers gets no answer any more, or the test would never end.
    if (isHammering(doomed.name)) {
      broken.push(`${doomed.name} is hammered at ${new Date().toISOString()}`);
      return new Promise(() => undefined);
    }
    underWay.set(doomed.uid, signal);
    try {
      if (mood === 'BudgetRefuses' && effect.kind === 'Evict')
        return { kind: 'Refused', byBudget: true, message: 'needs 9, has 9' };
      if (mood === 'Fails') return { kind: 'Refused', byBudget: false, message: 'denied' };
      if (mood === 'Hangs') await sleep(hangingMs);
      if (effect.kind === 'Evict' || effect.kind === 'Remove') mayHaveEvicted.add(doomed.uid);
      if (mood === 'Hangs' || mood === 'IsDown') return noAnswer;
      if (mood === 'IsSlow') await sleep(slowMs);
      const answered = doIt(doomed, effect);
      return mood === 'IsNotHeard' ? noAnswer : answered;
    } finally {
      if (underWay.get(doomed.uid) === signal) underWay.delete(doomed.uid);
    }
  };

  const replicaSet = () => ({
    ...aReplicaSet(),
    status: { replicas: 1, conditions: full ? [{ type: 'ReplicaFailure', status: 'True' }] : [] },
  });
  const begin = (): void => {
    underWay.clear();
    const deployment = aDeployment({ replicas });
    world = aWorld({
      SpotPolicy: [policy()],
      Deployment: [deployment],
      ReplicaSet: [replicaSet()],
      Job: [aJob({ completions: 9, ignoresDisruption: true })],
      PodDisruptionBudget: budgets(),
      Pod: [...pods.values()].map(aPod),
      ReclaimEvent: [...events.values()].map(anEvent),
    });
    leader = lead(world, answer, { trustEvents: setting.trustEvents });
  };

  setting.owners.forEach((owner, index) => {
    const owners = {
      ReplicaSet: ownedBy('ReplicaSet', 'web-abc'),
      Job: ownedBy('Job', 'batch'),
      None: undefined,
    };
    const name = `doomed-${index}`;
    pods.set(uidOf('Pod', name), { name, owner: owners[owner] });
  });
  begin();

  const alive = (name: string): boolean => {
    const pod = pods.get(uidOf('Pod', name));
    return pod !== undefined && !pod.deletion && pod.phase === undefined;
  };
  const happen = (what: Happening): void => {
    const doomed = 'pod' in what ? `doomed-${what.pod % setting.owners.length}` : '';
    const successor = 'pod' in what ? `successor-${what.pod}` : '';
    switch (what.kind) {
      case 'condition':
        return alive(doomed) ? change(doomed, { conditions: [anExpiry(Date.now())] }) : undefined;
      case 'event':
        events.set(doomed, { pod: doomed, firstAtMs: Date.now() });
        return tell(put(world, 'ReclaimEvent', anEvent({ pod: doomed, firstAtMs: Date.now() })));
      case 'deleted':
        return alive(doomed) ? terminate(doomed, 30) : undefined;
      case 'gone':
        return remove(doomed);
      case 'released':
        return alive(doomed) ? change(doomed, { phase: 'Failed', reason: 'BidFailed' }) : undefined;
      case 'completed':
        return alive(doomed) ? change(doomed, { phase: 'Succeeded' }) : undefined;
      case 'created': {
        const owner = what.pod % 2 === 0 ? ownedBy('ReplicaSet', 'web-abc') : ownedBy('Job', 'batch');
        if (pods.has(uidOf('Pod', successor))) return undefined;
        return change(successor, { owner, ready: false, createdAtMs: Date.now() });
      }
      case 'ready':
        return alive(successor) ? change(successor, { ready: true, readyAtMs: Date.now() }) : undefined;
      case 'unschedulable': {
        const since = { lastTransitionTime: new Date().toISOString() };
        const condition = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', ...since };
        return alive(successor) ? change(successor, { conditions: [condition] }) : undefined;
      }
      case 'lost':
        return remove(successor);
      case 'quota':
        ({ full } = what);
        return tell(put(world, 'ReplicaSet', replicaSet()));
      case 'budget':
        ({ allowed } = what);
        version += 1;
        return tell(budgets().flatMap((budget) => put(world, 'PodDisruptionBudget', budget)));
      case 'scaled':
        ({ replicas } = what);
        return tell(put(world, 'Deployment', aDeployment({ replicas })));
      case 'mood':
        ({ mood } = what);
        return undefined;
      case 'relist':
        return tell(list(world, 'Pod', [...pods.values()].map(aPod)));
      case 'status': {
        const [known] = world.policies.all();
        if (known) status = reportOn(new Members(world), known, Date.now());
        return tell(put(world, 'SpotPolicy', policy()));
      }
      case 'restart':
        leader.stop();
        return begin();
    }
  };

  return {
    happen,
    broken,
    mayHaveEvicted,
    records: (): readonly Interruption[] => [...world.interruptions.all()],
    totals: () => world.totals('SpotPolicy/shop/web'),
    stop: (): void => leader.stop(),
  };
};
