import { Subject } from 'rxjs';
import { expect, it, onTestFinished, vi } from 'vitest';
import { type CleanUpOutcome, cleanUpStream } from '../../../operator/interruption/clean-up-stream.ts';
import { writeMark } from '../../../operator/interruption/mark.ts';
import type { Change } from '../../../operator/world/view.ts';
import type { World } from '../../../operator/world/world.ts';
import { onAClock } from '../../builders/clock.ts';
import { anInterruption } from '../../builders/interruption.ts';
import { aPod, anExpiry, at, noonMs, type PodWishes, uidOf } from '../../builders/pod.ts';
import { aPolicy } from '../../builders/policy.ts';
import { aNamespace, aReplicaSet, aWorld, drop, put } from '../../builders/world.ts';

const told = (name?: string) => ({
  'spotpolicy.dev/interruption': writeMark({
    ...anInterruption(name === undefined ? {} : { name }),
    outcome: 'Missed',
  }),
});
const released = (more: PodWishes = {}) =>
  aPod({
    ...{
      annotations: told(more.name),
      conditions: [anExpiry(at(-180))],
      createdAtMs: at(-600),
      readyAtMs: at(0),
    },
    ...{ phase: 'Failed', reason: 'BidFailed' },
    ...more,
  });
const policy = (failedPodTTLSeconds: number, generation = 1) =>
  aPolicy({ generation, spec: { interruption: { failedPodTTLSeconds } } });
const aCluster = (pods: readonly ReturnType<typeof aPod>[], ttlSeconds = 60): World =>
  aWorld({ SpotPolicy: [policy(ttlSeconds)], ReplicaSet: [aReplicaSet()], Pod: pods });

/** The stream of a leader over a world; what it removes goes from there by the watch unless `answer` says otherwise. */
const lead = (world: World, answer: () => Promise<unknown> = () => Promise.resolve()) => {
  const change$ = new Subject<Change>();
  const calls: string[] = [];
  const signals: AbortSignal[] = [];
  const outcomes: CleanUpOutcome[] = [];
  const tell = (changes: readonly Change[]): void => changes.forEach((change) => change$.next(change));
  const subscription = cleanUpStream(
    {
      world,
      nowMs: Date.now,
      // The longest of each pause.
      random: () => 1,
      defaultMinutes: 3,
      removeLeftover: (pod) => async (signal) => {
        calls.push(`${pod.name} at ${(Date.now() - noonMs) / 1000}`);
        signals.push(signal);
        // The watch shows what was done, later or never.
        if ((await answer()) !== 'unseen')
          tell(world.apply('Pod', { kind: 'deleted', object: pod }, Date.now()));
      },
    },
    change$,
  ).subscribe((outcome) => outcomes.push(outcome));
  const stop = (): void => subscription.unsubscribe();
  onTestFinished(stop);
  return { calls, outcomes, signals, stop, tell };
};

it(
  'pods that failed before a leader began go when their time is over',
  onAClock(async (advance) => {
    const { calls, outcomes } = lead(aCluster([released(), released({ name: 'web-2', ready: true })]));
    await advance(59_999);
    expect(calls).toEqual(['web-2 at 0']);
    await advance(600_000);
    expect(calls).toEqual(['web-2 at 0', 'web-1 at 60']);
    expect(outcomes.map(({ kind, policy }) => `${kind} by ${policy}`)).toEqual(
      Array(2).fill('removed by SpotPolicy/shop/web'),
    );
  }),
);

it(
  'a time of days is kept to, and a pod that somebody else removed is not asked for',
  onAClock(async (advance) => {
    const world = aCluster([released(), released({ name: 'web-2' })], 86_400);
    const { calls, tell } = lead(world);
    await advance(86_399_000);
    tell(drop(world, 'Pod', released({ name: 'web-2' })));
    await advance(10_000);
    expect(calls).toEqual(['web-1 at 86400']);
  }),
);

it(
  'a pod that somebody else removed is forgotten long before its time',
  onAClock(async (advance) => {
    const world = aCluster([released()], 86_400);
    const { tell } = lead(world);
    await advance(0);
    tell(drop(world, 'Pod', released()));
    expect(vi.getTimerCount()).toBe(1);
    await advance(600_000);
    expect(vi.getTimerCount()).toBe(0);
  }),
);

