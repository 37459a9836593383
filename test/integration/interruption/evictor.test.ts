import type { Pod } from 'kubernetes-types/core/v1.js';
import type { OwnerReference } from 'kubernetes-types/meta/v1.js';
import { beforeAll, describe, test } from 'vitest';
import type { SpotPolicySpecInput } from '../../../operator/api/index.ts';
import { aBudget, aCronJob, aDeployment, aJob, aStatefulSet } from '../../builders/workloads.ts';
import { sharedCluster, waitFor } from '../harness/cluster.ts';
import { budgetInForce, podsOf } from '../harness/objects.ts';
import { type Times, warn } from '../harness/platform.ts';
import { conditionOf, podTemplate, spotAnnotations } from '../harness/pods.ts';
import { aScene, eventsUpTo, isTouched, type Scene, timesTold, uidOf } from '../harness/scene.ts';
import { anEvictingNode, type EvictingNode } from '../harness/virtual-node.ts';
import { controlling, createForeign, define, foreign, foreignKinds } from '../workloads/foreign-kinds.ts';

const cluster = await sharedCluster();
type Settings = NonNullable<SpotPolicySpecInput['interruption']>;

beforeAll(() => define(cluster, foreignKinds));

/** A scene whose policy annotates pods, Spark drivers too, beside virtual nodes that evict whoever asks them. */
const aSceneOnNodes = async (interruption: Settings): Promise<Scene & { node: EvictingNode }> => {
  const scene = await aScene(interruption);
  const spec = { strategy: 'SpotAsPriceGo', injection: { at: 'Pod' }, spark: { driver: 'Spot' } };
  await scene.patch('SpotPolicy', 'spot', { spec });
  await scene.statusWith(({ conditions = [] }) =>
    conditions.some(
      ({ type, status, observedGeneration }) =>
        type === 'Programmed' && status === 'True' && observedGeneration === 2,
    ),
  );
  return { ...scene, node: anEvictingNode(scene.admin, scene.namespace) };
};

const graceSeconds = 2;
const madeBy = (kind: string, name: string, annotations = {}) => ({
  ...{ apiVersion: 'apps/v1', kind, metadata: { name } },
  spec: {
    selector: { matchLabels: { app: name } },
    template: podTemplate({
      labels: { app: name },
      annotations,
      spec: { terminationGracePeriodSeconds: graceSeconds },
    }),
  },
});

/** The one pod of an app, by whomever it is owned. */
const aPodOf = (scene: Scene, app: string, owner?: OwnerReference, labels = {}) =>
  scene.create({
    ...{ apiVersion: 'v1', kind: 'Pod' },
    ...podTemplate({ spec: { terminationGracePeriodSeconds: graceSeconds } }),
    metadata: { name: app, labels: { app, ...labels }, ...(owner && { ownerReferences: [owner] }) },
  });

/** A pod of each kind of owner, Ready, by the name of its app. */
const aPodOfEach = async (scene: Scene): Promise<Readonly<Record<string, Pod>>> => {
  const { namespace } = scene;
  const workflow = await createForeign(cluster, namespace, foreign('Workflow'), { name: 'etl' });
  const application = await createForeign(cluster, namespace, foreign('SparkApplication'), { name: 'pi' });
  const driver = await aPodOf(scene, 'driver', application, { 'spark-role': 'driver' });
  const cronJob = aCronJob({ name: 'nightly' });
  const cron = await scene.create({ ...cronJob, spec: { ...cronJob.spec, suspend: true } });
  const { metadata, ...run } = aJob({ name: 'run', graceSeconds });
  await Promise.all([
    scene.create(aDeployment({ name: 'deployment', graceSeconds })),
    scene.create(aStatefulSet({ name: 'statefulset', graceSeconds })),
    scene.create(madeBy('ReplicaSet', 'replicaset')),
    // Pods of a node get nothing at admission.
    scene.create(madeBy('DaemonSet', 'daemonset', spotAnnotations)),
    scene.create(aJob({ name: 'job', graceSeconds })),
    scene.create({ ...run, metadata: { ...metadata, ownerReferences: [controlling(cron)] } }),
    aPodOf(scene, 'executor', controlling(driver), { 'spark-role': 'executor' }),
    aPodOf(scene, 'step', workflow),
    aPodOf(scene, 'bare'),
  ]);
  const apps = ['deployment', 'statefulset', 'replicaset', 'executor'];
  const unhurried = ['job', 'run', 'driver', 'bare', 'step'];
  const pods = await Promise.all(
    [...apps, ...unhurried].map(async (app) => [app, await scene.one(app)] as const),
  );
  const [ofNode] = await waitFor('a pod of the DaemonSet', async () => {
    const found = await podsOf(scene.admin, namespace, 'daemonset');
    return found.some((pod) => conditionOf(pod, 'Ready')?.status === 'True') && found;
  });
  return { ...Object.fromEntries(pods), ...(ofNode && { daemonset: ofNode }) };
};

const strategyOf = ({ metadata }: Pod): string | undefined =>
  metadata?.annotations?.['k8s.aliyun.com/eci-spot-release-strategy'];

