import { merge } from 'rxjs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startFaultProxy } from '../../../hack/cluster/fault-proxy.ts';
import { createKube } from '../../../operator/kube/client.ts';
import { isConflict, isExpired, isNotFound, KubeError } from '../../../operator/kube/errors.ts';
import type { Kube } from '../../../operator/kube/kube.ts';
import { listWatchCalls, listWatchOptions } from '../../../operator/kube/list-watch-calls.ts';
import { resources, type Verb } from '../../../operator/kube/resources.ts';
import type { KubeObject } from '../../../operator/kube/types.ts';
import { precedence } from '../../../operator/policy/rules.ts';
import { listWatch } from '../../../operator/runtime/list-watch.ts';
import type { Watched } from '../../../operator/runtime/list-watch.ts';
import { allKinds, sourcesOf } from '../../../operator/sources.ts';
import { World } from '../../../operator/world/world.ts';
import { aNamespace, sharedCluster, waitFor } from '../harness/cluster.ts';
import { asAdmin, kubeOf } from './kube-of.ts';

const anEvent = (namespace: string, name: string): object => ({
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { name, namespace },
  involvedObject: { kind: 'Pod', namespace, name: 'web-1' },
  reason: 'Tested',
  type: 'Normal',
});

const aDefinition = (group: string) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `things.${group}` },
  spec: {
    group,
    names: { plural: 'things', kind: 'Thing' },
    scope: 'Namespaced',
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object' } },
        subresources: { status: {} },
      },
    ],
  },
});

const makeEvents = async (kube: Kube, namespace: string, names: readonly string[]): Promise<void> => {
  await Promise.all(
    names.map((name) => kube.create(resources.events, anEvent(namespace, name), { namespace })),
  );
};

