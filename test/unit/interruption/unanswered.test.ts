import { describe, expect, it } from 'vitest';
import type { World } from '../../../operator/world/world.ts';
import type { Effect } from '../../../operator/interruption/look.ts';
import { writeMark } from '../../../operator/interruption/mark.ts';
import type { Answer } from '../../../operator/interruption/settle.ts';
import { onAClock } from '../../builders/clock.ts';
import { type Call, lead, made } from '../../builders/leader.ts';
import { aPod, anExpiry, at, ownedBy, type PodWishes } from '../../builders/pod.ts';
import { aPolicy } from '../../builders/policy.ts';
import { aComputedBudget, aReplicaSet, aWorld, type Content, drop, put } from '../../builders/world.ts';
import { aDeployment } from '../../builders/workloads.ts';

const expired = { conditions: [anExpiry(at(0))] };
const interruption = { replacement: 'AfterEviction' } as const;
const deployed = (content: Content): World =>
  aWorld({ Deployment: [aDeployment({ replicas: 1 })], ReplicaSet: [aReplicaSet()], ...content });

describe('a call that hangs', () => {
  const never = new Promise<Answer>(() => undefined);

  it(
    'is given up at the moment of force: the pod is deleted then',
    onAClock(async (advance) => {
      const leader = lead(
        deployed({
          SpotPolicy: [aPolicy({ spec: { interruption } })],
          Pod: [aPod({ ...expired, owner: undefined })],
        }),
        (_, { kind }) => (kind === 'Evict' ? never : { kind: 'Done' }),
      );
      await advance(145_000);
      expect(made(leader)).toEqual(['Mark web-1 at 0', 'Evict web-1 at 140', 'Delete web-1 at 145']);
      expect(leader.calls.map(({ signal }) => signal.aborted)).toEqual([true, true, true]);
    }),
  );

  it(
    'holds up no pod of another namespace, however many hang',
    onAClock(async (advance) => {
      const SpotPolicy = ['shop', 'bank'].map((namespace) => aPolicy({ namespace, spec: { interruption } }));
      const pods = Array.from({ length: 20 }, (_, index) => aPod({ ...expired, name: `p-${index}` }));
      const world = deployed({ SpotPolicy, Pod: pods });
      const leader = lead(world, ({ namespace }) => (namespace === 'shop' ? never : { kind: 'Done' }), {
        concurrency: 10,
      });
      await advance(1_000);
      expect(leader.calls).toHaveLength(8);
      leader.tell(put(world, 'Pod', aPod({ ...expired, namespace: 'bank', name: 'free' })));
      await advance(0);
      expect(made(leader).slice(8)).toEqual(['Evict free at 1']);
    }),
  );
});

describe('an eviction that was done, though nobody said so', () => {
  const lost: Answer = { kind: 'Refused', byBudget: false, message: 'no answer', unsure: true };

  it.each<[what: string, next: Answer]>([
    ['that the pod is gone', { kind: 'Gone' }],
    ['that the server is busy', { kind: 'Refused', byBudget: false, message: 'too many requests' }],
    ['that its budget allows nothing', { kind: 'Refused', byBudget: true, message: 'needs 1, has 1' }],
  ])('counts, also where the next try is told %s before the watch shows it', (_, next) =>
    onAClock(async (advance) => {
      const answers = [lost, next];
      const world = deployed({
        SpotPolicy: [aPolicy({ spec: { interruption } })],
        Pod: [aPod(expired)],
      });
      const leader = lead(world, (__, { kind }) => (kind === 'Evict' && answers.shift()) || { kind: 'Done' });
      await advance(1_500);
      expect(made(leader).filter((call) => call.startsWith('Evict'))).toEqual([
        'Evict web-1 at 0',
        'Evict web-1 at 1',
      ]);
      leader.tell(drop(world, 'Pod', aPod(expired)));
      await advance(0);
      expect(world.totals('SpotPolicy/shop/web')).toMatchObject({ evicted: 1 });
    })(),
  );
});

it(
  'an eviction that was done, though nobody said so, counts where its budget is seen to be full before the pod is seen to go',
  onAClock(async (advance) => {
    const lost: Answer = { kind: 'Refused', byBudget: false, message: 'no answer', unsure: true };
    const world = deployed({
      SpotPolicy: [aPolicy({ spec: { interruption } })],
      PodDisruptionBudget: [aComputedBudget({ allowed: 1 })],
      Pod: [aPod(expired)],
    });
    const leader = lead(world, (_, { kind }) => (kind === 'Evict' ? lost : { kind: 'Done' }));
    await advance(0);
    leader.tell(put(world, 'PodDisruptionBudget', aComputedBudget({ allowed: 0, version: '2' })));
    await advance(2_000);
    expect([...world.interruptions.all()]).toMatchObject([{ phase: 'Blocked', refusal: { of: undefined } }]);
    leader.tell(drop(world, 'Pod', aPod(expired)));
    await advance(0);
    expect(world.totals('SpotPolicy/shop/web')).toMatchObject({ evicted: 1 });
  }),
);

