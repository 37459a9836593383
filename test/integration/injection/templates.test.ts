import type { Pod, PodTemplateSpec } from 'kubernetes-types/core/v1.js';
import { beforeAll, describe, type ExpectStatic, test } from 'vitest';
import { workloadTemplates } from '../../../cdk8s/manifests.ts';
import type { Condition } from '../../../operator/api/index.ts';
import type { SpotPolicySpecInput } from '../../../operator/api/spot-policy.ts';
import type { TemplateKind } from '../../../operator/world/template.ts';
import { aPolicy } from '../../builders/policy.ts';
import { aCronJob, aDeployment, aJob, aStatefulSet } from '../../builders/workloads.ts';
import { aNamespace, sharedCluster, waitFor } from '../harness/cluster.ts';
import { applyAll, aProgrammedPolicy, create, pathTo, podsOf, statusOf } from '../harness/objects.ts';
import { clockReaches } from '../harness/scene.ts';
import { aPod, spotAnnotations } from './admitted.ts';
import { isWritten, look as lookAt, lookUntil, programmedOnce, type Seen } from './pod-templates.ts';

const cluster = await sharedCluster();
const { admin, kubectl } = cluster;

beforeAll(async () => {
  await applyAll(cluster, workloadTemplates());
});

const strategy = 'k8s.aliyun.com/eci-spot-strategy';
const duration = 'k8s.aliyun.com/eci-spot-duration';
const revision = 'spotpolicy.dev/revision';

type Spec = Partial<SpotPolicySpecInput>;
const atWorkload = (spec: Spec = {}) =>
  aPolicy({ name: 'spot', spec: { selector: {}, injection: { at: 'Workload' }, ...spec } });

/** A namespace whose one policy, `spot`, writes the template of every workload. */
const aScene = async (spec: Spec = {}): Promise<string> => {
  const namespace = await aNamespace();
  await aProgrammedPolicy(admin, namespace, atWorkload(spec));
  return namespace;
};

const look = (kind: TemplateKind, namespace: string, name: string): Promise<Seen> =>
  lookAt(admin, kind, pathTo(kind, namespace, name));

const becomes = (
  kind: TemplateKind,
  namespace: string,
  name: string,
  holds: (seen: Seen) => boolean,
): Promise<Seen> => lookUntil(admin, kind, pathTo(kind, namespace, name), holds);

const hasDuration =
  (value: string) =>
  ({ template }: Seen): boolean =>
    template.annotations?.[duration] === value;
const edit = (namespace: string, spec: Spec): Promise<unknown> =>
  admin.patch(pathTo('SpotPolicy', namespace, 'spot'), { spec });

const programmed = (namespace: string, reason: string): Promise<Condition> =>
  programmedOnce(admin, namespace, (condition) => condition.reason === reason);

const expectGiven = (expect: ExpectStatic, namespace: string, pod: Pod | undefined): void => {
  expect(pod?.metadata?.annotations).toMatchObject({
    ...spotAnnotations,
    'spotpolicy.dev/policy': `SpotPolicy/${namespace}/spot`,
    [revision]: expect.stringMatching(/^[0-9a-f]{12}$/),
  });
  expect(pod?.metadata?.labels).toMatchObject({ 'spotpolicy.dev/capacity': 'spot' });
  // It came by the template, not by admission.
  expect(pod?.metadata?.annotations).not.toHaveProperty(['spotpolicy.dev/admission']);
};

const podWith = (namespace: string, app: string): Promise<Pod> =>
  waitFor(`an annotated pod of ${app}`, async () => {
    const pods = await podsOf(admin, namespace, app);
    return pods.find(({ metadata }) => metadata?.annotations?.[revision] !== undefined);
  });

