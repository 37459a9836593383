import { filter, firstValueFrom } from 'rxjs';
import { expect, test } from 'vitest';
import type { SpotPolicyObject } from '../../../operator/api/spot-policy.ts';
import { writeStatus } from '../../../operator/status/effects.ts';
import { trimPolicy } from '../../../operator/world/policy.ts';
import { wholeStatus } from '../../builders/status.ts';
import { aPolicy } from '../../builders/policy.ts';
import { aNamespace, sharedCluster } from '../harness/cluster.ts';
import { follow$ } from '../harness/follow.ts';
import { aProgrammedPolicy, pathTo } from '../harness/objects.ts';
import { asAdmin } from '../kube/kube-of.ts';

const signal = new AbortController().signal;

/** A policy whose status the operator has written, as it was seen by somebody who writes it, too. */
const aSeenPolicy = async () => {
  const { admin } = await sharedCluster();
  const namespace = await aNamespace();
  await aProgrammedPolicy(admin, namespace, aPolicy());
  const path = pathTo('SpotPolicy', namespace, 'web');
  const seen = trimPolicy(await admin.get<SpotPolicyObject>(path));
  // The operator takes back at once what it would not have written.
  const isWritten = (workloadsTotal: number) =>
    firstValueFrom(
      follow$<SpotPolicyObject>(admin, pathTo('SpotPolicy', namespace)).pipe(
        filter(({ status }) => status?.workloadsTotal === workloadsTotal),
      ),
    );
  return { kube: await asAdmin(), admin, path, seen, isWritten };
};

test('the status of a policy is written although the policy was edited since it was seen', async () => {
  const { kube, admin, path, seen, isWritten } = await aSeenPolicy();
  await admin.patch(path, { spec: { priority: 7 } });
  const written = isWritten(77);
  expect(await writeStatus(kube, seen, { workloadsTotal: 77 }, 'tester', signal)).toMatchObject({
    kind: 'Written',
  });
  expect((await written).spec.priority).toBe(7);
});

test('the first status of a policy is written as a whole', async () => {
  const { kube, seen, isWritten } = await aSeenPolicy();
  const written = isWritten(78);
  const parts = { workloadsTotal: 78, conditions: seen.status?.conditions ?? [] };
  expect(await writeStatus(kube, { ...seen, status: undefined }, parts, 'tester', signal)).toMatchObject({
    kind: 'Written',
  });
  expect((await written).status?.pods).toBeUndefined();
});

test('no status is written on a policy that only has the name of the one that was seen', async () => {
  const { kube, seen } = await aSeenPolicy();
  const written = await writeStatus(
    kube,
    { ...seen, uid: 'another' },
    { workloadsTotal: 79 },
    'tester',
    signal,
  );
  expect(written).toEqual({ kind: 'Stale' });
  expect(
    await writeStatus(kube, { ...seen, name: 'gone' }, { workloadsTotal: 79 }, 'tester', signal),
  ).toEqual({
    kind: 'Stale',
  });
});

test('a status that the definition does not allow is refused in words, and its other parts are not', async () => {
  const { kube, seen, isWritten } = await aSeenPolicy();
  const [workload] = wholeStatus.workloads ?? [];
  if (!workload) throw new Error('the builder has a workload');
  const workloads = [{ ...workload, ref: { ...workload.ref, kind: 'x'.repeat(254) } }];
  expect(await writeStatus(kube, seen, { workloads }, 'tester', signal)).toEqual({
    kind: 'Refused',
    message: expect.stringContaining('status.workloads[0].ref.kind: Too long'),
  });
  const written = isWritten(80);
  expect(await writeStatus(kube, seen, { workloadsTotal: 80 }, 'tester', signal)).toMatchObject({
    kind: 'Written',
  });
  await written;
});
