import { readFile } from 'node:fs/promises';
import type { DaemonSet } from 'kubernetes-types/apps/v1.js';
import type { Pod } from 'kubernetes-types/core/v1.js';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { installation } from '../../../cdk8s/operator-chart.ts';
import type { Cluster } from '../../../hack/cluster/cluster.ts';
import { type Replica, startReplica } from '../../../hack/cluster/operator.ts';
import { aPolicy, manifestOf } from '../../builders/policy.ts';
import { aNamespace, waitFor } from '../harness/cluster.ts';
import { aProgrammedPolicy, create, pathTo, statusOf } from '../harness/objects.ts';
import { anOwnCluster } from '../harness/operator.ts';
import { podTemplate } from '../harness/pods.ts';
import { counterOf, requestsOf } from '../harness/counters.ts';
import { readWebhook, sentNamespaces, webhookPath } from '../harness/webhook-configuration.ts';
import { admit, aPod, asWritten, governorOf } from './admitted.ts';
import { edit, freshStatus } from './editing.ts';

let cluster: Cluster;
let replica: Replica;
let free: string;
let governed: string;
let storedBefore: object;

const leasePath = `/apis/coordination.k8s.io/v1/namespaces/${installation.namespace}/leases/spotpolicy`;
const everyPod = { selector: {} };
const own = { labels: { tier: 'front' }, annotations: { 'k8s.aliyun.com/eci-image-cache': 'true' } };

beforeAll(async () => {
  cluster = await anOwnCluster();
  [free, governed] = await Promise.all([aNamespace({ cluster }), aNamespace({ cluster })]);
  storedBefore = asWritten(await admit(cluster.admin, free, aPod(own)));
  replica = await startReplica(cluster);
});

/** What `act` comes to, and how many admission requests the API server made meanwhile. */
const counted = async <T>(act: () => Promise<T>): Promise<{ result: T; requests: number }> => {
  const before = await requestsOf(replica);
  const result = await act();
  return { result, requests: (await requestsOf(replica)) - before };
};

const createPod = (namespace: string, app: string): Promise<Pod> =>
  cluster.admin.post<Pod>(pathTo('Pod', namespace), aPod({ app }));

test('without a policy there is no webhook configuration, and no pod reaches admission', async () => {
  const { result, requests } = await counted(() => admit(cluster.admin, governed, aPod(own)));
  expect(await readWebhook(cluster.admin)).toBeUndefined();
  expect(requests).toBe(0);
  expect(asWritten(result)).toEqual(storedBefore);
});

test('a pod in a namespace without policies never reaches admission and is byte for byte what it was', async () => {
  await aProgrammedPolicy(cluster.admin, governed, aPolicy());
  const elsewhere = await counted(() => admit(cluster.admin, free, aPod(own)));
  expect(elsewhere.requests).toBe(0);
  expect(asWritten(elsewhere.result)).toEqual(storedBefore);

  // Where there is a policy, a pod that it does not select is asked about and stays as it is too.
  const unselected = await counted(() => admit(cluster.admin, governed, aPod({ ...own, app: 'other' })));
  const selected = await counted(() => admit(cluster.admin, governed, aPod(own)));
  expect([unselected.requests, selected.requests]).toEqual([1, 1]);
  const pod = {
    ...unselected.result,
    metadata: { ...unselected.result.metadata, generateName: 'web-', labels: { app: 'web', ...own.labels } },
  };
  expect(asWritten(pod)).toEqual(storedBefore);
  expect(governorOf(selected.result)).toBe('web');
});

