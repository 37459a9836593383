import { randomBytes } from 'node:crypto';
import type { Condition } from '../../../operator/api/index.ts';
import type { SpotPolicySpecInput } from '../../../operator/api/spot-policy.ts';
import { describe, test } from 'vitest';
import { aPolicy } from '../../builders/policy.ts';
import { aDeployment, aStatefulSet } from '../../builders/workloads.ts';
import { aNamespace, sharedCluster, waitFor } from '../harness/cluster.ts';
import { aProgrammedPolicy, create, pathTo, statusOf } from '../harness/objects.ts';
import { admit, aPod, governorOf } from '../injection/admitted.ts';
import { createForeign, define, type ForeignKind } from './foreign-kinds.ts';

const cluster = await sharedCluster();
const { admin, kubectl } = cluster;

/** Kinds of a group that no other test knows. */
const newKinds = (): { stack: ForeignKind; layer: ForeignKind } => {
  const group = `g${randomBytes(4).toString('hex')}.example.com`;
  return {
    stack: { group, version: 'v1', kind: 'Stack', plural: 'stacks' },
    layer: { group, version: 'v1', kind: 'Layer', plural: 'layers' },
  };
};

const targeting = async (targetRefs: NonNullable<SpotPolicySpecInput['targetRefs']>): Promise<string> => {
  const namespace = await aNamespace();
  const policy = aPolicy({ name: 'spot', spec: { selector: undefined, targetRefs } });
  await aProgrammedPolicy(admin, namespace, policy);
  return namespace;
};

/** The conditions of the policy by type, once Accepted has a reason. */
const acceptedFor = (namespace: string, reason: string): Promise<Record<string, Condition>> =>
  waitFor(
    `Accepted to say ${reason}`,
    async () => {
      const { conditions = [] } = await statusOf(admin, namespace, 'spot');
      const byType = Object.fromEntries(conditions.map((condition) => [condition.type, condition]));
      return byType['Accepted']?.reason === reason
        ? byType
        : Promise.reject(new Error(JSON.stringify(conditions)));
    },
    { timeoutMs: 60_000 },
  );

/** What an administrator adds so that the operator may read the kinds of a group. */
const open = ({ stack, layer }: ReturnType<typeof newKinds>): Promise<unknown> =>
  admin.post('/apis/rbac.authorization.k8s.io/v1/clusterroles', {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: {
      name: `spotpolicy-operator-${stack.group}`,
      labels: { 'rbac.spotpolicy.dev/aggregate-to-operator': 'true' },
    },
    rules: [{ apiGroups: [stack.group], resources: [stack.plural, layer.plural], verbs: ['list', 'watch'] }],
  });

