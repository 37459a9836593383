import { readFile } from 'node:fs/promises';
import type { Deployment } from 'kubernetes-types/apps/v1.js';
import type { Node, Pod } from 'kubernetes-types/core/v1.js';
import { beforeAll, expect, inject, onTestFinished, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { Manifest } from '../../../cdk8s/manifests.ts';
import { installation } from '../../../cdk8s/operator-chart.ts';
import { type Cluster, startCluster } from '../../../hack/cluster/cluster.ts';
import { virtualNodes as nodesOfAck } from '../../../hack/cluster/nodes.ts';
import { waitFor } from '../harness/cluster.ts';
import { atEndOfFile } from '../harness/endings.ts';
import { applyAll, pathTo } from '../harness/objects.ts';

const { namespace, name } = installation;
let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster({ binaries: inject('binaries') });
  atEndOfFile(() => cluster.stop());
});

/** The objects of `dist/install.yaml` that its pods are made of. */
const shipped = async (): Promise<Manifest[]> => {
  const text = await readFile(new URL('../../../dist/install.yaml', import.meta.url), 'utf8');
  const objects = parseAllDocuments(text).map((document) => document.toJS() as Manifest);
  return objects.filter(({ kind }) => ['Namespace', 'ServiceAccount', 'Deployment'].includes(kind));
};

/** Adds nodes that are Ready; nothing plays a kubelet there, so pods get these nodes and stay Pending. */
const addNodes = async (
  names: readonly string[],
  labels: Record<string, string>,
  taints: object[] = [],
): Promise<void> => {
  const size = { cpu: '4', memory: '8Gi', pods: '110', 'ephemeral-storage': '40Gi' };
  for (const node of names) {
    const metadata = {
      name: node,
      labels: {
        'kubernetes.io/hostname': node,
        // One zone for all, as small clusters are built: the virtual nodes span three.
        'topology.kubernetes.io/zone': 'cn-hangzhou-h',
        ...labels,
      },
    };
    const ready = { type: 'Ready', status: 'True', reason: 'Test', message: '' };
    await cluster.admin.post('/api/v1/nodes', {
      metadata,
      spec: { taints },
      status: { capacity: size, allocatable: size, conditions: [ready] },
    });
    await waitFor(`node ${node} to be without the taint of a new node`, async () => {
      const { spec } = await cluster.admin.get<Node>(`/api/v1/nodes/${node}`);
      return (spec?.taints ?? []).every(({ key }) => !key.startsWith('node.kubernetes.io/'));
    });
  }
};

const removeNodes = async (names: readonly string[]): Promise<void> => {
  for (const node of names) await cluster.admin.delete(`/api/v1/nodes/${node}`);
};

const podsOfOperator = (): Promise<Pod[]> => cluster.admin.list<Pod>(pathTo('Pod', namespace));

/** The nodes of the operator's pods, once `count` of them that `wanted` takes have one. */
const nodesOf = (count: number, wanted: (pod: Pod) => boolean = () => true): Promise<string[]> =>
  waitFor(`${count} pods of the operator to be scheduled`, async () => {
    const pods = (await podsOfOperator()).filter(wanted);
    const nodes = pods.flatMap(({ spec }) => spec?.nodeName ?? []);
    return nodes.length === count
      ? nodes.toSorted()
      : Promise.reject(new Error(JSON.stringify(pods.map(({ status }) => status?.conditions))));
  });

/** Installs the operator for one test. */
const install = async (): Promise<void> => {
  onTestFinished(uninstall);
  await applyAll(cluster, await shipped());
};

const uninstall = async (): Promise<void> => {
  await cluster.admin.delete(pathTo('Deployment', namespace, name));
  await waitFor('the pods of the operator to be gone', async () => {
    const pods = await podsOfOperator();
    for (const { metadata } of pods)
      await cluster.kubectl([
        'delete',
        'pod',
        '-n',
        namespace,
        metadata?.name ?? '',
        '--force',
        '--grace-period=0',
      ]);
    return pods.length === 0;
  });
};

test('where every node is a virtual node of ACK, both replicas run there, each on a node of its own', async () => {
  await install();
  const nodes = await nodesOf(2);
  expect(new Set(nodes).size).toBe(2);
  expect(nodesOfAck.map((node) => node.name)).toEqual(expect.arrayContaining(nodes));
});

test('beside virtual nodes both replicas run on ordinary ones, and a rollout stays there', async () => {
  const ordinary = ['ordinary-1', 'ordinary-2'];
  await addNodes(ordinary, {});
  onTestFinished(() => removeNodes(ordinary));
  await install();
  expect(await nodesOf(2)).toEqual(ordinary);

  const before = new Set((await podsOfOperator()).map(({ metadata }) => metadata?.uid));
  await cluster.admin.patch<Deployment>(pathTo('Deployment', namespace, name), {
    spec: { template: { metadata: { annotations: { edition: '2' } } } },
  });
  const [node] = await nodesOf(1, ({ metadata }) => !before.has(metadata?.uid));
  expect(ordinary).toContain(node);
});

test('beside a single ordinary node the replicas still run apart, one of them on a virtual node', async () => {
  await addNodes(['ordinary-3'], {});
  onTestFinished(() => removeNodes(['ordinary-3']));
  await install();
  const nodes = await nodesOf(2);
  expect(nodes).toContain('ordinary-3');
  expect(new Set(nodes).size).toBe(2);
});

test('where every node is a self-managed VNode, both replicas run there', async () => {
  await removeNodes(nodesOfAck.map((node) => node.name));
  const label = { 'k8s.aliyun.com/vnode': 'true' };
  const taints = ['NoSchedule', 'NoExecute'].map((effect) => ({
    key: 'k8s.aliyun.com/vnode',
    value: 'true',
    effect,
  }));
  await addNodes(['vnode-1', 'vnode-2'], label, taints);
  await install();
  expect(await nodesOf(2)).toEqual(['vnode-1', 'vnode-2']);
});
