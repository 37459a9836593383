import { describe, expect, it } from 'vitest';
import { apiTime, groupOf, instantMs, preciseTime } from '../../../operator/world/object.ts';
import { trimNode } from '../../../operator/world/objects.ts';
import { trimEvent } from '../../../operator/world/platform-event.ts';
import { policyOf } from '../../../operator/world/policy.ts';
import { aPolicy } from '../../builders/policy.ts';
import { anEvent, at } from '../../builders/pod.ts';
import { aComputedBudget, aReplicaSet, aWorld, known } from '../../builders/world.ts';
import { aCronJob, aDeployment, aJob } from '../../builders/workloads.ts';

describe('the record of a budget', () => {
  it('has the figures of its controller', () => {
    expect(
      known('PodDisruptionBudget', aComputedBudget({ allowed: 2, healthy: 9, desired: 7 })),
    ).toMatchObject({
      selector: { matchLabels: { app: 'web' } },
      current: true,
      disruptionsAllowed: 2,
      currentHealthy: 9,
      desiredHealthy: 7,
      syncFailed: undefined,
    });
  });

  it('is not current while its controller has not looked at the spec as it stands', () => {
    expect(known('PodDisruptionBudget', aComputedBudget({ current: false })).current).toBe(false);
    expect(known('PodDisruptionBudget', { metadata: { name: 'new', generation: 1 } }).current).toBe(false);
  });

  it('says why it cannot be computed, and nothing for another reason to allow nothing', () => {
    const failure = 'found no controller ref';
    expect(known('PodDisruptionBudget', aComputedBudget({ failure })).syncFailed).toBe(failure);
    const tight = aComputedBudget();
    const conditions = [{ type: 'DisruptionAllowed', status: 'False', reason: 'InsufficientPods' }];
    const raw = { ...tight, status: { ...tight.status, conditions } };
    expect(known('PodDisruptionBudget', raw as typeof tight).syncFailed).toBeUndefined();
  });
});

