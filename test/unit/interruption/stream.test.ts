import { describe, expect, it } from 'vitest';
import type { InterruptionEntry } from '../../../operator/api/index.ts';
import { apiTime } from '../../../operator/world/object.ts';
import type { World } from '../../../operator/world/world.ts';
import { writeMark } from '../../../operator/interruption/mark.ts';
import { anInterruption } from '../../builders/interruption.ts';
import { onAClock } from '../../builders/clock.ts';
import { lead, type Leader, made } from '../../builders/leader.ts';
import { aPod, anEvent, anExpiry, at, ownedBy, type PodWishes, uidOf } from '../../builders/pod.ts';
import { aPolicy } from '../../builders/policy.ts';
import { aComputedBudget, aReplicaSet, aWorld, type Content, drop, put } from '../../builders/world.ts';
import { aDeployment } from '../../builders/workloads.ts';

const expired = { conditions: [anExpiry(at(0))] };
const bare = { ...expired, owner: undefined };
const leaving = { ...expired, deletion: { atMs: at(1), graceSeconds: 30 } };
const released: PodWishes = { ...expired, phase: 'Failed', reason: 'BidFailed' };
const interruption = { replacement: 'AfterEviction' } as const;
const deployed = (content: Content = {}): World =>
  aWorld({
    SpotPolicy: [aPolicy({ spec: { interruption } })],
    Deployment: [aDeployment({ replicas: 3 })],
    ReplicaSet: [aReplicaSet()],
    ...content,
  });
const phases = ({ outcomes }: Leader): string[] => outcomes.map(({ after }) => after.phase);

describe('a leader begins', () => {
  it(
    'with every doomed pod that the world knows',
    onAClock(async (advance) => {
      const leader = lead(deployed({ Pod: [aPod(expired), aPod({ name: 'web-2' })] }));
      await advance(0);
      expect(made(leader)).toEqual(['Evict web-1 at 0']);
    }),
  );

  it(
    'a term with nothing of the one before but what the cluster says',
    onAClock(async (advance) => {
      const totals = {
        noticed: 5,
        evicted: 5,
        replaced: 5,
        forced: 0,
        missed: 0,
        leftToReclaim: 0,
        workloadFailed: 0,
      };
      const entry: InterruptionEntry = {
        ...{ pod: 'web-0', uid: 'gone', phase: 'AwaitingReplacement', message: '' },
        ...{ noticedAt: apiTime(at(-60)), deadline: apiTime(at(120)), evictedAt: apiTime(at(-50)) },
        workload: { group: 'apps', kind: 'Deployment', name: 'web', uid: uidOf('Deployment', 'web') },
      };
      const status = { totals, interruptions: [entry] };
      const SpotPolicy = [aPolicy({ status, spec: { interruption } })];
      const world = deployed({ SpotPolicy, Pod: [aPod({ createdAtMs: at(-40) })] });
      const leader = lead(world);
      await advance(0);
      expect(made(leader)).toEqual([]);
      expect(world.interruptions.byUid('gone')).toMatchObject({ phase: 'Done', outcome: 'Replaced' });
      expect(world.totals('SpotPolicy/shop/web')).toEqual({ ...totals, replaced: 6 });
    }),
  );

  it(
    'where the lease was lost, with what it knew, if nobody else has led: a call without an answer may have been done',
    onAClock(async (advance) => {
      const world = deployed({ Pod: [aPod(expired)] });
      const first = lead(world, () => new Promise(() => undefined));
      await advance(0);
      expect(made(first)).toEqual(['Evict web-1 at 0']);
      first.stop();
      put(world, 'Pod', aPod(leaving));
      const again = lead(world);
      await advance(1_000);
      expect(made(again)).toEqual([]);
      expect(world.totals('SpotPolicy/shop/web')).toMatchObject({ noticed: 1, evicted: 1 });
      again.stop();
      world.endTerm();
      lead(world);
      await advance(0);
      // Another leader may have told more, or less.
      expect(world.totals('SpotPolicy/shop/web')).toMatchObject({ evicted: 0 });
    }),
  );

  it(
    'with nothing when it follows nobody: unsubscribing aborts the calls under way',
    onAClock(async (advance) => {
      const leader = lead(deployed({ Pod: [aPod(expired)] }), () => new Promise(() => undefined));
      await advance(0);
      leader.stop();
      expect(leader.calls.map(({ signal }) => signal.aborted)).toEqual([true]);
      await advance(600_000);
      expect(leader.calls).toHaveLength(1);
    }),
  );
});

