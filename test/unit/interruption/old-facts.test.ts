import { describe, expect, it } from 'vitest';
import { writeMark } from '../../../operator/interruption/mark.ts';
import { toList } from '../../../operator/status/interruptions.ts';
import type { Interruption } from '../../../operator/world/interruption.ts';
import type { World } from '../../../operator/world/world.ts';
import { onAClock } from '../../builders/clock.ts';
import { anInterruption, settingsOf } from '../../builders/interruption.ts';
import { type Answering, lead, made } from '../../builders/leader.ts';
import { aPod, anEvent, anExpiry, at, type PodWishes, uidOf } from '../../builders/pod.ts';
import { aClusterPolicy, aPolicy } from '../../builders/policy.ts';
import { aComputedBudget, aNamespace, aReplicaSet, aWorld, type Content, put } from '../../builders/world.ts';
import { aDeployment } from '../../builders/workloads.ts';

const message = 'Spot ECI will be released in 3 minutes';
const old: PodWishes = { createdAtMs: at(-3600) };
const bare: PodWishes = { ...old, owner: undefined };
const noEviction: Answering = (_, { kind }) =>
  kind === 'Evict' ? { kind: 'Refused', byBudget: true, message: 'no disruption allowed' } : { kind: 'Done' };
const blocked = (content: Content = {}): World =>
  aWorld({
    SpotPolicy: [aPolicy({ spec: { interruption: { replacement: 'AfterEviction' } } })],
    Deployment: [aDeployment()],
    ReplicaSet: [aReplicaSet()],
    PodDisruptionBudget: [aComputedBudget({ allowed: 0 })],
    Pod: [aPod(old)],
    ...content,
  });
const record = (world: World, name = 'web-1'): Interruption | undefined =>
  world.interruptions.byUid(uidOf('Pod', name));
const expiry = (seconds: number) => anExpiry(at(seconds), { reason: 'SpotToBeReleased', message });
const creation = { ...expiry(-3600), type: 'ContainerInstanceCreated' };

describe('a pod under an eviction that its budget refuses', () => {
  it.each([
    { conditions: [expiry(5), creation], told: 'ContainerInstanceCreated since the creation of the pod' },
    { conditions: [expiry(-3600)], told: 'ContainerInstanceExpired since the creation of the pod' },
    { conditions: [anExpiry(undefined, { message })], told: 'ContainerInstanceExpired without a time' },
  ])(
    'has the whole window from the moment at which its condition appears: $told',
    onAClockWith(async (advance, { conditions }) => {
      const world = blocked();
      const leader = lead(world, noEviction);
      await advance(5_000);
      leader.tell(put(world, 'Pod', aPod({ ...old, conditions })));
      await advance(144_900);
      expect(made(leader).filter((call) => call.startsWith('Delete'))).toEqual([]);
      await advance(200);
      expect(leader.calls.at(-1)).toMatchObject({
        seconds: 150,
        effect: { kind: 'Delete', graceSeconds: 30 },
      });
    }),
  );

  it(
    'is not deleted on the reason of ContainerInstanceCreated alone, and is evicted while its window lasts',
    onAClock(async (advance) => {
      const world = blocked();
      const leader = lead(world, noEviction);
      await advance(5_000);
      leader.tell(put(world, 'Pod', aPod({ ...old, conditions: [creation] })));
      await advance(100_000);
      expect(record(world)).toMatchObject({ phase: 'Blocked', deadlineMs: at(185) });
      await advance(500_000);
      expect(made(leader).filter((call) => call.startsWith('Delete'))).toEqual([]);
      expect(record(world)).toMatchObject({ phase: 'Done', outcome: 'NotReclaimed' });
    }),
  );

  it(
    'is not deleted earlier because an Event names a shorter window',
    onAClock(async (advance) => {
      const world = blocked({ Pod: [aPod({ ...old, conditions: [expiry(0)] })] });
      const leader = lead(world, noEviction);
      await advance(4_000);
      const hurried = { message: 'Spot ECI will be released in 1 minutes', firstAtMs: at(-53) };
      leader.tell(put(world, 'ReclaimEvent', anEvent(hurried)));
      await advance(1_000);
      expect(record(world)?.deadlineMs).toBe(at(7));
      await advance(139_900);
      expect(made(leader).filter((call) => call.startsWith('Delete'))).toEqual([]);
      expect(record(world)?.deadlineMs).toBe(at(180));
      await advance(200);
      expect(leader.calls.at(-1)).toMatchObject({
        seconds: 145,
        effect: { kind: 'Delete', graceSeconds: 30 },
      });
    }),
  );
});

