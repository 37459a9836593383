import { describe, expect, it } from 'vitest';
import { appliedObject, decideTemplate } from '../../../operator/injection/template.ts';
import type { Owned } from '../../../operator/policy/template-gift.ts';
import { revisionOf } from '../../../operator/policy/revision.ts';
import { precedence } from '../../../operator/policy/rules.ts';
import type { SoundPolicy } from '../../../operator/world/policy.ts';
import type { WorkloadKind } from '../../../operator/world/objects.ts';
import { World } from '../../../operator/world/world.ts';
import { aForeign, type Foreign, putForeign } from '../../builders/foreign.ts';
import { ownedBy } from '../../builders/pod.ts';
import { aPolicy, type PolicyWishes } from '../../builders/policy.ts';
import { applied } from '../../builders/template.ts';
import { aCronJob, aDeployment, aJob, aStatefulSet } from '../../builders/workloads.ts';
import { aNamespace, aWorld, known, list, type Raw } from '../../builders/world.ts';

const strategy = 'k8s.aliyun.com/eci-spot-strategy';
const duration = 'k8s.aliyun.com/eci-spot-duration';
const reason = 'spotpolicy.dev/reason';
const lastApplied = 'spotpolicy.dev/last-applied';

const atWorkload = (spec: PolicyWishes['spec'] = {}, name = 'web') =>
  aPolicy({ name, spec: { injection: { at: 'Workload' }, ...spec } });
const sound = (spec: PolicyWishes['spec'] = {}) => known('SpotPolicy', atWorkload(spec)) as SoundPolicy;

const decide = <K extends WorkloadKind>(
  kind: K,
  raw: Raw<K>,
  policies = [atWorkload()],
  namespaceLabels: Record<string, string> = {},
) =>
  decideTemplate(
    aWorld({ SpotPolicy: policies, Namespace: [aNamespace('shop', namespaceLabels)] }),
    known(kind, raw),
  );

const wantedBy = (spec: PolicyWishes['spec'] = {}): Owned => ({
  annotations: {
    [strategy]: 'SpotAsPriceGo',
    [duration]: '1',
    'k8s.aliyun.com/eci-spot-fallback': 'true',
    'spotpolicy.dev/policy': 'SpotPolicy/shop/web',
    'spotpolicy.dev/revision': revisionOf(sound(spec)),
    [reason]: 'Policy',
    [lastApplied]: JSON.stringify({
      [duration]: '1',
      'k8s.aliyun.com/eci-spot-fallback': 'true',
      [strategy]: 'SpotAsPriceGo',
    }),
  },
  labels: { 'spotpolicy.dev/capacity': 'spot' },
});
const wanted = wantedBy();
const web = aDeployment();
const writes = (owned: Owned) => ({ kind: 'Write', owned });
const nothing = { kind: 'Nothing' };

