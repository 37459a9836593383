import { concatMap, filter, interval, lastValueFrom, map, pairwise, take } from 'rxjs';
import type { Event, Pod } from 'kubernetes-types/core/v1.js';
import { describe, expect, test } from 'vitest';
import type { SpotPolicyObject } from '../../../operator/api/spot-policy.ts';
import type { SpotPolicyStatus } from '../../../operator/api/status.ts';
import { reclaim } from '../../../hack/cluster/reclaim.ts';
import { aPolicy, manifestOf } from '../../builders/policy.ts';
import { aDeployment, aStatefulSet } from '../../builders/workloads.ts';
import { aNamespace, sharedCluster, waitFor } from '../harness/cluster.ts';
import {
  aProgrammedPolicy,
  create,
  interruptionOf,
  pathTo,
  podsOf,
  readyPods,
  statusOf,
} from '../harness/objects.ts';
import { sim } from '../harness/pods.ts';
import { clockReaches } from '../harness/scene.ts';
import { aPod } from './admitted.ts';
import { conditionIn, edit, freshStatus } from './editing.ts';

const { admin, kubectl } = await sharedCluster();

const policyIn = (namespace: string, name = 'web'): Promise<SpotPolicyObject> =>
  admin.get<SpotPolicyObject>(pathTo('SpotPolicy', namespace, name));

const statusThat = (
  namespace: string,
  holds: (status: SpotPolicyStatus) => unknown,
  name = 'web',
): Promise<SpotPolicyStatus> =>
  waitFor(`the status of ${name}`, async () => {
    const status = await statusOf(admin, namespace, name);
    if (holds(status)) return status;
    throw new Error(JSON.stringify(status));
  });

const programmedOf = ({ conditions }: SpotPolicyStatus) =>
  conditions?.find(({ type }) => type === 'Programmed');