describe('the record of a workload', () => {
  it('wants one pod where nothing is written', () => {
    expect(known('Deployment', { metadata: { name: 'web' } }).replicas).toBe(1);
    expect(known('Deployment', aDeployment({ replicas: 0 })).replicas).toBe(0);
    expect(known('CronJob', aCronJob()).replicas).toBeUndefined();
  });

  it('of a Job wants as many pods as are left to complete, at most its parallelism', () => {
    const job = aJob({ completions: 5 });
    const spec = { ...job.spec, parallelism: 2, template: job.spec?.template ?? {} };
    const wanted = (succeeded: number) => known('Job', { ...job, spec, status: { succeeded } }).replicas;
    expect([0, 4, 5, 6].map(wanted)).toEqual([2, 1, 0, 0]);
  });

  it('of a Job without completions wants its parallelism', () => {
    expect(
      known('Job', { metadata: { name: 'queue' }, spec: { parallelism: 3, template: {} } }).replicas,
    ).toBe(3);
  });

  it.each(['Complete', 'Failed'])('of a Job that is %s has finished', (type) => {
    const job = aJob();
    expect(known('Job', { ...job, status: { conditions: [{ type, status: 'True' }] } }).finished).toBe(true);
    expect(known('Job', { ...job, status: { conditions: [{ type, status: 'False' }] } }).finished).toBe(
      false,
    );
  });

  it('of a Job ignores disruptions where its podFailurePolicy says so, with or without a status', () => {
    expect(known('Job', aJob({ ignoresDisruption: true })).ignoresDisruption).toBe(true);
    expect(known('Job', aJob()).ignoresDisruption).toBe(false);
    const job = aJob();
    const withRule = (action: string, condition: object) =>
      known('Job', {
        ...job,
        spec: {
          ...job.spec,
          template: {},
          podFailurePolicy: { rules: [{ action, onPodConditions: [condition] }] },
        },
      } as typeof job).ignoresDisruption;
    expect(withRule('Ignore', { type: 'DisruptionTarget' })).toBe(true);
    expect(withRule('Ignore', { type: 'DisruptionTarget', status: 'False' })).toBe(false);
    expect(withRule('Count', { type: 'DisruptionTarget' })).toBe(false);
    expect(withRule('Ignore', { type: 'ConfigIssue' })).toBe(false);
  });

  it('of a ReplicaSet tells whether its pods cannot be created', () => {
    const failing = (status: string) =>
      known('ReplicaSet', {
        ...aReplicaSet(),
        status: { replicas: 0, conditions: [{ type: 'ReplicaFailure', status }] },
      }).creationFails;
    expect([failing('True'), failing('False'), known('ReplicaSet', aReplicaSet()).creationFails]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it('names its controller', () => {
    expect(known('ReplicaSet', aReplicaSet()).controller?.name).toBe('web');
    expect(known('ReplicaSet', aReplicaSet('lone', null)).controller).toBeUndefined();
  });
});

describe('the record of an Event', () => {
  const raw = anEvent();

  it('has the time it was first seen, and when last', () => {
    const event = trimEvent(anEvent({ firstAtMs: at(10), lastAtMs: at(70) }));
    expect(event).toMatchObject({ firstAtMs: at(10), lastAtMs: at(70) });
  });

  it('takes eventTime, then lastTimestamp, then its creation where firstTimestamp is missing', () => {
    const { firstTimestamp: _, lastTimestamp: __, ...bare } = raw;
    const eventTime = preciseTime(at(20));
    expect(trimEvent({ ...bare, eventTime, lastTimestamp: apiTime(at(30)) })).toMatchObject({
      firstAtMs: at(20),
      lastAtMs: at(30),
    });
    expect(trimEvent({ ...bare, lastTimestamp: apiTime(at(30)) }).firstAtMs).toBe(at(30));
    const metadata = { ...raw.metadata, creationTimestamp: apiTime(at(40)) };
    expect(trimEvent({ ...bare, metadata })).toMatchObject({ firstAtMs: at(40), lastAtMs: at(40) });
  });

  it('was seen last when its series says so', () => {
    const series = { count: 3, lastObservedTime: preciseTime(at(50)) };
    expect(trimEvent({ ...raw, series }).lastAtMs).toBe(at(50));
  });
});

describe('the record of a node', () => {
  it.each([{ type: 'virtual-kubelet' }, { 'k8s.aliyun.com/vnode': 'true' }])(
    'is virtual with %o',
    (labels) => {
      expect(trimNode({ metadata: { name: 'n', labels } }).virtual).toBe(true);
    },
  );

  it('is an ordinary one otherwise', () => {
    expect(trimNode({ metadata: { name: 'n', labels: { type: 'other' } } }).virtual).toBe(false);
    expect(trimNode({ metadata: { name: 'n' } }).virtual).toBe(false);
  });
});

describe('the record of a policy', () => {
  it('that cannot be understood has its problems and no spec', () => {
    const policy = known('SpotPolicy', aPolicy({ spec: { strategy: undefined } }));
    expect(policy.spec).toBeUndefined();
    expect(policy.problems.map(({ field }) => field)).toEqual(['spec.strategy']);
  });

  it('is found by the key that stamps and interruptions name', () => {
    const world = aWorld({ SpotPolicy: [aPolicy()] });
    expect(policyOf(world, 'SpotPolicy/shop/web')?.name).toBe('web');
    for (const key of ['SpotPolicy/shop/other', 'SpotPolicy', '', 'web'])
      expect(policyOf(world, key)).toBeUndefined();
  });
});

describe('a time of the API', () => {
  it('is read in any precision, and what is no time is none', () => {
    expect(instantMs('2026-03-01T12:00:00Z')).toBe(at(0));
    expect(instantMs('2026-03-01T12:00:00.250000Z')).toBe(at(0.25));
    for (const none of [undefined, null, '', 'soon']) expect(instantMs(none)).toBeUndefined();
  });

  it('is written in whole seconds, or with milliseconds for a MicroTime', () => {
    expect(apiTime(at(0.25))).toBe('2026-03-01T12:00:00Z');
    expect(preciseTime(at(0.25))).toBe('2026-03-01T12:00:00.250Z');
  });
});

it('the group of an apiVersion is what stands before the slash', () => {
  expect(['v1', 'apps/v1', 'serving.knative.dev/v1'].map(groupOf)).toEqual([
    '',
    'apps',
    'serving.knative.dev',
  ]);
});