describe('a template is given', () => {
  it('what a pod would be given at admission, but for the proof of one admission', () => {
    expect(decide('Deployment', web)).toMatchObject({ ...writes(wanted), policy: { name: 'web' } });
  });

  it('a label that schedules where the policy asks for it', () => {
    const decision = decide('Deployment', web, [
      atWorkload({ injection: { at: 'Workload', scheduling: 'VirtualNode' } }),
    ]);
    expect(decision).toMatchObject({ owned: { labels: { 'alibabacloud.com/eci': 'true' } } });
  });

  it('what asks the virtual node for eviction, but for pods that may use the time they have left', () => {
    const policies = [
      atWorkload({
        selector: {},
        injection: { at: 'Workload' },
        interruption: { evictor: 'VirtualNode' },
      }),
    ];
    const asks = { owned: { annotations: { 'k8s.aliyun.com/eci-spot-release-strategy': 'api-evict' } } };
    expect(decide('Deployment', web, policies)).toMatchObject(asks);
    expect(decide('StatefulSet', aStatefulSet(), policies)).toMatchObject(asks);
    expect(decide('CronJob', aCronJob(), policies)).toMatchObject({ kind: 'Write' });
    expect(decide('CronJob', aCronJob(), policies)).not.toMatchObject(asks);
  });

  it('nothing where it has all of it already', () => {
    expect(decide('Deployment', applied(web, wanted))).toEqual(nothing);
  });

  it('nothing for an edit that changes nothing its pods carry', () => {
    const edited = atWorkload({ priority: 5, interruption: { onDeadline: 'Leave' } });
    expect(decide('Deployment', applied(web, wanted), [edited])).toEqual(nothing);
    const other = atWorkload({ durationHours: 0 });
    expect(decide('Deployment', applied(web, wanted), [other])).toMatchObject({
      owned: { annotations: { [duration]: '0' } },
    });
  });

  it.each([
    ['at Pod', aPolicy()],
    ['at None', atWorkload({ injection: { at: 'None' } })],
    ['disabled', atWorkload({ mode: 'Disabled' })],
    ['for other pods', atWorkload({ selector: { matchLabels: { app: 'other' } } })],
  ])('nothing by a policy %s', (_, policy) => {
    expect(decide('Deployment', web, [policy])).toEqual(nothing);
  });

  it('what the policy says that would govern its pods, by their labels and by what made them', () => {
    const low = atWorkload({ durationHours: 0 }, 'low');
    const named = { group: 'apps', kind: 'Deployment', name: 'web' };
    const targeting = atWorkload({ selector: undefined, targetRefs: [named] }, 'targeting');
    expect(decide('Deployment', web, [low, targeting])).toMatchObject({ policy: { name: 'targeting' } });
    expect(decide('Deployment', aDeployment({ name: 'other' }), [low, targeting])).toEqual(nothing);
    expect(
      decide('Deployment', web, [atWorkload(), aPolicy({ name: 'above', spec: { priority: 1 } })]),
    ).toEqual(nothing);
  });

  it.each([
    ['a StatefulSet', decide('StatefulSet', aStatefulSet({ name: 'web' }))],
    ['a CronJob', decide('CronJob', aCronJob({ name: 'web' }))],
    ['a bare ReplicaSet', decide('ReplicaSet', { ...web, spec: { template: web.spec?.template } } as never)],
    ['a Job that has never been started', decide('Job', suspended(aJob({ name: 'web' })))],
  ])('to %s', (_, decision) => {
    expect(decision).toMatchObject(writes(wanted));
  });
});

describe('a template of another system', () => {
  const decideOn = (raw: Foreign, policies = [atWorkload({ selector: {} })]) => {
    const world = aWorld({ SpotPolicy: policies, Namespace: [aNamespace('shop')] });
    putForeign(world, raw);
    const [workload] = world.templated(raw.kind).all();
    if (!workload) throw new Error(`${raw.kind} is not read whole`);
    return decideTemplate(world, workload);
  };

  it.each(['Service', 'Rollout', 'WorkflowTemplate', 'CronWorkflow'] as const)(
    'of a %s is given the same',
    (kind) => {
      expect(decideOn(aForeign(kind))).toMatchObject(writes(wantedBy({ selector: {} })));
      expect(decideOn(applied(aForeign(kind), wantedBy({ selector: {} })))).toEqual(nothing);
    },
  );

  it('is that of the policy that names its workload, or that selects by what its system writes on pods', () => {
    const targetRefs = [{ group: 'serving.knative.dev', kind: 'Service', name: 'hello' }];
    expect(decideOn(aForeign('Service'), [atWorkload({ selector: undefined, targetRefs })])).toMatchObject({
      kind: 'Write',
    });
    const byLabel = atWorkload({ selector: { matchLabels: { 'serving.knative.dev/service': 'hello' } } });
    expect(decideOn(aForeign('Service'), [byLabel])).toMatchObject({ kind: 'Write' });
    expect(decideOn(aForeign('Service', { name: 'other' }), [byLabel])).toEqual(nothing);
  });

  it.each(['Workflow', 'SparkApplication'] as const)('of a %s is never touched, and that is told', (kind) => {
    expect(decideOn(aForeign(kind))).toMatchObject({ kind: 'Fixed', policy: { name: 'web' } });
  });

  it('is applied where its system has it', () => {
    const [service] = (() => {
      const world = aWorld({ SpotPolicy: [atWorkload()] });
      putForeign(world, aForeign('CronWorkflow'));
      return [...world.templated('CronWorkflow').all()];
    })();
    expect(service && appliedObject(service, { annotations: { a: '1' }, labels: {} })).toMatchObject({
      ...{ apiVersion: 'argoproj.io/v1alpha1', kind: 'CronWorkflow' },
      spec: { workflowSpec: { podMetadata: { annotations: { a: '1' } } } },
    });
  });
});

