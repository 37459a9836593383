import { join } from 'node:path';
import type { Pod } from 'kubernetes-types/core/v1.js';
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.js';
import { eciAnnotations } from '../../operator/api/keys.ts';
import type { Access } from '../cluster/access.ts';
import type { RestClient } from '../cluster/client.ts';
import { reclaim } from '../cluster/reclaim.ts';
import { waitFor } from '../cluster/wait-for.ts';
import type { Doomed } from './evidence.ts';
import { isReady } from './timeline.ts';

const file = (name: string): string => join(import.meta.dirname, name);
const readyMs = 60_000;
// Of workloads.yaml, with one run of the CronJob.
const podCount = 8;

/** The namespaces of policies.yaml. */
export const namespaces = ['shop', 'batch'] as const;

/** What ECI takes back, and how that should end: a Deployment's pods when they are replaced, others at once, batch work as late as its deadline allows. */
const reclaims = [
  { namespace: 'shop', app: 'web', count: 2, minutes: 3, outcome: 'Replaced', leaves: 'WhenReplaced' },
  { namespace: 'shop', app: 'db', count: 2, minutes: 3, outcome: 'Replaced', leaves: 'AtOnce' },
  { namespace: 'batch', app: 'pi', count: 1, minutes: 2, outcome: 'Completed', leaves: 'Late' },
  { namespace: 'batch', app: 'report', count: 1, minutes: 1, outcome: 'Replaced', leaves: 'Late' },
] as const;

/** Applies the policies; resolves when new pods get what they ask for. */
export const applyPolicies = async ({ kubectl }: Access): Promise<void> => {
  await kubectl(['apply', '-f', file('policies.yaml')]);
  await kubectl(['wait', 'spotpolicies', '-A', '--all', '--for=condition=Programmed', '--timeout=30s']);
};

/** Creates the workloads and a run of the CronJob; resolves with their pods once all are Ready and budgets in force. */
export const createWorkloads = async ({ admin, kubectl }: Access): Promise<Pod[]> => {
  // Admission refuses pods until the controller manager has made it, and controllers wait before they try again.
  for (const namespace of namespaces)
    await waitFor(`the default ServiceAccount of ${namespace}`, () =>
      admin.get(`/api/v1/namespaces/${namespace}/serviceaccounts/default`),
    );
  await kubectl(['apply', '-f', file('workloads.yaml')]);
  await kubectl(['create', 'job', 'report-now', '-n', 'batch', '--from=cronjob/report']);
  const apps = reclaims.map(({ app }) => app).join(',');
  const selector = encodeURIComponent(`app in (${apps})`);
  const pods = await waitFor(
    'all pods of the workloads to be Ready',
    async () => {
      const found = await admin.list<Pod>(`/api/v1/pods?labelSelector=${selector}`);
      const settled = found.length === podCount && found.every(isReady);
      return settled ? found : Promise.reject(new Error(found.map(describePod).join(', ')));
    },
    { timeoutMs: readyMs },
  );
  await waitFor('the budgets to be in force', async () => {
    const budgets = await admin.list<PodDisruptionBudget>(
      '/apis/policy/v1/namespaces/shop/poddisruptionbudgets',
    );
    return budgets.every(({ status }) => status?.currentHealthy === 3);
  });
  return pods;
};

const describePod = ({ metadata, status }: Pod): string => `${metadata?.name} ${status?.phase}`;

/** What admission gave the pods, one line a workload. */
export const describeGifts = (pods: readonly Pod[]): string[] => [
  ...new Set(
    pods.map(({ metadata }) => {
      const of = (key: string): string => metadata?.annotations?.[key] ?? '';
      const { spotStrategy, spotPriceLimit, useSpecs } = eciAnnotations;
      const gift = [of(spotStrategy), of(spotPriceLimit), of(useSpecs)].filter(Boolean).join(', ');
      return `${metadata?.namespace}/${metadata?.labels?.app}: ${gift}`;
    }),
  ),
];

/** The pods that ECI will take back. */
export const chooseDoomed = (pods: readonly Pod[]): Doomed[] =>
  reclaims.flatMap(({ namespace, app, count, ...rest }) =>
    pods
      .filter(({ metadata }) => metadata?.namespace === namespace && metadata.labels?.app === app)
      .slice(0, count)
      .map((pod) => ({ pod, ...rest })),
  );

/** Announces all reclaims at the same moment. */
export const announceReclaims = async (admin: RestClient, doomed: readonly Doomed[]): Promise<void> => {
  await Promise.all(doomed.map(({ pod, minutes }) => reclaim(admin, pod, { minutes, uid: 'pod' })));
};
