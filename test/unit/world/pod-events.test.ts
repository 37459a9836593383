import { describe, expect, it } from 'vitest';
import type { PlatformEvent } from '../../../operator/world/platform-event.ts';
import type { World } from '../../../operator/world/world.ts';
import { type Advance, onAClock } from '../../builders/clock.ts';
import {
  aKnownEvent,
  aPod,
  anEvent,
  at,
  type EventWishes,
  type PodWishes,
  uidOf,
} from '../../builders/pod.ts';
import { aNamespace, aWorld, drop, list, put } from '../../builders/world.ts';
import { aDeployment } from '../../builders/workloads.ts';

const web1 = { namespace: 'shop', name: 'web-1' };
const about = (world: World, pod = web1): string[] =>
  [...world.reclaimEvents.about(pod)].map(({ name }) => name).toSorted();
const tell = (world: World, wishes: EventWishes) => put(world, 'ReclaimEvent', anEvent(wishes));
const noSpot = { 'k8s.aliyun.com/eci-spot-strategy': undefined };
const instance = (id: string): PodWishes => ({ annotations: { 'k8s.aliyun.com/eci-instance-id': id } });

describe('an Event and its pod', () => {
  it('come in either order', () => {
    const ahead = aWorld();
    expect(tell(ahead, { name: 'e' })).toEqual([]);
    put(ahead, 'Pod', aPod());
    const behind = aWorld({ Pod: [aPod()] });
    expect(tell(behind, { name: 'e' })).toMatchObject([{ kind: 'ReclaimEvent', after: { name: 'e' } }]);
    expect([about(ahead), about(behind)]).toEqual([['e'], ['e']]);
  });

  it('come in either order when the pod has the name of one that still terminates', () => {
    const next = { ...instance('eci-2'), uid: 'next', createdAtMs: at(60) };
    const events: EventWishes[] = [
      { name: 'by-uid', uid: 'next', firstAtMs: at(90) },
      { name: 'by-instance', uid: 'eci-2', firstAtMs: at(90) },
      { name: 'by-time', uid: '', firstAtMs: at(90) },
    ];
    const world = aWorld({ Pod: [aPod(instance('eci-1'))] });
    for (const event of events) tell(world, event);
    tell(world, { name: 'of-the-last', uid: 'eci-1', firstAtMs: at(10) });
    drop(world, 'Pod', aPod(instance('eci-1')));
    put(world, 'Pod', aPod(next));
    expect(about(world)).toEqual(['by-instance', 'by-time', 'by-uid']);
  });

  it('come in either order when the watch tells of the next pod of a name before the end of the last', () => {
    const world = aWorld({ Pod: [aPod()] });
    tell(world, { name: 'of-the-last' });
    put(world, 'Pod', aPod({ uid: 'next', createdAtMs: at(60) }));
    tell(world, { name: 'of-the-next', uid: 'next', firstAtMs: at(90) });
    drop(world, 'Pod', aPod());
    expect(about(world)).toEqual(['of-the-next']);
  });

  it('need each other: a pod without a spot strategy has none, and gets none later', () => {
    const world = aWorld({ Pod: [aPod({ annotations: noSpot })] });
    expect(tell(world, {})).toEqual([]);
    expect(world.size('ReclaimEvent')).toBe(0);
    put(world, 'Pod', aPod());
    expect(about(world)).toEqual([]);
  });

  it('of an earlier pod of the name is dropped as it comes', () => {
    const world = aWorld({ Pod: [aPod()] });
    drop(world, 'Pod', aPod());
    tell(world, {});
    put(world, 'Pod', aPod({ uid: 'next', createdAtMs: at(60) }));
    tell(world, { name: 'late', firstAtMs: at(90) });
    tell(world, { name: 'older', uid: '', firstAtMs: at(30) });
    expect(world.size('ReclaimEvent')).toBe(0);
  });

  it('older than a pod whose instance is not known yet is kept until it is', () => {
    const world = aWorld({ Pod: [aPod()] });
    tell(world, { uid: 'eci-1', firstAtMs: at(0) });
    expect(about(world)).toHaveLength(1);
    put(world, 'Pod', aPod(instance('eci-2')));
    expect(about(world)).toHaveLength(1);
    drop(world, 'Pod', aPod(instance('eci-2')));
    put(world, 'Pod', aPod({ ...instance('eci-3'), uid: 'next' }));
    expect(world.size('ReclaimEvent')).toBe(1);
  });

  it('go together', () => {
    const world = aWorld({ Pod: [aPod()] });
    tell(world, {});
    drop(world, 'Pod', aPod());
    expect(world.size('ReclaimEvent')).toBe(0);
  });
});

