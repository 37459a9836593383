import { describe, expect, it } from 'vitest';
import { cohortOf } from '../../../operator/world/cohort.ts';
import { trimPod } from '../../../operator/world/pod.ts';
import { aPod, ownedBy } from '../../builders/pod.ts';

const policy = 'SpotPolicy/shop/web';
const cohort = (
  kind: string,
  name: string,
  restartPolicy = 'Always',
  labels: Record<string, string> = {},
): string => {
  const pod = aPod({ owner: ownedBy(kind, name), labels });
  return cohortOf(trimPod({ ...pod, spec: { containers: [], ...pod.spec, restartPolicy } }), policy);
};

describe('pods are divided', () => {
  it('among those of one revision where their controller goes on', () => {
    expect(cohort('ReplicaSet', 'web-abc')).not.toBe(cohort('ReplicaSet', 'web-def'));
    expect(cohort('StatefulSet', 'db-12345678')).not.toBe(cohort('StatefulSet', 'db-12345679'));
  });

  it('among those of one schedule where they come to an end', () => {
    expect(cohort('Job', 'nightly-29000001', 'Never')).toBe(cohort('Job', 'nightly-29000002', 'OnFailure'));
    expect(cohort('Job', 'nightly-29000001', 'Never')).not.toBe(cohort('Job', 'hourly-29000001', 'Never'));
    expect(cohort('Workflow', 'etl-1700000001', 'Never')).toBe(cohort('Workflow', 'etl-1700003600', 'Never'));
    expect(cohort('Workflow', 'etl-1700000001', 'Never')).not.toBe(cohort('Job', 'etl-1700000001', 'Never'));
  });

  it('among all others under the policy where no schedule made what ends', () => {
    expect(cohort('Job', 'one', 'Never')).toBe(cohort('TaskRun', 'two', 'Never'));
    expect(cohort('Job', 'one', 'Never')).toBe(cohortOf(trimPod(aPod({ owner: undefined })), policy));
  });

  it('among the executors of one driver, and those that one Job numbers', () => {
    expect(cohort('Pod', 'one-driver', 'Never')).not.toBe(cohort('Pod', 'other-driver', 'Never'));
    const numbered = { 'batch.kubernetes.io/job-completion-index': '0' };
    expect(cohort('Job', 'one', 'Never', numbered)).not.toBe(cohort('Job', 'one', 'Never'));
    expect(cohort('Job', 'one', 'Never', numbered)).not.toBe(cohort('Job', 'two', 'Never', numbered));
  });
});
