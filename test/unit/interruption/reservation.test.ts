import type { ResourceQuota } from 'kubernetes-types/core/v1.js';
import { describe, expect, it } from 'vitest';
import type { Effect } from '../../../operator/interruption/look.ts';
import { writeMark } from '../../../operator/interruption/mark.ts';
import type { World } from '../../../operator/world/world.ts';
import { onAClock } from '../../builders/clock.ts';
import { type Answering, type Call, lead, type Leader, made } from '../../builders/leader.ts';
import { aPod, anExpiry, at, ownedBy, type PodWishes, uidOf } from '../../builders/pod.ts';
import { aPolicy } from '../../builders/policy.ts';
import { aReplicaSet, aWorld, type Content, drop, put } from '../../builders/world.ts';
import { aDeployment } from '../../builders/workloads.ts';

const created = { createdAtMs: at(-60) };
const doomed = (name: string, more: PodWishes = {}): PodWishes & { name: string } => ({
  ...{ name, conditions: [anExpiry(at(0))], ...created },
  ...more,
});
const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `web-${index}`);
const quota = (hard: number, used: number, name = 'small'): ResourceQuota => ({
  metadata: { name },
  status: { hard: { pods: String(hard) }, used: { pods: String(used) } },
});
const deployment = (maxSurge: number | string, replicas: number, name = 'web') => {
  const manifest = aDeployment({ name, replicas });
  const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge } };
  return { ...manifest, spec: { ...manifest.spec, strategy } as NonNullable<typeof manifest.spec> };
};
const wants = (replicas: number) => ({ ...aReplicaSet(), spec: { replicas, selector: {} } });
const deployed = (count: number, content: Content = {}, surge: 'AsDoomed' | 'AsWorkload' = 'AsDoomed') =>
  aWorld({
    SpotPolicy: [aPolicy({ spec: { interruption: { surge } } })],
    Deployment: [deployment(1, count)],
    ReplicaSet: [wants(count)],
    Pod: names(count).map((name) => aPod(doomed(name))),
    ...content,
  });
const record = (world: World, name: string) => world.interruptions.byUid(uidOf('Pod', name));
const out = (name: string, more: PodWishes = {}): PodWishes =>
  doomed(name, { owner: ownedBy('Deployment', 'web'), ...more });
const calls = (leader: Leader, kind: Effect['kind']): string[] =>
  leader.calls.filter(({ effect }) => effect.kind === kind).map(({ pod }) => pod);
const refusing =
  (name: string): Answering =>
  (pod, effect) =>
    effect.kind === 'Detach' && pod.name === name
      ? { kind: 'Refused', byBudget: false, message: 'denied' }
      : { kind: 'Done' };

