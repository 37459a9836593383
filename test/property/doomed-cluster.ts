import { timetable } from '../../operator/interruption/deadline.ts';
import { gatherCase } from '../../operator/interruption/gather.ts';
import { type Effect, look } from '../../operator/interruption/look.ts';
import { writeMark } from '../../operator/interruption/mark.ts';
import type { Answer } from '../../operator/interruption/settle.ts';
import { settledCounts } from '../builders/counts.ts';
import type { SpotPolicyStatus } from '../../operator/api/index.ts';
import { reportOn } from '../../operator/status/report.ts';
import type { Interruption } from '../../operator/world/interruption.ts';
import type { Change } from '../../operator/world/view.ts';
import type { World } from '../../operator/world/world.ts';
import { lead, type Leader, type LeaderClock, made } from '../builders/leader.ts';
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

const second = (ms: number): number => Math.floor(ms / 1000);
const hasEnded = (phase: PodWishes['phase']): boolean => phase === 'Failed' || phase === 'Succeeded';

/** What stays the same through one history. */
export interface Setting {
  readonly owners: readonly ('ReplicaSet' | 'Job' | 'None')[];
  readonly onDeadline: 'Delete' | 'Leave';
  readonly jobPods: 'AtDeadline' | 'Immediately' | 'Never';
  readonly budgets: 0 | 1 | 2;
  readonly trustEvents: boolean;
  readonly replacement: 'BeforeEviction' | 'AfterEviction';
  readonly surge: 'AsDoomed' | 'AsWorkload';
  /** How many pods more than there are at first a quota of the namespace lets in; undefined where there is none. */
  readonly room: number | undefined;
}

/** Something that happens in a cluster: to a doomed pod, to a successor, to what surrounds them, or to us. */
export type Happening =
  | {
      readonly kind: 'condition' | 'event' | 'deleted' | 'stopped' | 'gone' | 'released' | 'completed';
      readonly pod: number;
    }
  | { readonly kind: 'created' | 'ready' | 'unschedulable' | 'lost'; readonly pod: number }
  | { readonly kind: 'quota'; readonly full: boolean }
  /** The status of the quota is written: it lags behind until then. */
  | { readonly kind: 'counted' }
  | { readonly kind: 'budget'; readonly allowed: number }
  | { readonly kind: 'scaled'; readonly replicas: number }
  | { readonly kind: 'mood'; readonly mood: Mood }
  | { readonly kind: 'relist' }
  | { readonly kind: 'status' }
  /** The lease runs out, and nobody else takes it; the leader that was takes it again. */
  | { readonly kind: 'lapse' | 'regain' }
  | { readonly kind: 'restart' };

const slowMs = 3_000;
// As long as the client waits for any call.
const hangingMs = 10_000;
const noAnswer = { kind: 'Refused', byBudget: false, message: 'no answer', unsure: true } as const;
// A mark, an eviction, the mark of an end, and two more where a budget changes in between.
const mostCallsInASecond = 6;

/**
 * A cluster with doomed pods, their successors, and a real leader at work on it. Every call is checked against what
 * must never happen; the first that breaks a rule is what `broken` says. `clock` is the leader's, by default the right one.
 */