/** Who evicted a pod, and whether that was as late as its grace period allows. */
const evictorOf = async (
  { entry, node }: Scene & { node: EvictingNode },
  pod: Pod,
  { deadlineMs }: Times,
): Promise<string> => {
  const { evictedAt, outcome } = await entry(
    pod,
    ({ phase, outcome }) => outcome !== undefined || phase === 'AwaitingReplacement',
    60_000,
  );
  if (outcome === 'LeftToReclaim') return 'nobody';
  if (evictedAt === undefined) return node.evicted.has(uidOf(pod)) ? 'its node' : `nobody: ${outcome}`;
  // Its grace, and 10 s to have the eviction accepted; the status gives whole seconds.
  return deadlineMs - Date.parse(evictedAt) <= graceSeconds * 1_000 + 11_000 ? 'operator, late' : 'operator';
};

const late = {
  job: 'operator, late',
  run: 'operator, late',
  driver: 'operator, late',
  bare: 'operator, late',
};
const by = (who: string) => ({ deployment: who, statefulset: who, replicaset: who, executor: who });
const untouched = { step: 'nobody', daemonset: 'nobody' };

describe.concurrent('of every owner pods are evicted', () => {
  const evictors: [evictor: NonNullable<Settings['evictor']>, by: Record<string, string>][] = [
    ['Operator', { ...by('operator'), ...late, ...untouched }],
    ['VirtualNode', { ...by('its node'), ...late, ...untouched }],
    [
      'None',
      {
        ...by('nobody'),
        ...{ job: 'nobody', run: 'nobody', driver: 'nobody', bare: 'nobody' },
        ...untouched,
      },
    ],
  ];
  test.for(evictors)(
    'with evictor %s by whom and when the table says',
    async ([evictor, expected], { expect }) => {
      const scene = await aSceneOnNodes({ evictor });
      const pods = Object.entries(await aPodOfEach(scene));
      const asking = pods.filter(([, pod]) => strategyOf(pod) === 'api-evict').map(([app]) => app);
      expect(asking).toEqual(evictor === 'VirtualNode' ? Object.keys(by('')) : []);
      const warned = await Promise.all(
        pods.map(async ([app, pod]) => ({
          app,
          pod,
          times: await warn(scene.admin, pod, { leftSeconds: 30 }),
        })),
      );
      const found = await Promise.all(
        warned.map(async ({ app, pod, times }) => [app, await evictorOf(scene, pod, times)] as const),
      );
      scene.node.stop();
      expect(Object.fromEntries(found)).toEqual(expected);
      const { totals } = await scene.statusWith(({ totals }) => totals?.noticed === pods.length);
      const evictions = Object.values(expected).filter((who) => who.startsWith('operator')).length;
      expect(totals).toMatchObject({ evicted: evictions, forced: 0, missed: 0 });
    },
  );
});

/** A warned pod that asks its node for eviction, which its budget refuses. */
const aBlockedPod = async (interruption: Settings) => {
  const scene = await aSceneOnNodes({ evictor: 'VirtualNode', ...interruption });
  await scene.create(aBudget({ maxUnavailable: 0 }));
  await scene.create(aDeployment({ graceSeconds }));
  const pod = await scene.one('web');
  await budgetInForce(scene.admin, scene.namespace, 'web');
  await warn(scene.admin, pod, { leftSeconds: 15 });
  return { scene, pod };
};

describe.concurrent('a pod that its node may not evict, for its budget,', () => {
  test('is deleted at its deadline', async ({ expect }) => {
    const { scene, pod } = await aBlockedPod({});
    const { outcome } = await scene.entry(pod, ({ phase }) => phase === 'Done');
    scene.node.stop();
    expect(outcome).toBe('Forced');
    expect(timesTold(await eventsUpTo(scene, pod, 'ReplacementReady'), 'EvictionBlocked')).toBe(0);
  });

  test('is missed where the policy says Leave', async ({ expect }) => {
    const { scene, pod } = await aBlockedPod({ onDeadline: 'Leave' });
    const { message } = await scene.entry(pod, ({ phase }) => phase === 'Noticed');
    expect(message).toBe('its virtual node evicts it (api-evict); left to the reclaim at the deadline');
    const { outcome } = await scene.entry(pod, ({ phase }) => phase === 'Done');
    scene.node.stop();
    expect(outcome).toBe('Missed');
  });
});

test.concurrent(
  'a virtual node that is too old for that is named, and another evictor ends it',
  async ({ expect }) => {
    const scene = await aScene({ evictor: 'VirtualNode' });
    const version = { 'k8s.aliyun.com/vk-version': 'v2.10.0' };
    await scene.create(aDeployment({ annotations: { ...spotAnnotations, ...version } }));
    const pod = await scene.one('web');
    const programmed = async (status: string) => {
      const { conditions } = await scene.statusWith(({ conditions = [] }) =>
        conditions.some((each) => each.type === 'Programmed' && each.status === status),
      );
      return conditions?.find(({ type }) => type === 'Programmed');
    };
    const { reason, message } = (await programmed('False')) ?? {};
    expect(reason).toBe('VirtualNodeTooOld');
    expect(message).toContain(pod.spec?.nodeName);
    await scene.patch('SpotPolicy', 'spot', { spec: { interruption: { evictor: 'Operator' } } });
    expect((await programmed('True'))?.reason).toBe('Programmed');
    expect(isTouched(pod)).toBe(false);
  },
);
