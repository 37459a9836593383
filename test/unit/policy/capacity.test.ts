import { describe, expect, it } from 'vitest';
import { capacityOf, isDegraded, isOnVirtualNode } from '../../../operator/policy/capacity.ts';
import { precedence } from '../../../operator/policy/rules.ts';
import { isAbout } from '../../../operator/world/platform-event.ts';
import { World } from '../../../operator/world/world.ts';
import { aKnownEvent, aKnownPod, anEvent, at, type EventWishes, type PodWishes } from '../../builders/pod.ts';
import { aVirtualNode, aWorld } from '../../builders/world.ts';

describe('an Event about the name of a pod', () => {
  const instance = { annotations: { 'k8s.aliyun.com/eci-instance-id': 'eci-1' } };
  const about = (event: EventWishes, pod: PodWishes = {}, departed: readonly string[] = []): boolean =>
    isAbout(aKnownEvent(event), aKnownPod({ createdAtMs: at(100), ...pod }), (uid) => departed.includes(uid));
  const older: EventWishes = { firstAtMs: at(99) };
  const younger: EventWishes = { firstAtMs: at(101) };

  it('is about the pod whose uid it names, however old', () => {
    expect(about(older)).toBe(true);
  });

  it('is about the pod whose instance it names, however old', () => {
    expect(about({ ...older, uid: 'eci-1' }, instance)).toBe(true);
  });

  it('is not about a pod of another instance, or while one that was seen to go is named', () => {
    expect(about({ ...younger, uid: 'eci-2' }, instance)).toBe(false);
    expect(about({ ...younger, uid: 'gone' }, {}, ['gone'])).toBe(false);
  });

  it('is decided by time where its uid proves nothing', () => {
    for (const uid of ['', 'some-uid', 'eci-2']) {
      expect(about({ ...younger, uid })).toBe(true);
      expect(about({ ...older, uid })).toBe(false);
    }
  });

  it('of the very second of the pod’s creation is its namesake’s: times of the API are whole seconds', () => {
    expect(about({ firstAtMs: at(100), uid: '' })).toBe(false);
    expect(about({ firstAtMs: at(100) })).toBe(true);
  });

  it('counts by the time it was last seen: a series may go on from the namesake to this pod', () => {
    expect(about({ ...older, lastAtMs: at(160), uid: '' })).toBe(true);
  });

  it('is about no pod of another name or namespace', () => {
    const { uid } = aKnownPod();
    expect(about({ pod: 'web-2', uid })).toBe(false);
    expect(about({ namespace: 'bank', uid })).toBe(false);
  });
});

describe('a pod runs', () => {
  it('on spot capacity with a strategy, on a virtual node, not degraded', () => {
    expect(capacityOf(aWorld(), aKnownPod())).toBe('spot');
  });

  it('on demand without a strategy, or on an ordinary node, or on none yet', () => {
    const strategy = 'k8s.aliyun.com/eci-spot-strategy';
    expect(capacityOf(aWorld(), aKnownPod({ annotations: { [strategy]: undefined } }))).toBe('on-demand');
    expect(capacityOf(aWorld(), aKnownPod({ nodeName: 'ordinary' }))).toBe('on-demand');
    expect(isOnVirtualNode(aWorld(), aKnownPod({ nodeName: 'ordinary' }))).toBe(false);
  });

  it('on demand where ECI says so by condition or by Event', () => {
    const reason = 'SpotDegraded';
    const told = aKnownPod({ conditions: [{ type: 'ContainerInstanceCreated', status: 'True', reason }] });
    expect(capacityOf(aWorld(), told)).toBe('on-demand');
    const world = aWorld({ DegradeEvent: [anEvent({ reason })] });
    expect(isDegraded(world, aKnownPod())).toBe(true);
    expect(isDegraded(world, aKnownPod({ name: 'web-2' }))).toBe(false);
  });

  it('on a virtual node as far as anybody knows while nodes cannot be read', () => {
    expect(isOnVirtualNode(new World(precedence), aKnownPod({ nodeName: 'ordinary' }))).toBe(true);
  });

  it('on a node that is known, virtual or not', () => {
    const world = aWorld({ Node: [aVirtualNode('v'), { metadata: { name: 'n' } }] });
    expect(['v', 'n'].map((nodeName) => isOnVirtualNode(world, aKnownPod({ nodeName })))).toEqual([
      true,
      false,
    ]);
  });
});
