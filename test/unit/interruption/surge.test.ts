import type { Deployment } from 'kubernetes-types/apps/v1.js';
import { describe, expect, it } from 'vitest';
import { type Surge, surgeOf } from '../../../operator/interruption/surge.ts';
import type { Interruption } from '../../../operator/world/interruption.ts';
import { anInterruption, settingsOf } from '../../builders/interruption.ts';
import { aPod, at, ownedBy, type PodWishes, uidOf } from '../../builders/pod.ts';
import { aReplicaSet, aWorld, type Content, put } from '../../builders/world.ts';
import { aDeployment } from '../../builders/workloads.ts';

const deployment = (more: Partial<Deployment['spec']> = {}, replicas = 2): Deployment => {
  const manifest = aDeployment({ replicas });
  return { ...manifest, spec: { ...manifest.spec, ...more } as NonNullable<Deployment['spec']> };
};
const surge = (
  content: Content = {},
  interruption: Partial<Interruption> = {},
  doomed: PodWishes = {},
): Surge | undefined => {
  const world = aWorld({
    Deployment: [deployment()],
    ReplicaSet: [aReplicaSet()],
    Pod: [aPod(doomed), aPod({ name: 'web-2' })],
    ...content,
  });
  const pod = world.pods.byUid(uidOf('Pod', 'web-1'));
  if (!pod) throw new Error('there is no such pod');
  return surgeOf(world, anInterruption(interruption), pod, at(0));
};
const reason = (content: Content, doomed: PodWishes = {}): string | undefined => {
  const found = surge(content, {}, doomed);
  return found?.kind === 'Impossible' ? found.because : undefined;
};
const revised = (revision: string) => ({ 'deployment.kubernetes.io/revision': revision });

describe('the replacement of a pod', () => {
  it('can start first where nothing is in the way', () => {
    expect(surge()).toEqual({
      kind: 'Possible',
      origin: { name: 'web-abc', uid: uidOf('ReplicaSet', 'web-abc') },
      deployment: { name: 'web', uid: uidOf('Deployment', 'web') },
      ready: 2,
    });
  });

  it('is nobody’s question where the policy, the owner or an earlier look says so', () => {
    expect(surge({}, { settings: settingsOf({ replacement: 'AfterEviction' }) })).toBeUndefined();
    expect(surge({}, { plainly: 'quota small has no room' })).toBeUndefined();
    expect(surge({}, { plan: { when: 'Late', because: '', charged: false } })).toBeUndefined();
    expect(surge({}, {}, { owner: ownedBy('StatefulSet', 'db') })).toBeUndefined();
    expect(surge({}, {}, { owner: ownedBy('Pod', 'driver') })).toBeUndefined();
    expect(surge({}, {}, { owner: undefined })).toBeUndefined();
  });

  it('cannot where a controller makes exactly the pods that it wants', () => {
    const text = (owner: string) => `${owner} has no place for a pod beside those it wants`;
    expect(reason({ ReplicaSet: [aReplicaSet('web-abc', null)] })).toBe(text('ReplicaSet web-abc'));
    expect(reason({}, { owner: ownedBy('ReplicationController', 'web') })).toBe(
      text('ReplicationController web'),
    );
    expect(reason({}, { owner: ownedBy('Database', 'db') })).toBe(text('Database db'));
    expect(reason({ ReplicaSet: [] })).toBe('ReplicaSet web-abc is not known');
    expect(reason({ Deployment: [] })).toBe('Deployment web is not known');
  });

  it('cannot where its ReplicaSet belongs to something else, which has no place for one more', () => {
    const owner = ownedBy('Rollout', 'web');
    expect(
      reason({ ReplicaSet: [{ ...aReplicaSet(), metadata: { name: 'web-abc', ownerReferences: [owner] } }] }),
    ).toBe('Rollout web has no place for a pod beside those it wants');
  });

  it('cannot where a budget of Kruise would refuse a pod that is out of its ReplicaSet', () => {
    expect(reason({}, { annotations: { 'kruise.io/related-pub': 'web' } })).toBe(
      'PodUnavailableBudget web counts it in its ReplicaSet',
    );
  });

  it('cannot where the Deployment has no pod to spare', () => {
    const none = 'Deployment web allows no pod more than it wants';
    expect(reason({ Deployment: [deployment({ strategy: { type: 'Recreate' } })] })).toBe(none);
    const surging = (maxSurge: number | string) =>
      reason({
        Deployment: [deployment({ strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge } } })],
      });
    expect([surging(0), surging('0%')]).toEqual([none, none]);
    expect([surging(1), surging('1%')]).toEqual([undefined, undefined]);
    expect(reason({ Deployment: [deployment({}, 0)] })).toBe('Deployment web is scaled to 0');
  });

  it('cannot where its ReplicaSet is an older one, or creates nothing', () => {
    const ReplicaSet = [
      { ...aReplicaSet(), metadata: { ...aReplicaSet().metadata, annotations: revised('1') } },
    ];
    const Deployment = [{ ...deployment(), metadata: { name: 'web', annotations: revised('2') } }];
    expect(reason({ ReplicaSet, Deployment })).toBe(
      'ReplicaSet web-abc is not the current one of Deployment web',
    );
    const conditions = [{ type: 'ReplicaFailure', status: 'True' }];
    expect(reason({ ReplicaSet: [{ ...aReplicaSet(), status: { replicas: 1, conditions } }] })).toBe(
      'ReplicaSet web-abc cannot create pods',
    );
  });
});

describe('a replacement under way', () => {
  const detached = {
    origin: { name: 'web-abc', uid: uidOf('ReplicaSet', 'web-abc') },
    atMs: at(0),
    ready: 2,
  };
  const underWay = (content: Content = {}) =>
    surge(content, { detached }, { owner: ownedBy('Deployment', 'web') });

  it('counts the other Ready pods from when they count', () => {
    expect(underWay()).toEqual({ kind: 'UnderWay', wanted: 2, availableAtMs: [at(0)], creationFails: false });
    expect(underWay({ Deployment: [deployment({ minReadySeconds: 10 })] })).toMatchObject({
      availableAtMs: [at(10)],
    });
  });

  it('counts a pod from when it was seen to be Ready, where a provider stamps that with its creation', () => {
    const owner = ownedBy('Deployment', 'web');
    const world = aWorld(
      {
        Deployment: [deployment({ minReadySeconds: 10 })],
        ReplicaSet: [aReplicaSet()],
        Pod: [aPod({ owner }), aPod({ name: 'web-2', ready: false, createdAtMs: at(-300) })],
      },
      at(0),
    );
    put(world, 'Pod', aPod({ name: 'web-2', createdAtMs: at(-300), readyAtMs: at(-300) }), at(60));
    const pod = world.pods.byUid(uidOf('Pod', 'web-1'));
    if (!pod) throw new Error('there is no such pod');
    expect(surgeOf(world, anInterruption({ detached }), pod, at(61))).toMatchObject({
      availableAtMs: [at(70)],
    });
  });

  it('counts no pods while the watch still shows the pod in its ReplicaSet', () => {
    expect(surge({}, { detached })).toMatchObject({
      ...{ kind: 'UnderWay', wanted: Number.POSITIVE_INFINITY, availableAtMs: [] },
    });
  });

  it('is wanted by nobody once the Deployment is gone', () => {
    expect(underWay({ Deployment: [] })).toMatchObject({ kind: 'UnderWay', wanted: 0 });
  });
});