describe.concurrent('pods get their annotations by the template of', () => {
  test('a Deployment and a StatefulSet, which roll out', async ({ expect }) => {
    const namespace = await aScene();
    await create(admin, namespace, aDeployment({ replicas: 2 }));
    await create(admin, namespace, aStatefulSet());
    expectGiven(expect, namespace, await podWith(namespace, 'web'));
    expectGiven(expect, namespace, await podWith(namespace, 'db'));
    const { pods } = await waitFor('the rollouts', async () => {
      const status = await statusOf(admin, namespace, 'spot');
      const { matched, outdated, uninjected } = status.pods ?? {};
      return matched === 3 && outdated === 0 && uninjected === 0
        ? status
        : Promise.reject(new Error(JSON.stringify(status)));
    });
    expect(pods).toMatchObject({ matched: 3, userValueKept: 0 });
  });

  test('a bare ReplicaSet, from its next pod on', async ({ expect }) => {
    const namespace = await aScene();
    const { spec } = aDeployment({ name: 'bare' });
    const replicaSet = { apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { name: 'bare' }, spec };
    await create(admin, namespace, replicaSet);
    await becomes('ReplicaSet', namespace, 'bare', isWritten);
    for (const { metadata } of await podsOf(admin, namespace, 'bare')) {
      await admin.delete(pathTo('Pod', namespace, metadata?.name));
    }
    expectGiven(expect, namespace, await podWith(namespace, 'bare'));
  });

  test('a CronJob, from its next run on', async ({ expect }) => {
    const namespace = await aScene();
    const cronJob = aCronJob();
    await create(admin, namespace, { ...cronJob, spec: { ...cronJob.spec, suspend: true } });
    await becomes('CronJob', namespace, 'nightly', isWritten);
    await kubectl(['-n', namespace, 'create', 'job', 'by-hand', '--from=cronjob/nightly']);
    expectGiven(expect, namespace, await podWith(namespace, 'nightly'));
  });

  test('a Job that waits for its start', async ({ expect }) => {
    const namespace = await aScene();
    const job = aJob();
    await create(admin, namespace, { ...job, spec: { ...job.spec, suspend: true } });
    await becomes('Job', namespace, 'batch', isWritten);
    await admin.patch(pathTo('Job', namespace, 'batch'), { spec: { suspend: false } });
    expectGiven(expect, namespace, await podWith(namespace, 'batch'));
  });
});

test.concurrent(
  'a Job that has started is named in the status, and neither it nor its pods are touched',
  async ({ expect }) => {
    const namespace = await aScene();
    await create(admin, namespace, aJob());
    const { message } = await waitFor('the status to name it', async () => {
      const found = await programmed(namespace, 'Programmed');
      return found.message.includes('Job') && found;
    });
    expect(message).toContain(`Job ${namespace}/batch (a Job keeps the template that it started with)`);
    expect((await look('Job', namespace, 'batch')).template.annotations ?? {}).not.toHaveProperty([strategy]);
    const [pod] = await podsOf(admin, namespace, 'batch');
    expect(pod?.metadata?.annotations ?? {}).not.toHaveProperty([strategy]);
  },
);

// As in Git: without a word on annotations where there are none.
const aManifest = (annotations?: Record<string, string>): object => {
  const { spec, ...manifest } = aDeployment();
  const labels = { app: 'web' };
  const metadata = { labels, ...(annotations && { annotations }) };
  return { ...manifest, spec: { ...spec, template: { ...spec?.template, metadata } } };
};