test('the webhook configuration covers the namespaces of policies that annotate pods, and goes with the operator', async () => {
  const { admin } = cluster;
  const [disabled, leftToUsers, another] = await Promise.all([
    aNamespace({ cluster }),
    aNamespace({ cluster }),
    aNamespace({ cluster }),
  ]);
  const policyIn = (namespace: string, spec: object) =>
    create(admin, namespace, manifestOf(aPolicy({ spec: { ...everyPod, ...spec } })));
  await policyIn(disabled, { mode: 'Disabled' });
  await policyIn(leftToUsers, { injection: { at: 'None' } });
  await policyIn('kube-system', {});
  await policyIn(installation.namespace, {});
  await policyIn(another, {});
  const areCovered = async (...namespaces: string[]) => {
    const sent = await sentNamespaces(admin);
    return sent.length === namespaces.length && namespaces.every((namespace) => sent.includes(namespace));
  };
  await waitFor('the namespaces of two policies to be covered', () => areCovered(governed, another));

  const configuration = await readWebhook(admin);
  const operatorNamespace = await admin.get(`/api/v1/namespaces/${installation.namespace}`);
  expect(configuration?.metadata?.ownerReferences).toEqual([
    {
      apiVersion: 'v1',
      kind: 'Namespace',
      name: installation.namespace,
      uid: operatorNamespace.metadata?.uid,
    },
  ]);
  expect(configuration?.webhooks).toHaveLength(1);
  expect(configuration?.webhooks?.[0]).toMatchObject({
    clientConfig: { url: replica.webhookUrl },
    failurePolicy: 'Ignore',
    reinvocationPolicy: 'IfNeeded',
    timeoutSeconds: 2,
    sideEffects: 'NoneOnDryRun',
    objectSelector: {},
  });

  await admin.patch(pathTo('SpotPolicy', disabled, 'web'), { spec: { mode: 'Enforce' } });
  await admin.delete(pathTo('SpotPolicy', another, 'web'));
  await waitFor('the configuration to follow the policies', () => areCovered(governed, disabled));
  for (const namespace of [disabled, leftToUsers, 'kube-system', installation.namespace]) {
    await admin.delete(pathTo('SpotPolicy', namespace, 'web'));
  }
  await waitFor('one namespace to be left', () => areCovered(governed));
});

test('the webhook configuration is repaired when somebody edits or deletes it', async () => {
  const { admin } = cluster;
  const good = (await readWebhook(admin))?.webhooks;
  const edited = good?.map((webhook) => ({
    ...webhook,
    failurePolicy: 'Fail',
    namespaceSelector: {},
    objectSelector: { matchLabels: { never: 'there' } },
    matchConditions: [{ name: 'never', expression: 'false' }],
  }));
  const foreign = good?.map((webhook) => ({ ...webhook, name: 'foreign.spotpolicy.dev' })) ?? [];
  await admin.patch(webhookPath, { webhooks: [...(edited ?? []), ...foreign] });
  const isGood = async () => {
    expect((await readWebhook(admin))?.webhooks).toEqual(good);
    return true;
  };
  await waitFor('the edit to be undone', isGood);

  await admin.delete(webhookPath);
  await waitFor('the configuration to be there again', isGood);
  await waitFor(
    'pods to be governed again',
    async () => governorOf(await admit(admin, governed, aPod())) === 'web',
  );
});

test('pods of a DaemonSet and evictions never reach admission', async () => {
  const { admin } = cluster;
  await edit(admin, { namespace: governed }, { selector: { matchLabels: null } });
  const ordinary = await createPod(governed, 'ordinary');
  expect(governorOf(ordinary)).toBe('web');

  const daemonSet: DaemonSet = {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'agent' },
    spec: {
      selector: { matchLabels: { app: 'agent' } },
      template: podTemplate({ labels: { app: 'agent' } }),
    },
  };
  const { result: pods, requests } = await counted(async () => {
    await admin.post(`/apis/apps/v1/namespaces/${governed}/daemonsets`, daemonSet);
    const found = await waitFor('a pod on each node', async () => {
      const list = await admin.list<Pod>(`${pathTo('Pod', governed)}?labelSelector=app%3Dagent`);
      return list.length === 3 && list;
    });
    const metadata = { name: ordinary.metadata?.name, namespace: governed };
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata };
    await admin.post(`${pathTo('Pod', governed, metadata.name)}/eviction`, eviction);
    return found;
  });
  expect(requests).toBe(0);
  expect(pods.map(governorOf)).toEqual([undefined, undefined, undefined]);
  // Counted after them: a status that knows this pod has had the chance to count theirs.
  const annotations = { 'k8s.aliyun.com/eci-spot-duration': '0' };
  await admin.post(pathTo('Pod', governed), aPod({ annotations }));
  const isKnown = ({ userValueKept }: { userValueKept: number }) => userValueKept === 1;
  const { pods: counts } = await freshStatus(admin, { namespace: governed }, isKnown);
  expect(counts).toMatchObject({ matched: 1, uninjected: 0 });
});

