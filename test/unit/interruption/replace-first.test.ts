import { describe, expect, it } from 'vitest';
import { beginInterruption } from '../../../operator/interruption/begin.ts';
import { successorsOf } from '../../../operator/interruption/replacement.ts';
import { writeMark } from '../../../operator/interruption/mark.ts';
import { onAClock } from '../../builders/clock.ts';
import { type Call, lead, made } from '../../builders/leader.ts';
import { aPod, anExpiry, at, ownedBy, type PodWishes, uidOf } from '../../builders/pod.ts';
import { aPolicy } from '../../builders/policy.ts';
import { aReplicaSet, aWorld, type Content, drop, put } from '../../builders/world.ts';
import { aDeployment } from '../../builders/workloads.ts';

const expired = { conditions: [anExpiry(at(0))] };
const detached: PodWishes = { ...expired, owner: ownedBy('Deployment', 'web') };
const deployed = (content: Content = {}) =>
  aWorld({
    SpotPolicy: [aPolicy()],
    Deployment: [aDeployment({ replicas: 1 })],
    ReplicaSet: [aReplicaSet()],
    Pod: [aPod(expired)],
    ...content,
  });
const record = (world: ReturnType<typeof deployed>) => world.interruptions.byUid(uidOf('Pod', 'web-1'));

