import type { Pod } from 'kubernetes-types/core/v1.js';
import type { OwnerReference } from 'kubernetes-types/meta/v1.js';
import { beforeAll, describe, test } from 'vitest';
import type { SpotPolicySpecInput } from '../../../operator/api/spot-policy.ts';
import { aPolicy } from '../../builders/policy.ts';
import { aCronJob, aDeployment, aJob } from '../../builders/workloads.ts';
import { aNamespace, sharedCluster, waitFor } from '../harness/cluster.ts';
import { aProgrammedPolicy, create, pathTo, podsOf, statusOf } from '../harness/objects.ts';
import { admit, aPod, governorOf, type PodWishes } from '../injection/admitted.ts';
import { controlling, createForeign, define, foreign, foreignKinds } from './foreign-kinds.ts';

const cluster = await sharedCluster();
const { admin } = cluster;

beforeAll(() =>
  define(cluster, foreignKinds, ['serving.knative.dev', 'sparkoperator.k8s.io', 'argoproj.io']),
);

/** A namespace whose one policy, `spot`, governs the pods of one workload. */
const governed = async (
  kind: string,
  name: string,
  group: string,
  spec: Partial<SpotPolicySpecInput> = {},
) => {
  const namespace = await aNamespace();
  const targetRefs = [{ group, kind, name }];
  await aProgrammedPolicy(
    admin,
    namespace,
    aPolicy({ name: 'spot', spec: { selector: undefined, targetRefs, ...spec } }),
  );
  return namespace;
};

const capacityOf = ({ metadata }: Pod): string | undefined => metadata?.labels?.['spotpolicy.dev/capacity'];

/** The pods of an app, once there are `count`. */
const podsOnce = (namespace: string, app: string, count: number): Promise<Pod[]> =>
  waitFor(`${count} pods of ${app}`, async () => {
    const pods = await podsOf(admin, namespace, app);
    return pods.length === count && pods;
  });

/** The workloads of the policy's status once they hold so many pods. */
const workloadsWith = (namespace: string, pods: number) =>
  waitFor(`${pods} pods in the status`, async () => {
    const { workloads = [], conditions = [] } = await statusOf(admin, namespace, 'spot');
    const total = workloads.reduce((sum, workload) => sum + workload.pods, 0);
    const accepted = conditions.find(({ type }) => type === 'Accepted');
    if (total === pods && accepted?.status === 'True') return workloads;
    return Promise.reject(new Error(JSON.stringify({ workloads, accepted })));
  });

const makePod = (namespace: string, wishes: PodWishes): Promise<Pod> =>
  create(admin, namespace, aPod(wishes) as Pod & { kind: string });

const ownerOf = ({ apiVersion, kind, name, uid }: OwnerReference) => ({ apiVersion, kind, name, uid });

/** What Knative makes of one revision of a Service: the Revision, and a Deployment with its labels. */
const revise = async (namespace: string, configuration: OwnerReference, number: number, replicas = 1) => {
  const revision = `hello-0000${number}`;
  const labels = {
    'serving.knative.dev/service': 'hello',
    'serving.knative.dev/configuration': 'hello',
    'serving.knative.dev/revision': revision,
  };
  const owner = await createForeign(cluster, namespace, foreign('Revision'), {
    ...{ name: revision, owner: configuration, labels },
  });
  const { metadata, ...deployment } = aDeployment({ name: `${revision}-deployment`, replicas, labels });
  await create(admin, namespace, { ...deployment, metadata: { ...metadata, ownerReferences: [owner] } });
  return `${revision}-deployment`;
};

