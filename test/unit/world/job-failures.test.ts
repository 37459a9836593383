import type { PodFailurePolicyRule } from 'kubernetes-types/batch/v1.js';
import { describe, expect, it } from 'vitest';
import { at } from '../../builders/pod.ts';
import { aJob } from '../../builders/workloads.ts';
import { known } from '../../builders/world.ts';

const on = (action: string, type: string, status?: string): PodFailurePolicyRule => ({
  action,
  onPodConditions: [{ type, ...(status !== undefined && { status }) } as never],
});
const onExit = (action: string, operator: 'In' | 'NotIn', ...values: number[]): PodFailurePolicyRule => ({
  action,
  onExitCodes: { operator, values },
});
const ignored = on('Ignore', 'DisruptionTarget', 'True');

const job = (backoffLimit: number, rules: readonly PodFailurePolicyRule[] = [], failed = 0) => {
  const { spec, ...rest } = aJob({ backoffLimit });
  const podFailurePolicy = rules.length > 0 && { podFailurePolicy: { rules: [...rules] } };
  return known('Job', {
    ...rest,
    spec: { ...spec, template: spec?.template ?? {}, ...podFailurePolicy },
    status: { failed },
  });
};

describe('a Job that loses one more pod', () => {
  const usedUp = 'its backoffLimit of 0 is used up';
  const failsJob = 'its podFailurePolicy fails it';

  it.each([
    ['goes on while its backoffLimit leaves a retry', 1, [], undefined, undefined],
    ['fails when its backoffLimit leaves none', 0, [], usedUp, usedUp],
    ['goes on after an eviction that it ignores', 0, [ignored], undefined, usedUp],
    [
      'goes on after a release that it ignores',
      0,
      [on('Ignore', 'ContainerInstanceExpired')],
      undefined,
      undefined,
    ],
    [
      'fails when a rule before that fails it',
      0,
      [on('FailJob', 'DisruptionTarget'), ignored],
      failsJob,
      usedUp,
    ],
    [
      'fails when a rule on the code of SIGTERM comes first',
      6,
      [onExit('FailJob', 'In', 143), ignored],
      failsJob,
      undefined,
    ],
    [
      'fails when a rule on all other codes comes first',
      6,
      [onExit('FailJob', 'NotIn', 42), ignored],
      failsJob,
      failsJob,
    ],
    ['goes on when that rule comes last', 6, [ignored, onExit('FailJob', 'In', 143)], undefined, undefined],
    [
      'fails when a rule counts what a later one would ignore',
      0,
      [on('Count', 'DisruptionTarget'), ignored],
      usedUp,
      usedUp,
    ],
    ['goes on when only its index fails', 0, [on('FailIndex', 'DisruptionTarget')], undefined, usedUp],
    ['goes by rules on True only', 0, [on('Ignore', 'DisruptionTarget', 'False')], usedUp, usedUp],
  ] as const)('%s', (_, backoffLimit, rules, evicted, released) => {
    expect(job(backoffLimit, rules).lastPod).toEqual({ evicted, released });
  });

  it('fails when earlier failures have used its retries up', () => {
    expect(job(2, [], 1).lastPod.evicted).toBeUndefined();
    expect(job(2, [], 2).lastPod.evicted).toBe('its backoffLimit of 2 is used up');
  });

  it('has six retries where it names no limit', () => {
    const { backoffLimit: _, ...spec } = aJob().spec ?? { template: {} };
    const failed = (count: number) =>
      known('Job', { ...aJob(), spec, status: { failed: count } }).lastPod.evicted;
    expect(failed(5)).toBeUndefined();
    expect(failed(6)).toBe('its backoffLimit of 6 is used up');
  });
});

describe('a Job ignores disruptions', () => {
  it.each([
    ['by the first of its rules on DisruptionTarget', [ignored, on('FailJob', 'DisruptionTarget')], true],
    ['not by a later one', [on('FailJob', 'DisruptionTarget'), ignored], false],
    [
      'by a rule below one on exit codes, which may not come true',
      [onExit('FailJob', 'In', 143), ignored],
      true,
    ],
    ['not without a rule', [], false],
  ] as const)('%s', (_, rules, expected) => {
    expect(job(0, rules).ignoresDisruption).toBe(expected);
  });
});

describe('a Job that has failed', () => {
  const failed = (...conditions: readonly object[]) =>
    known('Job', { ...aJob(), status: { conditions: conditions as never } }).failure;
  const condition = (type: string, seconds: number, more: object = {}) => ({
    type,
    status: 'True',
    reason: 'BackoffLimitExceeded',
    message: 'Job has reached the specified backoff limit',
    lastTransitionTime: new Date(at(seconds)).toISOString(),
    ...more,
  });

  it('says so by FailureTarget first, and by Failed when its last pod has ended', () => {
    const failure = { atMs: at(5), message: 'Job has reached the specified backoff limit' };
    expect(failed(condition('FailureTarget', 5))).toEqual(failure);
    expect(failed(condition('FailureTarget', 5), condition('Failed', 9))).toEqual(failure);
    expect(failed(condition('Failed', 5))).toEqual(failure);
  });

  it('is none that runs, completes, or runs out of time', () => {
    expect(failed()).toBeUndefined();
    expect(failed(condition('Complete', 5))).toBeUndefined();
    expect(failed(condition('Failed', 5, { status: 'False' }))).toBeUndefined();
    expect(failed(condition('Failed', 5, { reason: 'DeadlineExceeded' }))).toBeUndefined();
  });
});

describe('a Job that is suspended', () => {
  it('wants no pods', () => {
    const spec = { ...aJob({ completions: 3 }).spec, template: {} };
    expect(known('Job', { ...aJob(), spec: { ...spec, suspend: true } }).replicas).toBe(0);
    expect(known('Job', { ...aJob(), spec: { ...spec, suspend: false } }).replicas).toBe(3);
  });
});

describe('a Job whose indexes have limits of their own', () => {
  const indexed = (
    maxFailedIndexes: number | undefined,
    failedIndexes?: string,
    rules: readonly PodFailurePolicyRule[] = [],
  ) => {
    const { spec, ...rest } = aJob({ backoffLimit: 1_000 });
    return known('Job', {
      ...rest,
      spec: {
        ...spec,
        template: spec?.template ?? {},
        ...{ completionMode: 'Indexed', backoffLimitPerIndex: 1 },
        ...(maxFailedIndexes !== undefined && { maxFailedIndexes }),
        ...(rules.length > 0 && { podFailurePolicy: { rules: [...rules] } }),
      },
      status: { ...(failedIndexes !== undefined && { failedIndexes }) },
    });
  };

  it('fails with an index that has no retry left, where no more indexes may fail', () => {
    expect(indexed(0)).toMatchObject({
      lastPod: { evicted: undefined, released: undefined },
      lastPodOfIndex: {
        evicted: 'its maxFailedIndexes of 0 is used up',
        released: 'its maxFailedIndexes of 0 is used up',
      },
      retriesPerIndex: 1,
    });
    expect(indexed(4, '1,3-4').lastPodOfIndex.evicted).toBeUndefined();
    expect(indexed(3, '1,3-4').lastPodOfIndex.evicted).toBe('its maxFailedIndexes of 3 is used up');
    expect(indexed(undefined, '1,3-4').lastPodOfIndex.evicted).toBeUndefined();
  });

  it('fails at once where a rule fails the index', () => {
    const rules = [on('FailIndex', 'DisruptionTarget')];
    expect(indexed(0, '', rules).lastPod).toEqual({
      evicted: 'its maxFailedIndexes of 0 is used up',
      released: undefined,
    });
  });
});