function suspended(job: ReturnType<typeof aJob>): ReturnType<typeof aJob> {
  return { ...job, spec: { template: {}, ...job.spec, suspend: true } };
}

describe('what its user wrote stays', () => {
  it('key by key, and what is written beside it makes no contradiction', () => {
    const own = aDeployment({ annotations: { [duration]: '0' } });
    const { [duration]: _, [lastApplied]: __, ...rest } = wanted.annotations;
    const decision = decide('Deployment', own);
    expect(decision).toMatchObject({
      kind: 'Write',
      owned: { ...wanted, annotations: { ...rest, [reason]: 'UserValueKept' } },
    });
    // Values of theirs are never remembered as ours.
    expect(decision).toHaveProperty(
      ['owned', 'annotations', lastApplied],
      expect.not.stringContaining(duration),
    );
    const price = { 'k8s.aliyun.com/eci-spot-price-limit': '0.5' };
    const capped = decide('Deployment', aDeployment({ annotations: price }));
    expect(capped).not.toHaveProperty(['owned', 'annotations', strategy]);
    expect(capped).toMatchObject({ owned: { labels: { 'spotpolicy.dev/capacity': 'on-demand' } } });
  });

  it('when they take a key over, without another rollout to say so', () => {
    const { [duration]: _, ...rest } = wanted.annotations;
    const taken = applied(
      applied(web, { ...wanted, annotations: rest }),
      { annotations: { [duration]: '0' } },
      'kubectl',
    );
    expect(decide('Deployment', taken)).toEqual(nothing);
  });
});

describe('a template is released', () => {
  const ours = applied(web, wanted);

  it.each([
    ['the policy is gone', []],
    ['it is disabled', [atWorkload({ mode: 'Disabled' })]],
    ['it selects other pods', [atWorkload({ selector: { matchLabels: { app: 'other' } } })]],
  ])('when %s', (_, policies) => {
    expect(decide('Deployment', ours, policies)).toEqual({
      ...writes({ annotations: {}, labels: {} }),
      policy: undefined,
    });
  });

  it('when the policy annotates at Pod, but not before admission does', () => {
    const world = aWorld({ SpotPolicy: [aPolicy({ generation: 2 })] });
    const look = () => decideTemplate(world, known('Deployment', ours));
    expect(look()).toEqual(nothing);
    const probe = { ...known('SpotPolicy', aPolicy()), reached: true, problem: '', atMs: 0, failures: 0 };
    world.recordProbe({ ...probe, generation: 1 });
    expect(look()).toEqual(nothing);
    world.recordProbe({ ...probe, generation: 2, reached: false });
    expect(look()).toEqual(nothing);
    world.recordProbe({ ...probe, generation: 2 });
    expect(look()).toMatchObject({ kind: 'Write', policy: undefined });
  });

  it('when its namespace or its pods opt out', () => {
    const optOut = { 'spotpolicy.dev/inject': 'false' };
    expect(decide('Deployment', ours, [atWorkload()], optOut)).toMatchObject({ policy: undefined });
    const opted = applied(aDeployment({ labels: optOut }), wanted);
    expect(decide('Deployment', opted)).toMatchObject({ policy: undefined });
  });

  it('never before all policies are known that may govern it', () => {
    for (const missing of ['SpotPolicy', 'ClusterSpotPolicy', 'Namespace'] as const) {
      const world = new World(precedence, []);
      for (const kind of ['SpotPolicy', 'ClusterSpotPolicy', 'Namespace'] as const) {
        if (kind !== missing) list(world, kind, []);
      }
      expect(decideTemplate(world, known('Deployment', ours))).toEqual(nothing);
      list(world, missing, []);
      expect(decideTemplate(world, known('Deployment', ours))).toMatchObject({ kind: 'Write' });
    }
  });

  it('never by what it does not own', () => {
    expect(decide('Deployment', aDeployment({ annotations: wanted.annotations }), [])).toEqual(nothing);
    expect(decide('Deployment', applied(web, wanted, 'kubectl'), [])).toEqual(nothing);
  });
});