describe('the Events about one pod', () => {
  const minutes = (count: number): string => `Spot ECI will be released in ${count} minutes`;

  it('are four, those with the earliest deadlines, in whatever order they come', () => {
    for (const order of [1, -1]) {
      const world = aWorld({ Pod: [aPod()] });
      const counts = Array.from({ length: 40 }, (_, index) => index + 1).toSorted((a, b) => order * (a - b));
      for (const count of counts)
        tell(world, { name: `in-${count}`, firstAtMs: at(0), message: minutes(count) });
      expect(about(world)).toEqual(['in-1', 'in-2', 'in-3', 'in-4']);
    }
  });

  it(
    'leave room for a new one when their deadlines are over a minute past',
    onAClock(async (advance: Advance) => {
      const world = aWorld({ Pod: [aPod({ createdAtMs: at(-3600) })] });
      for (const name of ['a', 'b', 'c', 'd']) tell(world, { name });
      tell(world, { name: 'e', firstAtMs: at(10) });
      expect(about(world)).toEqual(['a', 'b', 'c', 'd']);
      await advance(300_000);
      tell(world, { name: 'f', firstAtMs: at(300) });
      expect(about(world)).toContain('f');
      expect(about(world)).toHaveLength(4);
    }),
  );

  it('that come again unchanged are no step, and one that was bumped is', () => {
    const world = aWorld({ Pod: [aPod()] });
    expect(tell(world, {})).toHaveLength(1);
    expect(tell(world, {})).toEqual([]);
    expect(tell(world, { lastAtMs: at(60) })).toMatchObject([{ before: { lastAtMs: at(0) } }]);
  });

  it('end when they are deleted, or missing in a later listing', () => {
    const world = aWorld({ Pod: [aPod()] });
    tell(world, { name: 'a' });
    tell(world, { name: 'b' });
    expect(drop(world, 'ReclaimEvent', anEvent({ name: 'a' }))).toMatchObject([{ after: undefined }]);
    expect(list(world, 'ReclaimEvent', [anEvent({ name: 'c' })])).toMatchObject([
      { after: { name: 'c' } },
      { before: { name: 'b' }, after: undefined },
      { kind: 'Synced' },
    ]);
    expect(about(world)).toEqual(['c']);
  });

  it('keep nothing that is longer than a name', () => {
    const long = 'x'.repeat(1_000_000);
    const event = aKnownEvent({ pod: long, uid: long, message: `released in 5 minutes ${long}`, name: 'e' });
    expect(event).toMatchObject({ podName: '', involvedUid: '', minutes: 5 });
    expect(aKnownEvent({ message: `${long} released in 5 minutes` }).minutes).toBeUndefined();
    const world = aWorld();
    world.apply('ReclaimEvent', { kind: 'changed', object: event }, at(0));
    expect(world.size('ReclaimEvent')).toBe(0);
  });
});

describe('an Event that is kept no longer is told of', () => {
  it('when the pod or workload has gone whose UID it gives beside the name of another', () => {
    const world = aWorld({ Pod: [aPod(), aPod({ name: 'web-2' })], Deployment: [aDeployment()] });
    tell(world, { name: 'of-a-pod', uid: uidOf('Pod', 'web-2'), firstAtMs: at(10) });
    tell(world, { name: 'of-a-workload', uid: uidOf('Deployment', 'web'), firstAtMs: at(10) });
    const gone = (name: string) => [{ kind: 'ReclaimEvent', before: { name }, after: undefined }];
    expect(drop(world, 'Pod', aPod({ name: 'web-2' })).slice(1)).toMatchObject(gone('of-a-pod'));
    expect(drop(world, 'Deployment', aDeployment()).slice(1)).toMatchObject(gone('of-a-workload'));
    expect(about(world)).toEqual([]);
  });

  it('when an earlier deadline takes its place', () => {
    const world = aWorld({ Pod: [aPod()] });
    for (let index = 0; index < 4; index++) tell(world, { name: `e-${index}`, firstAtMs: at(index + 10) });
    expect(tell(world, { name: 'earlier', firstAtMs: at(5) })).toMatchObject([
      { before: undefined, after: { name: 'earlier' } },
      { before: { name: 'e-3' }, after: undefined },
    ]);
  });
});

describe('Events of which no pod is known', () => {
  const forged = (index: number, namespace = 'tenant'): PlatformEvent =>
    aKnownEvent({ name: `e-${index}`, namespace, pod: `ghost-${index}` });
  const flood = (world: World, count: number, namespace?: string): void => {
    for (let index = 0; index < count; index++)
      world.apply('ReclaimEvent', { kind: 'changed', object: forged(index, namespace) }, at(0));
  };

  it('are 4,096 at most, and a flood in one namespace takes no place of another', () => {
    const world = aWorld();
    tell(world, { name: 'e' });
    flood(world, 5_000);
    expect(world.size('ReclaimEvent')).toBeLessThanOrEqual(4_096);
    put(world, 'Pod', aPod());
    expect(about(world)).toEqual(['e']);
    flood(world, 5_000);
    tell(world, { name: 'f', pod: 'web-2' });
    flood(world, 5_000);
    put(world, 'Pod', aPod({ name: 'web-2' }));
    expect(about(world, { namespace: 'shop', name: 'web-2' })).toEqual(['f']);
  });

  it('of one namespace give way to the later ones there', () => {
    const world = aWorld();
    flood(world, 5_000);
    const { namespace, podName } = forged(4_999);
    expect(about(world, { namespace, name: podName })).toHaveLength(1);
    expect(about(world, { namespace, name: 'ghost-0' })).toEqual([]);
  });

  it(
    'wait ten minutes',
    onAClock(async (advance) => {
      const world = aWorld();
      tell(world, {});
      await advance(599_000);
      tell(world, { name: 'other', pod: 'web-2', uid: uidOf('Pod', 'web-2') });
      expect(world.size('ReclaimEvent')).toBe(2);
      await advance(1_000);
      tell(world, { name: 'another', pod: 'web-3' });
      expect(world.size('ReclaimEvent')).toBe(2);
      put(world, 'Pod', aPod());
      put(world, 'Namespace', aNamespace());
      expect(about(world)).toEqual([]);
    }),
  );
});