test('while the operator hangs or is gone pods are created all the same, and count as uninjected afterwards', async () => {
  const { admin } = cluster;
  const timed = async (app: string): Promise<number> => {
    const startMs = performance.now();
    const pod = await createPod(governed, app);
    expect(governorOf(pod)).toBeUndefined();
    return performance.now() - startMs;
  };
  const strict = await aNamespace({ cluster });
  const refusing = aPolicy({ name: 'strict', spec: { ...everyPod, injection: { whenUnavailable: 'Fail' } } });
  await aProgrammedPolicy(admin, strict, refusing);
  // In its own words the API server names the webhook, and that the webhook did not answer.
  const refusal = /failed calling webhook "required\.pods\.spotpolicy\.dev"/;
  await replica.pause();
  const [refused, ...hanging] = await Promise.all([
    createPod(strict, 'refused').catch(String),
    timed('hanging'),
    timed('hanging'),
  ]);
  replica.resume();
  expect(refused).toMatch(refusal);
  // The webhook's own time-out of 2 s; without one the API server would wait for 10 s.
  for (const tookMs of hanging) expect(tookMs).toBeLessThan(5_000);

  await replica.end('SIGKILL');
  await timed('gone');
  await expect(createPod(strict, 'refused')).rejects.toThrow(refusal);
  await expect(createPod(free, 'elsewhere')).resolves.toBeDefined();
  // Else its successor would wait until it has run out.
  await admin.delete(leasePath);
  replica = await startReplica(cluster);
  await waitFor(
    'three uninjected pods',
    async () => (await statusOf(admin, governed, 'web')).pods?.uninjected === 3,
  );
  const after = await waitFor('pods to be governed again', async () => {
    const pod = await createPod(governed, 'after');
    return governorOf(pod) === 'web' && pod;
  });
  expect(after.metadata?.labels?.['spotpolicy.dev/capacity']).toBe('spot');
  expect(governorOf(await createPod(strict, 'after'))).toBe('strict');
  // The rest of the file counts what reaches the webhook, and takes away the last policy.
  await admin.delete(pathTo('SpotPolicy', strict, 'strict'));
});

test('a policy is not Programmed while the API server does not reach admission, and says why', async () => {
  const { admin } = cluster;
  await replica.end('SIGTERM');
  const lost = await startReplica(cluster, { flags: ['--webhook-url', 'https://127.0.0.1:1/mutate'] });
  const namespace = await aNamespace({ cluster });
  await create(admin, namespace, manifestOf(aPolicy()));
  const programmed = async () =>
    (await statusOf(admin, namespace, 'web')).conditions?.find(({ type }) => type === 'Programmed');
  await waitFor('the policy to wait for admission', async () => {
    const condition = await programmed();
    return condition?.reason === 'Pending' && condition.message.includes('does not reach admission');
  });
  expect(governorOf(await admit(admin, namespace, aPod()))).toBeUndefined();
  expect(await programmed()).toMatchObject({ status: 'False', reason: 'Pending' });
  const { conditions } = await statusOf(admin, namespace, 'web');
  expect(conditions?.find(({ type }) => type === 'Ready')?.status).toBe('False');
  expect(conditions?.find(({ type }) => type === 'Reconciling')?.status).toBe('True');

  await lost.end('SIGTERM');
  replica = await startReplica(cluster);
  await waitFor('the policy to be Programmed', async () => (await programmed())?.status === 'True');
  expect(governorOf(await admit(admin, namespace, aPod()))).toBe('web');
});

/** Lets the operator take part in an election by another Lease, as a second installation would. */
const mayElectBy = async (lease: string): Promise<void> => {
  const roles = `/apis/rbac.authorization.k8s.io/v1/namespaces/${installation.namespace}`;
  const metadata = { name: lease };
  const rule = { apiGroups: ['coordination.k8s.io'], resources: ['leases'], resourceNames: [lease] };
  await cluster.admin.post(`${roles}/roles`, { metadata, rules: [{ ...rule, verbs: ['get', 'patch'] }] });
  await cluster.admin.post(`${roles}/rolebindings`, {
    metadata,
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: lease },
    subjects: [{ kind: 'ServiceAccount', name: installation.name, namespace: installation.namespace }],
  });
};