describe('a reclaim', () => {
  it(
    'goes from the notice to the replacement, and every step is told once',
    onAClock(async (advance) => {
      const world = deployed({ Pod: [aPod()] });
      const leader = lead(world);
      await advance(0);
      expect(leader.outcomes).toEqual([]);
      leader.tell(put(world, 'Pod', aPod(expired)));
      await advance(0);
      leader.tell(put(world, 'Pod', aPod(leaving)));
      await advance(1_000);
      leader.tell(put(world, 'Pod', aPod({ name: 'web-2', ready: false })));
      leader.tell(drop(world, 'Pod', aPod(leaving)));
      await advance(1_000);
      leader.tell(put(world, 'Pod', aPod({ name: 'web-2', readyAtMs: at(2) })));
      await advance(0);
      expect(made(leader)).toEqual(['Evict web-1 at 0']);
      expect([...new Set(phases(leader))]).toEqual([
        'Noticed',
        'Evicting',
        'Terminating',
        'AwaitingReplacement',
        'Done',
      ]);
      expect(leader.outcomes.at(-1)?.after).toMatchObject({
        outcome: 'Replaced',
        evictedAtMs: at(0),
        replacement: { name: 'web-2', readyAtMs: at(2) },
      });
      const totals = {
        noticed: 1,
        evicted: 1,
        replaced: 1,
        forced: 0,
        missed: 0,
        leftToReclaim: 0,
        workloadFailed: 0,
      };
      expect(world.totals('SpotPolicy/shop/web')).toEqual(totals);
    }),
  );

  it(
    'that comes again, by whatever sign, is the same one',
    onAClock(async (advance) => {
      const world = deployed({ Pod: [aPod()] });
      const leader = lead(world);
      leader.tell(put(world, 'ReclaimEvent', anEvent()));
      await advance(0);
      leader.tell(put(world, 'ReclaimEvent', anEvent({ lastAtMs: at(1) })));
      leader.tell(put(world, 'Pod', aPod(expired)));
      await advance(0);
      leader.tell(put(world, 'Pod', aPod(leaving)));
      await advance(30_000);
      expect(made(leader)).toEqual(['Evict web-1 at 0']);
      expect(world.totals('SpotPolicy/shop/web').noticed).toBe(1);
    }),
  );

  it(
    'of a pod that may use its time waits on the clock: the mark, then the eviction',
    onAClock(async (advance) => {
      const leader = lead(deployed({ Pod: [aPod(bare)] }));
      await advance(139_999);
      expect(made(leader)).toEqual(['Mark web-1 at 0']);
      await advance(1);
      expect(made(leader)).toEqual(['Mark web-1 at 0', 'Evict web-1 at 140']);
    }),
  );

  it(
    'of a pod that ends while a call is under way is what it was first seen to be',
    onAClock(async (advance) => {
      const world = deployed({ Pod: [aPod(expired)] });
      const evicted = Promise.withResolvers<{ kind: 'Gone' }>();
      const leader = lead(world, () => evicted.promise);
      await advance(0);
      leader.tell(put(world, 'Pod', aPod(released)));
      leader.tell(drop(world, 'Pod', aPod(released)));
      evicted.resolve({ kind: 'Gone' });
      await advance(0);
      expect(world.interruptions.byUid(uidOf('Pod', 'web-1'))).toMatchObject({
        outcome: 'Missed',
        ending: { how: 'BidFailed' },
      });
      expect(world.totals('SpotPolicy/shop/web').missed).toBe(1);
    }),
  );
});

