import { readFile } from 'node:fs/promises';
import type { Event, Pod } from 'kubernetes-types/core/v1.js';
import { beforeAll, expect, test } from 'vitest';
import type { Cluster } from '../../../hack/cluster/cluster.ts';
import { aPolicy } from '../../builders/policy.ts';
import { aBudget, aDeployment, aJob, aStatefulSet } from '../../builders/workloads.ts';
import { aNamespace, waitFor } from '../harness/cluster.ts';
import { counterOf } from '../harness/counters.ts';
import { aProgrammedPolicy, budgetInForce, create, pathTo } from '../harness/objects.ts';
import { anOwnCluster } from '../harness/operator.ts';
import { warn } from '../harness/platform.ts';
import { aBarePod, sim, spotAnnotations } from '../harness/pods.ts';
import { aScene, type Scene, uidOf, watchPods } from '../harness/scene.ts';
import { leads } from '../harness/two-replicas.ts';
import { startOnWrongClock, type WrongReplica } from '../harness/wrong-clock.ts';

// Windows are whole minutes. What is left of one for a pod with a grace period of 1 s:
const evictedBeforeMs = 11_000;
const forcedBeforeMs = 6_000;
const windowMinutes = 1;
// What the first answer leaves open, a second and its round trip, and timestamps of whole seconds, cut off.
const closeMs = 4_000;

const never = { maxUnavailable: 0 };
const pods = { annotations: spotAnnotations, graceSeconds: 1 };
// A Job whose evicted pod exits well has ended.
const failing = { ...spotAnnotations, ...sim({ 'exit-code': '143' }) };

let cluster: Cluster;
let ahead: WrongReplica;
let behind: WrongReplica;

beforeAll(async () => {
  cluster = await anOwnCluster();
  ahead = await startOnWrongClock(cluster, 'ahead', 90);
  await waitFor('the replica that is ahead to lead', () => leads(ahead.replica));
  behind = await startOnWrongClock(cluster, 'behind', -90);
});

/** A Deployment and a StatefulSet that no budget lets go, and a Job that may use its time. */
const aThreatenedScene = async (scene: Scene): Promise<Pod[]> => {
  await scene.create(aDeployment(pods));
  await scene.create(aBudget(never));
  await scene.create(aStatefulSet(pods));
  await scene.create(aBudget(never, 'db'));
  await scene.create(aJob({ ...pods, annotations: failing, ignoresDisruption: true }));
  const threatened = [await scene.one('web'), await scene.one('db'), await scene.one('batch')];
  for (const name of ['web', 'db']) await budgetInForce(scene.admin, scene.namespace, name);
  return threatened;
};

/** When the API server was asked to remove a pod, in milliseconds, by the API server's own clock. */
const askedAtMs = (states: readonly Pod[], pod: Pod): number => {
  const doomed = states.find(({ metadata }) => metadata?.uid === uidOf(pod) && metadata.deletionTimestamp);
  const { deletionTimestamp = '', deletionGracePeriodSeconds = 0 } = doomed?.metadata ?? {};
  return Date.parse(deletionTimestamp) - deletionGracePeriodSeconds * 1000;
};

test('replicas 90 s ahead and 90 s behind, set by ten minutes in the middle of it, keep every deadline', async () => {
  const scene = await aScene({ replacement: 'BeforeEviction' }, cluster);
  const [web, db, batch] = (await aThreatenedScene(scene)) as [Pod, Pod, Pod];
  const watch = watchPods(scene);
  const [{ deadlineMs: ofWeb }, { deadlineMs: ofDb }, { deadlineMs: ofBatch }] = await Promise.all(
    [web, db, batch].map((pod) => warn(scene.admin, pod, { leftSeconds: windowMinutes * 60 })) as [
      ReturnType<typeof warn>,
      ReturnType<typeof warn>,
      ReturnType<typeof warn>,
    ],
  );

  // 90 s ahead the whole window is over already.
  await scene.entry(db, ({ phase }) => phase === 'Blocked');
  await scene.entry(batch, ({ phase }) => phase === 'Noticed');
  await ahead.setClock(690);
  const replaced = await scene.entry(web, ({ phase }) => phase === 'Done');
  await ahead.replica.end('SIGTERM');
  await waitFor('the replica that is behind to lead', () => leads(behind.replica));
  await behind.setClock(-690);

  // 690 s behind the last moment would not come before ECI takes the pods.
  const forced = await scene.entry(db, ({ phase }) => phase === 'Done', 90_000);
  const evicted = await scene.entry(batch, ({ phase }) => phase === 'Done', 90_000);
  watch.stop();
  expect([replaced, forced, evicted].map(({ outcome }) => outcome)).toEqual([
    'Replaced',
    'Forced',
    'Replaced',
  ]);
  const between = (atMs: number, fromMs: number, toMs: number): void => {
    expect(atMs).toBeGreaterThan(fromMs - closeMs);
    expect(atMs).toBeLessThan(toMs);
  };
  const moments = [
    { entry: replaced, pod: web, fromMs: ofWeb - windowMinutes * 60_000, toMs: ofWeb },
    { entry: forced, pod: db, fromMs: ofDb - forcedBeforeMs, toMs: ofDb },
    { entry: evicted, pod: batch, fromMs: ofBatch - evictedBeforeMs, toMs: ofBatch },
  ];
  for (const { entry, pod, fromMs, toMs } of moments) {
    between(askedAtMs(watch.seen, pod), fromMs, toMs);
    // What users read is told by the same clock.
    between(Date.parse(entry.evictedAt ?? ''), fromMs, toMs);
  }

  // Admission goes on, and the offset is told: once a change.
  const namespace = await aNamespace({ cluster });
  await aProgrammedPolicy(cluster.admin, namespace, aPolicy({ name: 'gives' }));
  const { metadata } = await create(cluster.admin, namespace, {
    ...aBarePod('plain'),
    metadata: { name: 'plain', labels: { app: 'web' } },
  });
  expect(metadata).toMatchObject({ annotations: spotAnnotations });
  const linesOf = async ({ logPath }: { logPath: string }): Promise<string[]> =>
    (await readFile(logPath, 'utf8')).split('\n').filter((line) => line.includes('this clock is off'));
  expect(await linesOf(ahead.replica)).toHaveLength(2);
  expect(await linesOf(behind.replica)).toHaveLength(2);
  expect(await counterOf(behind.replica, 'spot_clock_jumps_total')).toBe(1);
  const events = await cluster.admin.list<Event>(
    `${pathTo('Event', 'default')}?fieldSelector=reason%3DClockOff`,
  );
  const told = events.map(({ message = '' }) => {
    const [, seconds, way] = /is (\d+) s (ahead|behind)/.exec(message) ?? [];
    return `${Math.round(Number(seconds) / 10) * 10} ${way}`;
  });
  expect(new Set(told)).toEqual(new Set(['90 ahead', '690 ahead', '90 behind', '690 behind']));
  expect(told).toHaveLength(4);
});
