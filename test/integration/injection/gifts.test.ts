import { beforeAll, describe, expect, test } from 'vitest';
import type { SpotPolicySpecInput } from '../../../operator/api/spot-policy.ts';
import { aPolicy } from '../../builders/policy.ts';
import { aCronJob, aDeployment, aJob, aStatefulSet } from '../../builders/workloads.ts';
import { aNamespace, sharedCluster } from '../harness/cluster.ts';
import { aProgrammedPolicy, create, readyPods } from '../harness/objects.ts';
import { admit, aPod, givenTo, spotAnnotations, stampsOf } from './admitted.ts';

const { admin, kubectl } = await sharedCluster();

const workloads: Readonly<Record<string, (namespace: string, name: string) => Promise<unknown>>> = {
  Deployment: (namespace, name) => create(admin, namespace, aDeployment({ name })),
  StatefulSet: (namespace, name) => create(admin, namespace, aStatefulSet({ name })),
  Job: (namespace, name) => create(admin, namespace, aJob({ name })),
  CronJob: async (namespace, name) => {
    const cronJob = aCronJob({ name });
    await create(admin, namespace, { ...cronJob, spec: { ...cronJob.spec, suspend: true } });
    await kubectl(['-n', namespace, 'create', 'job', `${name}-29000000`, `--from=cronjob/${name}`]);
  },
};

// One policy for each, over the pods of that `app`.
const specs: Readonly<Record<string, Partial<SpotPolicySpecInput>>> = {
  limited: {
    selector: {
      matchExpressions: [
        { key: 'app', operator: 'In', values: ['deployment', 'statefulset', 'job', 'cronjob'] },
      ],
    },
    strategy: 'SpotWithPriceLimit',
    priceLimit: '0.250',
    fallback: { mode: 'Never' },
    durationHours: 0,
    instanceSpecs: ['ecs.c6.large', '2-4Gi'],
    injection: { scheduling: 'VirtualNode' },
  },
  plain: { selector: { matchLabels: { app: 'plain' } } },
  'limited-with-fallback': {
    selector: { matchLabels: { app: 'limited-with-fallback' } },
    strategy: 'SpotWithPriceLimit',
    priceLimit: '1.5',
    fallback: { mode: 'AtCreation' },
  },
  'on-demand': {
    selector: { matchLabels: { app: 'on-demand' } },
    strategy: 'NoSpot',
    injection: { scheduling: 'VirtualNode' },
  },
  'left-to-users': { selector: { matchLabels: { app: 'left-to-users' } }, injection: { at: 'None' } },
};

let namespace: string;
beforeAll(async () => {
  namespace = await aNamespace();
  await Promise.all(
    Object.entries(specs).map(([name, spec]) => aProgrammedPolicy(admin, namespace, aPolicy({ name, spec }))),
  );
});

describe.concurrent('a pod carries exactly what its policy gives', () => {
  test.each(Object.keys(workloads))('when a %s creates it', async (kind) => {
    const app = kind.toLowerCase();
    await workloads[kind]?.(namespace, app);
    const [pod] = await readyPods(admin, namespace, app, 1);
    expect(pod && givenTo(pod)).toEqual({
      labels: { 'alibabacloud.com/eci': 'true', 'spotpolicy.dev/capacity': 'spot' },
      annotations: {
        'k8s.aliyun.com/eci-spot-strategy': 'SpotWithPriceLimit',
        'k8s.aliyun.com/eci-spot-price-limit': '0.250',
        'k8s.aliyun.com/eci-spot-duration': '0',
        'k8s.aliyun.com/eci-use-specs': 'ecs.c6.large,2-4Gi',
        ...stampsOf(namespace, 'limited'),
      },
    });
  });

  test('where the policy names nothing but its strategy', async () => {
    const pod = await admit(admin, namespace, aPod({ app: 'plain' }));
    expect(givenTo(pod)).toEqual({
      labels: { 'spotpolicy.dev/capacity': 'spot' },
      annotations: { ...spotAnnotations, ...stampsOf(namespace, 'plain') },
    });
  });

  test('where a price limit comes with a fallback', async () => {
    const pod = await admit(admin, namespace, aPod({ app: 'limited-with-fallback' }));
    expect(givenTo(pod)).toEqual({
      labels: { 'spotpolicy.dev/capacity': 'spot' },
      annotations: {
        ...spotAnnotations,
        'k8s.aliyun.com/eci-spot-strategy': 'SpotWithPriceLimit',
        'k8s.aliyun.com/eci-spot-price-limit': '1.5',
        ...stampsOf(namespace, 'limited-with-fallback'),
      },
    });
  });

  test('where the policy wants no spot capacity: no annotation of ECI, and the stamps that say so', async () => {
    const pod = await admit(admin, namespace, aPod({ app: 'on-demand' }));
    expect(givenTo(pod)).toEqual({
      labels: { 'alibabacloud.com/eci': 'true', 'spotpolicy.dev/capacity': 'on-demand' },
      annotations: stampsOf(namespace, 'on-demand'),
    });
  });

  test('where the policy leaves annotations to users: nothing', async () => {
    const pod = await admit(admin, namespace, aPod({ app: 'left-to-users' }));
    expect(givenTo(pod)).toEqual({ labels: {}, annotations: {} });
  });

  test('and everything of its own', async () => {
    const own = { labels: { tier: 'front' }, annotations: { 'example.com/owner': 'team a/~"é"' } };
    const pod = await admit(admin, namespace, aPod({ app: 'plain', ...own }));
    expect(pod.metadata).toMatchObject(own);
  });
});
