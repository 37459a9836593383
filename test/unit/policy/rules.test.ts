import { describe, expect, it } from 'vitest';
import { covers, governingPolicy, isOptedOut, rulesOf } from '../../../operator/policy/rules.ts';
import type { Policy, SoundPolicy } from '../../../operator/world/policy.ts';
import { aKnownPod, ownedBy, type PodWishes } from '../../builders/pod.ts';
import {
  aClusterPolicy,
  aPolicy,
  type ClusterPolicyWishes,
  type PolicyWishes,
} from '../../builders/policy.ts';
import { aNamespace, aReplicaSet, aWorld, type Content, known } from '../../builders/world.ts';
import { aCronJob, aDeployment } from '../../builders/workloads.ts';

const policy = (name: string, spec: PolicyWishes['spec'] = {}): Policy =>
  known('SpotPolicy', aPolicy({ name, spec }));
const order = (...policies: Policy[]): string[] => rulesOf(policies).map(({ name }) => name);
const deployment = { group: 'apps', kind: 'Deployment', name: 'web' };

describe('the order in which policies are asked', () => {
  it('is by priority, the highest first', () => {
    expect(order(policy('a'), policy('b', { priority: 5 }), policy('c', { priority: -1 }))).toEqual([
      'b',
      'a',
      'c',
    ]);
  });

  it('is among equals those that name their workloads before those that only select', () => {
    const targeted = policy('z', { targetRefs: [deployment] });
    const alone = policy('y', { selector: undefined, targetRefs: [deployment] });
    expect(order(policy('a'), targeted, alone)).toEqual(['y', 'z', 'a']);
  });

  it('is a matter of priority before one of targets', () => {
    expect(order(policy('a', { priority: 1 }), policy('z', { targetRefs: [deployment] }))).toEqual([
      'a',
      'z',
    ]);
  });

  it('is by name in the end, and age does not count', () => {
    const old = known('SpotPolicy', aPolicy({ name: 'b', creationTimestamp: '2020-01-01T00:00:00Z' }));
    expect(order(old, policy('a'))).toEqual(['a', 'b']);
  });

  it('is by level before anything else: overrides, the namespace’s own, defaults', () => {
    const ofCluster = (name: string, spec: ClusterPolicyWishes['spec']): Policy =>
      known('ClusterSpotPolicy', aClusterPolicy({ name, spec }));
    expect(
      order(
        ofCluster('a-defaults', { priority: 9 }),
        policy('b', { priority: 5 }),
        ofCluster('z-overrides', { precedence: 'Overrides', priority: -9 }),
        ofCluster('a-lower-defaults', { precedence: 'Defaults' }),
      ),
    ).toEqual(['z-overrides', 'b', 'a-defaults', 'a-lower-defaults']);
  });

  it('leaves out what is disabled and what cannot be understood', () => {
    expect(
      order(policy('a', { mode: 'Disabled' }), policy('b', { strategy: undefined }), policy('c')),
    ).toEqual(['c']);
  });
});

describe('a policy covers a pod', () => {
  const chain = [
    { ...deployment, kind: 'ReplicaSet', name: 'web-abc', namespace: 'shop', uid: '1' },
    { ...deployment, namespace: 'shop', uid: '2' },
  ];
  const covered = (spec: PolicyWishes['spec'], labels: Record<string, string> = { app: 'web' }): boolean =>
    covers(policy('p', spec) as SoundPolicy, labels, () => chain);

  it('by its selector', () => {
    expect(covered({})).toBe(true);
    expect(covered({}, { app: 'api' })).toBe(false);
    expect(covered({ selector: {} }, {})).toBe(true);
  });

  it('by any workload of its chain that a target names', () => {
    const target = (more: object) =>
      covered({ selector: undefined, targetRefs: [{ ...deployment, ...more }] });
    expect(target({})).toBe(true);
    expect(target({ kind: 'ReplicaSet', name: 'web-abc' })).toBe(true);
    expect(target({ name: 'api' })).toBe(false);
    expect(target({ kind: 'StatefulSet' })).toBe(false);
    expect(target({ group: '' })).toBe(false);
  });

  it('by one of several targets', () => {
    const targetRefs = [{ ...deployment, name: 'api' }, deployment];
    expect(covered({ selector: undefined, targetRefs })).toBe(true);
  });

  it('only by both where both are given', () => {
    expect(covered({ targetRefs: [deployment] })).toBe(true);
    expect(covered({ targetRefs: [deployment] }, { app: 'api' })).toBe(false);
    expect(covered({ targetRefs: [{ ...deployment, name: 'api' }] })).toBe(false);
  });
});