describe('room in a quota', () => {
  it(
    'is reserved by each detachment, so that of ten pods one is detached where there is room for one',
    onAClock(async (advance) => {
      const world = deployed(10, { ResourceQuota: [quota(11, 10)] });
      const leader = lead(world);
      await advance(0);
      expect(calls(leader, 'Detach')).toEqual(['web-0']);
      expect(record(world, 'web-1')?.message).toMatch(
        /^its replacement waits: quota small has no room for its pods until it is known/,
      );
      leader.tell(put(world, 'Pod', aPod(out('web-0'))));
      leader.tell(put(world, 'ResourceQuota', quota(11, 11)));
      leader.tell(put(world, 'Pod', aPod({ name: 'new', ready: false, createdAtMs: at(1) })));
      await advance(0);
      expect(calls(leader, 'Detach')).toEqual(['web-0']);
      expect(calls(leader, 'Evict')).toEqual(names(10).slice(1));
      expect(record(world, 'web-1')?.plainly).toBe('quota small has no room for its pods');
    }),
  );

  it(
    'is taken once by a replacement, whichever watch shows it first',
    onAClock(async (advance) => {
      for (const first of ['quota', 'pod'] as const) {
        const world = deployed(2, {
          ResourceQuota: [quota(4, 2)],
          Pod: [aPod(doomed('web-0')), aPod(created)],
        });
        const leader = lead(world);
        await advance(0);
        leader.tell(put(world, 'Pod', aPod(out('web-0'))));
        const news = {
          quota: () => put(world, 'ResourceQuota', quota(4, 3)),
          pod: () => put(world, 'Pod', aPod({ name: 'new', ready: false, createdAtMs: at(1) })),
        };
        leader.tell(news[first]());
        leader.tell(put(world, 'Pod', aPod({ ...created, conditions: [anExpiry(at(0))] })));
        await advance(0);
        leader.tell(news[first === 'quota' ? 'pod' : 'quota']());
        await advance(0);
        expect(calls(leader, 'Detach')).toEqual(['web-0', 'web-1']);
        leader.stop();
      }
    }),
  );

  it(
    'counts a replacement that is seen, though the status of the quota does not show it yet',
    onAClock(async (advance) => {
      const world = deployed(2, {
        ResourceQuota: [quota(3, 2)],
        Pod: [aPod(doomed('web-0')), aPod(created)],
      });
      const leader = lead(world);
      await advance(0);
      leader.tell(put(world, 'Pod', aPod(out('web-0'))));
      leader.tell(put(world, 'Pod', aPod({ name: 'new', ready: false, createdAtMs: at(1) })));
      leader.tell(put(world, 'Pod', aPod({ ...created, conditions: [anExpiry(at(0))] })));
      await advance(0);
      expect(calls(leader, 'Detach')).toEqual(['web-0']);
      expect(record(world, 'web-1')?.plainly).toBe('quota small has no room for its pods');
    }),
  );

  it(
    'is shared by the Deployments of a namespace, is that of the tightest quota, and is another one in each namespace',
    onAClock(async (advance) => {
      const owner = ownedBy('ReplicaSet', 'api-abc');
      const world = deployed(2, {
        SpotPolicy: [aPolicy({}), aPolicy({ namespace: 'bank' })],
        Deployment: [deployment(1, 2), deployment(1, 1, 'api')],
        ReplicaSet: [wants(2), aReplicaSet('api-abc', 'api')],
        Pod: [...names(2).map((name) => aPod(doomed(name))), aPod(doomed('api-0', { owner }))],
        ResourceQuota: [
          quota(99, 3, 'wide'),
          quota(4, 3),
          { ...quota(0, 0), metadata: { name: 'small', namespace: 'bank' } },
        ],
      });
      const leader = lead(world);
      await advance(0);
      expect(calls(leader, 'Detach')).toHaveLength(1);
      // No replacement comes: the room stays reserved, and nobody waits for it any longer.
      await advance(5_000);
      expect(calls(leader, 'Detach')).toHaveLength(1);
      expect(calls(leader, 'Evict')).toHaveLength(2);
      const [, second] = [...world.interruptions.all()].filter(({ detached }) => !detached);
      expect(second?.plainly).toBe(
        'quota small has no room for its pods, with the replacements that are on their way',
      );
    }),
  );

  it(
    'is given back by a detachment that is refused',
    onAClock(async (advance) => {
      const world = deployed(3, { ResourceQuota: [quota(4, 3)] });
      const leader = lead(world, refusing('web-0'));
      await advance(0);
      expect(calls(leader, 'Detach')).toEqual(['web-0', 'web-1']);
      expect(record(world, 'web-0')?.plainly).toBe('denied');
    }),
  );

  it(
    'stays reserved by a detachment that may have been done for all that was heard',
    onAClock(async (advance) => {
      const world = deployed(2, { ResourceQuota: [quota(3, 2)] });
      const leader = lead(world, (_, { kind }) =>
        kind === 'Detach'
          ? { kind: 'Refused', byBudget: false, message: 'no answer', unsure: true }
          : { kind: 'Done' },
      );
      await advance(60_000);
      expect(new Set(calls(leader, 'Detach'))).toEqual(new Set(['web-0']));
    }),
  );

  it(
    'stays reserved when another leader takes over before the replacement has come',
    onAClock(async (advance) => {
      const first = lead(deployed(2, { ResourceQuota: [quota(3, 2)] }));
      await advance(0);
      first.stop();
      const [{ effect, pod }] = first.calls as [Call];
      if (effect.kind !== 'Detach') throw new Error(effect.kind);
      const annotations = { 'spotpolicy.dev/interruption': writeMark(effect.mark) };
      const labels = { 'spotpolicy.dev/reclaiming': 'true' };
      const world = deployed(2, {
        ResourceQuota: [quota(3, 2)],
        Pod: [aPod(doomed('web-1')), aPod(out(pod, { annotations, labels }))],
      });
      const next = lead(world);
      await advance(4_000);
      expect(made(next).filter((call) => call.startsWith('Detach'))).toEqual([]);
      next.tell(put(world, 'Pod', aPod({ name: 'new', ready: false, createdAtMs: at(4) })));
      await advance(0);
      expect(calls(next, 'Detach')).toEqual([]);
      expect(record(world, 'web-1')?.plainly).toBe('quota small has no room for its pods');
    }),
  );
});

