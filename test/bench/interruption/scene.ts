import type { Deployment } from 'kubernetes-types/apps/v1.js';
import type { Pod } from 'kubernetes-types/core/v1.js';
import type { Cluster } from '../../../hack/cluster/cluster.ts';
import { readKubeconfig } from '../../../hack/cluster/kubeconfig.ts';
import { virtualNodes } from '../../../hack/cluster/nodes.ts';
import { waitFor } from '../../../hack/cluster/wait-for.ts';
import { manifestOf, aPolicy } from '../../builders/policy.ts';
import { aDeployment } from '../../builders/workloads.ts';
import { create, isReady, pathTo, statusOf } from '../../integration/harness/objects.ts';
import { noticeEvent } from '../../integration/harness/platform.ts';
import { spotAnnotations } from '../../integration/harness/pods.ts';
import { type Connections, openConnections } from '../connections.ts';

/** A namespace full of spot pods, all on one virtual node, whose one policy is switched on and off. */
export interface Scene {
  readonly cluster: Cluster;
  readonly namespace: string;
  /** As many as the operator has. */
  readonly connections: Connections;
  /** Switches the policy on or off; resolves when the operator has taken note. */
  govern(governs: boolean): Promise<void>;
  /** The pods of the workloads, once each has so many that are Ready and nothing else is left. */
  pods(replicas: number): Promise<readonly Pod[]>;
  /** Lets no new pod come to the node that the pods are on, but to another; gives the name of the first. */
  leaveNode(): Promise<string>;
  /** Writes the Event by which ECI announces a reclaim; gives the time before and after, by this process's clock. */
  announce(pod: Pod): Promise<{ readonly fromMs: number; readonly untilMs: number }>;
  /** Asks for an eviction; gives the HTTP status. */
  evict(pod: Pod): Promise<number>;
  /** Gives the connections back. */
  close(): Promise<void>;
  /** Requests for an eviction that the API server has answered so far, whoever sent them. */
  evictions(): Promise<number>;
}

/** How a scene is laid out. */
export interface SceneOptions {
  readonly namespace: string;
  readonly workloads: readonly string[];
  readonly connections: number;
  readonly annotations?: Record<string, string>;
}

// Longer than a storm of 1,000 pods takes to be made good on two cores.
const readyMs = 180_000;
/** How many notices are written at a time: a busy API server takes a thousand of them in about a second so. */
export const writers = 32;
/** How long to wait at most for what went before to die down. */
export const calmMs = 5_000;
// ECI's own figure; it leaves every way the same time.
const windowSeconds = 180;