describe.concurrent('a workload that a policy names', () => {
  test('of a kind that the operator may not read is said so, with the role to add, until it is added', async ({
    expect,
  }) => {
    const kinds = newKinds();
    const { stack, layer } = kinds;
    await define(cluster, [stack, layer]);
    const namespace = await targeting([{ group: stack.group, kind: 'Stack', name: 'shop' }]);
    const owner = await createForeign(cluster, namespace, stack, { name: 'shop' });
    const middle = await createForeign(cluster, namespace, layer, { name: 'cache', owner });
    const statefulSet = aStatefulSet();
    const { metadata } = await create(admin, namespace, {
      ...statefulSet,
      metadata: { ...statefulSet.metadata, ownerReferences: [middle] },
    });
    const controller = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db', uid: metadata?.uid ?? '' };
    const governor = async () =>
      governorOf(await admit(admin, namespace, aPod({ app: 'db', owner: controller })));

    const { Accepted, Ready, Stalled } = await acceptedFor(namespace, 'TargetKindForbidden');
    const sentence = new RegExp(
      `may not read Stack.${stack.group}: add the ClusterRole spotpolicy-operator-${stack.group}, .*stacks.${stack.group} .*aggregate-to-operator`,
    );
    expect(Accepted).toMatchObject({ status: 'False', message: expect.stringMatching(sentence) });
    expect(Ready).toMatchObject({ status: 'False', reason: 'TargetKindForbidden' });
    expect(Stalled).toMatchObject({ status: 'True', reason: 'TargetKindForbidden' });
    // Whose it is, only the Layer could tell.
    expect(await governor()).toBeUndefined();

    await open(kinds);
    const after = await acceptedFor(namespace, 'Accepted');
    expect(after['Ready']).toMatchObject({ status: 'True', reason: 'Programmed' });
    expect(after).not.toHaveProperty('Stalled');
    await waitFor('the chain to be known', async () => (await governor()) === 'spot', { timeoutMs: 60_000 });
  });

  test('that is not there is waited for, and the policy is Ready once it is', async ({ expect }) => {
    const namespace = await targeting([{ group: 'apps', kind: 'Deployment', name: 'web' }]);
    const { Accepted, Programmed, ...summary } = await acceptedFor(namespace, 'TargetNotFound');
    expect(Accepted).toMatchObject({ status: 'Unknown', message: 'there is no Deployment.apps named web' });
    expect(summary['Reconciling']).toMatchObject({ status: 'True', reason: 'TargetNotFound' });
    expect(summary).not.toHaveProperty('Stalled');
    // Admission is ready for its pods all the same.
    expect(Programmed?.status).toBe('True');
    await create(admin, namespace, aDeployment());
    await acceptedFor(namespace, 'Accepted');
    await admin.delete(pathTo('Deployment', namespace, 'web'));
    await acceptedFor(namespace, 'TargetNotFound');
  });

  test('of a kind that is not there is said so, and is found once the kind and it are defined', async ({
    expect,
  }) => {
    const kinds = newKinds();
    const { stack } = kinds;
    await open(kinds);
    const namespace = await targeting([{ group: stack.group, kind: 'Stack', name: 'shop' }]);
    const { Accepted } = await acceptedFor(namespace, 'TargetNotFound');
    expect(Accepted?.message).toBe(`the cluster has no kind of workload Stack.${stack.group}`);
    await define(cluster, [stack]);
    await waitFor('the kind to be read', async () => {
      const { Accepted: now } = await acceptedFor(namespace, 'TargetNotFound');
      return now?.message === `there is no Stack.${stack.group} named shop`;
    });
    await createForeign(cluster, namespace, stack, { name: 'shop' });
    await acceptedFor(namespace, 'Accepted');
    await kubectl(['delete', 'crd', `${stack.plural}.${stack.group}`]);
    const gone = await acceptedFor(namespace, 'TargetNotFound');
    expect(gone['Accepted']?.message).toContain('Stack');
  });
});

describe.concurrent('rights of users', () => {
  const may = async (user: string, verb: string, resource: string, namespace?: string): Promise<boolean> => {
    const resourceAttributes = { group: 'spotpolicy.dev', resource, verb, namespace };
    const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
    const review = { spec: { user, resourceAttributes } };
    return (await admin.post<{ status: { allowed: boolean } }>(path, review)).status.allowed;
  };

  test.each([
    ['view', true, false],
    ['edit', true, true],
    ['admin', true, true],
  ])('whoever may %s a namespace may read its policies: %s; write them: %s', async (role, reads, writes) => {
    const namespace = await aNamespace();
    const user = `${role}-${namespace}`;
    await kubectl([
      '-n',
      namespace,
      'create',
      'rolebinding',
      role,
      `--clusterrole=${role}`,
      `--user=${user}`,
    ]);
    await waitFor(
      `the rights of ${role}`,
      async () => (await may(user, 'list', 'spotpolicies', namespace)) === reads,
    );
    const writing = ['create', 'patch', 'delete'].map((verb) => may(user, verb, 'spotpolicies', namespace));
    if ((await Promise.all(writing)).some((allowed) => allowed !== writes))
      throw new Error('other than said');
    if (await may(user, 'list', 'clusterspotpolicies'))
      throw new Error('policies of the cluster are not theirs');
  });

  test('policies of the whole cluster are read by who is bound to the role for it', async ({ expect }) => {
    const user = `reader-${randomBytes(4).toString('hex')}`;
    const role = 'spotpolicy-cluster-reader';
    await kubectl(['create', 'clusterrolebinding', user, `--clusterrole=${role}`, `--user=${user}`]);
    await waitFor('the right', () => may(user, 'list', 'clusterspotpolicies'));
    expect(await may(user, 'create', 'clusterspotpolicies')).toBe(false);
    expect(await may(user, 'list', 'spotpolicies')).toBe(false);
    await kubectl(['delete', 'clusterrolebinding', user]);
  });
});
