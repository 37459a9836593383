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