describe('a budget', () => {
  const names = ['a', 'b', 'c'];
  const doomed = names.map((name, index) => aPod({ name, conditions: [anExpiry(at(index - 3))] }));
  const evictions = (leader: Leader): string[] =>
    leader.calls.flatMap(({ pod, effect }) => (effect.kind === 'Evict' ? pod : []));

  it(
    'without room is not asked; with room for one, for the one whose deadline is the earliest',
    onAClock(async (advance) => {
      const world = deployed({
        Pod: doomed.toReversed(),
        PodDisruptionBudget: [aComputedBudget({ allowed: 0 })],
      });
      const leader = lead(world, (_, { kind }) => {
        // The API server takes an accepted eviction off the budget before it answers.
        const taken = aComputedBudget({ version: '3', allowed: 0, healthy: 9 });
        if (kind === 'Evict') leader.tell(put(world, 'PodDisruptionBudget', taken));
        return { kind: 'Done' };
      });
      await advance(5_000);
      expect(evictions(leader)).toEqual([]);
      leader.tell(put(world, 'PodDisruptionBudget', aComputedBudget({ version: '2' })));
      await advance(0);
      expect(evictions(leader)).toEqual(['a']);
    }),
  );

  it(
    'whose room comes from pods that have ended is not asked, until they are gone and it still has some',
    onAClock(async (advance) => {
      const told = { 'spotpolicy.dev/interruption': writeMark({ ...anInterruption(), outcome: 'Missed' }) };
      const ghost = (labels = {}) =>
        aPod({ ...released, name: 'ghost', annotations: told, ready: true, labels });
      const world = deployed({
        Pod: [...doomed, ghost(), aPod({ ...released, name: 'other', ready: true, labels: { app: 'api' } })],
        PodDisruptionBudget: [aComputedBudget()],
      });
      const leader = lead(world);
      await advance(30_000);
      expect(evictions(leader)).toEqual([]);
      leader.tell(drop(world, 'Pod', ghost()));
      leader.tell(put(world, 'PodDisruptionBudget', aComputedBudget({ version: '2' })));
      await advance(0);
      expect(evictions(leader)).toContain('a');
    }),
  );

  it(
    'is asked for the next pod as soon as a call has ended, though no watch says so',
    onAClock(async (advance) => {
      const first = Promise.withResolvers<{ kind: 'Gone' }>();
      const world = deployed({ Pod: doomed, PodDisruptionBudget: [aComputedBudget()] });
      const leader = lead(world, ({ name }, { kind }) =>
        kind === 'Evict' && name === 'a' ? first.promise : { kind: 'Done' },
      );
      await advance(1_000);
      expect(evictions(leader)).toEqual(['a']);
      expect(world.interruptions.byUid(uidOf('Pod', 'b'))?.message).toContain('taken by 1 under way');
      first.resolve({ kind: 'Gone' });
      await advance(0);
      expect(evictions(leader)).toContain('b');
    }),
  );

  it(
    'that refuses is asked again when it changes, and otherwise every ten seconds at most',
    onAClock(async (advance) => {
      const world = deployed({ Pod: [aPod(expired)], PodDisruptionBudget: [aComputedBudget()] });
      const refused = { kind: 'Refused', byBudget: true, message: 'needs 9' } as const;
      const leader = lead(world, (_, { kind }) => (kind === 'Evict' ? refused : { kind: 'Done' }));
      await advance(0);
      expect(evictions(leader)).toHaveLength(1);
      leader.tell(put(world, 'PodDisruptionBudget', aComputedBudget({ version: '2', allowed: 0 })));
      await advance(9_999);
      expect(evictions(leader)).toHaveLength(1);
      await advance(1);
      expect(evictions(leader)).toHaveLength(2);
      leader.tell(put(world, 'PodDisruptionBudget', aComputedBudget({ version: '3' })));
      await advance(0);
      expect(evictions(leader)).toHaveLength(3);
    }),
  );

  it(
    'that says it has no room is asked every ten seconds, by one pod for all',
    onAClock(async (advance) => {
      const world = deployed({ Pod: doomed, PodDisruptionBudget: [aComputedBudget({ allowed: 0 })] });
      const refused = { kind: 'Refused', byBudget: true, message: 'needs 9' } as const;
      const leader = lead(world, (_, { kind }) => (kind === 'Evict' ? refused : { kind: 'Done' }));
      await advance(9_999);
      expect(evictions(leader)).toEqual([]);
      await advance(20_001);
      expect(evictions(leader)).toHaveLength(3);
    }),
  );

  it(
    'that lets one go in spite of what is known of it is asked for the next at once',
    onAClock(async (advance) => {
      const world = deployed({ Pod: doomed, PodDisruptionBudget: [aComputedBudget({ allowed: 0 })] });
      const leader = lead(world);
      await advance(9_999);
      expect(evictions(leader)).toEqual([]);
      await advance(1);
      expect(evictions(leader)).toEqual(names);
    }),
  );

  it(
    'beside another one on the same pod is never asked: the pod is deleted at its deadline',
    onAClock(async (advance) => {
      const PodDisruptionBudget = [aComputedBudget(), aComputedBudget({ name: 'too' })];
      const world = deployed({ Pod: [aPod(expired)], PodDisruptionBudget });
      const leader = lead(world);
      await advance(144_999);
      expect(made(leader)).toEqual(['Mark web-1 at 0']);
      await advance(1);
      expect(made(leader)).toEqual(['Mark web-1 at 0', 'Delete web-1 at 145']);
    }),
  );
});