describe.concurrent('the conditions of a policy', () => {
  test('tell of the generation that they are about, and keep their times while they say the same', async () => {
    const namespace = await aNamespace();
    await aProgrammedPolicy(admin, namespace, aPolicy());
    const first = await policyIn(namespace);
    expect(first.status?.observedGeneration).toBe(1);
    const summary = (policy: SpotPolicyObject) =>
      (policy.status?.conditions ?? []).map(({ type, status, reason, observedGeneration }) => [
        type,
        status,
        reason,
        observedGeneration,
      ]);
    const told = (generation: number) => [
      ['Accepted', 'True', 'Accepted', generation],
      ['Programmed', 'True', 'Programmed', generation],
      ['Ready', 'True', 'Programmed', generation],
    ];
    expect(summary(first)).toEqual(told(1));

    // Times of conditions are whole seconds: within the same one, nothing would tell a new time from the old.
    const accepted = conditionIn(first, 'Accepted')?.lastTransitionTime ?? '';
    await clockReaches(Date.parse(accepted) + 1_000);
    const second = await edit(admin, { namespace }, { durationHours: 0 });
    expect(summary(second)).toEqual(told(2));
    expect(second.status?.observedGeneration).toBe(2);
    expect(second.status?.revision).not.toBe(first.status?.revision);
    expect(conditionIn(second, 'Accepted')?.lastTransitionTime).toBe(accepted);
  });

  test('say Disabled of a policy that is, which is Ready all the same', async () => {
    const namespace = await aNamespace();
    await create(admin, namespace, manifestOf(aPolicy({ spec: { mode: 'Disabled' } })));
    const { conditions } = await statusThat(namespace, ({ observedGeneration }) => observedGeneration === 1);
    expect(conditions).toMatchObject([
      { type: 'Accepted', status: 'True' },
      { type: 'Programmed', status: 'False', reason: 'Disabled' },
      { type: 'Ready', status: 'True', reason: 'Disabled' },
    ]);
  });

  test('name the policy that wins: some pods, then all of them, then none', async () => {
    const namespace = await aNamespace();
    await aProgrammedPolicy(admin, namespace, aPolicy({ spec: { selector: {} } }));
    await aProgrammedPolicy(admin, namespace, aPolicy({ name: 'winner', spec: { priority: 1 } }));
    const post = (app: string) => admin.post<Pod>(pathTo('Pod', namespace), aPod({ app }));
    await post('web');
    const overridden = await statusThat(namespace, (status) => programmedOf(status)?.reason === 'Overridden');
    expect(programmedOf(overridden)).toMatchObject({ status: 'False' });
    expect(programmedOf(overridden)?.message).toContain('winner');
    expect(overridden.conditions?.find(({ type }) => type === 'Ready')?.status).toBe('True');

    await post('other');
    const partly = await statusThat(
      namespace,
      (status) => programmedOf(status)?.reason === 'PartiallyOverridden',
    );
    expect(programmedOf(partly)).toMatchObject({ status: 'True' });
    expect(programmedOf(partly)?.message).toContain('winner');

    await admin.delete(pathTo('SpotPolicy', namespace, 'winner'));
    const alone = await statusThat(namespace, (status) => programmedOf(status)?.reason === 'Programmed');
    expect(alone.pods).toMatchObject({ matched: 2, outdated: 1, uninjected: 0 });
  });

  test('tell both of two policies between which only the name decides, until they differ', async () => {
    const namespace = await aNamespace();
    await aProgrammedPolicy(admin, namespace, aPolicy({ name: 'first' }));
    await aProgrammedPolicy(admin, namespace, aPolicy({ name: 'second' }));
    await admin.post<Pod>(pathTo('Pod', namespace), aPod());
    const acceptedOf = ({ conditions }: SpotPolicyStatus) =>
      conditions?.find(({ type }) => type === 'Accepted');
    const said = async (name: string, reason: string) =>
      acceptedOf(await statusThat(namespace, (status) => acceptedOf(status)?.reason === reason, name));
    expect(await said('second', 'Conflicted')).toMatchObject({
      status: 'False',
      message: expect.stringContaining('first wins pods that this policy selects too'),
    });
    expect((await said('first', 'Conflicted'))?.message).toContain('wins pods that second selects too');
    await waitFor('an Event about both', async () => {
      const told = (await admin.list<Event>(pathTo('Event', namespace))).filter(
        ({ reason }) => reason === 'PolicyConflict',
      );
      const about = told.map(({ involvedObject: { name } }) => String(name)).toSorted();
      return about.join() === 'first,second' || Promise.reject(new Error(about.join()));
    });

    await admin.patch(pathTo('SpotPolicy', namespace, 'second'), { spec: { priority: 1 } });
    for (const name of ['first', 'second'])
      expect(await said(name, 'Accepted')).toMatchObject({ status: 'True' });
    const overridden = await statusThat(
      namespace,
      (status) => programmedOf(status)?.reason === 'Overridden',
      'first',
    );
    expect(programmedOf(overridden)?.message).toContain('second');
  });

  test('say so where the namespace opts out, and are true again when it no longer does', async () => {
    const namespace = await aNamespace({ labels: { 'spotpolicy.dev/inject': 'false' } });
    await create(admin, namespace, manifestOf(aPolicy()));
    const out = await statusThat(namespace, (status) => programmedOf(status)?.reason === 'NamespaceOptedOut');
    expect(programmedOf(out)?.message).toContain('spotpolicy.dev/inject');
    await admin.patch(`/api/v1/namespaces/${namespace}`, {
      metadata: { labels: { 'spotpolicy.dev/inject': null } },
    });
    await statusThat(namespace, (status) => programmedOf(status)?.reason === 'Programmed');
  });
});

