import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Pod } from 'kubernetes-types/core/v1.js';
import type { Cluster } from '../../../hack/cluster/cluster.ts';
import { virtualNodes } from '../../../hack/cluster/nodes.ts';
import { startReplica } from '../../../hack/cluster/operator.ts';
import { waitFor } from '../../../hack/cluster/wait-for.ts';
import { aPolicy, manifestOf } from '../../builders/policy.ts';
import { create, pathTo } from '../../integration/harness/objects.ts';
import { aBarePod } from '../../integration/harness/pods.ts';
import { type Connections, forEach } from '../connections.ts';
import { calm, processorMs, restingMiB } from '../processes.ts';

/** What the operator costs at one number of pods, in one round. */
export interface Footprint {
  readonly pods: number;
  readonly residentMiB: number;
  /** From the first request of a new process to the last first list. */
  readonly syncedMs: number;
  /** Of a process that only lists the same objects, page by page. */
  readonly listMs: number;
  /** Processor time of the operator for each change of a pod. */
  readonly perEventMs: number;
}

const namespaces = Array.from({ length: 10 }, (_, index) => `grown-${index}`);
const policiesEach = 10;
const writers = 32;
// Its processor time is known to a hundredth of a second.
const changes = 2_000;
const syncMs = 60_000;

/** Makes namespaces with 100 policies between them, while the controller manager still runs. */
export const preparePolicies = async ({ admin }: Cluster): Promise<void> => {
  for (const namespace of namespaces) {
    await admin.post('/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: namespace },
    });
    await waitFor(`the default ServiceAccount of ${namespace}`, () =>
      admin.get(`/api/v1/namespaces/${namespace}/serviceaccounts/default`),
    );
    for (let index = 0; index < policiesEach; index += 1) {
      const selector = { matchLabels: { app: `app-${index}` } };
      const spec = { selector, strategy: undefined, injection: { at: 'None' } as const };
      await create(admin, namespace, manifestOf(aPolicy({ name: `policy-${index}`, spec })));
    }
  }
};

/** Creates governed pods until there are so many: on a node and Ready, although nothing runs them. */
export const growTo = async (connections: Connections, from: number, to: number): Promise<void> => {
  const send = async (method: 'POST' | 'PATCH', path: string, body: object, contentType?: string) => {
    const outgoing = { method, path, body: JSON.stringify(body), ...(contentType && { contentType }) };
    const { status, text } = await connections.send(outgoing);
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text}`);
  };
  const numbers = Array.from({ length: to - from }, (_, index) => from + index);
  await forEach(
    numbers,
    async (number) => {
      const pod = aGrownPod(number);
      const path = pathTo('Pod', namespaceOf(number));
      await send('POST', path, pod);
      await send('PATCH', `${path}/${pod.metadata?.name}/status`, running(true), strategic);
    },
    writers,
  );
};

const strategic = 'application/strategic-merge-patch+json';
const namespaceOf = (number: number): string => namespaces[number % namespaces.length] ?? '';

const aGrownPod = (number: number): Pod => {
  const app = `app-${Math.floor(number / namespaces.length) % policiesEach}`;
  const pod = aBarePod(`pod-${number}`, { labels: { app, 'pod-template-hash': '5d8f6c7b9' } });
  return {
    ...pod,
    spec: { ...pod.spec, nodeName: virtualNodes[0]?.name ?? '', containers: pod.spec?.containers ?? [] },
  };
};

const running = (ready: boolean): object => {
  const condition = { status: ready ? 'True' : 'False', lastTransitionTime: '2026-01-01T00:00:00Z' };
  const conditions = ['Ready', 'ContainersReady'].map((type) => ({ ...condition, type }));
  return { status: { phase: 'Running', podIP: '10.244.0.1', conditions } };
};

/** Starts an operator beside so many pods and takes its measure. */
export const footprint = async (
  cluster: Cluster,
  connections: Connections,
  pods: number,
): Promise<Footprint> => {
  await calm(5_000);
  const listMs = await bareList(cluster);
  await calm(5_000);
  const logPath = join(cluster.directory, `grown-${Math.round(performance.now())}.log`);
  const replica = await startReplica(cluster, { logPath, flags: ['--log-level', 'debug'] });
  const syncedMs = await waitFor('the first lists', async () => syncedIn(await readFile(logPath, 'utf8')), {
    timeoutMs: syncMs,
  });
  await calm(10_000);
  const residentMiB = await restingMiB(replica.pid);
  const beforeMs = await processorMs(replica.pid);
  // Half of them are Ready no longer, and then again: what every reader of pods looks at.
  for (const ready of [false, true]) {
    const numbers = Array.from({ length: changes / 2 }, (_, index) => (index * 7_919) % pods);
    await forEach(
      numbers,
      (number) =>
        connections.send({
          method: 'PATCH',
          path: `${pathTo('Pod', namespaceOf(number))}/pod-${number}/status`,
          contentType: strategic,
          body: JSON.stringify(running(ready)),
        }),
      writers,
    );
  }
  // The last events are on their way.
  await pause(1_000);
  const perEventMs = ((await processorMs(replica.pid)) - beforeMs) / changes;
  await replica.end('SIGTERM');
  return { pods, residentMiB, syncedMs, listMs, perEventMs };
};

/** The time from the first list to the last in an operator's log, in milliseconds; undefined while some are under way. */
export const syncedIn = (log: string): number | undefined => {
  const lines = log
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { time: string; message: string });
  const atMs = (line: { time: string } | undefined): number => Date.parse(line?.time ?? '');
  // It serves health and admission first, then begins to list; it leads when it knows everything.
  const began = lines.find(({ message }) => message === 'serving');
  const leads = lines.some(({ message }) => message === 'leading');
  const last = lines.findLast(({ message }) => message === 'source synced');
  return leads && last ? atMs(last) - atMs(began) : undefined;
};

const bareList = async ({ adminKubeconfigPath }: Cluster): Promise<number> => {
  const child = fork(join(import.meta.dirname, 'bare-list.ts'), [adminKubeconfigPath]);
  const [answer] = (await once(child, 'message')) as [{ tookMs: number }];
  return answer.tookMs;
};
