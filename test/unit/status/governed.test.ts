import { describe, expect, it } from 'vitest';
import { revisionOf } from '../../../operator/policy/revision.ts';
import { listWorkloads, sumGoverned } from '../../../operator/status/governed.ts';
import { settledCounts } from '../../builders/counts.ts';
import type { SoundPolicy } from '../../../operator/world/policy.ts';
import type { View } from '../../../operator/world/view.ts';
import { aPod, anEvent, at, ownedBy, type PodWishes } from '../../builders/pod.ts';
import { aClusterPolicy, aPolicy, type PolicyWishes } from '../../builders/policy.ts';
import { aNamespace, aReplicaSet, aWorld, type Content, known } from '../../builders/world.ts';
import { aDeployment, aStatefulSet } from '../../builders/workloads.ts';

const sound = (wishes: PolicyWishes = {}) => known('SpotPolicy', aPolicy(wishes)) as SoundPolicy;
const told = (world: View, policy: SoundPolicy) => {
  const counts = settledCounts(world);
  return { ...sumGoverned(counts, policy), workloads: listWorkloads(counts, policy) };
};
const count = (pods: readonly PodWishes[], wishes: PolicyWishes = {}, content: Content = {}) =>
  told(
    aWorld({
      SpotPolicy: [aPolicy(wishes)],
      Deployment: [aDeployment()],
      ReplicaSet: [aReplicaSet()],
      Pod: pods.map(aPod),
      ...content,
    }),
    sound(wishes),
  );
const stamped = (revision = revisionOf(sound())): PodWishes => ({
  annotations: { 'spotpolicy.dev/policy': 'SpotPolicy/shop/web', 'spotpolicy.dev/revision': revision },
});

describe('the pods of a policy', () => {
  it('are the living ones of its namespace that it governs', () => {
    const { pods } = count([
      { name: 'a' },
      { name: 'b', labels: { app: 'api' } },
      { name: 'c', namespace: 'bank' },
      { name: 'd', phase: 'Failed' },
      { name: 'e', deletion: { atMs: at(0), graceSeconds: 30 } },
    ]);
    expect(pods.matched).toBe(1);
  });

  it('tell which virtual nodes are too old to evict them, those of other policies do not', () => {
    const annotations = { 'k8s.aliyun.com/vk-version': 'v2.10.0' };
    const { oldNodes } = count(
      [
        { name: 'a', nodeName: 'virtual-kubelet-a', annotations },
        { name: 'b', nodeName: 'virtual-kubelet-b' },
        { name: 'c', nodeName: 'virtual-kubelet-c', labels: { app: 'api' }, annotations },
      ],
      { spec: { interruption: { evictor: 'VirtualNode' } } },
    );
    expect(oldNodes).toEqual(['virtual-kubelet-a']);
  });

  it('stand on spot, on demand and why, or wait', () => {
    const strategy = 'k8s.aliyun.com/eci-spot-strategy';
    const { pods } = count(
      [
        { name: 'spot' },
        { name: 'plain', annotations: { [strategy]: undefined } },
        { name: 'fell-back' },
        { name: 'ordinary', nodeName: 'ordinary' },
        { name: 'waiting', phase: 'Pending' },
      ],
      {},
      { DegradeEvent: [anEvent({ pod: 'fell-back', reason: 'SpotDegraded' })] },
    );
    expect(pods).toMatchObject({
      ...{ matched: 5, spot: 1, onDemand: 3, fallback: 1, pending: 1, offVirtualNode: 1 },
    });
  });

  it('are outdated where an older revision or another policy annotated them', () => {
    const other = {
      annotations: { ...stamped().annotations, 'spotpolicy.dev/policy': 'SpotPolicy/shop/other' },
    };
    const { pods } = count([
      { name: 'current', ...stamped() },
      { name: 'older', ...stamped('000000000000') },
      { name: 'foreign', ...other },
    ]);
    expect(pods).toMatchObject({ outdated: 2, uninjected: 0 });
  });

  it('are uninjected where they were created under the policy and carry no stamp', () => {
    const wishes = { creationTimestamp: '2026-03-01T12:00:00Z' };
    const { pods } = count([{ name: 'older', createdAtMs: at(-1) }, { name: 'younger' }], wishes);
    expect(pods).toMatchObject({ outdated: 0, uninjected: 1 });
  });

  it('are neither where the policy annotates nothing', () => {
    const { pods } = count([{ name: 'a' }, { name: 'b', ...stamped('000000000000') }], {
      spec: { injection: { at: 'None' } },
    });
    expect(pods).toMatchObject({ matched: 2, outdated: 0, uninjected: 0 });
  });

  it('say where their user’s word was kept', () => {
    const kept = { annotations: { ...stamped().annotations, 'spotpolicy.dev/reason': 'UserValueKept' } };
    expect(
      count([
        { name: 'a', ...kept },
        { name: 'b', ...stamped() },
      ]).pods.userValueKept,
    ).toBe(1);
  });
});

describe('its workloads', () => {
  it('are those at the top of the chains of owners, sorted by kind and name', () => {
    const { workloads } = count(
      [
        { name: 'web-1' },
        { name: 'web-2', phase: 'Pending' },
        { name: 'db-0', owner: ownedBy('StatefulSet', 'db') },
        { name: 'bare', owner: undefined },
      ],
      {},
      { StatefulSet: [aStatefulSet()] },
    );
    expect(workloads).toEqual([
      {
        ref: { group: 'apps', kind: 'Deployment', namespace: 'shop', name: 'web' },
        ...{ pods: 2, spot: 1, onDemand: 0, fallback: 0 },
      },
      {
        ref: { group: 'apps', kind: 'StatefulSet', namespace: 'shop', name: 'db' },
        ...{ pods: 1, spot: 1, onDemand: 0, fallback: 0 },
      },
    ]);
  });
});

