import { describe, expect, it } from 'vitest';
import { findConditions } from '../../../operator/status/conditions.ts';
import { sumGoverned } from '../../../operator/status/governed.ts';
import { settledCounts } from '../../builders/counts.ts';
import { reportOn } from '../../../operator/status/report.ts';
import { failingTargets, findTargetProblem } from '../../../operator/status/targets.ts';
import type { OwnerKind } from '../../../operator/world/owner-kinds.ts';
import type { SoundPolicy } from '../../../operator/world/policy.ts';
import { aPolicy, type PolicyWishes } from '../../builders/policy.ts';
import { aWorld } from '../../builders/world.ts';
import { aDeployment } from '../../builders/workloads.ts';

const deployment = { group: 'apps', kind: 'Deployment', name: 'web' };
const service = { group: 'serving.knative.dev', kind: 'Service', name: 'hello' };

const problemOf = (
  targetRefs: NonNullable<NonNullable<PolicyWishes['spec']>['targetRefs']>,
  { kinds = [], spec = {} }: { kinds?: readonly Partial<OwnerKind>[]; spec?: PolicyWishes['spec'] } = {},
) => {
  const policy = aPolicy({ spec: { targetRefs, ...spec } });
  const world = aWorld({ SpotPolicy: [policy], Deployment: [aDeployment()] });
  for (const kind of kinds)
    world.judgeOwnerKind({ ...service, standing: 'Readable', resource: '', problem: '', ...kind });
  const [known] = world.policies.all();
  return known && findTargetProblem(world, known as SoundPolicy);
};

const forbidden: Partial<OwnerKind> = {
  ...{ standing: 'Forbidden' as const, resource: 'services.serving.knative.dev', problem: 'no right' },
};

describe('the workloads that a policy names', () => {
  it('are no problem where they are there, nor while nobody knows', () => {
    expect(problemOf([deployment])).toBeUndefined();
    expect(problemOf([deployment, service])).toBeUndefined();
    expect(problemOf([])).toBeUndefined();
  });

  it('are missed by their names, each of them', () => {
    const missing = ['a', 'b'].map((name) => ({ ...deployment, name }));
    expect(problemOf([deployment, ...missing])).toEqual({
      reason: 'TargetNotFound',
      message: 'there is no Deployment.apps named a; there is no Deployment.apps named b',
    });
    expect(problemOf([service], { kinds: [{ standing: 'Absent' }] })).toEqual({
      reason: 'TargetNotFound',
      message: 'the cluster has no kind of workload Service.serving.knative.dev',
    });
  });

  it('may be of a kind that the operator may not read, which comes first and names the right', () => {
    const refs = [{ ...deployment, name: 'a' }, service, { ...service, name: 'two' }];
    const problem = problemOf(refs, { kinds: [forbidden] });
    expect(problem?.reason).toBe('TargetKindForbidden');
    expect(problem?.message).toBe(
      'the operator may not read Service.serving.knative.dev: add the ClusterRole spotpolicy-operator-serving.knative.dev, or another that allows list and watch on services.serving.knative.dev and carries the label rbac.spotpolicy.dev/aggregate-to-operator: "true" (no right)',
    );
  });

  it('may be of a kind whose pods are never governed, which comes before everything', () => {
    const daemon = { group: 'apps', kind: 'DaemonSet', name: 'log' };
    expect(problemOf([service, daemon, { ...daemon, name: 'two' }], { kinds: [forbidden] })).toEqual({
      reason: 'TargetKindUnsupported',
      message:
        'pods of DaemonSet.apps belong to their node and are never touched: leave it out of targetRefs',
    });
  });

  it('may be of a kind that cannot be read now, which is told beside what else the policy says', () => {
    const policy = aPolicy({ spec: { targetRefs: [service, { ...service, name: 'two' }] } });
    const world = aWorld({ SpotPolicy: [policy] });
    world.judgeOwnerKind({ ...service, standing: 'Failing', resource: '', problem: 'reading /apis: 503' });
    const [known] = world.policies.all();
    expect(findTargetProblem(world, known as SoundPolicy)).toBeUndefined();
    expect(failingTargets(world, known as SoundPolicy)).toEqual([
      'Service.serving.knative.dev cannot be read: reading /apis: 503',
    ]);
    const ready = reportOn(settledCounts(world), known as SoundPolicy, 0)
      .whole()
      .conditions?.find(({ type }) => type === 'Ready');
    expect(ready?.message).toContain('Service.serving.knative.dev cannot be read: reading /apis: 503');
  });

  it('are not looked for where the policy governs nothing', () => {
    const missing = [{ ...deployment, name: 'a' }];
    expect(problemOf(missing, { spec: { mode: 'Disabled' } })).toBeUndefined();
  });
});

it('a policy that misses a workload waits for it, and is Programmed all the same', () => {
  const world = aWorld({ SpotPolicy: [aPolicy({ spec: { injection: { at: 'None' } } })] });
  const [policy] = world.policies.all() as Iterable<SoundPolicy>;
  const target = { reason: 'TargetNotFound', message: 'there is none' } as const;
  const grounds = {
    reach: 'Some' as const,
    probe: undefined,
    contest: undefined,
    troubles: [],
    unseen: '',
    unwritable: undefined,
    counted: '',
    unreadable: '',
    forbidden: undefined,
    target,
  };
  const findings =
    policy && findConditions(policy, { ...grounds, governed: sumGoverned(settledCounts(world), policy) }, 0);
  expect(findings).toMatchObject([
    { type: 'Accepted', status: 'Unknown', ...target },
    { type: 'Programmed', status: 'True', reason: 'Programmed' },
    { type: 'Ready', status: 'False', ...target },
    { type: 'Reconciling', status: 'True', ...target },
  ]);
});