describe('calls under way', () => {
  it(
    'are as many as allowed, and the earliest deadline goes first',
    onAClock(async (advance) => {
      const world = deployed({
        Pod: [30, 20, 10].map((seconds) =>
          aPod({ name: `p-${seconds}`, conditions: [anExpiry(at(seconds - 30))] }),
        ),
      });
      const answers: (() => void)[] = [];
      const leader = lead(
        world,
        () => new Promise((resolve) => answers.push(() => resolve({ kind: 'Done' }))),
        { concurrency: 1 },
      );
      await advance(0);
      expect(leader.calls.map(({ pod }) => pod)).toEqual(['p-30']);
      for (const _ of ['next', 'last']) {
        answers.shift()?.();
        await advance(0);
      }
      expect(leader.calls.map(({ pod }) => pod)).toEqual(['p-30', 'p-10', 'p-20']);
    }),
  );

  it(
    'for 50 pods take no longer beside 50 that their budgets block and whose deadlines are earlier',
    onAClock(async (advance) => {
      const owner = ownedBy('StatefulSet', 'db');
      const free = Array.from({ length: 50 }, (_, index) =>
        aPod({ name: `free-${index}`, labels: { app: 'free' }, owner, conditions: [anExpiry(at(1))] }),
      );
      const held = free.map((_, index) => ({ name: `held-${index}`, labels: { app: `held-${index}` } }));
      const blocked: Content = {
        Pod: held.map((pod) => aPod({ ...pod, owner, conditions: [anExpiry(at(-100))] })),
        PodDisruptionBudget: held.map(({ name, labels }) =>
          aComputedBudget({ name, app: labels.app, allowed: 0 }),
        ),
      };
      const evictedAt = async (beside: Content): Promise<(number | string)[]> => {
        const world = deployed({
          ...beside,
          SpotPolicy: [aPolicy({ spec: { selector: {} } })],
        });
        // One call at a time, each of 10 ms: whoever waits with it in hand makes all others wait.
        const leader = lead(
          world,
          async () => {
            await new Promise((resolve) => setTimeout(resolve, 10));
            return { kind: 'Done' };
          },
          { concurrency: 1 },
        );
        await advance(2_000);
        const startedMs = Date.now();
        leader.tell(free.flatMap((pod) => put(world, 'Pod', pod)));
        await advance(2_000);
        leader.stop();
        return leader.calls.flatMap(({ pod, effect, seconds }) =>
          pod.startsWith('free') ? [`${effect.kind} ${pod} after ${at(seconds) - startedMs} ms`] : [],
        );
      };
      const alone = await evictedAt({});
      expect(alone).toHaveLength(50);
      expect(await evictedAt(blocked)).toEqual(alone);
    }),
  );

  it(
    'that fail are repeated less and less often',
    onAClock(async (advance) => {
      const leader = lead(deployed({ Pod: [aPod(expired)] }), () => ({
        ...{ kind: 'Refused', byBudget: false, message: 'forbidden' },
      }));
      await advance(60_000);
      for (const kind of ['Evict', 'Mark']) {
        const calls = leader.calls.filter(({ effect }) => effect.kind === kind);
        expect(calls.map(({ seconds }) => seconds)).toEqual([
          0, 1, 3, 7, 12, 17, 22, 27, 32, 37, 42, 47, 52, 57,
        ]);
      }
    }),
  );
});

