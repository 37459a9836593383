import { randomBytes } from 'node:crypto';
import type { Event, Namespace } from 'kubernetes-types/core/v1.js';
import { afterAll, describe, expect, test } from 'vitest';
import { reclaim } from '../../../hack/cluster/reclaim.ts';
import { aClusterPolicy, aPolicy, type ClusterPolicyWishes } from '../../builders/policy.ts';
import { aDeployment } from '../../builders/workloads.ts';
import { aNamespace, sharedCluster, waitFor } from '../harness/cluster.ts';
import {
  aProgrammedPolicy,
  create,
  interruptionOf,
  isProgrammed,
  pathTo,
  readyPods,
  statusOf,
} from '../harness/objects.ts';
import { timesTold, uidOf } from '../harness/scene.ts';
import { sentNamespaces } from '../harness/webhook-configuration.ts';
import { admit, aPod, governorOf, type PodWishes } from './admitted.ts';

const { admin, kubectl } = await sharedCluster();

// Other files share the cluster: each policy here takes only namespaces that carry a label of its own.
const made: string[] = [];
afterAll(() => Promise.all(made.map((name) => admin.delete(pathTo('ClusterSpotPolicy', '', name)))));

const unique = (prefix: string): string => `${prefix}-${randomBytes(4).toString('hex')}`;
const of = (team: string) => ({ matchLabels: { team } });

const aClusterWide = async (prefix: string, spec: ClusterPolicyWishes['spec']): Promise<string> => {
  const name = unique(prefix);
  const policy = aClusterPolicy({ name, spec });
  await admin.post(pathTo('ClusterSpotPolicy', ''), { ...policy, metadata: { name } });
  made.push(name);
  await isProgrammed(admin, '', name);
  return name;
};

const governorOfNew = async (namespace: string, wishes: PodWishes = {}): Promise<string | undefined> =>
  governorOf(await admit(admin, namespace, aPod(wishes)));

const optOut = { 'spotpolicy.dev/inject': 'false' };

describe.concurrent('a policy of the cluster', () => {
  test('governs in the namespaces that its selector takes, and counts their pods', async () => {
    const team = unique('team');
    const [one, two, other] = await Promise.all([
      aNamespace({ labels: { team } }),
      aNamespace({ labels: { team } }),
      aNamespace(),
    ]);
    const name = await aClusterWide('base', { namespaceSelector: of(team) });
    await Promise.all([
      create(admin, one, aDeployment({ replicas: 2 })),
      create(admin, two, aDeployment()),
      create(admin, other, aDeployment()),
    ]);
    const pods = await Promise.all(
      [one, two, other].map((at, index) => readyPods(admin, at, 'web', 2 - Math.min(index, 1))),
    );
    expect(pods.map((found) => found.map(governorOf))).toEqual([[name, name], [name], [undefined]]);
    expect(pods[0]?.[0]?.metadata?.annotations?.['spotpolicy.dev/policy']).toBe(`ClusterSpotPolicy/${name}`);

    const status = await waitFor('the counts', async () => {
      const found = await statusOf(admin, '', name);
      return found.pods?.spot === 3 && found;
    });
    const counts = new Map([
      [one, 2],
      [two, 1],
    ]);
    const namespaces = [one, two].toSorted();
    expect(status.namespaces).toEqual(
      namespaces.map((at) => ({ name: at, pods: counts.get(at), spot: counts.get(at), onDemand: 0 })),
    );
    expect(status.namespacesTotal).toBe(2);
    expect(status.workloads?.map(({ ref, pods: count }) => [ref.namespace, ref.name, count])).toEqual(
      namespaces.map((at) => [at, 'web', counts.get(at)]),
    );
    const { stdout } = await kubectl(['get', 'cspp', name, '-o', 'wide']);
    expect(stdout).toMatch(/PRECEDENCE +NAMESPACES\n/);
    expect(stdout).toMatch(/Defaults +2\n/);
  });

  test('is Programmed although the first of its namespaces terminates and never ends', async () => {
    const team = unique('team');
    const stuck = unique('a-stuck');
    await admin.post('/api/v1/namespaces', { metadata: { name: stuck, labels: { team } } });
    const configMaps = `/api/v1/namespaces/${stuck}/configmaps`;
    const held = { name: 'held', finalizers: ['spotpolicy.dev/test'] };
    await admin.post(configMaps, { metadata: held });
    await admin.delete(`/api/v1/namespaces/${stuck}`);
    const namespace = await aNamespace({ labels: { team } });
    expect(stuck < namespace).toBe(true);
    const name = await aClusterWide('ending', { namespaceSelector: of(team) });
    expect(await governorOfNew(namespace)).toBe(name);
    const { metadata } = await admin.get<Namespace>(`/api/v1/namespaces/${stuck}`);
    expect(metadata?.deletionTimestamp).toBeDefined();
    await admin.patch(`${configMaps}/held`, { metadata: { finalizers: [] } });
  });

  test('follows the labels of namespaces within a second, both ways', async () => {
    const team = unique('team');
    const [namespace, asked] = await Promise.all([aNamespace(), aNamespace()]);
    // There the API server asks admission whatever the label: it is for the rules alone to follow.
    const other = { selector: { matchLabels: { app: 'other' } } };
    await aProgrammedPolicy(admin, asked, aPolicy({ name: 'other', spec: other }));
    const name = await aClusterWide('follows', { namespaceSelector: of(team) });
    expect((await statusOf(admin, '', name)).namespacesTotal).toBe(0);

    const follows = async (place: string, labels: object, expected: string | undefined): Promise<number> => {
      await admin.patch(`/api/v1/namespaces/${place}`, { metadata: { labels } });
      const sinceMs = performance.now();
      await waitFor('new pods to follow', async () => (await governorOfNew(place)) === expected);
      return performance.now() - sinceMs;
    };
    const relabel = async (labels: object, expected: string | undefined): Promise<number> => {
      const delays = await Promise.all([namespace, asked].map((place) => follows(place, labels, expected)));
      // So that the next label is followed by what the API server asks as well.
      if (expected === undefined)
        await waitFor('no pod to be sent', async () => !(await sentNamespaces(admin)).includes(namespace));
      return Math.max(...delays);
    };
    const delaysMs = [
      await relabel({ team }, name),
      await relabel(optOut, undefined),
      await relabel({ 'spotpolicy.dev/inject': null }, name),
      await relabel({ team: null }, undefined),
      await relabel({ team }, name),
    ];
    // The machine may be busy for one of them.
    expect(delaysMs.toSorted((a, b) => a - b)[2]).toBeLessThan(1_000);
    await waitFor(
      'its status to follow',
      async () => (await statusOf(admin, '', name)).namespacesTotal === 2,
    );
  });

  test('handles the reclaim of a pod, which its status names with the namespace, and Events tell of it', async () => {
    const team = unique('team');
    const namespace = await aNamespace({ labels: { team } });
    const name = await aClusterWide('reclaims', { namespaceSelector: of(team) });
    await create(admin, namespace, aDeployment());
    const [pod] = await readyPods(admin, namespace, 'web', 1);
    if (!pod) throw new Error('there is no pod to reclaim');
    await reclaim(admin, pod, { minutes: 3, uid: 'pod' });
    const policy = { namespace: '', name };
    const entry = await interruptionOf(admin, policy, uidOf(pod), ({ phase }) => phase === 'Done');
    expect(entry).toMatchObject({ namespace, pod: pod.metadata?.name, outcome: 'Replaced' });
    const { totals } = await statusOf(admin, '', name);
    expect(totals).toMatchObject({ noticed: 1, evicted: 1, replaced: 1 });

    const { metadata } = await admin.get(pathTo('ClusterSpotPolicy', '', name));
    const events = await waitFor('Events on the policy', async () => {
      const selector = encodeURIComponent(`involvedObject.uid=${metadata?.uid}`);
      const found = await admin.list<Event>(`${pathTo('Event', 'default')}?fieldSelector=${selector}`);
      return timesTold(found, 'PodEvicted') > 0 && found;
    });
    expect(timesTold(events, 'PodEvicted')).toBe(1);
    expect(events[0]?.message).toContain(`pod ${namespace}/${pod.metadata?.name}: `);
  });
});

