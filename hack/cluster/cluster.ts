import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { accessTo, type Access, type ClusterData } from './access.ts';
import { createAuthority, createTokenKeys, saveAuthority, type Authority } from './certificates.ts';
import { commands, files, type ComponentName } from './components.ts';
import { renderKubeconfig } from './kubeconfig.ts';
import { kwokConfigs, kwokRights } from './kwok.ts';
import { nodeObject, virtualNodes, type NodeSpec } from './nodes.ts';
import { freePort } from './ports.ts';
import { componentOf, type Component } from './processes.ts';
import { startReaper } from './reaper.ts';
import type { Binaries } from './toolchain.ts';
import { waitFor } from './wait-for.ts';

/** A cluster of this process: it ends when `stop` is called or when this process ends, in whatever way. */
export type Cluster = Access & {
  /** The same cluster for another process. */
  readonly data: ClusterData;
  /** Time from the call until a pod could be scheduled. */
  readonly startedInMs: number;
  component(name: ComponentName): Component;
  /** Kills the API server and starts it again on its port; resolves when it is ready. */
  restartApiServer(): Promise<void>;
  /** Ends every process of the cluster and removes its directory. */
  stop(): Promise<void>;
};

const startTimeoutMs = 60_000;
const masters = ['system:masters'];

// CN and groups as RBAC's own bootstrap roles expect them.
const users: Record<string, { commonName: string; organisations?: string[] }> = {
  admin: { commonName: 'admin', organisations: masters },
  'kube-controller-manager': { commonName: 'system:kube-controller-manager' },
  'kube-scheduler': { commonName: 'system:kube-scheduler' },
  kwok: { commonName: 'kwok' },
};

/** Starts a control plane with its virtual nodes; resolves when a pod can be scheduled, rejects with a component's log. */
export const startCluster = async (options: {
  binaries: Binaries;
  nodes?: readonly NodeSpec[];
  /** Hears of a component that ends by itself after the start. */
  onFailure?: (message: string) => void;
}): Promise<Cluster> => {
  const startedAtMs = performance.now();
  const directory = await mkdtemp(join(tmpdir(), 'spotpolicy-'));
  const reaper = startReaper(directory);
  const failure = new AbortController();
  const failed = (message: string): void => {
    failure.abort(new Error(message));
    options.onFailure?.(message);
  };
  try {
    const port = await freePort();
    const authority = await createAuthority();
    const data: ClusterData = {
      directory,
      serverUrl: `https://127.0.0.1:${port}`,
      caCertificatePem: authority.certificatePem,
      adminKubeconfigPath: join(directory, files.kubeconfig('admin')),
      binaries: options.binaries,
    };
    await writeFiles(data, authority);
    const access = await accessTo(data);

    const all = commands(options.binaries, port, await kwokConfigs(directory));
    const component = memoised((name: ComponentName) => componentOf(all[name], directory, failed));
    await bringUp(access, component, options.nodes ?? virtualNodes, failure.signal);

    return {
      ...access,
      data,
      startedInMs: Math.round(performance.now() - startedAtMs),
      component,
      restartApiServer: async () => {
        await component('kube-apiserver').kill();
        await component('kube-apiserver').start();
        await apiServerIsReady(access, failure.signal);
        await restartKwok(access, component);
      },
      stop: async () => {
        await access.admin.close();
        await reaper.reap();
      },
    };
  } catch (error) {
    await reaper.reap();
    throw error;
  }
};

const memoised = <Key, Value>(make: (key: Key) => Value): ((key: Key) => Value) => {
  const made = new Map<Key, Value>();
  return (key) => {
    const known = made.get(key) ?? make(key);
    made.set(key, known);
    return known;
  };
};

const writeFiles = async ({ directory, serverUrl }: ClusterData, authority: Authority): Promise<void> => {
  const write = (name: string, text: string) => writeFile(join(directory, name), text, { mode: 0o600 });
  const serving = await authority.issueServer('kube-apiserver', {
    dns: [
      'localhost',
      'kubernetes',
      'kubernetes.default',
      'kubernetes.default.svc',
      'kubernetes.default.svc.cluster.local',
    ],
    ip: ['127.0.0.1', '10.96.0.1'],
  });
  const tokens = await createTokenKeys();
  await Promise.all([
    saveAuthority(authority, directory),
    write(files.serving.certificate, serving.certificatePem),
    write(files.serving.key, serving.keyPem),
    write(files.tokens.publicKey, tokens.publicPem),
    write(files.tokens.privateKey, tokens.privatePem),
    ...Object.entries(users).map(async ([user, subject]) => {
      const credentials = await authority.issueClient(subject);
      const of = { user, serverUrl, caCertificatePem: authority.certificatePem, credentials };
      await write(files.kubeconfig(user), renderKubeconfig(of));
    }),
  ]);
};

const bringUp = async (
  access: Access,
  component: (name: ComponentName) => Component,
  nodes: readonly NodeSpec[],
  signal: AbortSignal,
): Promise<void> => {
  await component('etcd').start();
  await component('kube-apiserver').start();
  await apiServerIsReady(access, signal);
  for (const role of kwokRights) {
    const { kind } = role as { kind: string };
    await access.admin.post(`/apis/rbac.authorization.k8s.io/v1/${kind.toLowerCase()}s`, role);
  }
  await Promise.all([
    component('kube-controller-manager').start(),
    component('kube-scheduler').start(),
    component('kwok').start(),
    ...nodes.map((node) => access.admin.post('/api/v1/nodes', nodeObject(node))),
  ]);
  await podsCanBeScheduled(access, nodes, signal);
};

const apiServerIsReady = (access: Access, signal: AbortSignal): Promise<unknown> =>
  waitFor('the API server to be ready', () => access.admin.get('/readyz'), {
    timeoutMs: startTimeoutMs,
    signal,
  });

/** A Stage whose patch broke off with its connection is not played again until the pod changes; a new KWOK looks at all. */
const restartKwok = async (
  { admin }: Access,
  component: (name: ComponentName) => Component,
): Promise<void> => {
  await component('kwok').kill();
  // Else it would wait 40 s for the leases of its predecessor to run out.
  await admin.delete('/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases');
  await component('kwok').start();
};

type NodeState = {
  spec: { taints?: { key: string }[] };
  status: { conditions?: { type: string; status: string }[] };
};

const podsCanBeScheduled = async (
  access: Access,
  nodes: readonly NodeSpec[],
  signal: AbortSignal,
): Promise<void> => {
  for (const { name } of nodes)
    await waitFor(
      `node ${name} to be Ready and rid of its not-ready taint`,
      async () => {
        const { spec, status } = await access.admin.get<NodeState>(`/api/v1/nodes/${name}`);
        const ready = status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True');
        const tainted = spec.taints?.some(({ key }) => key.startsWith('node.kubernetes.io/'));
        return ready === true && tainted !== true;
      },
      { timeoutMs: startTimeoutMs, signal },
    );
  // Admission refuses pods in a namespace without it.
  const account = '/api/v1/namespaces/default/serviceaccounts/default';
  await waitFor('the default ServiceAccount', () => access.admin.get(account), {
    timeoutMs: startTimeoutMs,
    signal,
  });
};
