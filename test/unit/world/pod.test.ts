import { describe, expect, it } from 'vitest';
import { isLive, isServing, isTerminal, trimPod } from '../../../operator/world/pod.ts';
import { aKnownPod, anExpiry, at, ownedBy, type PodWishes, uidOf } from '../../builders/pod.ts';

describe('the record of a pod', () => {
  it('keeps of its annotations what decisions read', () => {
    const { annotations } = aKnownPod({
      annotations: {
        'k8s.aliyun.com/eci-instance-id': 'eci-1',
        'k8s.aliyun.com/other': 'x',
        'spotpolicy.dev/policy': 'SpotPolicy/shop/web',
        'kubernetes.io/config.mirror': 'hash',
        'kubectl.kubernetes.io/last-applied-configuration': '{}',
      },
    });
    expect(Object.keys(annotations)).toEqual([
      'k8s.aliyun.com/eci-spot-strategy',
      'k8s.aliyun.com/eci-instance-id',
      'spotpolicy.dev/policy',
      'kubernetes.io/config.mirror',
    ]);
  });

  it('names the controller and none of its other owners', () => {
    const { apiVersion, kind, name } = ownedBy('ReplicaSet', 'web-abc');
    expect(aKnownPod().controller).toEqual({
      ...{ namespace: 'shop', group: 'apps', kind, name },
      uid: uidOf('ReplicaSet', name),
    });
    const noController = { apiVersion, kind, name, uid: '1', controller: false };
    expect(aKnownPod({ owner: noController }).controller).toBeUndefined();
    expect(aKnownPod({ owner: undefined }).controller).toBeUndefined();
  });

  it('says when its deletion was asked for: the grace before it is to be gone', () => {
    const pod = aKnownPod({ deletion: { atMs: at(10), graceSeconds: 30 } });
    expect(pod.deletionAtMs).toBe(at(40));
    expect(pod.deletedAtMs).toBe(at(10));
    expect(aKnownPod().deletedAtMs).toBeUndefined();
  });

  it.each(['True', 'true', 'TRUE'])('takes a condition ContainerInstanceExpired %s for true', (status) => {
    const pod = aKnownPod({ conditions: [anExpiry(at(5), { status, reason: 'R', message: 'M' })] });
    expect(pod.expired).toEqual({ sinceMs: at(5), reason: 'R', message: 'M' });
  });

  it.each(['False', 'Unknown', 'false'])(
    'takes a condition ContainerInstanceExpired %s for none',
    (status) => {
      expect(aKnownPod({ conditions: [anExpiry(at(5), { status })] }).expired).toBeUndefined();
    },
  );

  it('knows no time of a condition that carries none', () => {
    expect(aKnownPod({ conditions: [anExpiry()] }).expired).toEqual({
      sinceMs: undefined,
      reason: '',
      message: '',
    });
  });

  it('keeps what ContainerInstanceCreated says, whatever its status', () => {
    const condition = { type: 'ContainerInstanceCreated', status: 'False', reason: 'SpotDegraded' };
    expect(aKnownPod({ conditions: [condition] }).instance?.reason).toBe('SpotDegraded');
  });

  it('has since when it is Ready only while it is', () => {
    expect(aKnownPod({ readyAtMs: at(9) })).toMatchObject({ ready: true, readySinceMs: at(9) });
    expect(aKnownPod({ ready: false })).toMatchObject({ ready: false, readySinceMs: undefined });
  });

  it('of a pod with nothing but a name takes the defaults of Kubernetes', () => {
    expect(trimPod({ metadata: { name: 'bare' } })).toMatchObject({
      graceSeconds: 30,
      phase: 'Pending',
      labels: {},
      ready: false,
      createdAtMs: 0,
    });
    expect(() => trimPod({})).not.toThrow();
  });
});

describe('a pod', () => {
  it('that failed is terminal and serves nobody, whatever its Ready condition says', () => {
    const released = aKnownPod({ phase: 'Failed', reason: 'BidFailed', ready: true });
    expect(isTerminal(released)).toBe(true);
    expect(isLive(released)).toBe(false);
    expect(isServing(released)).toBe(false);
  });

  it('that terminates is neither terminal nor live', () => {
    const leaving = aKnownPod({ deletion: { atMs: at(0), graceSeconds: 30 } });
    expect(isTerminal(leaving)).toBe(false);
    expect(isLive(leaving)).toBe(false);
    expect(isServing(leaving)).toBe(false);
  });

  it('that is Pending lives and does not serve', () => {
    const waiting = aKnownPod({ phase: 'Pending' });
    expect(isLive(waiting)).toBe(true);
    expect(isServing(waiting)).toBe(false);
  });
});

describe('when a pod failed', () => {
  const message = 'The pod is spot instance, and have been released at 2026-03-01T12:36Z';
  const failedAt = (wishes: PodWishes): number | undefined =>
    aKnownPod({ phase: 'Failed', reason: 'BidFailed', ...wishes }).failedAtMs;

  it('is when it stopped being Ready, to the second', () => {
    expect(failedAt({ message, readyAtMs: at(36 * 60 + 42) })).toBe(at(36 * 60 + 42));
  });

  it('is when ECI says so, where it was unready before or still shows Ready', () => {
    expect(failedAt({ message, readyAtMs: at(60) })).toBe(at(36 * 60));
    expect(failedAt({ message, ready: true, readyAtMs: at(3_000) })).toBe(at(36 * 60));
  });

  it('is not before its creation, whatever it says, and unknown while it has not', () => {
    expect(failedAt({ ready: true, createdAtMs: at(5) })).toBe(at(5));
    expect(failedAt({ phase: 'Running' })).toBeUndefined();
  });
});
