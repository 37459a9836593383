import type { Event, Pod } from 'kubernetes-types/core/v1.js';
import type { Job } from 'kubernetes-types/batch/v1.js';
import { describe, test } from 'vitest';
import { RestError } from '../../../hack/cluster/client.ts';
import { aNamespace, sharedCluster, waitFor } from '../harness/cluster.ts';
import { conditionOf, podTemplate, sim, spotAnnotations } from '../harness/pods.ts';

const { admin } = await sharedCluster();

/** Creates a pod in a namespace of its own and gives the means to look at it. */
const aPod = async (annotations: Record<string, string>, spec: Record<string, unknown> = {}) => {
  const namespace = await aNamespace();
  const pods = `/api/v1/namespaces/${namespace}/pods`;
  const path = `${pods}/subject`;
  const template = podTemplate({ annotations, spec });
  const metadata = { ...(template.metadata as object), name: 'subject' };
  const created = await admin.post<Pod>(pods, { ...template, metadata });
  const events = (reason: string) =>
    admin.list<Event>(`/api/v1/namespaces/${namespace}/events?fieldSelector=reason=${reason}`);
  return {
    created,
    path,
    get: () => admin.get<Pod>(path),
    is: (phase: string) =>
      waitFor(`the pod to be ${phase}`, async () => {
        const pod = await admin.get<Pod>(path);
        return pod.status?.phase === phase && pod;
      }),
    isGone: () => waitFor('the pod to be gone', () => isMissing(path)),
    events,
    event: (reason: string) => waitFor(`the Event ${reason}`, async () => (await events(reason))[0]),
  };
};

const isMissing = (path: string): Promise<boolean> =>
  admin.get(path).then(
    () => false,
    (error: unknown) => error instanceof RestError && error.status === 404,
  );

const atMs = (time: string | undefined): number => Date.parse(time ?? 'no time');

describe.concurrent('a pod on a virtual node', () => {
  test('is Pending until its ready-after has passed, then Running and Ready with its instance written back', async ({
    expect,
  }) => {
    const pod = await aPod({ ...spotAnnotations, ...sim({ 'ready-after': '4s' }) });
    const running = await pod.is('Running');
    expect(conditionOf(running, 'Ready')?.status).toBe('True');
    expect(running.status?.containerStatuses?.map(({ ready }) => ready)).toEqual([true]);
    expect(running.status?.podIP).toMatch(/^10\.244\./);
    expect(running.metadata?.annotations?.['k8s.aliyun.com/eci-instance-id']).toMatch(/^eci-[0-9a-f]{20}$/);
    expect(conditionOf(running, 'ContainerInstanceCreated')).toMatchObject({
      status: 'True',
      reason: 'AutoInstanceTypeMatch',
      lastTransitionTime: running.metadata?.creationTimestamp,
    });
    // Both times are cut to the second.
    const tookMs = atMs(running.status?.startTime) - atMs(pod.created.metadata?.creationTimestamp);
    expect(tookMs).toBeGreaterThanOrEqual(4_000);
    expect(tookMs).toBeLessThan(20_000);
  });

  test('completes when it has run for its complete-after', async ({ expect }) => {
    const pod = await aPod(sim({ 'complete-after': '2s' }), { restartPolicy: 'Never' });
    const done = await pod.is('Succeeded');
    expect(done.status?.containerStatuses?.[0]?.state?.terminated?.exitCode).toBe(0);
    expect(conditionOf(done, 'Ready')?.status).toBe('False');
  });

  test('is not reclaimed without a spot strategy, however much it is asked for', async ({ expect }) => {
    const plain = await aPod(sim({ reclaim: 'true' }));
    const spot = await aPod({ ...spotAnnotations, ...sim({ reclaim: 'true' }) });
    await spot.event('SpotToBeReleased');
    const pod = await plain.is('Running');
    expect(conditionOf(pod, 'ContainerInstanceExpired')).toBeUndefined();
  });
});

