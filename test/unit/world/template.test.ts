import { describe, expect, it } from 'vitest';
import type { TemplateTrouble } from '../../../operator/world/template.ts';
import { applied } from '../../builders/template.ts';
import { aCronJob, aDeployment } from '../../builders/workloads.ts';
import { aReplicaSet, aWorld, drop, known } from '../../builders/world.ts';

const mine = {
  annotations: { 'k8s.aliyun.com/eci-spot-duration': '1', 'spotpolicy.dev/policy': 'SpotPolicy/shop/web' },
  labels: { 'spotpolicy.dev/capacity': 'spot' },
};

describe('the record of a template', () => {
  it('has all its labels, but of its annotations only those that decisions read', () => {
    const annotations = { 'example.com/checksum': 'x', 'k8s.aliyun.com/eci-use-specs': '2-4Gi' };
    const { template } = known('CronJob', aCronJob({ annotations, labels: { tier: 'front' } }));
    expect(template).toMatchObject({
      labels: { app: 'nightly', tier: 'front' },
      annotations: { 'k8s.aliyun.com/eci-use-specs': '2-4Gi' },
    });
    expect(template?.annotations).not.toHaveProperty(['example.com/checksum']);
  });

  it.each(['Deployment', 'CronJob'] as const)(
    'of a %s says which keys are ours by who applied them',
    (kind) => {
      const raw = kind === 'Deployment' ? aDeployment() : aCronJob();
      const theirs = { annotations: { 'k8s.aliyun.com/eci-use-specs': '2-4Gi' } };
      const { template } = known(kind, applied(applied(raw, mine), theirs, 'kubectl') as never);
      expect(template).toMatchObject({
        owned: {
          annotations: Object.keys(mine.annotations),
          labels: ['spotpolicy.dev/capacity'],
        },
      });
      expect(template?.others).toEqual({ 'k8s.aliyun.com/eci-use-specs': 'kubectl' });
    },
  );

  it('says who else holds what we write, and who holds a map as an empty one', () => {
    const theirs = {
      annotations: { 'k8s.aliyun.com/eci-spot-duration': '1', 'example.com/checksum': 'x' },
      labels: {},
    };
    const { template } = known('Deployment', applied(applied(aDeployment(), mine), theirs, 'kubectl'));
    expect(template?.others).toEqual({ 'k8s.aliyun.com/eci-spot-duration': 'kubectl', labels: 'kubectl' });
  });

  it('counts as ours nothing that came by another way than an apply of the object', () => {
    const raw = applied(aDeployment(), mine);
    const [entry] = (raw.metadata as { managedFields: object[] }).managedFields;
    for (const more of [{ operation: 'Update' }, { subresource: 'scale' }]) {
      const metadata = { ...raw.metadata, managedFields: [{ ...entry, ...more }] };
      expect(known('Deployment', { ...raw, metadata }).template?.owned.annotations).toEqual([]);
    }
  });

  it('is not kept for a ReplicaSet of a Deployment', () => {
    expect(known('ReplicaSet', aReplicaSet()).template).toBeUndefined();
    expect(known('ReplicaSet', aReplicaSet('bare', null)).template).toBeDefined();
  });
});

describe('what stands between a template and its policy', () => {
  const trouble: TemplateTrouble = {
    ...{ uid: 'u', namespace: 'shop', name: 'web', kind: 'Deployment', policy: 'p' },
    ...{ reason: 'Waiting', message: 'not written yet' },
  };

  it('is found by its policy until it is over, or a new term begins', () => {
    const world = aWorld();
    expect(world.recordTrouble('u', trouble)).toEqual({
      kind: 'Template',
      before: undefined,
      after: trouble,
    });
    expect([...world.templateTroubles.group('policy', 'p')]).toEqual([trouble]);
    expect(world.recordTrouble('u', undefined)).toEqual({
      kind: 'Template',
      before: trouble,
      after: undefined,
    });
    world.recordTrouble('u', trouble);
    world.endTerm();
    expect(world.templateTroubles.size).toBe(0);
  });

  it('workloads with a template are found by namespace', () => {
    const world = aWorld({ Deployment: [aDeployment()], ReplicaSet: [aReplicaSet()] });
    expect([...world.workloads('Deployment').group('template', 'shop')].map(({ name }) => name)).toEqual([
      'web',
    ]);
    expect(world.workloads('ReplicaSet').group('template', 'shop').size).toBe(0);
    drop(world, 'Deployment', aDeployment());
    expect(world.workloads('Deployment').group('template', 'shop').size).toBe(0);
  });
});