describe('a template is never touched', () => {
  it.each([
    ['a Job that has started', decide('Job', aJob({ name: 'web' }))],
    [
      'a Job that was suspended after its start',
      decide('Job', { ...suspended(aJob({ name: 'web' })), status: { startTime: '2026-03-01T12:00:00Z' } }),
    ],
    [
      'a Deployment that something else controls',
      decide('Deployment', {
        ...web,
        metadata: { name: 'web', ownerReferences: [ownedBy('CloneSet', 'c')] },
      }),
    ],
  ])('of %s, and that is told', (_, decision) => {
    expect(decision).toMatchObject({ kind: 'Fixed', policy: { name: 'web' }, message: expect.any(String) });
  });

  it('of the Deployment of a Knative revision, which has it from the template of its Service', () => {
    const labels = Object.fromEntries(
      [
        ['service', 'hello'],
        ['configuration', 'hello'],
        ['revision', 'hello-00001'],
      ].map(([key, value]) => [`serving.knative.dev/${key}`, value]),
    );
    const template = { metadata: { labels: { app: 'web', ...labels } } };
    const revision = { ...ownedBy('Revision', 'hello-00001'), apiVersion: 'serving.knative.dev/v1' };
    const made = {
      ...web,
      metadata: { name: 'hello-00001-deployment', ownerReferences: [revision] },
      spec: { ...web.spec, template: { ...web.spec?.template, ...template } } as NonNullable<typeof web.spec>,
    };
    expect(decide('Deployment', made)).toEqual(nothing);
  });

  it('of a Job that is over, of one that its CronJob makes, of what is being deleted', () => {
    const over = { ...aJob({ name: 'web' }), status: { conditions: [{ type: 'Complete', status: 'True' }] } };
    expect(decide('Job', over)).toEqual(nothing);
    const made = aJob({ name: 'web' });
    expect(
      decide('Job', { ...made, metadata: { name: 'web', ownerReferences: [ownedBy('CronJob', 'nightly')] } }),
    ).toEqual(nothing);
    const going = { ...web, metadata: { name: 'web', deletionTimestamp: '2026-03-01T12:00:00Z' } };
    expect(decide('Deployment', going)).toEqual(nothing);
  });

  it.each(['kube-system'])('in %s', (namespace) => {
    const metadata = { name: 'web', namespace };
    const world = aWorld({
      SpotPolicy: [{ ...atWorkload(), metadata: { ...atWorkload().metadata, namespace } }],
    });
    expect(decideTemplate(world, known('Deployment', { ...web, metadata }))).toEqual(nothing);
  });
});

describe('the object that is applied', () => {
  const cronJob = known('CronJob', aCronJob());

  it('has what is owned in the place of its kind, and the UID, so that it can create nothing', () => {
    const owned = { annotations: { a: '1' }, labels: {} };
    expect(appliedObject(cronJob, owned)).toEqual({
      apiVersion: 'batch/v1',
      kind: 'CronJob',
      metadata: { namespace: 'shop', name: 'nightly', uid: cronJob.uid },
      spec: { jobTemplate: { spec: { template: { metadata: { annotations: { a: '1' } } } } } },
    });
  });

  it('has nothing below it when all is released', () => {
    expect(appliedObject(cronJob, { annotations: {}, labels: {} })).not.toHaveProperty('spec');
  });
});