describe('a pod of a Deployment', () => {
  it(
    'is taken out of its ReplicaSet, and evicted once another one is Ready',
    onAClock(async (advance) => {
      const world = deployed();
      const leader = lead(world);
      await advance(0);
      leader.tell(put(world, 'Pod', aPod(detached)));
      leader.tell(put(world, 'Pod', aPod({ name: 'web-2', ready: false, createdAtMs: at(1) })));
      await advance(5_000);
      expect(made(leader)).toEqual(['Detach web-1 at 0']);
      expect(record(world)).toMatchObject({
        phase: 'Replacing',
        message: 'its replacement starts first: it goes when one pod is Ready without it',
        replacement: { name: 'web-2', readyAtMs: undefined },
      });
      leader.tell(put(world, 'Pod', aPod({ name: 'web-2', createdAtMs: at(1), readyAtMs: at(5) })));
      await advance(0);
      expect(made(leader)).toEqual(['Detach web-1 at 0', 'Evict web-1 at 5']);
      leader.tell(put(world, 'Pod', aPod({ ...detached, deletion: { atMs: at(5), graceSeconds: 30 } })));
      leader.tell(drop(world, 'Pod', aPod(detached)));
      await advance(0);
      expect(record(world)).toMatchObject({ outcome: 'Replaced', replacement: { name: 'web-2' } });
    }),
  );

  it(
    'is evicted late where its replacement is not Ready by then',
    onAClock(async (advance) => {
      const world = deployed();
      const leader = lead(world);
      await advance(0);
      leader.tell(put(world, 'Pod', aPod(detached)));
      await advance(139_000);
      expect(made(leader)).toEqual(['Detach web-1 at 0']);
      await advance(1_000);
      expect(made(leader)).toEqual(['Detach web-1 at 0', 'Evict web-1 at 140']);
    }),
  );

  it(
    'that cannot be taken out for half of the time is evicted as it is',
    onAClock(async (advance) => {
      const world = deployed();
      const leader = lead(world, (_, { kind }) =>
        kind === 'Detach'
          ? { kind: 'Refused', byBudget: false, message: 'no answer', unsure: true }
          : { kind: 'Done' },
      );
      await advance(69_000);
      expect(new Set(leader.calls.map(({ effect }) => effect.kind))).toEqual(new Set(['Detach']));
      await advance(11_000);
      expect(leader.calls.at(-1)?.effect.kind).toBe('Evict');
      expect(record(world)).toMatchObject({ plainly: 'no answer' });
    }),
  );

  it(
    'whose replacement is Ready, and whose eviction is denied, is said to be blocked, and deleted in time',
    onAClock(async (advance) => {
      const world = deployed();
      const leader = lead(world, (_, { kind }) =>
        kind === 'Evict'
          ? { kind: 'Refused', byBudget: false, message: 'denied', afterMs: 30_000 }
          : { kind: 'Done' },
      );
      await advance(0);
      leader.tell(put(world, 'Pod', aPod(detached)));
      leader.tell(put(world, 'Pod', aPod({ name: 'web-2', readyAtMs: at(0) })));
      await advance(1_000);
      expect(record(world)).toMatchObject({ phase: 'Blocked', refusal: { of: 'Evict' } });
      await advance(144_000);
      expect(made(leader).at(-1)).toBe('Delete web-1 at 145');
    }),
  );

  it(
    'that nobody wants any more and that cannot be deleted is tried again less and less often',
    onAClock(async (advance) => {
      const world = deployed();
      const leader = lead(world, (_, { kind }) =>
        kind === 'Remove' ? { kind: 'Refused', byBudget: false, message: 'no' } : { kind: 'Done' },
      );
      await advance(0);
      put(world, 'Pod', aPod(detached));
      leader.tell(put(world, 'Deployment', aDeployment({ replicas: 0 })));
      await advance(8_000);
      expect(made(leader).slice(1)).toEqual([0, 1, 3, 7].map((seconds) => `Remove web-1 at ${seconds}`));
    }),
  );

  it(
    'that can neither be replaced nor put back is evicted late',
    onAClock(async (advance) => {
      const world = deployed();
      const leader = lead(world, (_, { kind }) =>
        kind === 'Attach' ? { kind: 'Refused', byBudget: false, message: 'no' } : { kind: 'Done' },
      );
      await advance(0);
      leader.tell(put(world, 'Pod', aPod(detached)));
      const failing = { type: 'ReplicaFailure', status: 'True' };
      const replicaSet = { ...aReplicaSet(), status: { replicas: 0, conditions: [failing] } };
      leader.tell(put(world, 'ReplicaSet', replicaSet));
      await advance(140_000);
      const kinds = leader.calls.map(({ effect }) => effect.kind);
      expect(kinds.filter((kind) => kind === 'Attach').length).toBeGreaterThan(5);
      expect(made(leader).at(-1)).toBe('Evict web-1 at 140');
    }),
  );

  it(
    'is put back and evicted as it is where its ReplicaSet cannot create pods',
    onAClock(async (advance) => {
      const world = deployed();
      const leader = lead(world);
      await advance(0);
      leader.tell(put(world, 'Pod', aPod(detached)));
      const failing = { type: 'ReplicaFailure', status: 'True' };
      leader.tell(
        put(world, 'ReplicaSet', { ...aReplicaSet(), status: { replicas: 1, conditions: [failing] } }),
      );
      await advance(1_900);
      expect(made(leader)).toEqual(['Detach web-1 at 0']);
      await advance(100);
      expect(made(leader)).toEqual(['Detach web-1 at 0', 'Attach web-1 at 2', 'Evict web-1 at 2']);
      expect(record(world)).toMatchObject({
        plainly: 'ReplicaSet web-abc cannot create pods',
        detached: undefined,
      });
    }),
  );

  const unscheduled = (reason: string) => ({ type: 'PodScheduled', status: 'False', reason });
  it.each([
    ['no node takes it', unscheduled('Unschedulable'), 'no node takes it (Unschedulable)'],
    [
      'a queue holds it',
      unscheduled('SchedulingGated'),
      'its scheduling gates hold it (kueue.x-k8s.io/admission)',
    ],
    [
      'ECI has no stock',
      { type: 'ContainerInstanceCreated', status: 'False', reason: 'StockExhaust' },
      'ECI has no stock for it (StockExhaust)',
    ],
  ])('serves until its replacement has a place, while %s, and is put back 20 s before it must go', (...row) =>
    onAClock(async (advance) => {
      const [, condition, unplaced] = row;
      const world = deployed();
      const leader = lead(world);
      await advance(0);
      leader.tell(put(world, 'Pod', aPod(detached)));
      const pending = { name: 'web-2', phase: 'Pending', ready: false } as const;
      const raw = aPod({ ...pending, conditions: [condition] });
      const schedulingGates = [{ name: 'kueue.x-k8s.io/admission' }];
      leader.tell(put(world, 'Pod', { ...raw, spec: { containers: [], ...raw.spec, schedulingGates } }));
      await advance(119_900);
      expect(made(leader)).toEqual(['Detach web-1 at 0']);
      expect(record(world)?.message).toBe(
        `its replacement starts first: it goes when one pod is Ready without it: web-2 waits, ${unplaced}`,
      );
      await advance(100);
      expect(made(leader)).toEqual(['Detach web-1 at 0', 'Attach web-1 at 120', 'Evict web-1 at 120']);
      expect(record(world)?.plainly).toBe(`web-2 had no place in time: ${unplaced}`);
    })(),
  );

  it(
    'goes as usual where its replacement gets a place late',
    onAClock(async (advance) => {
      const world = deployed();
      const leader = lead(world);
      await advance(0);
      leader.tell(put(world, 'Pod', aPod(detached)));
      const waiting = { name: 'web-2', phase: 'Pending', ready: false } as const;
      leader.tell(put(world, 'Pod', aPod({ ...waiting, conditions: [unscheduled('Unschedulable')] })));
      await advance(100_000);
      leader.tell(put(world, 'Pod', aPod({ name: 'web-2', readyAtMs: at(100) })));
      await advance(0);
      expect(made(leader)).toEqual(['Detach web-1 at 0', 'Evict web-1 at 100']);
      expect(record(world)?.plainly).toBeUndefined();
    }),
  );

  it.each([
    ['is gone', 'gone'],
    ['is scaled to zero', 'zero'],
  ])('is deleted where its Deployment %s meanwhile', (_, how) =>
    onAClock(async (advance) => {
      const world = deployed();
      const leader = lead(world);
      await advance(0);
      leader.tell(put(world, 'Pod', aPod(detached)));
      leader.tell(
        how === 'gone'
          ? drop(world, 'Deployment', aDeployment())
          : put(world, 'Deployment', aDeployment({ replicas: 0 })),
      );
      await advance(0);
      expect(made(leader)).toEqual(['Detach web-1 at 0', 'Remove web-1 at 0']);
      expect(record(world)).toMatchObject({ forced: false, evictedAtMs: at(0) });
    })(),
  );

  it(
    'that an earlier leader took out goes on from there',
    onAClock(async (advance) => {
      const first = lead(deployed());
      await advance(0);
      first.stop();
      const [{ effect }] = first.calls as [Call];
      if (effect.kind !== 'Detach') throw new Error(effect.kind);
      const annotations = { 'spotpolicy.dev/interruption': writeMark(effect.mark) };
      const world = deployed({
        Pod: [aPod({ ...detached, annotations }), aPod({ name: 'web-2', ready: false })],
      });
      const next = lead(world);
      await advance(1_000);
      expect(made(next)).toEqual([]);
      expect(record(world)).toMatchObject({ phase: 'Replacing', detached: effect.detached });
      next.tell(put(world, 'Pod', aPod({ name: 'web-2', readyAtMs: at(1) })));
      await advance(0);
      expect(made(next)).toEqual(['Evict web-1 at 1']);
    }),
  );
});

describe('its replacement', () => {
  it('is what came after it was taken out, though it still lives', () => {
    const world = deployed();
    put(world, 'Pod', aPod(detached));
    put(world, 'Pod', aPod({ name: 'web-2' }));
    const pod = world.pods.byUid(uidOf('Pod', 'web-1'));
    const known = pod && beginInterruption(world, pod, { defaultMinutes: 3, nowMs: at(1), atStart: false });
    if (!known) throw new Error('nothing is known of it');
    expect(successorsOf(world, known).candidates.map(({ pod: { name } }) => name)).toEqual(['web-2']);
  });
});