describe('a notice that came to nothing', () => {
  it(
    'ends a minute after its deadline, and the next one is another interruption with its whole window',
    onAClock(async (advance) => {
      const world = blocked();
      const leader = lead(world, noEviction);
      leader.tell(put(world, 'ReclaimEvent', anEvent()));
      await advance(239_000);
      expect(record(world)).toMatchObject({ phase: 'Blocked' });
      await advance(1_000);
      expect(record(world)).toMatchObject({ phase: 'Done', outcome: 'NotReclaimed' });
      const before = leader.calls.length;
      await advance(3_360_000);
      expect(leader.calls).toHaveLength(before);
      leader.tell(put(world, 'Pod', aPod({ ...old, conditions: [expiry(3600)] })));
      await advance(144_900);
      expect(record(world)).toMatchObject({ phase: 'Blocked', deadlineMs: at(3780), counted: true });
      expect(made(leader).filter((call) => call.startsWith('Delete'))).toEqual([]);
      await advance(200);
      expect(made(leader).at(-1)).toBe('Delete web-1 at 3745');
      expect(world.totals('SpotPolicy/shop/web')).toMatchObject({ noticed: 2, forced: 1 });
    }),
  );

  it(
    'leaves a pod that is taken later to be told of as one',
    onAClock(async (advance) => {
      const world = blocked();
      const leader = lead(world, noEviction);
      leader.tell(put(world, 'ReclaimEvent', anEvent()));
      await advance(900_000);
      const text = 'The pod is spot instance, and have been released at 2026-03-01T12:15Z';
      const taken = { ...old, phase: 'Failed', reason: 'BidFailed', message: text } as const;
      leader.tell(put(world, 'Pod', aPod(taken)));
      await advance(1_000);
      expect(record(world)).toMatchObject({ outcome: 'Missed', deadlineMs: at(900) });
    }),
  );
});

describe('a copy of a doomed pod', () => {
  it(
    'is left alone, whatever the mark on it says',
    onAClock(async (advance) => {
      const mark = writeMark({
        ...anInterruption(),
        noticedAtMs: at(-2_592_000),
        deadlineMs: at(-2_591_820),
      });
      const fresh = writeMark(anInterruption());
      const copies = [mark, fresh].map((text, index) =>
        aPod({ ...bare, name: `copy-${index}`, annotations: { 'spotpolicy.dev/interruption': text } }),
      );
      for (const trustEvents of [false, true]) {
        const world = blocked({ Pod: copies, PodDisruptionBudget: [] });
        const leader = lead(world, undefined, { trustEvents });
        await advance(300_000);
        expect(made(leader)).toEqual([]);
        expect(world.interruptions.size).toBe(0);
        leader.stop();
      }
    }),
  );
});

describe('marks that users wrote', () => {
  it(
    'are no entries of a policy of the cluster, and do not count in its totals',
    onAClock(async (advance) => {
      const forged = Array.from({ length: 20 }, (_, index) => {
        const name = `forged-${index}`;
        const settings = settingsOf({ policy: 'ClusterSpotPolicy/base', evictor: 'None' });
        const text = writeMark(anInterruption({ name, settings, deadlineMs: at(60) }));
        return aPod({ ...bare, name, annotations: { 'spotpolicy.dev/interruption': text } });
      });
      const real = aPod({ ...bare, name: 'real', conditions: [expiry(0)] });
      const world = blocked({
        ...{ SpotPolicy: [], ClusterSpotPolicy: [aClusterPolicy()], Namespace: [aNamespace('shop')] },
        Pod: [...forged, real],
      });
      const leader = lead(world, noEviction);
      await advance(1_000);
      const listed = toList([...world.interruptions.group('policy', 'ClusterSpotPolicy/base')]);
      expect(listed.map(({ name }) => name)).toEqual(['real']);
      expect(world.totals('ClusterSpotPolicy/base')).toMatchObject({ noticed: 1 });
      expect(made(leader)).toEqual(['Mark real at 0']);
    }),
  );
});

describe('the pods of a policy that is paused', () => {
  it.each(['DryRun', 'Disabled'] as const)(
    'are evicted all the same where it stamped them: mode %s',
    onAClockWith(async (advance, mode) => {
      const stamp = { 'spotpolicy.dev/policy': 'SpotPolicy/shop/web' };
      const world = blocked({
        ...{ SpotPolicy: [aPolicy({ spec: { mode } })], PodDisruptionBudget: [] },
        Pod: [
          aPod({ ...bare, name: 'stamped', annotations: stamp, conditions: [expiry(0)] }),
          aPod({ ...bare, name: 'other', conditions: [expiry(0)] }),
        ],
      });
      const leader = lead(world);
      await advance(141_000);
      expect(made(leader)).toEqual(['Mark stamped at 0', 'Evict stamped at 140']);
    }),
  );
});

function onAClockWith<T>(body: (advance: (ms: number) => Promise<void>, row: T) => Promise<void>) {
  return (row: T): Promise<void> => onAClock((advance) => body(advance, row))();
}