describe.concurrent('a rollout', () => {
  const replicaSetsOf = async (namespace: string, app: string): Promise<number> =>
    (await admin.list(`${pathTo('ReplicaSet', namespace)}?labelSelector=app%3D${app}`)).length;

  test('comes with each edit of what pods get, and with nothing else', async ({ expect }) => {
    const namespace = await aScene();
    await create(admin, namespace, aDeployment());
    expect((await becomes('Deployment', namespace, 'web', isWritten)).metadata.generation).toBe(2);
    await edit(namespace, { priority: 7, interruption: { onDeadline: 'Leave' } });
    await waitFor(
      'the edit to be seen',
      async () => (await statusOf(admin, namespace, 'spot')).observedGeneration === 2,
    );
    // Whatever the operator makes of it is done when it has written a template that came later.
    await create(admin, namespace, aDeployment({ name: 'later' }));
    await becomes('Deployment', namespace, 'later', isWritten);
    expect((await look('Deployment', namespace, 'web')).metadata.generation).toBe(2);
    await edit(namespace, { durationHours: 0 });
    const edited = await becomes('Deployment', namespace, 'web', hasDuration('0'));
    expect(edited.metadata.generation).toBe(3);
    await waitFor('three ReplicaSets', async () => (await replicaSetsOf(namespace, 'web')) === 3);
  });

  test('is one for two edits within a second', async ({ expect }) => {
    const namespace = await aScene();
    await create(admin, namespace, aDeployment());
    await becomes('Deployment', namespace, 'web', isWritten);
    await edit(namespace, { durationHours: 0 });
    await clockReaches(Date.now() + 600);
    await edit(namespace, { instanceSpecs: ['2-4Gi'] });
    const { metadata, template } = await becomes('Deployment', namespace, 'web', hasDuration('0'));
    expect(template.annotations).toMatchObject({ 'k8s.aliyun.com/eci-use-specs': '2-4Gi' });
    expect(metadata.generation).toBe(3);
  });

  test('does not follow when another manager applies what it always applies, or takes a key for itself', async ({
    expect,
  }) => {
    const namespace = await aScene();
    const path = `${pathTo('Deployment', namespace, 'web')}?fieldManager=gitops&force=true`;
    const apply = (annotations?: Record<string, string>) =>
      admin.patch(path, aManifest(annotations), 'apply');
    await apply();
    await becomes('Deployment', namespace, 'web', isWritten);
    for (let round = 0; round < 20; round += 1) await apply();
    expect((await look('Deployment', namespace, 'web')).metadata.generation).toBe(2);
    for (let round = 0; round < 20; round += 1) await apply({ [duration]: '0' });
    // Whatever the operator makes of it is done when it has dealt with an edit that came later.
    await edit(namespace, { instanceSpecs: ['2-4Gi'] });
    const { metadata, template } = await becomes(
      'Deployment',
      namespace,
      'web',
      (seen) => seen.template.annotations?.['k8s.aliyun.com/eci-use-specs'] !== undefined,
    );
    expect(template.annotations?.[duration]).toBe('0');
    expect(metadata.generation).toBe(4);
  });

  test('is no answer to each of twenty replacements that take the annotations away', async ({ expect }) => {
    const namespace = await aScene();
    await create(admin, namespace, aDeployment());
    await becomes('Deployment', namespace, 'web', isWritten);
    let taken = 0;
    const strip = async (): Promise<void> => {
      const { template } = await look('Deployment', namespace, 'web');
      const keys = Object.keys(template.annotations ?? {}).map((key) => [key, null]);
      if (keys.length > 0) taken += 1;
      const metadata = { annotations: Object.fromEntries(keys) };
      await admin.patch(pathTo('Deployment', namespace, 'web'), { spec: { template: { metadata } } });
    };
    const beganMs = Date.now();
    for (let round = 1; round <= 20; round += 1) {
      await strip();
      await clockReaches(beganMs + round * 400);
    }
    const seconds = (Date.now() - beganMs) / 1_000;
    await becomes('Deployment', namespace, 'web', isWritten);
    // They were there at first, and again 2 s, 4 s, 8 s and so on after each loss: the waits double.
    expect(taken).toBeLessThanOrEqual(1 + Math.log2(seconds + 2));
  });
});

test.concurrent(
  'a template is released when its policy goes, of our keys and no others',
  async ({ expect }) => {
    const namespace = await aScene({
      ...{ instanceSpecs: ['2-4Gi'], injection: { at: 'Workload', scheduling: 'VirtualNode' } },
    });
    // One of the keys that the policy asks for is there already, with another value.
    const own = { 'k8s.aliyun.com/eci-use-specs': '4-8Gi', 'example.com/team': 'shop' };
    const created = await create(
      admin,
      namespace,
      aDeployment({ annotations: own, labels: { tier: 'front' } }),
    );
    const { template } = await becomes('Deployment', namespace, 'web', isWritten);
    expect(template.annotations).toMatchObject({ ...own, ...spotAnnotations });
    expect(template.labels).toMatchObject({
      'alibabacloud.com/eci': 'true',
      'spotpolicy.dev/capacity': 'spot',
    });
    await admin.delete(pathTo('SpotPolicy', namespace, 'spot'));
    const after = await becomes('Deployment', namespace, 'web', (seen) => !isWritten(seen));
    const asCreated = created.spec?.template as PodTemplateSpec;
    expect(after.template.annotations).toEqual(asCreated.metadata?.annotations);
    expect(after.template.labels).toEqual(asCreated.metadata?.labels);
    expect(after.metadata.managedFields?.map(({ manager }) => manager)).not.toContain('spotpolicy-template');
    expect(after.metadata.generation).toBe(3);
  },
);

test.concurrent(
  'a policy that moves to admission releases the template, and its pods get it there',
  async ({ expect }) => {
    const namespace = await aScene();
    await create(admin, namespace, aDeployment());
    await becomes('Deployment', namespace, 'web', isWritten);
    await edit(namespace, { injection: { at: 'Pod' } });
    await becomes('Deployment', namespace, 'web', (seen) => !isWritten(seen));
    const pod = await waitFor('a pod given at admission', async () => {
      const pods = await podsOf(admin, namespace, 'web');
      return pods.find(({ metadata }) => metadata?.annotations?.['spotpolicy.dev/admission'] !== undefined);
    });
    expect(pod.metadata?.annotations).toMatchObject(spotAnnotations);
  },
);