test('two installations with one webhook name write it, and the status of policies, less and less often, and each names both', async () => {
  const { admin } = cluster;
  const namespace = await aNamespace({ cluster });
  await aProgrammedPolicy(admin, namespace, aPolicy());
  // The rival says of this one that its namespace is excluded.
  const disputed = await aNamespace({ cluster });
  await aProgrammedPolicy(admin, disputed, aPolicy());
  const statuses = new Set<string>();
  const reading = admin
    .watch$(pathTo('SpotPolicy', disputed))
    .subscribe(({ object }) => statuses.add(object.metadata?.resourceVersion ?? ''));
  onTestFinished(() => reading.unsubscribe());
  const versions = new Set<string>();
  const watching = admin
    .watch$(webhookPath.replace('/spotpolicy', '?fieldSelector=metadata.name%3Dspotpolicy'))
    .subscribe(({ object }) => versions.add(object.metadata?.resourceVersion ?? ''));
  onTestFinished(() => watching.unsubscribe());
  await mayElectBy('rival');
  const rival = await startReplica(cluster, {
    flags: ['--lease-name', 'rival', '--excluded-namespaces', disputed],
  });
  const names = ['rival', 'spotpolicy'].map((lease) => `spotpolicy ${installation.namespace}/${lease}`);
  await waitFor('both to be named', async () => {
    const { conditions } = await statusOf(admin, namespace, 'web');
    const { reason, message = '' } = conditions?.find(({ type }) => type === 'Programmed') ?? {};
    return reason === 'WebhookContested' && message.startsWith(`${names.join(' and ')} write`);
  });
  await waitFor('both to be named in the disputed status', async () => {
    const { conditions } = await statusOf(admin, disputed, 'web');
    const { message = '' } = conditions?.find(({ type }) => type === 'Ready') ?? {};
    return message.includes(`${names.join(' and ')} write this status in turn`);
  });
  const lossesOf = (one: Replica): Promise<number> => counterOf(one, 'spot_injection_webhook_losses_total');
  await waitFor(
    'both to have lost',
    async () => (await lossesOf(replica)) > 2 && (await lossesOf(rival)) > 2,
  );
  watching.unsubscribe();
  // Before they backed off they wrote it 14 times in each second.
  expect(versions.size).toBeLessThan(20);
  expect(statuses.size).toBeLessThan(30);
  const log = await readFile(rival.logPath, 'utf8');
  expect(log).toContain('another writer had changed the webhook configuration');
  await rival.end('SIGTERM');
});

test('a spec that only an older definition let in is Invalid, and its policy governs nothing', async () => {
  const { admin } = cluster;
  const definition = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/spotpolicies.spotpolicy.dev';
  const anything = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  const path = '/spec/versions/0/schema/openAPIV3Schema/properties/spec';
  await admin.patch(definition, [{ op: 'replace', path, value: anything }], 'json');
  const namespace = await aNamespace({ cluster });
  const policy = manifestOf(aPolicy());
  await waitFor('the older definition', () =>
    create(admin, namespace, { ...policy, spec: { ...everyPod, strategy: 'Cheapest' } }),
  );
  const status = await waitFor('the verdict', async () => {
    const seen = await statusOf(admin, namespace, 'web');
    return seen.observedGeneration === 1 && seen;
  });
  const brief = Object.fromEntries(
    (status.conditions ?? []).map(({ type, status: value, reason }) => [type, `${value} ${reason}`]),
  );
  expect(brief).toEqual({
    Accepted: 'False Invalid',
    Programmed: 'False Invalid',
    Ready: 'False Invalid',
    Stalled: 'True Invalid',
  });
  expect(status.conditions?.[0]?.message).toMatch(/strategy/);
  expect(governorOf(await admit(admin, namespace, aPod()))).toBeUndefined();
});

test('the webhook configuration goes with the last policy', async () => {
  const { admin } = cluster;
  const policies = await admin.list('/apis/spotpolicy.dev/v1alpha1/spotpolicies');
  for (const { metadata } of policies) {
    await admin.delete(pathTo('SpotPolicy', metadata?.namespace ?? '', metadata?.name));
  }
  await waitFor('the configuration to go', async () => (await readWebhook(admin)) === undefined || undefined);
  const { requests } = await counted(() => admit(admin, governed, aPod()));
  expect(requests).toBe(0);
});