describe('with surge AsWorkload', () => {
  it(
    'as many pods wait for a replacement as maxSurge says, the earliest deadline first',
    onAClock(async (advance) => {
      const noticed = (name: string, second: number) => doomed(name, { conditions: [anExpiry(at(second))] });
      const pods = [noticed('web-0', -9), noticed('web-1', -1), noticed('web-2', -5)];
      const world = deployed(3, { Pod: pods.map(aPod) }, 'AsWorkload');
      const leader = lead(world);
      await advance(0);
      expect(calls(leader, 'Detach')).toEqual(['web-0']);
      expect(record(world, 'web-1')).toMatchObject({
        phase: 'Replacing',
        message: 'its replacement waits: Deployment web replaces at most 1 at a time',
        marked: 'UnderWay',
      });
      for (let turn = 0; turn < 3; turn += 1) {
        const name = calls(leader, 'Detach').at(-1) ?? '';
        const { conditions = [] } = pods.find((pod) => pod.name === name) ?? {};
        leader.tell(put(world, 'Pod', aPod(out(name, { conditions }))));
        leader.tell(
          put(world, 'Pod', aPod({ name: `new-${turn}`, createdAtMs: at(turn), readyAtMs: at(turn) })),
        );
        await advance(1_000);
        leader.tell(
          put(world, 'Pod', aPod(out(name, { conditions, deletion: { atMs: at(turn), graceSeconds: 30 } }))),
        );
        await advance(0);
      }
      for (const kind of ['Detach', 'Evict'] as const)
        expect(calls(leader, kind)).toEqual(['web-0', 'web-2', 'web-1']);
    }),
  );

  it(
    'pods for which the time does not suffice are evicted as they are, and the status says so',
    onAClock(async (advance) => {
      const world = deployed(2, {}, 'AsWorkload');
      const leader = lead(world);
      await advance(119_000);
      expect(calls(leader, 'Evict')).toEqual([]);
      await advance(1_000);
      expect(calls(leader, 'Evict')).toEqual(['web-1']);
      expect(record(world, 'web-1')?.plainly).toBe(
        'too little time is left: Deployment web replaces at most 1 at a time',
      );
    }),
  );

  it(
    'a share of the wanted pods is rounded up, and follows their number',
    onAClock(async (advance) => {
      const world = deployed(10, { Deployment: [deployment('25%', 10)] }, 'AsWorkload');
      const leader = lead(world);
      await advance(0);
      expect(calls(leader, 'Detach')).toHaveLength(3);
      leader.tell(put(world, 'Deployment', deployment('25%', 17)));
      await advance(0);
      expect(calls(leader, 'Detach')).toHaveLength(5);
      leader.tell(put(world, 'Deployment', deployment('25%', 4)));
      await advance(0);
      expect(calls(leader, 'Detach')).toHaveLength(5);
    }),
  );

  it.each([
    ['first', ['pod', 'quota']],
    ['last', ['quota', 'pod']],
    ['last, after its grace period', ['quota', 'time']],
    ['late, after its grace period, before the quota shows it', ['time', 'pod', 'quota']],
  ] as const)(
    'a pod waits for room that a replaced one leaves in its quota, where the pod is seen to go %s',
    (_, order) =>
      onAClock(async (advance) => {
        const world = deployed(2, { ResourceQuota: [quota(3, 2)] }, 'AsWorkload');
        const leader = lead(world);
        await advance(0);
        leader.tell(put(world, 'Pod', aPod(out('web-0'))));
        leader.tell(put(world, 'ResourceQuota', quota(3, 3)));
        leader.tell(put(world, 'Pod', aPod({ name: 'new', createdAtMs: at(1), readyAtMs: at(1) })));
        await advance(1_000);
        const ending = { atMs: at(1), graceSeconds: 30 };
        leader.tell(put(world, 'Pod', aPod(out('web-0', { deletion: ending }))));
        await advance(1_000);
        expect([calls(leader, 'Detach'), calls(leader, 'Evict')]).toEqual([['web-0'], ['web-0']]);
        const happen = {
          pod: () => leader.tell(drop(world, 'Pod', aPod(out('web-0')))),
          quota: () => leader.tell(put(world, 'ResourceQuota', quota(3, 2))),
          time: () => undefined,
        };
        for (const each of order) {
          await advance(each === 'time' ? 29_000 : 1_000);
          happen[each]();
        }
        await advance(0);
        expect(calls(leader, 'Detach')).toEqual(['web-0', 'web-1']);
      })(),
  );

  it(
    'a pod waits no longer than some seconds for a quota to show that others have gone',
    onAClock(async (advance) => {
      const gone = doomed('gone', { conditions: [] });
      const world = deployed(2, { ResourceQuota: [quota(2, 2)], Pod: [aPod(gone)] }, 'AsWorkload');
      const leader = lead(world);
      leader.tell(put(world, 'Pod', aPod({ ...created, name: 'web-0' })));
      leader.tell(drop(world, 'Pod', aPod(gone)));
      leader.tell(put(world, 'Pod', aPod(doomed('web-0'))));
      await advance(4_000);
      expect(record(world, 'web-0')?.message).toBe(
        'its replacement waits: quota small has no room for its pods until its status shows which pods have gone',
      );
      await advance(1_000);
      expect(record(world, 'web-0')?.plainly).toBe('quota small has no room for its pods');
    }),
  );

  it(
    'no pod waits for one that waits for it, whatever was heard of its detachment',
    onAClock(async (advance) => {
      let isHeard = false;
      const lost = { kind: 'Refused', byBudget: false, message: 'no answer', unsure: true } as const;
      const pods = ['web-1', 'web-0'].map((name) => aPod(doomed(name)));
      const world = deployed(2, { Pod: [] }, 'AsWorkload');
      const leader = lead(world, (_, { kind }) => (kind === 'Detach' && !isHeard ? lost : { kind: 'Done' }));
      for (const pod of pods) leader.tell(put(world, 'Pod', pod));
      await advance(0);
      isHeard = true;
      await advance(10_000);
      expect(calls(leader, 'Detach')).toEqual(['web-1', 'web-1']);
    }),
  );
});