describe('the pods of a policy of the cluster', () => {
  it('are those of every namespace that it reaches, each counted by itself', () => {
    const base = aClusterPolicy({ spec: { namespaceSelector: { matchLabels: { team: 'a' } } } });
    const world = aWorld({
      ClusterSpotPolicy: [base],
      SpotPolicy: [aPolicy({ namespace: 'bank', spec: { selector: { matchLabels: { app: 'own' } } } })],
      Namespace: [
        aNamespace('shop', { team: 'a' }),
        aNamespace('bank', { team: 'a' }),
        aNamespace('farm', { team: 'b' }),
      ],
      Pod: [
        aPod({ name: 'a' }),
        aPod({ name: 'b', phase: 'Pending' }),
        aPod({ name: 'c', namespace: 'bank' }),
        aPod({ name: 'd', namespace: 'bank', labels: { app: 'own' } }),
        aPod({ name: 'e', namespace: 'farm' }),
      ],
    });
    const governed = told(world, known('ClusterSpotPolicy', base) as SoundPolicy);
    expect(governed.pods).toMatchObject({ matched: 3, spot: 2, pending: 1 });
    expect(governed.namespaces).toEqual([
      { name: 'bank', pods: 1, spot: 1, onDemand: 0 },
      { name: 'shop', pods: 2, spot: 1, onDemand: 0 },
    ]);
    expect(governed.workloads.map(({ ref }) => `${ref.namespace}/${ref.name}`)).toEqual([
      'bank/web-abc',
      'shop/web-abc',
    ]);
    expect(governed.winners).toEqual(['SpotPolicy/bank/web']);
  });
});

describe('policies that differ in nothing but their names', () => {
  const tied = (other: PolicyWishes['spec'], mine: PolicyWishes['spec'] = {}) => {
    const SpotPolicy = [aPolicy({ spec: mine }), aPolicy({ name: 'a', spec: other })];
    const { tiedWinners, tiedLosers } = count([{ name: 'p' }], { spec: mine }, { SpotPolicy });
    return { tiedWinners, tiedLosers };
  };

  it('are told of on both sides', () => {
    expect(tied({})).toEqual({ tiedWinners: ['a'], tiedLosers: [] });
    const SpotPolicy = [aPolicy(), aPolicy({ name: 'z' })];
    expect(count([{ name: 'p' }], {}, { SpotPolicy })).toMatchObject({ tiedWinners: [], tiedLosers: ['z'] });
  });

  it('are not where a priority, a target or a mode tells them apart, or where they share no pod', () => {
    const nobody = { tiedWinners: [], tiedLosers: [] };
    const targetRefs = [{ group: 'apps', kind: 'Deployment', name: 'web' }];
    expect(tied({ priority: 1 })).toEqual(nobody);
    expect(tied({ priority: -1 })).toEqual(nobody);
    expect(tied({ targetRefs })).toEqual(nobody);
    expect(tied({ mode: 'Disabled' })).toEqual(nobody);
    expect(tied({ selector: { matchLabels: { app: 'api' } } })).toEqual(nobody);
    expect(tied({ targetRefs }, { targetRefs })).toEqual({ tiedWinners: ['a'], tiedLosers: [] });
  });
});

describe('policies that win its pods', () => {
  it('are named once each', () => {
    const winner = aPolicy({ name: 'winner', spec: { priority: 1 } });
    const { pods, winners } = count([{ name: 'a' }, { name: 'b' }], {}, { SpotPolicy: [winner, aPolicy()] });
    expect(pods.matched).toBe(0);
    expect(winners).toEqual(['winner']);
  });

  it('are only those that govern what it selects', () => {
    const other = aPolicy({
      name: 'other',
      spec: { priority: 1, selector: { matchLabels: { app: 'api' } } },
    });
    const { winners } = count(
      [{ name: 'a' }, { name: 'b', labels: { app: 'api' } }],
      {},
      {
        SpotPolicy: [other, aPolicy()],
      },
    );
    expect(winners).toEqual([]);
  });
});

describe('the deviation of a workload', () => {
  const onDemand = { annotations: { 'k8s.aliyun.com/eci-spot-strategy': undefined } };
  const dividing = { spec: { distribution: { onDemandBase: 1, spotPercentage: 50 } } };
  const deviation = (pods: readonly PodWishes[], wishes: PolicyWishes = dividing) =>
    count(pods, wishes, { ReplicaSet: [aReplicaSet(), aReplicaSet('web-def')] }).workloads.map(
      (workload) => workload.deviation,
    );

  it('is absent where the policy does not divide its pods', () => {
    expect(deviation([{ name: 'a' }], {})).toEqual([undefined]);
  });

  it('is the number of pods on the wrong side, of each revision by itself', () => {
    const rest = [
      { name: 'b', ...onDemand },
      { name: 'c', ...onDemand },
    ];
    expect(deviation([{ name: 'a' }, ...rest])).toEqual([0]);
    expect(deviation([{ name: 'a' }, { name: 'd' }, ...rest])).toEqual([1]);
    const owner = ownedBy('ReplicaSet', 'web-def');
    expect(deviation([{ name: 'a' }, { name: 'd' }, ...rest, { name: 'e', owner }])).toEqual([2]);
  });

  it('goes by the index of numbered pods', () => {
    const owner = ownedBy('StatefulSet', 'db');
    const row = [
      { name: 'db-0', owner },
      { name: 'db-1', owner, ...onDemand },
      { name: 'db-2', owner, ...onDemand },
    ];
    // As many as asked for, but not those.
    expect(deviation(row)).toEqual([2]);
  });
});
