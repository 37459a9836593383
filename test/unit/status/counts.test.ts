import { describe, expect, it } from 'vitest';
import { Counts } from '../../../operator/status/counts.ts';
import { sumGoverned } from '../../../operator/status/governed.ts';
import { isSound } from '../../../operator/world/policy.ts';
import type { Change } from '../../../operator/world/view.ts';
import { settle } from '../../builders/counts.ts';
import { anEvent, aPod, noonMs, ownedBy, uidOf } from '../../builders/pod.ts';
import { aClusterPolicy, aPolicy } from '../../builders/policy.ts';
import { aDeployment, aStatefulSet } from '../../builders/workloads.ts';
import { aNamespace, aReplicaSet, aWorld, drop, put } from '../../builders/world.ts';

const podsOf = (set: string, namespace = 'shop') =>
  Array.from({ length: 20 }, (_, index) =>
    aPod({ name: `${set}-${index}`, namespace, owner: ownedBy('ReplicaSet', set, namespace) }),
  );

/** Two namespaces of forty and twenty pods under one policy of the cluster, looked at once. */
const settledCluster = () => {
  const world = aWorld({
    Namespace: [aNamespace(), aNamespace('bank')],
    ClusterSpotPolicy: [aClusterPolicy({ spec: { namespaceSelector: {} } })],
    Deployment: [aDeployment()],
    ReplicaSet: [aReplicaSet('web-a'), aReplicaSet('web-b')],
    Pod: [...podsOf('web-a'), ...podsOf('web-b'), ...podsOf('web-c', 'bank')],
  });
  const counts = new Counts(world);
  settle(counts);
  const all = [...world.policies.all()].find(({ kind }) => kind === 'ClusterSpotPolicy');
  if (!all || !isSound(all)) throw new Error('the policy is not understood');
  /** How many pods the next look counts anew. */
  const recounted = (changes: readonly Change[]): number => {
    for (const change of changes) counts.note(change);
    return [...counts.settle(all)].length;
  };
  return { world, counts, all, recounted };
};

// After an edit each namespace is asked whether anything still governs there.
const asked = 2;

describe('a look counts anew', () => {
  it('the pod that has changed, and nothing where nothing has', () => {
    const { world, recounted } = settledCluster();
    expect(recounted([])).toBe(0);
    expect(recounted(put(world, 'Pod', aPod({ name: 'web-a-7', phase: 'Pending' })))).toBe(1);
    expect(recounted([])).toBe(0);
    expect(recounted(put(world, 'Pod', aPod({ name: 'new' })))).toBe(1);
    // What is gone is taken away as it goes.
    expect(recounted(drop(world, 'Pod', aPod({ name: 'new' })))).toBe(0);
  });

  it('a pod once, however often it has changed', () => {
    const { world, recounted } = settledCluster();
    const changes = ['Pending', 'Running', 'Pending'] as const;
    expect(recounted(changes.flatMap((phase) => put(world, 'Pod', aPod({ name: 'web-a-7', phase }))))).toBe(
      1,
    );
  });

  it('the pods below an owner that has come, gone or moved, and no others', () => {
    const { world, recounted } = settledCluster();
    expect(recounted(put(world, 'Deployment', aDeployment({ replicas: 9 })))).toBe(0);
    expect(recounted(put(world, 'ReplicaSet', aReplicaSet('web-a', 'api')))).toBe(20);
    expect(recounted(drop(world, 'Deployment', aDeployment()))).toBe(20);
    expect(recounted(put(world, 'StatefulSet', aStatefulSet()))).toBe(0);
  });

  it('the pod that an Event is about, also when that is over', () => {
    const { world, recounted } = settledCluster();
    const event = anEvent({ pod: 'web-a-1', uid: uidOf('Pod', 'web-a-1') });
    expect(recounted(put(world, 'DegradeEvent', event))).toBe(1);
    expect(recounted(drop(world, 'DegradeEvent', event))).toBe(1);
  });

  it('the namespaces whose rules have changed', () => {
    const { world, recounted } = settledCluster();
    expect(recounted(put(world, 'SpotPolicy', aPolicy({ namespace: 'bank', generation: 1 })))).toBe(
      20 + asked,
    );
    const status = { observedGeneration: 1, conditions: [] };
    expect(recounted(put(world, 'SpotPolicy', aPolicy({ namespace: 'bank', generation: 1, status })))).toBe(
      0,
    );
    expect(recounted(put(world, 'Namespace', aNamespace('shop', { team: 'a' })))).toBe(40 + asked);
  });

  it('the namespaces that name a kind whose objects are not held any more', () => {
    const { world, recounted } = settledCluster();
    recounted(put(world, 'Pod', aPod({ name: 'other', owner: ownedBy('CloneSet', 'other') })));
    const before = world.ownerKind({ group: 'apps.kruise.io', kind: 'CloneSet' });
    expect(recounted([{ kind: 'OwnerKind', before, after: before }])).toBe(0);
    expect(recounted([{ kind: 'OwnerKind', before, after: undefined }])).toBe(41);
  });

  it('everything where a node turns out to be virtual, and nothing for any other node', () => {
    const { world, recounted } = settledCluster();
    const node = { metadata: { name: 'ordinary' } };
    expect(recounted(put(world, 'Node', node))).toBe(0);
    expect(recounted(drop(world, 'Node', node))).toBe(0);
    const labels = { type: 'virtual-kubelet' };
    expect(recounted(put(world, 'Node', { metadata: { name: 'another', labels } }))).toBe(60);
  });
});

describe('while a look is under way', () => {
  it('every pod is counted once, by the rules from before or those of now', () => {
    const { world, counts, all } = settledCluster();
    for (const change of put(world, 'Namespace', aNamespace('shop', { team: 'a' }))) counts.note(change);
    for (const _ of counts.settle(all)) expect(sumGoverned(counts, all).pods.matched).toBe(60);
  });

  it('what becomes due is left to the next one', () => {
    const { world, counts, all } = settledCluster();
    for (const change of put(world, 'Namespace', aNamespace('bank', { team: 'a' }))) counts.note(change);
    let steps = 0;
    for (const _ of counts.settle(all)) {
      steps += 1;
      if (steps > 100) break;
      for (const change of put(world, 'Pod', aPod({ name: 'web-c-0', namespace: 'bank' })))
        counts.note(change);
    }
    expect(steps).toBe(20 + asked);
    expect([...counts.settle(all)]).toHaveLength(1);
  });
});

it('an Event that names the UID of another pod counts no more when that one has gone', () => {
  const { world, counts, all, recounted } = settledCluster();
  const event = anEvent({ pod: 'web-a-1', uid: uidOf('Pod', 'web-a-2'), lastAtMs: noonMs + 5_000 });
  recounted(put(world, 'DegradeEvent', event));
  expect(sumGoverned(counts, all).pods.fallback).toBe(1);
  const [gone] = podsOf('web-a').slice(2);
  if (gone) recounted(drop(world, 'Pod', gone));
  expect(sumGoverned(counts, all).pods.fallback).toBe(0);
});
