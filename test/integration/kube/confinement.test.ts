import type { Pod } from 'kubernetes-types/core/v1.js';
import { beforeAll, describe, expect, test } from 'vitest';
import { installation } from '../../../cdk8s/operator-chart.ts';
import { openClient, type RestClient, RestError } from '../../../hack/cluster/client.ts';
import { readKubeconfig } from '../../../hack/cluster/kubeconfig.ts';
import { apiTime } from '../../../operator/world/object.ts';
import { atEndOfFile } from '../harness/endings.ts';
import { aNamespace, sharedCluster } from '../harness/cluster.ts';
import { create, pathTo } from '../harness/objects.ts';

const cluster = await sharedCluster();
const { admin } = cluster;
const inside = installation.namespace;
let operator: RestClient;

beforeAll(async () => {
  // Whoever comes by that name is the ServiceAccount, by whatever means.
  const user = `system:serviceaccount:${inside}:${installation.name}`;
  operator = openClient(await readKubeconfig(await cluster.kubeconfigFor({ user })));
  atEndOfFile(() => operator.close());
});

const aPodIn = async (namespace: string): Promise<Pod> =>
  create<Pod>(admin, namespace, {
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', labels: { app: 'web' } } },
    spec: { containers: [{ name: 'main', image: 'registry.example/web:1' }], schedulerName: 'nobody' },
  });

/** What the API server says to a patch by the operator's ServiceAccount; empty where it does it. */
const answer = async (call: () => Promise<unknown>): Promise<string> => {
  try {
    await call();
    return '';
  } catch (error) {
    if (error instanceof RestError && [403, 409, 422].includes(error.status)) return error.message;
    throw error;
  }
};
const patching = (namespace: string, body: object, subresource = ''): Promise<string> =>
  answer(() => operator.patch(`${pathTo('Pod', namespace, 'web')}${subresource}?dryRun=All`, body));

const owner = (kind: string, apiVersion = 'apps/v1', controller = true) => ({
  ...{ apiVersion, kind, name: 'web', uid: '0a1b2c3d-0000-4000-8000-000000000000' },
  ...(controller && { controller }),
});
// Without a time the disruption controller takes DisruptionTarget back.
const condition = (type: string, status = 'True') => ({
  status: { conditions: [{ type, status, lastTransitionTime: apiTime(Date.now()) }] },
});

describe('with its own token the operator', () => {
  let namespace: string;
  beforeAll(async () => {
    namespace = await aNamespace();
    await aPodIn(namespace);
  });

  test.each<[what: string, body: object, subresource?: string]>([
    ['its marks', { metadata: { labels: { 'spotpolicy.dev/reclaiming': 'true' } } }],
    ['the label for a CloneSet', { metadata: { labels: { 'apps.kruise.io/specified-delete': 'true' } } }],
    ['its note of an interruption', { metadata: { annotations: { 'spotpolicy.dev/interruption': '{}' } } }],
    ['a Deployment as controller', { metadata: { ownerReferences: [owner('Deployment')] } }],
    ['a ReplicaSet as controller', { metadata: { ownerReferences: [owner('ReplicaSet')] } }],
    ['the condition DisruptionTarget', condition('DisruptionTarget'), '/status'],
  ])('writes %s of a pod', async (_, body, subresource) => {
    expect(await patching(namespace, body, subresource)).toBe('');
  });

  test.each<[what: string, body: object, words: string, subresource?: string]>([
    ['a deadline', { spec: { activeDeadlineSeconds: 5 } }, 'no spec'],
    ['labels of others', { metadata: { labels: { app: 'other' } } }, 'no label'],
    ['labels away', { metadata: { labels: { app: null } } }, 'no label'],
    ['annotations of others', { metadata: { annotations: { 'example.com/a': 'b' } } }, 'no annotation'],
    ['finalizers', { metadata: { finalizers: ['example.com/hold'] } }, 'owners only'],
    ['another controller', { metadata: { ownerReferences: [owner('Job', 'batch/v1')] } }, 'owners only'],
    ['an owner', { metadata: { ownerReferences: [owner('ReplicaSet', 'apps/v1', false)] } }, 'owners only'],
    ['that it is Ready', condition('Ready'), 'DisruptionTarget', '/status'],
    ['its phase', { status: { phase: 'Failed' } }, 'DisruptionTarget', '/status'],
    ['labels away by its status', { metadata: { labels: { app: null } } }, 'no label', '/status'],
    ['annotations by its status', { metadata: { annotations: { a: 'b' } } }, 'no annotation', '/status'],
    ['finalizers by its status', { metadata: { finalizers: ['example.com/a'] } }, 'owners only', '/status'],
  ])('does not write %s of a pod', async (_, body, words, subresource) => {
    const denied = await patching(namespace, body, subresource);
    expect(denied).toContain('spotpolicy-operator-pods');
    expect(denied).toContain(words);
  });

  test('takes the condition DisruptionTarget from no pod', async () => {
    const doomed = await aNamespace();
    await aPodIn(doomed);
    const path = `${pathTo('Pod', doomed, 'web')}/status`;
    await admin.patch(path, condition('DisruptionTarget'), 'strategic');
    const away = condition('DisruptionTarget', 'False');
    expect(await patching(doomed, away, '/status')).toContain('takes it from none');
    expect(await patching(doomed, condition('DisruptionTarget'), '/status')).toBe('');
  });

  test('touches no pod in an exempt namespace, in whatever way', async () => {
    await aPodIn('kube-system');
    atEndOfFile(() => admin.delete(pathTo('Pod', 'kube-system', 'web')));
    const path = pathTo('Pod', 'kube-system', 'web');
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'web' } };
    const answers = [
      await patching('kube-system', { metadata: { labels: { 'spotpolicy.dev/reclaiming': 'true' } } }),
      await patching('kube-system', condition('DisruptionTarget'), '/status'),
      await answer(() => operator.post(`${path}/eviction?dryRun=All`, eviction)),
      await answer(() => operator.delete(`${path}?dryRun=All`)),
    ];
    for (const each of answers) expect(each).toContain(`touches no pod in kube-system and ${inside}`);
  });

  test('writes no webhook configuration but its own', async () => {
    const configuration = (name: string) => ({
      ...{ apiVersion: 'admissionregistration.k8s.io/v1', kind: 'MutatingWebhookConfiguration' },
      metadata: { name },
    });
    const path = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';
    const posting = (name: string) => answer(() => operator.post(`${path}?dryRun=All`, configuration(name)));
    expect(await posting('everything')).toContain('no webhook configuration but spotpolicy');
    // It has its own already.
    expect(await posting('spotpolicy')).toMatch(/^$|already exists/);
  });
});
