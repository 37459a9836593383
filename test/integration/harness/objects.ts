import type { Pod } from 'kubernetes-types/core/v1.js';
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.js';
import type { SpotPolicyObject, SpotPolicyStatus } from '../../../operator/api/index.ts';
import type { Access } from '../../../hack/cluster/access.ts';
import { waitFor } from '../../../hack/cluster/wait-for.ts';

type Admin = Access['admin'];

const collections: Readonly<Record<string, string>> = {
  Deployment: 'apis/apps/v1/namespaces/NS/deployments',
  StatefulSet: 'apis/apps/v1/namespaces/NS/statefulsets',
  ReplicaSet: 'apis/apps/v1/namespaces/NS/replicasets',
  DaemonSet: 'apis/apps/v1/namespaces/NS/daemonsets',
  Job: 'apis/batch/v1/namespaces/NS/jobs',
  CronJob: 'apis/batch/v1/namespaces/NS/cronjobs',
  Pod: 'api/v1/namespaces/NS/pods',
  Event: 'api/v1/namespaces/NS/events',
  Service: 'api/v1/namespaces/NS/services',
  LimitRange: 'api/v1/namespaces/NS/limitranges',
  ResourceQuota: 'api/v1/namespaces/NS/resourcequotas',
  PersistentVolumeClaim: 'api/v1/namespaces/NS/persistentvolumeclaims',
  EndpointSlice: 'apis/discovery.k8s.io/v1/namespaces/NS/endpointslices',
  PodDisruptionBudget: 'apis/policy/v1/namespaces/NS/poddisruptionbudgets',
  SpotPolicy: 'apis/spotpolicy.dev/v1alpha1/namespaces/NS/spotpolicies',
  ClusterSpotPolicy: 'apis/spotpolicy.dev/v1alpha1/clusterspotpolicies',
};

/** The path of a kind's objects in a namespace, or of one of them. */
export const pathTo = (kind: string, namespace: string, name?: string): string => {
  const collection = collections[kind];
  if (!collection) throw new Error(`pathTo knows no kind ${kind}; add it to its table`);
  return `/${collection.replace('NS', namespace)}${name === undefined ? '' : `/${name}`}`;
};

/** Creates an object in a namespace, whatever namespace its manifest names. */
export const create = <T extends { kind?: string; metadata?: object }>(
  admin: Admin,
  namespace: string,
  manifest: T,
): Promise<T> =>
  admin.post<T>(pathTo(manifest.kind ?? '', namespace), {
    ...manifest,
    metadata: { ...manifest.metadata, namespace },
  });

/** Applies manifests by server-side apply, as whoever installs something does. */
export const applyAll = (
  { kubectl }: Pick<Access, 'kubectl'>,
  items: readonly object[],
): Promise<{ stdout: string }> =>
  kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));

/** The living pods of a namespace by label, once there are `count` of them, all Running and Ready. */
export const readyPods = (admin: Admin, namespace: string, app: string, count: number): Promise<Pod[]> =>
  waitFor(`${count} Ready pods of ${app}`, async () => {
    const pods = (await podsOf(admin, namespace, app)).filter(({ status }) => status?.phase !== 'Failed');
    return pods.length === count && pods.every(isReady) && pods;
  });

/** The pods of a namespace by label that nobody has deleted. */
export const podsOf = async (admin: Admin, namespace: string, app: string): Promise<Pod[]> => {
  const pods = await admin.list<Pod>(`${pathTo('Pod', namespace)}?labelSelector=app%3D${app}`);
  return pods.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
};

/** Running and Ready. */
export const isReady = ({ status }: Pod): boolean =>
  status?.phase === 'Running' &&
  (status.conditions ?? []).some(({ type, status: value }) => type === 'Ready' && value === 'True');

/** Resolves once a budget is in force: computed for its present spec and over at least one pod. */
export const budgetInForce = (admin: Admin, namespace: string, name: string): Promise<PodDisruptionBudget> =>
  waitFor(`budget ${name} to be in force`, async () => {
    const budget = await admin.get<PodDisruptionBudget>(pathTo('PodDisruptionBudget', namespace, name));
    return isInForce(budget) && budget;
  });

/** Resolves once every budget of a namespace is in force: one list at a time, however many there are. */
export const budgetsInForce = (admin: Admin, namespace: string): Promise<unknown> =>
  waitFor('every budget to be in force', async () => {
    const budgets = await admin.list<PodDisruptionBudget>(pathTo('PodDisruptionBudget', namespace));
    return budgets.every(isInForce);
  });

const isInForce = ({ metadata, status }: PodDisruptionBudget): boolean =>
  status?.observedGeneration === metadata?.generation &&
  (status?.expectedPods ?? 0) > 0 &&
  status?.currentHealthy === status?.expectedPods;

/** Creates a policy and waits until new pods get what it asks for. */
export const aProgrammedPolicy = async (
  admin: Admin,
  namespace: string,
  policy: Pick<SpotPolicyObject, 'spec'> & { metadata: { name: string } },
): Promise<void> => {
  const { metadata, spec } = policy;
  const kind = { apiVersion: 'spotpolicy.dev/v1alpha1', kind: 'SpotPolicy' };
  await create(admin, namespace, { ...kind, metadata: { name: metadata.name }, spec });
  await isProgrammed(admin, namespace, metadata.name);
};

/** Resolves when new pods get what a policy asks for; the namespace of one of the cluster is empty. */
export const isProgrammed = (admin: Admin, namespace: string, name: string): Promise<unknown> =>
  waitFor(`policy ${name} to be Programmed`, async () => {
    const { conditions } = await statusOf(admin, namespace, name);
    return conditions?.some(({ type, status }) => type === 'Programmed' && status === 'True');
  });

/** The status of a policy as it is now; of the cluster's where the namespace is empty. */
export const statusOf = async (admin: Admin, namespace: string, name: string): Promise<SpotPolicyStatus> => {
  const kind = namespace === '' ? 'ClusterSpotPolicy' : 'SpotPolicy';
  return (await admin.get<SpotPolicyObject>(pathTo(kind, namespace, name))).status ?? {};
};

/** The entry of one pod in the status of a policy, once it satisfies `holds`. */
export const interruptionOf = (
  admin: Admin,
  policy: { namespace: string; name: string },
  podUid: string,
  holds: (entry: NonNullable<SpotPolicyStatus['interruptions']>[number]) => boolean,
  timeoutMs = 60_000,
): Promise<NonNullable<SpotPolicyStatus['interruptions']>[number]> =>
  waitFor(
    `the interruption of pod ${podUid}`,
    async () => {
      const { interruptions } = await statusOf(admin, policy.namespace, policy.name);
      const entry = interruptions?.find(({ uid }) => uid === podUid);
      if (entry && holds(entry)) return entry;
      throw new Error(JSON.stringify(entry ?? interruptions));
    },
    { timeoutMs },
  );