describe.concurrent('the status of a policy', () => {
  test('counts the governed pods by what they run on, and the workloads they belong to', async () => {
    const namespace = await aNamespace();
    const unseen = { group: 'apps', namespace };
    // Before the policy: neither annotated by it nor to be annotated.
    await create(admin, namespace, aDeployment({ name: 'old', labels: { tier: 'all' } }));
    await readyPods(admin, namespace, 'old', 1);
    const fallback = { mode: 'AtCreation' as const };
    await aProgrammedPolicy(admin, namespace, aPolicy({ spec: { selector: {}, fallback } }));
    await create(admin, namespace, aDeployment({ replicas: 2 }));
    await create(admin, namespace, aStatefulSet({ annotations: sim({ 'no-stock': 'true' }) }));
    const kept = aPod({ app: 'kept', annotations: { 'k8s.aliyun.com/eci-spot-duration': '0' } });
    await admin.post(pathTo('Pod', namespace), { ...kept, spec: { ...kept.spec, tolerations: [] } });
    await Promise.all([readyPods(admin, namespace, 'web', 2), readyPods(admin, namespace, 'db', 1)]);

    const status = await freshStatus(
      admin,
      { namespace },
      ({ matched, pending, spot, fallback: without }) =>
        [matched, pending, spot, without].join() === '5,1,2,1',
    );
    expect(status.pods).toEqual({
      matched: 5,
      spot: 2,
      onDemand: 2,
      fallback: 1,
      pending: 1,
      outdated: 0,
      uninjected: 0,
      userValueKept: 1,
      offVirtualNode: 0,
    });
    expect(status.workloads).toEqual([
      { ref: { ...unseen, kind: 'Deployment', name: 'old' }, pods: 1, spot: 0, onDemand: 1, fallback: 0 },
      { ref: { ...unseen, kind: 'Deployment', name: 'web' }, pods: 2, spot: 2, onDemand: 0, fallback: 0 },
      { ref: { ...unseen, kind: 'StatefulSet', name: 'db' }, pods: 1, spot: 0, onDemand: 1, fallback: 1 },
    ]);
    expect(status.workloadsTotal).toBe(3);
  });

  test('is what kubectl shows: columns, conditions and Events', async () => {
    const namespace = await aNamespace();
    const spec = {
      strategy: 'SpotWithPriceLimit',
      priceLimit: '0.250',
      fallback: { mode: 'Never' },
    } as const;
    await aProgrammedPolicy(admin, namespace, aPolicy({ spec }));
    await create(admin, namespace, aDeployment({ replicas: 2 }));
    const [pod] = await readyPods(admin, namespace, 'web', 2);
    if (!pod) throw new Error('there is no pod to reclaim');
    await reclaim(admin, pod, { minutes: 3, uid: 'pod' });
    const uid = pod.metadata?.uid ?? '';
    await interruptionOf(admin, { namespace, name: 'web' }, uid, ({ phase }) => phase === 'Done');
    await statusThat(namespace, ({ pods }) => pods?.spot === 2);

    const table = async (...options: string[]): Promise<string[][]> => {
      const { stdout } = await kubectl(['-n', namespace, 'get', 'spp', 'web', ...options]);
      const lines = stdout.trimEnd().split('\n');
      if (options.length === 0) for (const line of lines) expect(line.length).toBeLessThanOrEqual(110);
      return lines.map((line) => line.trim().split(/\s{2,}/));
    };
    const [header, row] = await table();
    expect(header).toEqual([
      'NAME',
      'STRATEGY',
      'SPOT',
      'ON-DEMAND',
      'PENDING',
      'INTERRUPTING',
      'READY',
      'REASON',
      'AGE',
    ]);
    expect(row?.slice(0, -1)).toEqual([
      'web',
      'SpotWithPriceLimit',
      '2',
      '0',
      '0',
      '0',
      'True',
      'Programmed',
    ]);
    const [wideHeader, wide] = await table('-o', 'wide');
    expect(wideHeader?.slice(9)).toEqual(['MODE', 'PRICE', 'FALLBACK', 'OUTDATED', 'UNINJECTED', 'REVISION']);
    const { revision } = await statusOf(admin, namespace, 'web');
    expect(wide?.slice(9)).toEqual(['Enforce', '0.250', 'Never', '0', '0', revision]);

    const events = await waitFor('the last Event', async () => {
      const { stdout } = await kubectl(['-n', namespace, 'describe', 'spp', 'web']);
      const told = stdout.slice(stdout.indexOf('\nEvents:'));
      return told.includes('ReplacementReady') && told;
    });
    for (const reason of ['SpotReclaimNoticed', 'PodEvicted']) expect(events).toContain(reason);
    expect(events).toContain(`pod ${pod.metadata?.name}`);
  });

  test('is written at most once a second, however much happens', async ({ onTestFinished }) => {
    const namespace = await aNamespace();
    await aProgrammedPolicy(admin, namespace, aPolicy());
    await create(admin, namespace, aDeployment({ replicas: 3 }));
    await readyPods(admin, namespace, 'web', 3);
    let writes = 0;
    const beganMs = performance.now();
    const watching = admin
      .watch$<SpotPolicyObject>(pathTo('SpotPolicy', namespace))
      .pipe(
        map(({ object: { status } }) => JSON.stringify(status)),
        pairwise(),
        filter(([before, after]) => before !== after),
      )
      .subscribe(() => (writes += 1));

    onTestFinished(() => watching.unsubscribe());

    // Every edit is news of the kind that cannot wait, and every deletion moves the counts. Whoever writes a status has
    // seen an older version of the policy than there is by then.
    const churn = async (round: number): Promise<void> => {
      await admin.patch(pathTo('SpotPolicy', namespace, 'web'), { spec: { priority: round + 1 } });
      const [pod] = round % 80 === 0 ? await podsOf(admin, namespace, 'web') : [];
      if (pod) await admin.delete(pathTo('Pod', namespace, pod.metadata?.name));
    };
    await lastValueFrom(interval(10).pipe(take(400), concatMap(churn)));
    await statusThat(namespace, ({ observedGeneration }) => observedGeneration === 401);
    const seconds = (performance.now() - beganMs) / 1_000;
    expect(writes).toBeGreaterThanOrEqual(Math.floor(seconds / 2));
    expect(writes).toBeLessThanOrEqual(Math.ceil(seconds) + 1);
  });
});
