import { setTimeout as pause } from 'node:timers/promises';
import type { Pod } from 'kubernetes-types/core/v1.js';
import { reclaim } from '../../../hack/cluster/reclaim.ts';
import { waitFor } from '../../../hack/cluster/wait-for.ts';
import { aPolicy, manifestOf } from '../../builders/policy.ts';
import { aBudget } from '../../builders/workloads.ts';
import { budgetInForce, create } from '../../integration/harness/objects.ts';
import type { Scene } from './scene.ts';
import { drain } from './storm.ts';

/** How a Deployment of one replica that may never be unavailable is brought through a reclaim. */
export const careful = ['BeforeEviction', 'AfterEviction', 'kubectl drain', 'eviction every second'] as const;
export type Care = (typeof careful)[number];

const copies = 3;
const namesOf = (care: Care): readonly string[] =>
  Array.from({ length: copies }, (_, index) => `careful-${careful.indexOf(care)}-${index}`);

/** The workloads of all ways, which go through it side by side. */
export const carefulWorkloads: readonly string[] = careful.flatMap(namesOf);

/** Seconds from the virtual node taking a pod to its readiness. */
export const readyAfterSeconds = 30;

/** Seconds without a Ready endpoint behind the Service of each workload, by way. */
export type Outages = Readonly<Record<Care, readonly number[]>>;

/** Reclaims the pods of all workloads with a window of so many minutes, each way in its own manner. */
export const availability = async (scene: Scene, minutes: number): Promise<Outages> => {
  const { cluster, namespace } = scene;
  const { admin } = cluster;
  for (const replacement of ['BeforeEviction', 'AfterEviction'] as const) {
    const selector = {
      matchExpressions: [{ key: 'app', operator: 'In' as const, values: [...namesOf(replacement)] }],
    };
    const spec = {
      selector,
      strategy: undefined,
      injection: { at: 'None' } as const,
      interruption: { replacement },
    };
    await create(admin, namespace, manifestOf(aPolicy({ name: replacement.toLowerCase(), spec })));
  }
  for (const name of carefulWorkloads) {
    await create(admin, namespace, aBudget({ maxUnavailable: 0 }, name));
    const spec = { selector: { app: name }, ports: [{ port: 80 }] };
    await admin.post(`/api/v1/namespaces/${namespace}/services`, { metadata: { name }, spec });
  }
  const pods = await scene.pods(1);
  for (const name of carefulWorkloads) await budgetInForce(admin, namespace, name);
  const endpoints = watchEndpoints(scene);
  await waitFor('every Service to have a Ready endpoint', () =>
    carefulWorkloads.every((name) => endpoints.isReady(name)),
  );
  const node = await scene.leaveNode();
  const ending = new AbortController();
  for (const pod of pods) await reclaim(admin, pod, { minutes, uid: 'pod' });
  const drained = drain(scene, node, `app in (${namesOf('kubectl drain').join(',')})`);
  for (const pod of pods)
    if (namesOf('eviction every second').includes(appOf(pod)))
      void evictEverySecond(scene, pod, ending.signal);
  // Until a pod that came when the window was over has had the time to become Ready.
  await pause((minutes * 60 + readyAfterSeconds) * 1000);
  await waitFor('every Service to have a Ready endpoint again', () =>
    carefulWorkloads.every((name) => endpoints.isReady(name)),
  );
  ending.abort();
  endpoints.stop();
  await drained;
  const outagesOf = (care: Care): readonly number[] =>
    namesOf(care).map((name) => outageMs(endpoints.sightsOf(name)) / 1000);
  return {
    BeforeEviction: outagesOf('BeforeEviction'),
    AfterEviction: outagesOf('AfterEviction'),
    'kubectl drain': outagesOf('kubectl drain'),
    'eviction every second': outagesOf('eviction every second'),
  };
};

const appOf = ({ metadata }: Pod): string => metadata?.labels?.['app'] ?? '';

const evictEverySecond = async (scene: Scene, pod: Pod, signal: AbortSignal): Promise<void> => {
  while (!signal.aborted && (await scene.evict(pod)) === 429) await pause(1_000);
};

interface Slice {
  readonly metadata: { readonly labels: Record<string, string> };
  readonly endpoints?: readonly { readonly conditions?: { readonly ready?: boolean } }[] | null;
}

/** One look at a Service: whether it has a Ready endpoint. */
export interface Sight {
  readonly atMs: number;
  readonly ready: boolean;
}

/** For how long a Service had no Ready endpoint since it first had one, in milliseconds; NaN where it never had. */
export const outageMs = (sights: readonly Sight[]): number => {
  const first = sights.findIndex(({ ready }) => ready);
  if (first < 0) return Number.NaN;
  return sights.slice(first).reduce((sum, { atMs, ready }, index, since) => {
    const until = since[index + 1];
    return ready || until === undefined ? sum : sum + until.atMs - atMs;
  }, 0);
};

/** What a watch sees of every Service of a scene. */
const watchEndpoints = ({ connections, namespace }: Scene) => {
  const ending = new AbortController();
  const sights = new Map<string, Sight[]>();
  const hear = ({ metadata, endpoints }: Slice): void => {
    const name = metadata.labels['kubernetes.io/service-name'] ?? '';
    const ready = (endpoints ?? []).some(({ conditions }) => conditions?.ready === true);
    sights.set(name, [...(sights.get(name) ?? []), { atMs: performance.now(), ready }]);
  };
  const follow = async (): Promise<void> => {
    const path = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices?watch=true`;
    for await (const line of connections.watch(path, ending.signal))
      hear((JSON.parse(line) as { object: Slice }).object);
  };
  follow().catch((error: unknown) => {
    if (!ending.signal.aborted) throw error;
  });
  return {
    isReady: (name: string) => sights.get(name)?.at(-1)?.ready ?? false,
    sightsOf: (name: string) => sights.get(name) ?? [],
    stop: () => ending.abort(),
  };
};