describe.concurrent('a policy that names it governs the pods of', () => {
  test('a Knative Service, of every revision alive, from zero on', async ({ expect }) => {
    const namespace = await governed('Service', 'hello', 'serving.knative.dev');
    const service = await createForeign(cluster, namespace, foreign('Service'), { name: 'hello' });
    const configuration = await createForeign(cluster, namespace, foreign('Configuration'), {
      ...{ name: 'hello', owner: service },
    });
    const first = await revise(namespace, configuration, 1, 2);
    const second = await revise(namespace, configuration, 2, 0);
    expect((await podsOnce(namespace, first, 2)).map(governorOf)).toEqual(['spot', 'spot']);

    await admin.patch(pathTo('Deployment', namespace, second), { spec: { replicas: 1 } });
    expect((await podsOnce(namespace, second, 1)).map(governorOf)).toEqual(['spot']);
    const [workload, ...others] = await workloadsWith(namespace, 3);
    expect(workload).toMatchObject({ ref: { group: 'serving.knative.dev', kind: 'Service', name: 'hello' } });
    expect(others).toEqual([]);
  });

  test('a SparkApplication: executors on spot capacity, the driver only if the policy says so', async ({
    expect,
  }) => {
    const admitted = async (spec: Partial<SpotPolicySpecInput>): Promise<(string | undefined)[]> => {
      const namespace = await governed('SparkApplication', 'pi', 'sparkoperator.k8s.io', spec);
      const application = await createForeign(cluster, namespace, foreign('SparkApplication'), {
        ...{ name: 'pi' },
      });
      const labels = (role: string) => ({ 'spark-role': role, 'sparkoperator.k8s.io/app-name': 'pi' });
      const driver = await makePod(namespace, {
        ...{ app: 'pi-driver', labels: labels('driver'), owner: ownerOf(application) },
      });
      const executors = await Promise.all(
        [1, 2].map((id) =>
          makePod(namespace, {
            ...{ app: `pi-exec-${id}`, labels: labels('executor'), owner: ownerOf(controlling(driver)) },
          }),
        ),
      );
      const pods = [driver, ...executors];
      expect(pods.map(governorOf)).toEqual(['spot', 'spot', 'spot']);
      const [workload, ...others] = await workloadsWith(namespace, 3);
      expect(workload?.ref).toMatchObject({ kind: 'SparkApplication', name: 'pi' });
      expect(others).toEqual([]);
      return pods.map(capacityOf);
    };
    expect(await admitted({})).toEqual(['on-demand', 'spot', 'spot']);
    expect(await admitted({ spark: { driver: 'Spot' } })).toEqual(['spot', 'spot', 'spot']);
  });

  test('a Workflow, and those of a CronWorkflow, whatever its name', async ({ expect }) => {
    const cron = await governed('CronWorkflow', 'hourly', 'argoproj.io');
    const alone = await governed('Workflow', 'etl', 'argoproj.io');
    const podOf = (workflow: OwnerReference): PodWishes => ({
      app: 'step',
      labels: { 'workflows.argoproj.io/workflow': workflow.name, 'workflows.argoproj.io/completed': 'false' },
      owner: ownerOf(workflow),
    });
    const workflow = await createForeign(cluster, alone, foreign('Workflow'), { name: 'etl' });
    expect(governorOf(await makePod(alone, podOf(workflow)))).toBe('spot');

    const owner = await createForeign(cluster, cron, foreign('CronWorkflow'), { name: 'hourly' });
    const byHand = await createForeign(cluster, cron, foreign('Workflow'), { name: 'by-hand', owner });
    // Its name says nothing of the CronWorkflow: until the Workflow has been seen, nobody can know.
    await waitFor(
      'its pods to be governed',
      async () => governorOf(await admit(admin, cron, aPod(podOf(byHand)))) === 'spot',
    );
    await makePod(cron, podOf(byHand));
    const [workload] = await workloadsWith(cron, 1);
    expect(workload?.ref).toMatchObject({ kind: 'CronWorkflow', name: 'hourly' });
  });

  test('a bare ReplicaSet, and leaves alone a bare pod, which only a selector finds', async ({ expect }) => {
    const namespace = await governed('ReplicaSet', 'web', 'apps');
    const { spec } = aDeployment();
    await create(admin, namespace, {
      ...{ apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { name: 'web' } },
      spec: { replicas: 1, selector: spec?.selector, template: spec?.template },
    });
    expect((await podsOnce(namespace, 'web', 1)).map(governorOf)).toEqual(['spot']);
    const alone = async () => governorOf(await admit(admin, namespace, aPod({ app: 'alone' })));
    expect(await alone()).toBeUndefined();
    const selector = { matchLabels: { app: 'alone' } };
    await aProgrammedPolicy(admin, namespace, aPolicy({ name: 'bare', spec: { selector } }));
    expect(await alone()).toBe('bare');
  });

  test('a CronJob, whose Job and pod come with it in one go', async ({ expect }) => {
    const namespace = await governed('CronJob', 'nightly', 'batch');
    const cronJob = aCronJob();
    const created = await create(admin, namespace, { ...cronJob, spec: { ...cronJob.spec, suspend: true } });
    const job = aJob({ name: 'nightly-29000003' });
    const [made, pod] = await Promise.all([
      create(admin, namespace, {
        ...job,
        metadata: { ...job.metadata, ownerReferences: [controlling(created)] },
      }),
      makePod(namespace, {
        ...{ app: 'early', owner: { apiVersion: 'batch/v1', kind: 'Job', name: 'nightly-29000003' } },
      }),
    ]);
    expect(made.metadata?.name).toBe('nightly-29000003');
    expect(governorOf(pod)).toBe('spot');
    expect((await podsOnce(namespace, 'nightly-29000003', 1)).map(governorOf)).toEqual(['spot']);
  });
});

describe.concurrent('before any owner has been seen', () => {
  const unseen = (kind: string, name: string, apiVersion: string) => ({ owner: { apiVersion, kind, name } });

  test('labels of Knative tell the Service of its first pod, but only above what Knative made', async ({
    expect,
  }) => {
    const namespace = await governed('Service', 'hello', 'serving.knative.dev');
    const labels = {
      ...{ 'pod-template-hash': '5d4f', 'serving.knative.dev/revision': 'hello-00001' },
      ...{ 'serving.knative.dev/configuration': 'hello', 'serving.knative.dev/service': 'hello' },
    };
    const governor = async (wishes: PodWishes) =>
      governorOf(await admit(admin, namespace, aPod({ labels, ...wishes })));
    expect(await governor(unseen('ReplicaSet', 'hello-00001-deployment-5d4f', 'apps/v1'))).toBe('spot');
    expect(await governor(unseen('ReplicaSet', 'web-5d4f', 'apps/v1'))).toBeUndefined();
    expect(await governor({})).toBeUndefined();
  });

  test('the label of the Spark operator tells the application of an executor', async ({ expect }) => {
    const namespace = await governed('SparkApplication', 'pi', 'sparkoperator.k8s.io');
    const labels = { 'spark-role': 'executor', 'sparkoperator.k8s.io/app-name': 'pi' };
    const governor = async (wishes: PodWishes) =>
      governorOf(await admit(admin, namespace, aPod({ labels, ...wishes })));
    expect(await governor(unseen('Pod', 'pi-driver', 'v1'))).toBe('spot');
    expect(await governor(unseen('StatefulSet', 'pi', 'apps/v1'))).toBeUndefined();
  });

  test('the name of a Workflow tells its CronWorkflow', async ({ expect }) => {
    const namespace = await governed('CronWorkflow', 'hourly', 'argoproj.io');
    const governor = async (name: string) =>
      governorOf(await admit(admin, namespace, aPod(unseen('Workflow', name, 'argoproj.io/v1alpha1'))));
    expect(await governor('hourly-1893456000')).toBe('spot');
    expect(await governor('hourly-x7k2p')).toBeUndefined();
  });
});
