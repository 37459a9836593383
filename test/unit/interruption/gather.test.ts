import { expect, it } from 'vitest';
import { gatherCase } from '../../../operator/interruption/gather.ts';
import type { WorkloadReference } from '../../../operator/world/interruption.ts';
import { anInterruption, aWorkloadReference } from '../../builders/interruption.ts';
import { aPod, noonMs } from '../../builders/pod.ts';
import { aJob } from '../../builders/workloads.ts';
import { aWorld } from '../../builders/world.ts';

it('warns that a Job fails with its pod, by the Job of that namespace, group and kind only', () => {
  const world = aWorld({ Pod: [aPod()], Job: [aJob({ backoffLimit: 0 })] });
  const own = aWorkloadReference('Job', 'batch', 'batch');
  const warningFor = (workload: WorkloadReference) =>
    gatherCase(world, anInterruption({ workload }), { defaultMinutes: 3, trustEvents: false, nowMs: noonMs })
      .warning;
  expect(warningFor(own)).toBe('Job batch fails when it loses this pod: its backoffLimit of 0 is used up');
  expect(warningFor({ ...own, namespace: 'bank' })).toBeUndefined();
  expect(warningFor({ ...own, group: 'batch.volcano.sh' })).toBeUndefined();
});

it('warns that a Job fails with an index, by how often that index has failed', () => {
  const { spec, ...rest } = aJob({ backoffLimit: 1_000 });
  const limits = { completionMode: 'Indexed', backoffLimitPerIndex: 2, maxFailedIndexes: 0 };
  const Job = [{ ...rest, spec: { ...spec, template: spec?.template ?? {}, ...limits } }];
  const warningAfter = (failures: number | undefined) => {
    const annotations = { 'batch.kubernetes.io/job-index-failure-count': failures?.toString() };
    const world = aWorld({ Pod: [aPod({ annotations })], Job });
    const interruption = anInterruption({ workload: aWorkloadReference('Job', 'batch', 'batch') });
    return gatherCase(world, interruption, { defaultMinutes: 3, trustEvents: false, nowMs: noonMs }).warning;
  };
  expect([undefined, 0, 1].map(warningAfter)).toEqual([undefined, undefined, undefined]);
  expect(warningAfter(2)).toBe(
    'Job batch fails when it loses this pod: its maxFailedIndexes of 0 is used up',
  );
});
