import { stat } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import type { Node, Pod } from 'kubernetes-types/core/v1.js';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { startCluster, type Cluster } from '../../../hack/cluster/cluster.ts';
import { aNamespace, sharedCluster, waitFor } from '../harness/cluster.ts';
import { podTemplate } from '../harness/pods.ts';
import { processesOf } from '../harness/processes.ts';

const aCluster = async (): Promise<Cluster> => {
  const cluster = await startCluster({ binaries: inject('binaries') });
  onTestFinished(() => cluster.stop());
  return cluster;
};

const runAPod = async (cluster: Pick<Cluster, 'admin'>): Promise<Pod> => {
  const namespace = await aNamespace({ cluster });
  const pods = `/api/v1/namespaces/${namespace}/pods`;
  const { spec } = podTemplate({});
  await cluster.admin.post(pods, { metadata: { name: 'subject' }, spec });
  return waitFor('the pod to run', async () => {
    const pod = await cluster.admin.get<Pod>(`${pods}/subject`);
    return pod.status?.phase === 'Running' && pod;
  });
};

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

describe('a cluster', () => {
  test('has the virtual nodes of ACK, one a zone, tainted against pods that do not ask for them', async () => {
    const { admin } = await sharedCluster();
    const nodes = await admin.list<Node>('/api/v1/nodes');
    const seen = nodes.map(({ metadata, spec }) => [
      metadata?.name,
      metadata?.labels?.type,
      metadata?.labels?.['topology.kubernetes.io/zone'],
      spec?.taints,
    ]);
    const taints = [{ key: 'virtual-kubelet.io/provider', value: 'alibabacloud', effect: 'NoSchedule' }];
    expect(seen).toEqual(
      ['h', 'i', 'j'].map((letter) => [
        `virtual-kubelet-cn-hangzhou-${letter}`,
        'virtual-kubelet',
        `cn-hangzhou-${letter}`,
        taints,
      ]),
    );
  });

  test('runs beside another, each with its own pods, and is gone without trace when stopped', async () => {
    const [one, other] = await Promise.all([aCluster(), aCluster()]);
    await Promise.all([runAPod(one), runAPod(other)]);
    expect((await one.admin.list('/api/v1/pods')).length).toBe(1);
    expect(one.serverUrl).not.toBe(other.serverUrl);
    expect((await processesOf(one.directory)).length).toBe(5);

    await one.stop();
    expect(await processesOf(one.directory)).toEqual([]);
    expect(await isThere(one.directory)).toBe(false);
    expect((await processesOf(other.directory)).length).toBe(5);
    await runAPod(other);
  });

  test('lets nobody in without credentials', async () => {
    const { serverUrl } = await sharedCluster();
    const { Agent, request } = await import('undici');
    const dispatcher = new Agent({ connect: { rejectUnauthorized: false } });
    onTestFinished(() => dispatcher.destroy());
    expect((await request(`${serverUrl}/api/v1/pods`, { dispatcher })).statusCode).toBe(401);
  });

  test('knows ServiceAccounts by token and users by certificate, each with its own rights', async () => {
    const cluster = await sharedCluster();
    const whoIs = async (kubeconfig: string) => {
      // The later flag counts.
      const { stdout } = await cluster.kubectl(['--kubeconfig', kubeconfig, 'auth', 'whoami', '-o', 'json']);
      return (JSON.parse(stdout) as { status: { userInfo: { username: string; groups: string[] } } }).status
        .userInfo;
    };
    const namespace = await aNamespace();
    const account = await whoIs(await cluster.kubeconfigFor({ namespace, serviceAccount: 'default' }));
    expect(account.username).toBe(`system:serviceaccount:${namespace}:default`);
    const user = await whoIs(await cluster.kubeconfigFor({ user: 'jane', groups: ['staff'] }));
    expect(user).toMatchObject({ username: 'jane', groups: ['staff', 'system:authenticated'] });
  });

  test('says what kubectl said when that fails', async () => {
    const { kubectl } = await sharedCluster();
    await expect(kubectl(['get', 'nonsense'])).rejects.toThrow(
      /server doesn't have a resource type "nonsense"/,
    );
  });

  test('survives the end of its API server on the same port, and its pause', async () => {
    const cluster = await aCluster();
    await cluster.restartApiServer();
    await runAPod(cluster);

    const apiServer = cluster.component('kube-apiserver');
    await apiServer.pause();
    const answer = cluster.admin.get('/readyz').then(() => 'answered');
    const first = await Promise.race([answer, pause(1_000, 'silence')]);
    expect(first).toBe('silence');
    apiServer.resume();
    expect(await answer).toBe('answered');
  });

  test('that cannot start says which component ended and shows its log', async () => {
    const { binaries } = await sharedCluster();
    const broken = { ...binaries, kubeApiserver: '/bin/false' };
    await expect(startCluster({ binaries: broken })).rejects.toThrow(
      /^kube-apiserver ended \(1\); the last lines of its log:/,
    );
  });
});