export const doomedCluster = (setting: Setting, clock?: LeaderClock) => {
  const pods = new Map<string, PodWishes & { readonly name: string }>();
  const events = new Map<string, EventWishes>();
  let replicas = setting.owners.length;
  let allowed = 1;
  let version = 1;
  let full = false;
  let mood: Mood = 'Does';
  let status: SpotPolicyStatus | undefined;
  let world: World;
  let leader: Leader;
  const leaders: Leader[] = [];
  let isLapsed = false;
  const underWay = new Map<string, AbortSignal>();
  /** UIDs of pods whose detachment is being asked for. */
  const detaching = new Set<string>();
  /** Replacements that the ReplicaSet has yet to create for detached pods. */
  let due = 0;
  /** Seconds in which pods were detached. */
  const detachedIn = new Set<number>();
  /**
   * What no later leader can know: a call of an earlier one may still be done, and a pod that was created in the second of a
   * detachment may be its replacement.
   */
  let haunted = false;
  const broken: string[] = [];
  /** UIDs of pods whose eviction or removal was done, or may have been for all that was heard. */
  const mayHaveEvicted = new Set<string>();
  /** UIDs of pods that an eviction or removal ended, whether or not that was heard. */
  const haveEvicted = new Set<string>();

  const budgets = () =>
    ['web', 'too']
      .slice(0, setting.budgets)
      .map((name) => aComputedBudget({ name, allowed, version: String(version) }));
  const policy = () => {
    const { onDeadline, jobPods, replacement, surge } = setting;
    return aPolicy({
      spec: { interruption: { onDeadline, jobPods, replacement, surge } },
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
    leaves(name);
    pods.delete(uidOf('Pod', name));
    tell(drop(world, 'Pod', aPod(pod)));
  };
  const terminate = (name: string, graceSeconds: number): void => {
    leaves(name);
    change(name, { deletion: { atMs: Date.now(), graceSeconds } });
  };

  // The time of a deletion is told in whole seconds.
  const isOver = ({ atMs, graceSeconds }: NonNullable<PodWishes['deletion']>): boolean =>
    Date.now() >= (second(atMs) + graceSeconds) * 1000;
  const used = (): number =>
    [...pods.values()].filter(({ phase, deletion }) => !hasEnded(phase) && !(deletion && isOver(deletion)))
      .length;
  const quotas = () => {
    if (setting.room === undefined) return [];
    const pods = String(setting.owners.length + setting.room);
    return [{ metadata: { name: 'small' }, status: { hard: { pods }, used: { pods: String(used()) } } }];
  };
  const isThere = (uid: string): boolean => {
    const pod = pods.get(uid);
    return pod !== undefined && !pod.deletion && !hasEnded(pod.phase);
  };
  const isOut = ({ owner, deletion, phase }: PodWishes): boolean =>
    owner?.kind === 'Deployment' && !deletion && !hasEnded(phase);
  // A detached pod that goes leaves its room to its replacement.
  const leaves = (name: string): void => {
    const pod = pods.get(uidOf('Pod', name));
    if (pod && isOut(pod)) due = Math.max(0, due - 1);
  };
  const checkRoom = (doomed: Interruption, rule: (holds: boolean, text: string) => unknown): void => {
    if (haunted) return;
    // One that is being deleted stays where it is.
    const others = [...detaching].filter((uid) => uid !== doomed.uid && isThere(uid)).length;
    const wanted = used() + due + others + 1;
    const hard = setting.owners.length + (setting.room ?? Number.POSITIVE_INFINITY);
    rule(wanted <= hard, `${wanted} pods are more than the ${hard} of the quota`);
    if (setting.surge === 'AsDoomed') return;
    const surplus = [...pods.entries()].filter(([uid, pod]) => uid !== doomed.uid && isOut(pod)).length;
    const most = Math.ceil(replicas / 4);
    rule(surplus + others < most, `${surplus + others} are out already, and maxSurge is ${most}`);
  };

  const readyBeside = (uid: string): number =>
    [...pods.values()].filter(
      ({ name, owner, ready, phase, deletion }) =>
        uidOf('Pod', name) !== uid &&
        owner?.kind !== 'Job' &&
        owner &&
        !hasEnded(phase) &&
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
      checkRoom(doomed, rule);
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
    } else {
      if (isThere(uid) && (effect.kind === 'Evict' || effect.kind === 'Remove')) haveEvicted.add(uid);
      terminate(name, effect.graceSeconds);
    }
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
    const labels: Record<string, string> =
      effect.kind === 'Detach' ? { 'spotpolicy.dev/reclaiming': 'true' } : {};
    if (effect.kind === 'Detach') detachedIn.add(second(Date.now()));
    due = effect.kind === 'Detach' ? due + 1 : Math.max(0, due - 1);
    change(name, { owner: after, labels, annotations: { ...annotations, ...mark } });
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
    if (effect.kind === 'Detach') detaching.add(doomed.uid);
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
      if (underWay.get(doomed.uid) === signal) {
        underWay.delete(doomed.uid);
        detaching.delete(doomed.uid);
      }
    }
  };

  const replicaSet = () => ({
    ...aReplicaSet(),
    status: { replicas: 1, conditions: full ? [{ type: 'ReplicaFailure', status: 'True' }] : [] },
  });
  const begin = (): void => {
    haunted ||=
      detaching.size > 0 ||
      [...pods.values()].some(({ createdAtMs = 0 }) => detachedIn.has(second(createdAtMs)));
    underWay.clear();
    detaching.clear();
    const deployment = aDeployment({ replicas });
    world = aWorld({
      SpotPolicy: [policy()],
      Deployment: [deployment],
      ReplicaSet: [replicaSet()],
      Job: [aJob({ completions: 9, ignoresDisruption: true })],
      PodDisruptionBudget: budgets(),
      ResourceQuota: quotas(),
      Pod: [...pods.values()].map(aPod),
      ReclaimEvent: [...events.values()].map(anEvent),
    });
    takeLease();
  };
  const takeLease = (): void => {
    isLapsed = false;
    leader = lead(world, answer, { trustEvents: setting.trustEvents, ...(clock && { clock }) });
    leaders.push(leader);
  };

  setting.owners.forEach((owner, index) => {
    const owners = {
      ReplicaSet: ownedBy('ReplicaSet', 'web-abc'),
      Job: ownedBy('Job', 'batch'),
      None: undefined,
    };
    const name = `doomed-${index}`;
    // Before anything happens: by times alone a pod of the same second may be a replacement.
    pods.set(uidOf('Pod', name), { name, owner: owners[owner], createdAtMs: noonMs - 60_000 });
  });
  begin();

  const alive = (name: string): boolean => isThere(uidOf('Pod', name));
  const end = (name: string, how: PodWishes): void => {
    if (!alive(name)) return;
    leaves(name);
    change(name, how);
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
      case 'stopped': {
        // Its object stays for a moment, or until its Job has counted it.
        const pod = pods.get(uidOf('Pod', doomed));
        return pod?.deletion && !hasEnded(pod.phase) ? change(doomed, { phase: 'Succeeded' }) : undefined;
      }
      case 'gone':
        return remove(doomed);
      case 'released':
        return end(doomed, { phase: 'Failed', reason: 'BidFailed' });
      case 'completed':
        return end(doomed, { phase: 'Succeeded' });
      case 'created': {
        const owner = what.pod % 2 === 0 ? ownedBy('ReplicaSet', 'web-abc') : ownedBy('Job', 'batch');
        if (pods.has(uidOf('Pod', successor))) return undefined;
        if (what.pod % 2 === 0) due = Math.max(0, due - 1);
        return change(successor, { owner, ready: false, createdAtMs: Date.now() });
      }
      case 'ready':
        return alive(successor)
          ? change(successor, { phase: 'Running', ready: true, readyAtMs: Date.now(), conditions: [] })
          : undefined;
      case 'unschedulable': {
        const condition = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable' };
        return alive(successor)
          ? change(successor, { phase: 'Pending', ready: false, conditions: [condition] })
          : undefined;
      }
      case 'lost':
        return remove(successor);
      case 'quota':
        ({ full } = what);
        return tell(put(world, 'ReplicaSet', replicaSet()));
      case 'counted':
        return tell(quotas().flatMap((quota) => put(world, 'ResourceQuota', quota)));
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
        if (known) status = reportOn(settledCounts(world), known, Date.now()).whole();
        return tell(put(world, 'SpotPolicy', policy()));
      }
      case 'lapse':
        leader.stop();
        isLapsed = true;
        return undefined;
      case 'regain':
        return isLapsed ? takeLease() : undefined;
      case 'restart':
        leader.stop();
        return begin();
    }
  };

  // What a look would have asked for a moment ago is what something should have woken it for: alarms of now may be yet to come.
  // Whoever pauses after a refusal looks again within ten seconds; what could be done sooner waits for that.
  const overlooked = (): readonly string[] => {
    const nowMs = (clock?.nowMs ?? Date.now)() - 1;
    const options = { nowMs, defaultMinutes: 3, trustEvents: setting.trustEvents };
    return [...world.interruptions.all()].flatMap((known) => {
      const { effect } = look(gatherCase(world, known, options), nowMs);
      const isAtRest = !known.refusal || nowMs >= known.refusal.notBeforeMs;
      const isLate = effect && !(effect.kind === 'Attach' && known.phase === 'Blocked');
      return isAtRest && isLate ? [`${effect.kind} of ${known.name}, which says: ${known.message}`] : [];
    });
  };

  return {
    happen,
    broken,
    /** What nobody asks for though it is time to. */
    overlooked,
    /** The calls of the present leader, when each was made by the right clock. */
    calls: () => made(leader),
    mayHaveEvicted,
    haveEvicted,
    records: (): readonly Interruption[] => [...world.interruptions.all()],
    /** How many notices there were; a pod that was not taken may come under another one. */
    notices: (): number =>
      new Set(
        leaders.flatMap(({ outcomes }) =>
          outcomes.flatMap(({ before, after }) => (before ? [] : [`${after.uid} ${after.noticedAtMs}`])),
        ),
      ).size,
    /** How many notices came to nothing: each such pod may come under another one. */
    spent: (): number =>
      leaders.flatMap(({ outcomes }) =>
        outcomes.filter(
          ({ before, after }) => after.outcome === 'NotReclaimed' && before?.outcome !== 'NotReclaimed',
        ),
      ).length,
    totals: () => world.totals('SpotPolicy/shop/web'),
    stop: (): void => leader.stop(),
  };
};
