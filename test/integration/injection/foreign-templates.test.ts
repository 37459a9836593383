import { beforeAll, describe, type ExpectStatic, test } from 'vitest';
import { workloadTemplates } from '../../../cdk8s/manifests.ts';
import type { Condition } from '../../../operator/api/index.ts';
import type { SpotPolicySpecInput } from '../../../operator/api/spot-policy.ts';
import type { TemplateKind } from '../../../operator/world/template.ts';
import { aPolicy, manifestOf } from '../../builders/policy.ts';
import { aNamespace, sharedCluster, waitFor } from '../harness/cluster.ts';
import { applyAll, create, pathTo, statusOf } from '../harness/objects.ts';
import { createForeign, define, foreign, foreignKinds, pathToForeign } from '../workloads/foreign-kinds.ts';
import { spotAnnotations } from './admitted.ts';
import { isWritten, look as lookAt, lookUntil, programmedOnce, type Seen } from './pod-templates.ts';

const cluster = await sharedCluster();
const { admin } = cluster;

beforeAll(async () => {
  await define(cluster, foreignKinds, ['serving.knative.dev', 'sparkoperator.k8s.io', 'argoproj.io']);
  await applyAll(cluster, workloadTemplates());
});

/** A namespace whose one policy, `spot`, is about every pod template. */
const aScene = async (spec: Partial<SpotPolicySpecInput> = {}): Promise<string> => {
  const namespace = await aNamespace();
  const injection = { at: 'Workload' } as const;
  await create(
    admin,
    namespace,
    manifestOf(aPolicy({ name: 'spot', spec: { selector: {}, injection, ...spec } })),
  );
  return namespace;
};

// A watch that was refused before the role was there is tried again within half a minute.
const patience = { timeoutMs: 60_000 };

const look = (kind: TemplateKind, namespace: string): Promise<Seen> =>
  lookAt(admin, kind, pathToForeign(foreign(kind), namespace, 'hello'));

const becomes = (kind: TemplateKind, namespace: string, holds: (seen: Seen) => boolean): Promise<Seen> =>
  lookUntil(admin, kind, pathToForeign(foreign(kind), namespace, 'hello'), holds, patience);

/** What the status says once it names `which`. */
const messageNaming = async (namespace: string, which: string): Promise<string> => {
  const says = ({ reason, message }: Condition) => reason === 'Programmed' && message.includes(which);
  return (await programmedOnce(admin, namespace, says, patience)).message;
};

const workflow = { entrypoint: 'main', templates: [{ name: 'main', container: { image: 'step:1' } }] };
const containers = [{ image: 'hello:1' }];
const own = {
  annotations: { 'autoscaling.knative.dev/min-scale': '1' },
  labels: { 'serving.knative.dev/x': 'y' },
};

/** Writes, and after the policy is gone releases, the template of an object with this spec. */
const writesAndReleases = async (expect: ExpectStatic, kind: TemplateKind, spec: object): Promise<void> => {
  const namespace = await aScene();
  await createForeign(cluster, namespace, foreign(kind), { name: 'hello', spec });
  const before = await look(kind, namespace);
  const { template } = await becomes(kind, namespace, isWritten);
  expect(template.annotations).toEqual({
    ...before.template.annotations,
    ...spotAnnotations,
    'spotpolicy.dev/policy': `SpotPolicy/${namespace}/spot`,
    'spotpolicy.dev/revision': expect.any(String),
    'spotpolicy.dev/reason': 'Policy',
    'spotpolicy.dev/last-applied': expect.any(String),
  });
  expect(template.labels).toEqual({ ...before.template.labels, 'spotpolicy.dev/capacity': 'spot' });
  await messageNaming(namespace, 'pod templates have what the policy asks for');
  await admin.delete(pathTo('SpotPolicy', namespace, 'spot'));
  const after = await becomes(kind, namespace, (seen) => !isWritten(seen));
  expect(after.template.annotations ?? {}).toEqual(before.template.annotations ?? {});
  expect(after.template.labels ?? {}).toEqual(before.template.labels ?? {});
  expect(after.spec).toMatchObject(before.spec);
  expect(after.metadata.managedFields?.map(({ manager }) => manager)).not.toContain('spotpolicy-template');
  expect(after.metadata.generation).toBe(3);
};

describe.concurrent('the template is written, and released when its policy goes, of', () => {
  test('a Knative Service', ({ expect }) =>
    writesAndReleases(expect, 'Service', { template: { metadata: own, spec: { containers } } }));

  test('a Knative Service without any metadata in its template', ({ expect }) =>
    writesAndReleases(expect, 'Service', { template: { spec: { containers } } }));

  test('an Argo Rollout', ({ expect }) =>
    writesAndReleases(expect, 'Rollout', { template: { metadata: own, spec: { containers } } }));

  test('an Argo WorkflowTemplate', ({ expect }) => writesAndReleases(expect, 'WorkflowTemplate', workflow));

  test('an Argo CronWorkflow', ({ expect }) =>
    writesAndReleases(expect, 'CronWorkflow', {
      schedules: ['0 0 * * *'],
      workflowSpec: { ...workflow, podMetadata: { labels: { team: 'shop' } } },
    }));
});

describe.concurrent('the template is left alone, and the status says why, of', () => {
  const leftAlone = async (expect: ExpectStatic, kind: TemplateKind, spec: object, why: string) => {
    const namespace = await aScene();
    await createForeign(cluster, namespace, foreign(kind), { name: 'hello', spec });
    const message = await messageNaming(namespace, kind);
    expect(message).toContain(`not touched: ${kind} ${namespace}/hello (${why})`);
    const { metadata, spec: now } = await look(kind, namespace);
    expect({ generation: metadata.generation, spec: now }).toEqual({ generation: 1, spec });
  };

  test('a Knative Service that names its revision', ({ expect }) => {
    const template = { metadata: { name: 'hello-v1' }, spec: { containers } };
    return leftAlone(expect, 'Service', { template }, 'its revision name is fixed to hello-v1');
  });

  test('an Argo Workflow', ({ expect }) =>
    leftAlone(expect, 'Workflow', workflow, 'the spec of a Workflow is not read again once it has begun'));

  test('a SparkApplication', ({ expect }) => {
    const spec = { type: 'Scala', executor: { instances: 2 } };
    return leftAlone(expect, 'SparkApplication', spec, 'any edit of a SparkApplication runs it again');
  });
});

test.concurrent(
  'a policy in DryRun tells of it what it would write, and writes nothing',
  async ({ expect }) => {
    const namespace = await aScene({ mode: 'DryRun' });
    const spec = { template: { spec: { containers } } };
    await createForeign(cluster, namespace, foreign('Service'), { name: 'hello', spec });
    const { total, samples } = await waitFor(
      'the trial to be judged',
      async () => {
        const { dryRun } = await statusOf(admin, namespace, 'spot');
        return dryRun?.templates?.total === 1 && dryRun.templates;
      },
      patience,
    );
    expect([total, samples[0]]).toEqual([
      1,
      expect.objectContaining({
        kind: 'Service',
        name: 'hello',
        annotations: expect.objectContaining(spotAnnotations),
      }),
    ]);
    expect((await look('Service', namespace)).metadata.generation).toBe(1);
  },
);