it(
  'an edit of the time holds for pods that wait already, shorter or longer',
  onAClock(async (advance) => {
    const world = aCluster([released(), released({ name: 'web-2', readyAtMs: at(100) })]);
    const { calls, tell } = lead(world);
    await advance(30_000);
    tell(put(world, 'SpotPolicy', policy(200, 2)));
    await advance(60_000);
    expect(calls).toEqual([]);
    tell(put(world, 'SpotPolicy', policy(95, 3)));
    await advance(110_000);
    expect(calls).toEqual(['web-1 at 95', 'web-2 at 195']);
  }),
);

it(
  'a pod whose interruption is under way goes once its outcome is recorded',
  onAClock(async (advance) => {
    const world = aCluster([released({ annotations: {} })], 0);
    world.record(anInterruption({ uid: uidOf('Pod', 'web-1'), marked: 'UnderWay' }));
    const { calls, tell } = lead(world);
    await advance(5_000);
    expect(calls).toEqual([]);
    tell([world.record(anInterruption({ uid: uidOf('Pod', 'web-1'), marked: 'Ended', outcome: 'Missed' }))]);
    await advance(0);
    expect(calls).toEqual(['web-1 at 5']);
  }),
);

it(
  'a namespace that opts out keeps its pods for as long as it does',
  onAClock(async (advance) => {
    const world = aCluster([released()]);
    const { calls, tell } = lead(world);
    tell(put(world, 'Namespace', aNamespace('shop', { 'spotpolicy.dev/inject': 'false' })));
    await advance(100_000);
    expect(calls).toEqual([]);
    tell(put(world, 'Namespace', aNamespace('shop')));
    await advance(0);
    expect(calls).toEqual(['web-1 at 100']);
  }),
);

it(
  'of a storm four go at once, and each of them',
  onAClock(async (advance) => {
    const pods = Array.from({ length: 50 }, (_, index) => released({ name: `web-${index}`, ready: true }));
    const { calls } = lead(aCluster(pods), () => new Promise((resolve) => setTimeout(resolve, 1_000)));
    await advance(0);
    expect(calls).toHaveLength(4);
    await advance(13_000);
    expect(new Set(calls).size).toBe(50);
    expect(calls).toHaveLength(50);
  }),
);

it(
  'a deletion that fails is told and tried again, each time later, until the pod is gone',
  onAClock(async (advance) => {
    const world = aCluster([released()], 0);
    const { calls, outcomes, tell } = lead(world, () => Promise.reject(new Error('refused')));
    await advance(6_000);
    expect(calls).toEqual(['web-1 at 0', 'web-1 at 2', 'web-1 at 6']);
    expect(outcomes.at(-1)).toMatchObject({ kind: 'failed', error: new Error('refused'), againInMs: 8_000 });
    await advance(3_600_000);
    expect(calls.length).toBeLessThan(20);
    expect(outcomes.at(-1)).toMatchObject({ againInMs: 600_000 });
    const { length } = calls;
    tell(drop(world, 'Pod', released()));
    await advance(3_600_000);
    expect(calls).toHaveLength(length);
  }),
);

it(
  'what was removed is not removed again while the watch still shows it, and is forgotten when it goes',
  onAClock(async (advance) => {
    const world = aCluster([released()], 0);
    const { calls, outcomes, tell } = lead(world, () => Promise.resolve('unseen'));
    await advance(0);
    tell(put(world, 'Pod', released({ labels: { seen: 'again' } })));
    await advance(60_000);
    expect([calls.length, outcomes.length]).toEqual([1, 1]);
    tell(put(world, 'Pod', released({ deletion: { atMs: at(60), graceSeconds: 0 } })));
    // The world is told of a pod of that UID once more, which no API server does: nothing is remembered of it.
    tell(put(world, 'Pod', released()));
    await advance(0);
    expect(calls).toHaveLength(2);
  }),
);

it(
  'a leader that stops aborts the deletions under way and makes no more',
  onAClock(async (advance) => {
    const pods = Array.from({ length: 8 }, (_, index) => released({ name: `web-${index}`, ready: true }));
    const { signals, stop } = lead(aCluster(pods), () => new Promise(() => undefined));
    await advance(0);
    stop();
    await advance(60_000);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, true, true]);
  }),
);