describe.concurrent('of policies of the cluster and of the namespace governs', () => {
  const scene = async (): Promise<{ namespace: string; defaults: string; overrides: string }> => {
    const team = unique('team');
    const namespace = await aNamespace({ labels: { team } });
    // Priorities speak for the other level wherever they may not decide.
    const forApp = (app: string) => ({ selector: { matchLabels: { [app]: 'yes' } } });
    const [defaults, overrides] = await Promise.all([
      aClusterWide('a', { namespaceSelector: of(team), priority: 1000 }),
      aClusterWide('z', {
        ...{ namespaceSelector: of(team), precedence: 'Overrides', strategy: 'NoSpot' },
        ...{ ...forApp('critical'), priority: -1000 },
      }),
      aProgrammedPolicy(admin, namespace, aPolicy({ name: 'own', spec: forApp('own') })),
    ]);
    return { namespace, defaults, overrides };
  };

  test('an override before the namespace’s own, that before a default, and only the override where the pod opts out', async () => {
    const { namespace, defaults, overrides } = await scene();
    const governor = (labels: Record<string, string>) => governorOfNew(namespace, { labels });
    const own = { own: 'yes' };
    const critical = { critical: 'yes' };
    expect(await governor({})).toBe(defaults);
    expect(await governor(own)).toBe('own');
    expect(await governor({ ...own, ...critical })).toBe(overrides);
    expect(await governor(optOut)).toBeUndefined();
    expect(await governor({ ...own, ...optOut })).toBeUndefined();
    expect(await governor({ ...critical, ...optOut })).toBe(overrides);

    // An override writes over what the user wrote.
    const annotations = { 'k8s.aliyun.com/eci-spot-strategy': 'SpotAsPriceGo' };
    const pod = await admit(admin, namespace, aPod({ labels: critical, annotations }));
    expect(pod.metadata?.annotations).not.toHaveProperty('k8s.aliyun.com/eci-spot-strategy');

    await admin.patch(`/api/v1/namespaces/${namespace}`, { metadata: { labels: optOut } });
    await waitFor('the namespace to be left alone', async () => !(await governor(critical)));
  });

  test('none in kube-system or the operator’s own namespace', async () => {
    const names = {
      matchExpressions: [
        {
          key: 'kubernetes.io/metadata.name',
          operator: 'In' as const,
          values: ['kube-system', 'spotpolicy-system'],
        },
      ],
    };
    const name = await aClusterWide('system', { namespaceSelector: names, precedence: 'Overrides' });
    expect((await statusOf(admin, '', name)).namespacesTotal).toBe(0);
  });
});