const failing = { type: 'ReplicaFailure', status: 'True' };

describe('a pod that was taken out of its ReplicaSet, though nobody said so', () => {
  const first = () => deployed({ SpotPolicy: [aPolicy()] });
  const lost: Answer = { kind: 'Refused', byBudget: false, message: 'no answer', unsure: true };
  const asMarked = ({ effect }: Pick<Call, 'effect'>): PodWishes => ({
    ...expired,
    annotations: 'mark' in effect ? { 'spotpolicy.dev/interruption': writeMark(effect.mark) } : {},
  });

  it(
    'is evicted when its replacement is Ready, and asked for nothing before',
    onAClock(async (advance) => {
      const world = first();
      put(world, 'Pod', aPod());
      const leader = lead(world, (_, effect) => {
        if (effect.kind !== 'Detach') return { kind: 'Done' };
        const pod = { ...asMarked({ effect }), owner: ownedBy('Deployment', 'web') };
        leader.tell(put(world, 'Pod', aPod(pod)));
        return lost;
      });
      leader.tell(put(world, 'Pod', aPod(expired)));
      await advance(0);
      leader.tell(put(world, 'Pod', aPod({ name: 'web-2', ready: false })));
      await advance(30_000);
      expect(made(leader)).toEqual(['Detach web-1 at 0']);
      leader.tell(put(world, 'Pod', aPod({ name: 'web-2', readyAtMs: at(30) })));
      await advance(0);
      expect(made(leader)).toEqual(['Detach web-1 at 0', 'Evict web-1 at 30']);
    }),
  );

  it(
    'and whatever else the answer was that is lost: what was not done is done a second later',
    onAClock(async (advance) => {
      const world = first();
      put(world, 'Pod', aPod(expired));
      let asked = 0;
      const leader = lead(world, () => (asked++ === 0 ? lost : { kind: 'Done' }));
      leader.tell(put(world, 'Pod', aPod(expired)));
      await advance(1_000);
      expect(made(leader)).toEqual(['Detach web-1 at 0', 'Detach web-1 at 1']);
    }),
  );

  it(
    'or put back: it is evicted as it is, and is not put back again',
    onAClock(async (advance) => {
      const world = first();
      put(world, 'Pod', aPod());
      const leader = lead(world, (_, effect) => {
        const out = { ...asMarked({ effect }), owner: ownedBy('Deployment', 'web') };
        if (effect.kind === 'Detach') leader.tell(put(world, 'Pod', aPod(out)));
        if (effect.kind !== 'Attach') return { kind: 'Done' };
        leader.tell(put(world, 'Pod', aPod(asMarked({ effect }))));
        return lost;
      });
      leader.tell(put(world, 'Pod', aPod(expired)));
      await advance(0);
      const unschedulable = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable' };
      const stuck = {
        name: 'web-2',
        ready: false,
        phase: 'Pending',
        conditions: [unschedulable],
      } as const;
      leader.tell(put(world, 'Pod', aPod(stuck)));
      await advance(124_000);
      expect(made(leader).map((call) => call.split(' ')[0])).toEqual(['Detach', 'Attach', 'Evict']);
      expect(leader.outcomes.at(-1)?.after).toMatchObject({
        detached: undefined,
        plainly: 'web-2 had no place in time: no node takes it (Unschedulable)',
      });
    }),
  );

  it(
    'or could not be put back: once ECI has released it, it is marked and counted once',
    onAClock(async (advance) => {
      const world = first();
      put(world, 'Pod', aPod());
      const told = (effect: Effect, more: PodWishes): void =>
        leader.tell(put(world, 'Pod', aPod({ ...asMarked({ effect }), ...more })));
      const leader = lead(world, (_, effect) => {
        if (effect.kind === 'Detach') told(effect, { owner: ownedBy('Deployment', 'web') });
        if (effect.kind === 'Mark') told(effect, released);
        return effect.kind === 'Attach'
          ? { kind: 'Refused', byBudget: false, message: 'no' }
          : { kind: 'Done' };
      });
      const released = { owner: ownedBy('Deployment', 'web'), phase: 'Failed', reason: 'BidFailed' } as const;
      leader.tell(put(world, 'Pod', aPod(expired)));
      await advance(0);
      leader.tell(
        put(world, 'ReplicaSet', { ...aReplicaSet(), status: { replicas: 0, conditions: [failing] } }),
      );
      await advance(2_000);
      const [detach] = leader.calls;
      if (detach) told(detach.effect, released);
      await advance(60_000);
      expect(made(leader)).toEqual(['Detach web-1 at 0', 'Attach web-1 at 2', 'Mark web-1 at 2']);
      expect(world.totals('SpotPolicy/shop/web')).toMatchObject({ noticed: 1, missed: 1 });
    }),
  );
});