/** Makes the namespace, its policy and its workloads, without pods yet. */
export const aScene = async (cluster: Cluster, options: SceneOptions): Promise<Scene> => {
  const { admin } = cluster;
  const { namespace, workloads, annotations } = options;
  const credentials = await readKubeconfig(cluster.adminKubeconfigPath);
  const connections = openConnections(credentials, options.connections);
  // ECI's own: nobody who evicts has to share his with it.
  const platform = openConnections(credentials, writers);
  await admin.post('/api/v1/namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: namespace },
  });
  const account = `/api/v1/namespaces/${namespace}/serviceaccounts/default`;
  await waitFor(`the default ServiceAccount of ${namespace}`, () => admin.get(account));
  const spec = {
    selector: {},
    strategy: undefined,
    injection: { at: 'None' } as const,
    // What the other ways do: to start replacements first is measured for itself.
    interruption: { replacement: 'AfterEviction' } as const,
    mode: 'Disabled' as const,
  };
  await create(admin, namespace, manifestOf(aPolicy({ name: 'spot', spec })));
  for (const name of workloads)
    await create(
      admin,
      namespace,
      aDeployment({ name, replicas: 0, annotations: { ...spotAnnotations, ...annotations } }),
    );
  let node = 0;
  const nodeName = (): string => virtualNodes[node % virtualNodes.length]?.name ?? '';
  const setUnschedulable = (unschedulable: boolean): Promise<unknown> =>
    admin.patch(`/api/v1/nodes/${nodeName()}`, { spec: { unschedulable } });
  const only = async (): Promise<void> => {
    for (const { name } of virtualNodes)
      await admin.patch(`/api/v1/nodes/${name}`, { spec: { unschedulable: name !== nodeName() } });
  };
  await only();

  const list = (): Promise<Pod[]> => admin.list<Pod>(pathTo('Pod', namespace));
  return {
    cluster,
    namespace,
    connections,
    govern: async (governs) => {
      const path = pathTo('SpotPolicy', namespace, 'spot');
      const mode = governs ? 'Enforce' : 'Disabled';
      const { metadata } = await admin.patch<{ metadata: { generation: number } }>(path, { spec: { mode } });
      await waitFor(`the policy to be ${mode}`, async () => {
        const { observedGeneration } = await statusOf(admin, namespace, 'spot');
        return observedGeneration === metadata.generation;
      });
    },
    pods: async (replicas) => {
      for (const name of workloads)
        await admin.patch(pathTo('Deployment', namespace, name), { spec: { replicas } });
      const timeoutMs = readyMs;
      // The Deployments are asked first: the pods of a storm are megabytes.
      const settled = ({ status }: Deployment): boolean =>
        (status?.replicas ?? 0) === replicas && (status?.readyReplicas ?? 0) === replicas;
      await waitFor(
        'the Deployments to be Ready',
        async () => (await admin.list<Deployment>(pathTo('Deployment', namespace))).every(settled),
        { timeoutMs },
      );
      return waitFor(
        `${replicas * workloads.length} Ready pods and no other`,
        async () => {
          const pods = await list();
          return pods.length === replicas * workloads.length && pods.every(isReady) && pods;
        },
        { timeoutMs },
      );
    },
    leaveNode: async () => {
      const left = nodeName();
      await setUnschedulable(true);
      node += 1;
      await setUnschedulable(false);
      return left;
    },
    announce: async (pod) => {
      const { event } = noticeEvent(pod, { leftSeconds: windowSeconds });
      const path = pathTo('Event', namespace);
      const fromMs = performance.now();
      const { status, text } = await platform.send({ method: 'POST', path, body: JSON.stringify(event) });
      if (status !== 201) throw new Error(`announcing a reclaim: ${status} ${text}`);
      return { fromMs, untilMs: performance.now() };
    },
    evict: async ({ metadata }) => {
      const body = JSON.stringify({
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { name: metadata?.name, namespace },
        deleteOptions: { preconditions: { uid: metadata?.uid } },
      });
      const path = `${pathTo('Pod', namespace, metadata?.name)}/eviction`;
      return (await connections.send({ method: 'POST', path, body })).status;
    },
    close: async () => {
      await Promise.all([connections.close(), platform.close()]);
    },
    evictions: async () => {
      const metrics = await admin.get<string>('/metrics');
      const samples = metrics.matchAll(/^apiserver_request_total\{.*subresource="eviction".*\} (\d+)$/gm);
      return [...samples].reduce((sum, [, count]) => sum + Number(count), 0);
    },
  };
};

/** Empties a namespace of Events, which later rounds have no use for. */
export const forgetEvents = ({ cluster, namespace }: Scene): Promise<void> =>
  cluster.admin.delete(pathTo('Event', namespace));

// They run on other machines in a real cluster, and here they would take the processor from what is measured.
const bystanders = ['kwok', 'kube-scheduler', 'kube-controller-manager'] as const;

/** Lets only etcd and the API server run; the result lets everything go on. */
export const standStill = async ({ component }: Pick<Cluster, 'component'>): Promise<() => void> => {
  await Promise.all(bystanders.map((name) => component(name).pause()));
  return () => {
    for (const name of bystanders) component(name).resume();
  };
};