test.concurrent(
  'a field that another manager holds is told with both names, left alone, and written once it is free',
  async ({ expect }) => {
    const namespace = await aScene();
    await create(admin, namespace, aDeployment());
    await becomes('Deployment', namespace, 'web', isWritten);
    const asAuditor = (annotations: object) => {
      const body = {
        ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' } },
        spec: { template: { metadata: { annotations } } },
      };
      return admin.patch(`${pathTo('Deployment', namespace, 'web')}?fieldManager=auditor`, body, 'apply');
    };
    // The same value, so nobody minds; but from now on it is theirs as well.
    await asAuditor({ [duration]: '1' });
    await edit(namespace, { durationHours: 0 });
    const { status, message } = await programmed(namespace, 'FieldManagerConflict');
    expect(status).toBe('False');
    expect(message).toContain('auditor');
    expect(message).toContain(duration);
    const { metadata, template } = await look('Deployment', namespace, 'web');
    expect(template.annotations?.[duration]).toBe('1');
    expect(metadata.generation).toBe(2);
    await asAuditor({});
    await becomes('Deployment', namespace, 'web', hasDuration('0'));
    await programmed(namespace, 'Programmed');
  },
);

test.concurrent(
  'kubectl rollout undo brings the old template back with the price of today, and no value of a user is touched',
  async ({ expect }) => {
    const limit = 'k8s.aliyun.com/eci-spot-price-limit';
    const at = (priceLimit: string): Spec => ({
      ...{ strategy: 'SpotWithPriceLimit', priceLimit, fallback: { mode: 'Never' } },
    });
    const namespace = await aScene(at('0.25'));
    const own = { 'k8s.aliyun.com/eci-use-specs': '4-8Gi' };
    await create(admin, namespace, aDeployment({ annotations: own }));
    const hasLimit =
      (price: string) =>
      ({ template }: Seen): boolean =>
        template.annotations?.[limit] === price;
    await becomes('Deployment', namespace, 'web', hasLimit('0.25'));
    await edit(namespace, at('0.30'));
    const { template: before } = await becomes('Deployment', namespace, 'web', hasLimit('0.30'));
    await kubectl(['-n', namespace, 'rollout', 'status', 'deployment/web', '--timeout=60s']);
    await kubectl(['-n', namespace, 'rollout', 'undo', 'deployment/web']);
    const undone = await look('Deployment', namespace, 'web');
    // It is the case that this test is about: the price of yesterday, in the name of kubectl.
    if (hasLimit('0.25')(undone))
      expect(undone.metadata.managedFields?.map(({ manager }) => manager)).toContain('kubectl');
    const { template } = await becomes('Deployment', namespace, 'web', hasLimit('0.30'));
    expect(template.annotations).toEqual(before.annotations);
    await programmed(namespace, 'Programmed');
    // Ours again: what comes next is no conflict either, and nor is an end.
    await edit(namespace, { strategy: 'SpotAsPriceGo', priceLimit: null, fallback: null } as never);
    const { template: last } = await becomes(
      'Deployment',
      namespace,
      'web',
      (seen) => seen.template.annotations?.[strategy] === 'SpotAsPriceGo',
    );
    expect(last.annotations).not.toHaveProperty([limit]);
    await admin.delete(pathTo('SpotPolicy', namespace, 'spot'));
    const after = await becomes('Deployment', namespace, 'web', (seen) => !isWritten(seen));
    expect(after.template.annotations).toEqual(own);
  },
);

test.concurrent('a policy says of which of its pods no template is ever written', async ({ expect }) => {
  const namespace = await aScene();
  await admin.post(pathTo('Pod', namespace), aPod());
  const { message } = await programmed(namespace, 'TemplatesNotWritable');
  expect(message).toContain('1 pods without a workload; injection.at: Pod reaches them');
});

test.concurrent(
  'an empty map of annotations that somebody applies leaves no room for ours, and that is told',
  async ({ expect }) => {
    const namespace = await aScene();
    const path = `${pathTo('Deployment', namespace, 'web')}?fieldManager=gitops`;
    await admin.patch(path, aManifest({}), 'apply');
    const { message } = await programmed(namespace, 'FieldManagerConflict');
    expect(message).toContain('.spec.template.metadata.annotations: conflict with "gitops"');
    await admin.patch(path, aManifest(), 'apply');
    await becomes('Deployment', namespace, 'web', isWritten);
  },
);