describe.concurrent('a reclaim', () => {
  test('is announced by Event and conditions and ends in BidFailed when its window is over', async ({
    expect,
  }) => {
    const told = { reclaim: 'true', 'window-minutes': '1', notice: 'event-first' };
    const pod = await aPod({ ...spotAnnotations, ...sim(told) });
    const event = await pod.event('SpotToBeReleased');
    expect(event).toMatchObject({
      type: 'Warning',
      message: 'Spot ECI will be released in 1 minutes',
      source: { component: 'kubelet', host: 'eci' },
      involvedObject: { kind: 'Pod', name: 'subject', uid: pod.created.metadata?.uid },
      count: 1,
    });
    const warned = await waitFor('the condition', async () => {
      const seen = await pod.get();
      return conditionOf(seen, 'ContainerInstanceExpired') === undefined ? undefined : seen;
    });
    expect(conditionOf(warned, 'ContainerInstanceExpired')).toMatchObject({ status: 'True' });
    expect(warned.status?.phase).toBe('Running');

    const released = await waitFor(
      'the release',
      async () => {
        const seen = await pod.get();
        return seen.status?.phase === 'Failed' && seen;
      },
      { timeoutMs: 100_000 },
    );
    const tookMs = Date.now() - atMs(event.firstTimestamp);
    expect(tookMs).toBeGreaterThanOrEqual(60_000);
    expect(tookMs).toBeLessThan(80_000);
    expect(released.status?.reason).toBe('BidFailed');
    expect(released.status?.message).toMatch(
      /^The pod is spot instance, and have been released at \d{4}-\d\d-\d\dT\d\d:\d\dZ$/,
    );
    expect(conditionOf(released, 'Ready')?.status).toBe('True');
    expect(released.status?.containerStatuses?.[0]?.ready).toBe(true);
  });

  test('leaves a pod unready where the pod asks for that', async ({ expect }) => {
    const told = { reclaim: 'true', 'window-minutes': '1', 'ready-after-release': 'false' };
    const pod = await aPod({ ...spotAnnotations, ...sim(told) });
    const released = await waitFor(
      'the release',
      async () => {
        const seen = await pod.get();
        return seen.status?.reason === 'BidFailed' && seen;
      },
      { timeoutMs: 100_000 },
    );
    expect(conditionOf(released, 'Ready')?.status).toBe('False');
    expect(released.status?.containerStatuses?.[0]?.ready).toBe(false);
  });

  test.for([
    { notice: 'event-first', first: 'event-at', second: 'conditions-at' },
    { notice: 'event-last', first: 'conditions-at', second: 'event-at' },
    { notice: 'series', first: 'event-at', second: 'conditions-at' },
  ])(
    'comes in the order $notice, a second between the two',
    async ({ notice, first, second }, { expect }) => {
      const told = { reclaim: 'true', notice, 'old-times': 'all' };
      const pod = await aPod({ ...spotAnnotations, ...sim(told) });
      const isExpired = async () => conditionOf(await pod.get(), 'ContainerInstanceExpired') !== undefined;
      if (notice === 'event-last') {
        await pod.event('SpotToBeReleased');
        expect(await isExpired()).toBe(true);
      } else {
        await waitFor('the condition', isExpired);
        expect(await pod.events('SpotToBeReleased')).toHaveLength(1);
      }
      const { metadata } = await pod.get();
      const when = (key: string) => atMs(metadata?.annotations?.[`sim.spotpolicy.dev/${key}`]);
      expect(when(second) - when(first)).toBe(1_000);
      const event = await pod.event('SpotToBeReleased');
      if (notice === 'series') {
        expect(event).toMatchObject({ series: { count: 2 }, eventTime: expect.any(String) });
        expect(event.firstTimestamp ?? event.lastTimestamp ?? undefined).toBeUndefined();
      }
      const created = metadata?.creationTimestamp;
      const noted = await waitFor('the next note', async () => {
        const { status } = await pod.get();
        const sign = (type: string) => status?.conditions?.find((condition) => condition.type === type);
        const [expired, instance] = [sign('ContainerInstanceExpired'), sign('ContainerInstanceCreated')];
        return expired && instance?.reason === 'AutoInstanceTypeMatch' && { expired, instance };
      });
      expect(noted.expired).toMatchObject({ status: 'True', lastTransitionTime: created });
      expect(noted.instance).toMatchObject({ status: 'True', lastTransitionTime: created });
    },
  );

  test('carries the window of window-minutes in its text, and the instance as its object where asked for', async ({
    expect,
  }) => {
    const told = { reclaim: 'true', 'window-minutes': '5', 'event-uid': 'instance', notice: 'event-first' };
    const pod = await aPod({ ...spotAnnotations, ...sim(told) });
    const event = await pod.event('SpotToBeReleased');
    const instance = (await pod.get()).metadata?.annotations?.['k8s.aliyun.com/eci-instance-id'];
    expect(event.message).toBe('Spot ECI will be released in 5 minutes');
    expect(event.involvedObject.uid).toBe(instance);
  });

  test('of 60 pods at once leaves out no Event and no condition', async ({ expect }) => {
    const namespace = await aNamespace();
    const pods = `/api/v1/namespaces/${namespace}/pods`;
    const names = Array.from({ length: 60 }, (_, index) => `pod-${index}`);
    const template = podTemplate({ annotations: { ...spotAnnotations, ...sim({ reclaim: 'true' }) } });
    const metadata = template.metadata as object;
    await Promise.all(
      names.map((name) => admin.post(pods, { ...template, metadata: { ...metadata, name } })),
    );
    await waitFor('60 conditions', async () => {
      const warned = (await admin.list<Pod>(pods)).filter((pod) =>
        conditionOf(pod, 'ContainerInstanceExpired'),
      );
      return warned.length === names.length;
    });
    const events = await waitFor('60 Events', async () => {
      const events = await admin.list<Event>(
        `/api/v1/namespaces/${namespace}/events?fieldSelector=reason=SpotToBeReleased`,
      );
      return events.length >= names.length && events;
    });
    expect(events.map(({ involvedObject }) => involvedObject.name ?? '').toSorted()).toEqual(
      names.toSorted(),
    );
    // Drawn by name: of 60 pods each order and each kind of old times falls to some.
    const living = await admin.list<Pod>(pods);
    const drawn = (key: string) =>
      new Set(living.map(({ metadata }) => metadata?.annotations?.[`sim.spotpolicy.dev/${key}`]));
    expect(drawn('notice')).toEqual(new Set(['event-first', 'event-last', 'series']));
    expect(drawn('old-times')).toEqual(new Set(['all', 'created']));
  });
});

