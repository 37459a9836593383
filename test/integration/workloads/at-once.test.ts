import { describe, test } from 'vitest';
import { aPolicy, manifestOf } from '../../builders/policy.ts';
import { aCronJob, aJob } from '../../builders/workloads.ts';
import { aNamespace, sharedCluster, waitFor } from '../harness/cluster.ts';
import { aProgrammedPolicy, create, pathTo, statusOf } from '../harness/objects.ts';
import { aPod, governorOf } from '../injection/admitted.ts';
import { controlling } from './foreign-kinds.ts';

const { admin } = await sharedCluster();
const rounds = Array.from({ length: 10 }, (_, index) => `nightly-${index}`);

/** What came of one pod. */
interface Run {
  readonly name: string;
  /** The policy that stamped it, if any. */
  readonly governor: string | undefined;
  /** It was created in the second of its policy, or later. */
  readonly isLater: boolean;
}

/** Creates a CronJob, a Job and its pod without a pause, and the policy that names the CronJob with the first or the last. */
const runAtOnce = async (namespace: string, name: string, index: number): Promise<Run> => {
  const targetRefs = [{ group: 'batch', kind: 'CronJob', name }];
  const manifest = manifestOf(aPolicy({ name, spec: { selector: undefined, targetRefs } }));
  const governs = (): Promise<{ metadata: { name: string; creationTimestamp?: string } }> =>
    create(admin, namespace, manifest);
  const early = index % 2 === 0 ? governs() : undefined;
  const { spec, ...cronJob } = aCronJob({ name });
  const owner = await create(admin, namespace, { ...cronJob, spec: { ...spec, suspend: true } });
  // Of another manager, or the Job controller would add pods of its own, or take away this one.
  const job = aJob({ name: `${name}-29000000` });
  const made = await create(admin, namespace, {
    ...{ ...job, spec: { ...job.spec, managedBy: 'example.com/test' } },
    metadata: { ...job.metadata, ownerReferences: [controlling(owner)] },
  });
  const [policy, pod] = await Promise.all([
    early ?? governs(),
    create(admin, namespace, { ...aPod({ app: name, owner: controlling(made) }), kind: 'Pod' as const }),
  ]);
  const isLater = (pod.metadata?.creationTimestamp ?? '') >= (policy.metadata.creationTimestamp ?? '');
  return { name, governor: governorOf(pod), isLater };
};

/** The counts of a policy's pods once it has one. */
const countsOf = (namespace: string, name: string) =>
  waitFor(`a pod of ${name} in the status`, async () => {
    const { pods, workloads = [] } = await statusOf(admin, namespace, name);
    const [workload] = workloads;
    if (pods?.matched === 1 && workload?.ref.kind === 'CronJob') return pods;
    return Promise.reject(new Error(JSON.stringify({ pods, workloads })));
  });

describe.concurrent(
  'the pod of a CronJob that comes at once with its Job and the policy that names it',
  () => {
    test('is annotated or counted as one that was missed, where no pod was sent to admission before', async ({
      expect,
    }) => {
      const namespaces = await Promise.all(rounds.map(() => aNamespace()));
      const placeOf = (index: number): string => namespaces[index] ?? '';
      const runs = await Promise.all(rounds.map((name, index) => runAtOnce(placeOf(index), name, index)));
      for (const [index, { name, governor, isLater }] of runs.entries()) {
        const { uninjected, outdated } = await countsOf(placeOf(index), name);
        expect([undefined, name]).toContain(governor);
        expect({ name, uninjected, outdated }).toEqual({
          ...{ name, uninjected: governor === undefined && isLater ? 1 : 0, outdated: 0 },
        });
      }
    });

    test('is annotated by that policy, or by another that reached it first and counted as outdated', async ({
      expect,
    }) => {
      const namespace = await aNamespace();
      await aProgrammedPolicy(
        admin,
        namespace,
        aPolicy({ name: 'all', spec: { selector: {}, priority: -1 } }),
      );
      const runs = await Promise.all(rounds.map((name, index) => runAtOnce(namespace, name, index)));
      for (const { name, governor } of runs) {
        const { uninjected, outdated } = await countsOf(namespace, name);
        expect([name, 'all']).toContain(governor);
        expect({ name, uninjected, outdated }).toEqual({
          ...{ name, uninjected: 0, outdated: governor === name ? 0 : 1 },
        });
      }
      // Whoever comes now meets a policy that is known.
      for (const { name } of runs) {
        const { metadata } = await admin.get(pathTo('Job', namespace, `${name}-29000000`));
        const owner = controlling({ apiVersion: 'batch/v1', kind: 'Job', ...(metadata && { metadata }) });
        const next = await create(admin, namespace, { ...aPod({ app: name, owner }), kind: 'Pod' as const });
        expect(governorOf(next)).toBe(name);
      }
    });
  },
);