it(
  'a pod that lives goes before one that has ended, whose deadline was earlier',
  onAClock(async (advance) => {
    const missed = { name: 'missed', conditions: [anExpiry(at(-50))] };
    const world = deployed({ Pod: [aPod(missed), aPod({ ...expired, name: 'busy' })] });
    const first = Promise.withResolvers<{ kind: 'Done' }>();
    const leader = lead(world, ({ name }) => (name === 'busy' ? first.promise : { kind: 'Done' }), {
      concurrency: 1,
    });
    await advance(0);
    leader.tell(put(world, 'Pod', aPod({ ...released, ...missed })));
    leader.tell(put(world, 'Pod', aPod({ ...expired, name: 'living' })));
    first.resolve({ kind: 'Done' });
    await advance(0);
    expect(made(leader)).toEqual([
      ...['Evict missed at 0', 'Evict busy at 0'],
      ...['Evict living at 0', 'Mark missed at 0'],
    ]);
  }),
);

describe('what is over', () => {
  const storm = async (advance: (ms: number) => Promise<void>, more: readonly PodWishes[] = []) => {
    const names = Array.from({ length: 25 }, (_, index) => `p-${String(index).padStart(2, '0')}`);
    const pods = names.map((name, index): PodWishes => ({ name, conditions: [anExpiry(at(index / 10))] }));
    const world = deployed({ Pod: [...pods, ...more].map(aPod) });
    const leader = lead(world);
    await advance(0);
    const leave = (pod: PodWishes) =>
      leader.tell(put(world, 'Pod', aPod({ ...pod, deletion: leaving.deletion })));
    [...pods, ...more].forEach(leave);
    for (const pod of pods) leader.tell(put(world, 'Pod', aPod({ name: `new-${pod.name}` })));
    for (const pod of pods) leader.tell(drop(world, 'Pod', aPod(pod)));
    await advance(0);
    const done = () => [...world.interruptions.all()].filter(({ phase }) => phase === 'Done');
    return { world, leader, done };
  };

  it(
    'is remembered as far as the status lists it, the newest',
    onAClock(async (advance) => {
      const { done } = await storm(advance);
      expect(
        done()
          .map(({ name }) => name)
          .toSorted()[0],
      ).toBe('p-05');
      expect(done()).toHaveLength(20);
    }),
  );

  it(
    'is remembered whole while its workload waits for others, or their replacements would be credited twice',
    onAClock(async (advance) => {
      const last: PodWishes = { name: 'z', conditions: [anExpiry(at(9))] };
      const { world, leader, done } = await storm(advance, [last]);
      expect(done()).toHaveLength(25);
      leader.tell(drop(world, 'Pod', aPod(last)));
      await advance(0);
      expect(world.interruptions.byUid(uidOf('Pod', 'z'))).toMatchObject({ outcome: 'NotNeeded' });
      expect(world.totals('SpotPolicy/shop/web').replaced).toBe(25);
      expect(done()).toHaveLength(20);
    }),
  );
});

it(
  'a pod that is left to somebody else is not touched: no governing policy, no notice, no spot',
  onAClock(async (advance) => {
    const owner = ownedBy('DaemonSet', 'agent');
    const world = deployed({
      Pod: [
        aPod({ ...expired, labels: { app: 'api' } }),
        aPod({ name: 'web-2' }),
        aPod({ ...expired, name: 'web-3', annotations: { 'k8s.aliyun.com/eci-spot-strategy': undefined } }),
        aPod({ ...expired, name: 'agent-1', owner }),
      ],
    });
    const leader = lead(world);
    await advance(600_000);
    expect(made(leader)).toEqual(['Mark agent-1 at 0']);
  }),
);