describe.concurrent('deletion', () => {
  test('waits for the container as long as its grace allows, and no longer', async ({ expect }) => {
    const quick = await aPod(sim({ 'stop-after': '3s' }), { terminationGracePeriodSeconds: 20 });
    const slow = await aPod(sim({ 'stop-after': '60s' }), { terminationGracePeriodSeconds: 5 });
    await Promise.all([quick.is('Running'), slow.is('Running')]);

    const timed = async ({ path, isGone }: typeof quick) => {
      const startedAtMs = performance.now();
      await admin.delete(path);
      await isGone();
      return performance.now() - startedAtMs;
    };
    const [quickMs, slowMs] = await Promise.all([timed(quick), timed(slow)]);
    expect(quickMs).toBeGreaterThanOrEqual(3_000);
    expect(quickMs).toBeLessThan(15_000);
    // The API server cuts the end of the grace to the second.
    expect(slowMs).toBeGreaterThanOrEqual(4_000);
    expect(slowMs).toBeLessThan(20_000);
  });

  test('ends earlier when a second one shortens the grace', async ({ expect }) => {
    const pod = await aPod(sim({ 'stop-after': '60s' }), { terminationGracePeriodSeconds: 60 });
    await pod.is('Running');
    await admin.delete(pod.path);
    await waitFor(
      'the stop to be planned',
      async () => (await pod.get()).metadata?.annotations?.['sim.spotpolicy.dev/stops-at'],
    );
    const startedAtMs = performance.now();
    await admin.delete(pod.path, { gracePeriodSeconds: 3 });
    await pod.isGone();
    expect(performance.now() - startedAtMs).toBeLessThan(20_000);
  });

  test('of a pod that has not started takes no time', async () => {
    const pod = await aPod(sim({ 'ready-after': '300s', 'stop-after': '60s' }), {
      terminationGracePeriodSeconds: 60,
    });
    await waitFor(
      'its instance',
      async () => (await pod.get()).metadata?.annotations?.['k8s.aliyun.com/eci-instance-id'],
    );
    await admin.delete(pod.path);
    await pod.isGone();
  });
});

