import { beforeAll, describe, test } from 'vitest';
import { sharedCluster } from '../harness/cluster.ts';
import { warn } from '../harness/platform.ts';
import { aScene, uidOf } from '../harness/scene.ts';
import { define, foreignKinds } from '../workloads/foreign-kinds.ts';
import { createSparkApplication, playSpark } from '../workloads/spark.ts';
import { createWorkflow, playWorkflows, type StepWishes } from '../workloads/workflows.ts';

const cluster = await sharedCluster();
const { admin } = cluster;

beforeAll(() => define(cluster, foreignKinds, ['argoproj.io', 'sparkoperator.k8s.io']));

/** A step under notice: how its interruption is told once it is over, and whether it was evicted. */
const interrupted = async (wishes: StepWishes) => {
  const scene = await aScene();
  playWorkflows(admin, scene.namespace);
  await createWorkflow(cluster, scene.namespace, 'etl', wishes);
  const pod = await scene.one('etl');
  await warn(admin, pod, { leftSeconds: 30 });
  const entry = await scene.entry(pod, ({ phase }) => phase === 'Done', 120_000);
  const { outcome, message, evictedAt, replacement } = entry;
  return { outcome, message, evicted: evictedAt !== undefined, replacement: replacement?.pod, scene, pod };
};

describe.concurrent('a step of an Argo Workflow', () => {
  test('that is retried after an Error is evicted as late as its grace period allows, and the retry takes its place', async ({
    expect,
  }) => {
    const { scene, pod, ...told } = await interrupted({
      retryStrategy: { limit: '3', retryPolicy: 'OnError' },
    });
    expect(told).toMatchObject({ outcome: 'Replaced', evicted: true, replacement: 'etl-1' });
    const [retry] = await scene.ready('etl', 1);
    expect(retry && uidOf(retry)).not.toBe(uidOf(pod));
  });

  test('that is retried once it has failed is left to ECI, and the retry takes its place', async ({
    expect,
  }) => {
    const told = await interrupted({ retryStrategy: { limit: '3' } });
    expect(told).toMatchObject({ outcome: 'LeftToReclaim', evicted: false, replacement: 'etl-1' });
  });

  test('that Argo reads to its end is evicted, and retried as one that has failed', async ({ expect }) => {
    const told = await interrupted({ retryStrategy: { retryPolicy: 'OnFailure' }, isReadToTheEnd: true });
    expect(told).toMatchObject({ outcome: 'Replaced', evicted: true, replacement: 'etl-1' });
  });

  test('that nobody retries is left to ECI, and nobody waits for a replacement once its Workflow has failed', async ({
    expect,
  }) => {
    const told = await interrupted({});
    expect(told).toMatchObject({ outcome: 'WorkloadFailed', evicted: false, replacement: undefined });
    expect(told.message).toContain('Workflow etl has failed');
  });
});

describe.concurrent('a Spark driver', () => {
  test('is evicted as late as its grace period allows, and the driver that is submitted again takes its place', async ({
    expect,
  }) => {
    const scene = await aScene();
    playSpark(admin, scene.namespace);
    await createSparkApplication(cluster, scene.namespace, 'OnFailure');
    const driver = await scene.one('pi');
    await warn(admin, driver, { leftSeconds: 30 });
    const { outcome, evictedAt, replacement } = await scene.entry(
      driver,
      ({ phase }) => phase === 'Done',
      120_000,
    );
    expect({ outcome, isEvicted: evictedAt !== undefined }).toEqual({ outcome: 'Replaced', isEvicted: true });
    const next = await scene.one('pi');
    expect(uidOf(next)).not.toBe(uidOf(driver));
    expect(replacement).toMatchObject({ pod: 'pi-driver', uid: uidOf(next) });
  });
});