describe('the policy that governs a pod', () => {
  const governor = (content: Content, pod: PodWishes = {}): string | undefined =>
    governingPolicy(aWorld(content), aKnownPod(pod))?.name;

  it('is the first that covers it', () => {
    const loser = aPolicy({ name: 'a' });
    const winner = aPolicy({ name: 'b', spec: { priority: 1 } });
    const elsewhere = aPolicy({
      name: 'c',
      spec: { priority: 9, selector: { matchLabels: { app: 'api' } } },
    });
    expect(governor({ SpotPolicy: [loser, winner, elsewhere] })).toBe('b');
  });

  it('is one of its own namespace', () => {
    expect(governor({ SpotPolicy: [aPolicy({ namespace: 'bank' })] })).toBeUndefined();
  });

  it('finds a Deployment through the owner chain, also one not seen yet', () => {
    const SpotPolicy = [aPolicy({ spec: { selector: undefined, targetRefs: [deployment] } })];
    const seen = { SpotPolicy, Deployment: [aDeployment()], ReplicaSet: [aReplicaSet()] };
    expect(governor(seen)).toBe('web');
    expect(governor({ SpotPolicy })).toBeUndefined();
    expect(governor({ SpotPolicy }, { labels: { 'pod-template-hash': 'abc' } })).toBe('web');
  });

  it('finds a CronJob through its Job', () => {
    const targetRefs = [{ group: 'batch', kind: 'CronJob', name: 'nightly' }];
    const SpotPolicy = [aPolicy({ spec: { selector: undefined, targetRefs } })];
    const owner = ownedBy('Job', 'nightly-29553120');
    expect(governor({ SpotPolicy, CronJob: [aCronJob()] }, { owner })).toBe('web');
  });

  it('is one of the cluster where its selector takes the namespace, whose labels must be known', () => {
    const ClusterSpotPolicy = [
      aClusterPolicy({ spec: { namespaceSelector: { matchLabels: { team: 'a' } } } }),
    ];
    const ofTeam = (team: string) => ({ ClusterSpotPolicy, Namespace: [aNamespace('shop', { team })] });
    expect(governor(ofTeam('a'))).toBe('base');
    expect(governor(ofTeam('b'))).toBeUndefined();
    expect(governor({ ClusterSpotPolicy: [aClusterPolicy()] })).toBeUndefined();
  });

  it('is none in an exempt namespace', () => {
    const ClusterSpotPolicy = [aClusterPolicy({ spec: { precedence: 'Overrides' } })];
    const SpotPolicy = [aPolicy({ namespace: 'kube-system' })];
    const Namespace = [aNamespace('kube-system'), aNamespace()];
    const content = { ClusterSpotPolicy, SpotPolicy, Namespace };
    expect(governor(content, { namespace: 'kube-system' })).toBeUndefined();
    expect(governor(content)).toBe('base');
  });

  it('is an override even where the pod wants to be left alone, not where the namespace does', () => {
    const optOut = { 'spotpolicy.dev/inject': 'false' };
    const overriding = (labels: Record<string, string> = {}) => ({
      ClusterSpotPolicy: [aClusterPolicy({ spec: { precedence: 'Overrides' } })],
      Namespace: [aNamespace('shop', labels)],
    });
    expect(governor(overriding(), { labels: optOut })).toBe('base');
    expect(governor(overriding(optOut), { labels: optOut })).toBeUndefined();
    const defaulting = { ClusterSpotPolicy: [aClusterPolicy()], Namespace: [aNamespace()] };
    expect(governor(defaulting, { labels: optOut })).toBeUndefined();
  });

  it('is none for a pod or a namespace that wants to be left alone', () => {
    const SpotPolicy = [aPolicy()];
    const optOut = { 'spotpolicy.dev/inject': 'false' };
    expect(governor({ SpotPolicy })).toBe('web');
    expect(governor({ SpotPolicy }, { labels: optOut })).toBeUndefined();
    expect(governor({ SpotPolicy, Namespace: [aNamespace('shop', optOut)] })).toBeUndefined();
    expect(governor({ SpotPolicy, Namespace: [aNamespace('bank', optOut)] })).toBe('web');
  });
});

it('only "false" opts out', () => {
  const optedOut = (value: string) => isOptedOut(aKnownPod({ labels: { 'spotpolicy.dev/inject': value } }));
  expect(['false', 'true', '', 'False'].map(optedOut)).toEqual([true, false, false, false]);
});