describe.concurrent('a Job', () => {
  const ignoreDisruptions = {
    action: 'Ignore',
    onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }],
  };
  const killed = sim({ 'exit-code': '143' });
  const aJob = async (spec: Record<string, unknown>, annotations: Record<string, string>) => {
    const namespace = await aNamespace();
    const path = `/apis/batch/v1/namespaces/${namespace}/jobs/subject`;
    await admin.post(`/apis/batch/v1/namespaces/${namespace}/jobs`, {
      metadata: { name: 'subject' },
      spec: { ...spec, template: podTemplate({ annotations, spec: { restartPolicy: 'Never' } }) },
    });
    const pods = `/api/v1/namespaces/${namespace}/pods`;
    const running = await waitFor('its pod to run', async () => {
      const [pod] = await admin.list<Pod>(pods);
      return pod?.status?.phase === 'Running' && pod;
    });
    const evict = () =>
      admin.post(`${pods}/${running.metadata?.name}/eviction`, {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { name: running.metadata?.name },
      });
    return { pod: `${pods}/${running.metadata?.name}`, evict, get: () => admin.get<Job>(path) };
  };

  test('is charged for a pod evicted from under it although that exits with 0, and gets another', async ({
    expect,
  }) => {
    const job = await aJob({ backoffLimit: 6 }, {});
    await job.evict();
    await waitFor('the evicted pod to be gone', () => isMissing(job.pod));
    await waitFor('the charge', async () => (await job.get()).status?.failed === 1);
    expect((await job.get()).status?.conditions ?? []).toEqual([]);
  });

  test('is not charged when its podFailurePolicy ignores disruptions', async ({ expect }) => {
    const job = await aJob({ backoffLimit: 0, podFailurePolicy: { rules: [ignoreDisruptions] } }, killed);
    await job.evict();
    await waitFor('the evicted pod to be gone', () => isMissing(job.pod));
    const status = await waitFor('the next pod', async () => {
      const { status } = await job.get();
      return status?.ready === 1 && status;
    });
    expect(status.failed ?? 0).toBe(0);
  });

  test('that ignores disruptions counts an evicted pod as done when its container exits with 0', async () => {
    const job = await aJob({ podFailurePolicy: { rules: [ignoreDisruptions] } }, {});
    await job.evict();
    await waitFor('the Job to be complete', async () => (await job.get()).status?.succeeded === 1);
  });
});

describe.concurrent('without spot stock', () => {
  test('a pod stays Pending and says so until there is stock again', async ({ expect }) => {
    const pod = await aPod({ ...spotAnnotations, ...sim({ 'no-stock': 'true' }) });
    await pod.event('NoStock');
    const pending = await pod.get();
    expect(pending.status?.phase).toBe('Pending');
    expect(conditionOf(pending, 'ContainerInstanceCreated')).toMatchObject({
      status: 'False',
      reason: 'NoStock',
    });
    await admin.patch(pod.path, { metadata: { annotations: sim({ 'no-stock': 'false' }) } });
    const running = await pod.is('Running');
    expect(conditionOf(running, 'ContainerInstanceCreated')?.status).toBe('True');
  });

  test('a pod with the fallback annotation is degraded, runs, and is never reclaimed', async ({ expect }) => {
    const told = sim({ 'no-stock': 'true', reclaim: 'true', 'complete-after': '3s' });
    const fallback = {
      'k8s.aliyun.com/eci-spot-fallback': 'true',
      'k8s.aliyun.com/eci-use-specs': 'ecs.c6.large',
    };
    const pod = await aPod({ ...spotAnnotations, ...fallback, ...told });
    expect((await pod.event('SpotDegraded')).message).toBe(
      'Spot [ecs.c6.large] will be degraded because the specified instance is out of stock',
    );
    const running = await pod.is('Running');
    expect(conditionOf(running, 'ContainerInstanceCreated')).toMatchObject({
      status: 'True',
      reason: 'AutoInstanceTypeMatch',
    });
    const done = await pod.is('Succeeded');
    expect(conditionOf(done, 'ContainerInstanceExpired')).toBeUndefined();
  });

  test('a pod that is no spot pod starts all the same', async () => {
    const pod = await aPod(sim({ 'no-stock': 'true' }));
    await pod.is('Running');
  });
});