const named = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}${i}`);

/** Follows the events of a namespace and keeps what a store would hold. */
const followEvents = (kube: Kube, namespace: string, pageLimit = 500) => {
  const held = new Map<string, string>();
  const seen: Watched<KubeObject>[] = [];
  let listed = new Set<string>();
  const put = ({ metadata }: KubeObject): unknown =>
    held.set(metadata.name, metadata.annotations?.['note'] ?? '');
  const trim = (raw: KubeObject): KubeObject => raw;
  const subscription = listWatch(listWatchCalls(kube, resources.events, { namespace, trim }), {
    ...listWatchOptions(Math.random),
    pageLimit,
  }).subscribe((watched) => {
    seen.push(watched);
    if (watched.kind === 'listing') listed = new Set();
    if (watched.kind === 'listed') listed.add(watched.object.metadata.name);
    if (watched.kind === 'listed' || watched.kind === 'changed') put(watched.object);
    if (watched.kind === 'synced') for (const name of held.keys()) if (!listed.has(name)) held.delete(name);
    if (watched.kind === 'deleted') held.delete(watched.object.metadata.name);
  });
  onTestFinished(() => subscription.unsubscribe());
  return { held, seen, synced: () => seen.some(({ kind }) => kind === 'synced') };
};

describe('list and watch', () => {
  test('list pages until the last, and follow what happens afterwards', async () => {
    const [kube, namespace] = [await asAdmin(), await aNamespace()];
    await makeEvents(kube, namespace, named('a', 7));
    const { held, seen, synced } = followEvents(kube, namespace, 3);
    await waitFor('the first list', synced);
    expect(seen.map(({ kind }) => kind)).toEqual(['listing', ...Array(7).fill('listed'), 'synced']);

    await makeEvents(kube, namespace, ['b']);
    const ref = { namespace, name: 'a0' };
    await kube.patch(resources.events, ref, {
      type: 'merge',
      body: { metadata: { annotations: { note: 'new' } } },
    });
    await (await sharedCluster()).admin.delete(`/api/v1/namespaces/${namespace}/events/a1`);
    await waitFor('the three changes', () => held.has('b') && held.get('a0') === 'new' && !held.has('a1'));
    expect(held.size).toBe(7);
    expect(seen.every(({ kind }) => kind !== 'failed')).toBe(true);
  });

  test('end quietly, again and again, without a failure and without a second list', async () => {
    const { adminKubeconfigPath: kubeconfig } = await sharedCluster();
    let watches = 0;
    const onAnswer = (verb: Verb): unknown => verb === 'watch' && watches++;
    const kube = createKube({ kubeconfig, connections: 8, version: 'test', onAnswer });
    onTestFinished(() => kube.close());
    const world = new World(precedence);
    const watchLength = { leastSeconds: 1, mostSeconds: 3 };
    const parts = { random: Math.random, nowMs: Date.now, watchLength };
    const sources = sourcesOf(kube, 'none', parts).map((source) => source(world));
    const told: string[] = [];
    const subscription = merge(...sources).subscribe((change) => {
      if (change.kind === 'Failed') told.push(`${change.of} failed: ${String(change.trouble.error)}`);
      if (change.kind === 'Synced') told.push(`${change.of} listed`);
    });
    onTestFinished(() => subscription.unsubscribe());
    await waitFor('ten watches of each kind', () => watches >= 10 * sources.length);
    expect(told.toSorted()).toEqual(allKinds.map((kind) => `${kind} listed`).toSorted());
  });

  test('leave spec and status on the server when only metadata is wanted', async () => {
    const kube = await asAdmin();
    const { items } = await kube.list(resources.nodes, { metadataOnly: true });
    expect(items.length).toBeGreaterThan(0);
    for (const item of items)
      expect(Object.keys(item).toSorted()).toEqual(['apiVersion', 'kind', 'metadata']);
    expect(items[0]?.metadata.labels).toBeDefined();
    expect(items[0]?.metadata).not.toHaveProperty('managedFields');
  });

  test('tell apart a position that is gone from every other failure', async () => {
    const [kube, { admin }] = [await asAdmin(), await sharedCluster()];
    // The server remembers a kind's history from when it first served that kind, which is later than version 1 of the cluster.
    const group = `${await aNamespace()}.spotpolicy.dev`;
    const definition = aDefinition(group);
    await admin.post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition);
    onTestFinished(() =>
      admin.delete(`/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${definition.metadata.name}`),
    );
    const verbs = { list: true, watch: true } as const;
    const type = {
      group,
      version: 'v1',
      plural: 'things',
      kind: 'Thing',
      namespaced: true,
      scope: 'cluster',
      verbs,
    } as const;
    await waitFor('the new kind to be served', () => kube.list(type));
    const fromTheBeginning = async (): Promise<void> => {
      const signal = AbortSignal.timeout(10_000);
      for await (const _ of kube.watch(type, { resourceVersion: '1' }, { signal }));
    };
    const error = await fromTheBeginning().catch((problem: unknown) => problem);
    expect(error).toMatchObject({ status: 410, reason: 'Expired' });
    expect(isExpired(error)).toBe(true);
  });

  test('lose nothing and do not hurry through cut watches, gone positions and an outage', async () => {
    const cluster = await sharedCluster();
    const namespace = await aNamespace();
    await cluster.kubectl([
      '-n',
      namespace,
      'create',
      'rolebinding',
      'view',
      '--clusterrole=view',
      `--serviceaccount=${namespace}:default`,
    ]);
    const proxy = await startFaultProxy(cluster);
    onTestFinished(() => proxy.stop());
    const kubeconfig = await cluster.kubeconfigFor({ namespace, serviceAccount: 'default' }, proxy.url);
    const admin = await asAdmin();

    proxy.setGoneWatches({ every: 3, as: 'event' });
    const { held, seen, synced } = followEvents(kubeOf(kubeconfig), namespace, 5);
    await waitFor('the first list', synced);
    const total = (): number => [...proxy.counts().values()].reduce((sum, count) => sum + count, 0);
    for (const round of [0, 1, 2, 3, 4, 5, 6, 7]) {
      await makeEvents(admin, namespace, named(`r${round}-`, 5));
      if (round === 3) {
        await proxy.startOutage();
        await makeEvents(admin, namespace, named('unseen', 5));
        await waitFor(
          'a failure to be reported',
          () => seen.filter(({ kind }) => kind === 'failed').length > 3,
        );
        await proxy.endOutage();
      }
      proxy.cutWatches();
      await waitFor(`round ${round}`, () => held.has(`r${round}-4`));
    }
    await waitFor('everything', () => held.size === 45);
    expect(
      seen.filter((watched) => watched.kind === 'failed' && watched.then === 'relist').length,
    ).toBeGreaterThan(0);
    // A list is ten pages at most; every cut, gone position and try during the outage costs a few requests.
    expect(total()).toBeLessThan(150);
  });
});

describe('writing', () => {
  test('is a conflict when a patch names another UID or an older version, or its test fails', async () => {
    const [kube, namespace] = [await asAdmin(), await aNamespace()];
    await makeEvents(kube, namespace, ['a']);
    const ref = { namespace, name: 'a' };
    const patch = (metadata: object): Promise<KubeObject> =>
      kube.patch(resources.events, ref, { type: 'merge', body: { metadata } });
    const { metadata } = await patch({ labels: { one: '1' } });
    await expect(patch({ uid: crypto.randomUUID() })).rejects.toSatisfy(isConflict);
    await patch({ resourceVersion: metadata.resourceVersion, labels: { two: '2' } });
    await expect(
      patch({ resourceVersion: metadata.resourceVersion, labels: { three: '3' } }),
    ).rejects.toSatisfy(isConflict);
    const test = { op: 'test', path: '/metadata/uid', value: crypto.randomUUID() };
    const tested = kube.patch(resources.events, ref, { type: 'json', body: [test] });
    await expect(tested).rejects.toSatisfy(isConflict);
    await expect(makeEvents(kube, namespace, ['a'])).rejects.toSatisfy(isConflict);
  });

  test('stores nothing in a dry run, and says which field is wrong', async () => {
    const [kube, namespace] = [await asAdmin(), await aNamespace()];
    await kube.create(resources.events, anEvent(namespace, 'dry'), { namespace, dryRun: true });
    expect((await kube.list(resources.events, { namespace })).items).toEqual([]);
    const wrong = { ...anEvent(namespace, 'a'), involvedObject: { namespace: 'elsewhere' } };
    const error = await kube
      .create(resources.events, wrong, { namespace })
      .catch((problem: unknown) => problem);
    expect(error).toBeInstanceOf(KubeError);
    expect(error).toMatchObject({ code: 'stalled', status: 422, reason: 'Invalid' });
    expect(String(error)).toMatch(/^KubeError: creating events in .*involvedObject\.namespace/);
  });

  test('applies what is not there and leaves alone what it does not own', async () => {
    const kube = await asAdmin();
    const name = `test-${crypto.randomUUID()}`;
    const webhooks = resources.mutatingWebhookConfigurations;
    const apply = (labels: object): Promise<KubeObject> => {
      const body = {
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind: webhooks.kind,
        metadata: { name, labels },
      };
      return kube.patch(webhooks, { name }, { type: 'apply', body, fieldManager: 'test', force: true });
    };
    await apply({ ours: '1' });
    await kube.patch(webhooks, { name }, { type: 'merge', body: { metadata: { labels: { theirs: '1' } } } });
    expect((await apply({ ours: '2' })).metadata.labels).toEqual({ ours: '2', theirs: '1' });
    await kube.delete(webhooks, { name });
    await expect(kube.get(webhooks, { name })).rejects.toSatisfy(isNotFound);
  });
});
