import { describe, expect, it } from 'vitest';
import { decideTemplate } from '../../../operator/injection/template.ts';
import { tryOut } from '../../../operator/status/dry-run.ts';
import { isSound } from '../../../operator/world/policy.ts';
import { settledCounts } from '../../builders/counts.ts';
import { aPod, ownedBy } from '../../builders/pod.ts';
import { aPolicy, type PolicyWishes } from '../../builders/policy.ts';
import { applied } from '../../builders/template.ts';
import { aDeployment, aJob, aStatefulSet } from '../../builders/workloads.ts';
import { aWorld, type Content, known } from '../../builders/world.ts';

const tried = (spec: PolicyWishes['spec'], content: Content) => {
  const { SpotPolicy = [], ...rest } = content;
  const trial = aPolicy({ name: 'trial', spec: { mode: 'DryRun', selector: {}, ...spec } });
  const world = aWorld({ SpotPolicy: [trial, ...SpotPolicy], ...rest });
  const policy = world.policies.byName('shop', 'trial');
  if (!policy || !isSound(policy)) throw new Error('the trial is not understood');
  return tryOut(settledCounts(world), policy);
};

describe('a policy in DryRun tells', () => {
  it('the living pods that it would govern, five of them by name', () => {
    const pods = Array.from({ length: 7 }, (_, number) => aPod({ name: `web-${number}` }));
    const gone = aPod({ name: 'gone', phase: 'Failed' });
    const bound = aPod({ name: 'agent', owner: ownedBy('DaemonSet', 'agent') });
    expect(tried({}, { Pod: [...pods, gone, bound] })).toEqual({
      pods: 7,
      taken: [],
      samples: ['shop/web-0', 'shop/web-1', 'shop/web-2', 'shop/web-3', 'shop/web-4'],
    });
  });

  it('from whom it would take them, and not those that it would lose to others', () => {
    const SpotPolicy = [
      aPolicy({ name: 'weak', spec: { selector: { matchLabels: { app: 'web' } } } }),
      aPolicy({ name: 'strong', spec: { priority: 10, selector: { matchLabels: { app: 'db' } } } }),
    ];
    const labelled = (name: string, app: string) => aPod({ name, labels: { app } });
    const Pod = [labelled('a', 'web'), labelled('b', 'web'), labelled('c', 'db'), labelled('d', 'batch')];
    expect(tried({ priority: 5 }, { SpotPolicy, Pod })).toEqual({
      pods: 3,
      taken: [{ policy: 'SpotPolicy/shop/weak', pods: 2 }],
      samples: ['shop/a', 'shop/b', 'shop/d'],
    });
  });

  it('nothing of pods whose owner opted out', () => {
    const Pod = [aPod({ labels: { 'spotpolicy.dev/inject': 'false' } })];
    expect(tried({}, { Pod }).pods).toBe(0);
  });
});

const strategy = 'k8s.aliyun.com/eci-spot-strategy';
const useSpecs = 'k8s.aliyun.com/eci-use-specs';

/** The templates that a trial at `Workload` tells of; `spec` is that of the trial. */
const templatesOf = (content: Content, spec: PolicyWishes['spec'] = {}) =>
  tried({ injection: { at: 'Workload' }, ...spec }, content).templates;

describe('a policy in DryRun that writes templates tells', () => {
  it('what it would write into which, three of them by name', () => {
    const Deployment = ['d', 'c', 'b', 'a'].map((name) => aDeployment({ name }));
    const StatefulSet = [aStatefulSet({ name: 'a' })];
    const { total, samples = [] } = templatesOf({ Deployment, StatefulSet }) ?? {};
    expect(total).toBe(5);
    expect(samples.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      ...['Deployment a', 'StatefulSet a', 'Deployment b'],
    ]);
    expect(samples[0]).toEqual({
      ...{ kind: 'Deployment', namespace: 'shop', name: 'a' },
      annotations: {
        [strategy]: 'SpotAsPriceGo',
        'k8s.aliyun.com/eci-spot-duration': '1',
        'k8s.aliyun.com/eci-spot-fallback': 'true',
        'spotpolicy.dev/policy': 'SpotPolicy/shop/trial',
        'spotpolicy.dev/revision': expect.stringMatching(/^[0-9a-f]{12}$/),
        'spotpolicy.dev/reason': 'Policy',
        'spotpolicy.dev/last-applied': expect.stringContaining('"SpotAsPriceGo"'),
      },
      labels: { 'spotpolicy.dev/capacity': 'spot' },
    });
  });

  it('nothing of keys that are their users, and which keys of another policy would go', () => {
    const own = aDeployment({ annotations: { 'k8s.aliyun.com/eci-spot-duration': '0' } });
    const written = applied(own, { annotations: { [strategy]: 'SpotAsPriceGo', [useSpecs]: '2-4Gi' } });
    const [sample] = templatesOf({ Deployment: [written] })?.samples ?? [];
    expect(sample?.annotations).not.toHaveProperty(['k8s.aliyun.com/eci-spot-duration']);
    expect(sample?.removed).toEqual([useSpecs]);
  });

  it('exactly what it writes once it is enforced', () => {
    const web = aDeployment();
    const [sample] = templatesOf({ Deployment: [web] })?.samples ?? [];
    const enforced = aPolicy({ name: 'trial', spec: { selector: {}, injection: { at: 'Workload' } } });
    const decision = decideTemplate(aWorld({ SpotPolicy: [enforced] }), known('Deployment', web));
    expect(decision).toMatchObject({ owned: { annotations: sample?.annotations, labels: sample?.labels } });
    expect(templatesOf({ Deployment: [applied(web, sample ?? {})] })).toEqual({ total: 0, samples: [] });
  });

  it('nothing of what another policy governs, of what is never written, and of what is being deleted', () => {
    const strong = aPolicy({
      name: 'strong',
      spec: { priority: 1, selector: { matchLabels: { app: 'web' } } },
    });
    const going = aDeployment({ name: 'api' });
    const Deployment = [
      aDeployment(),
      { ...going, metadata: { ...going.metadata, deletionTimestamp: '2026-03-01T12:00:00Z' } },
    ];
    expect(templatesOf({ SpotPolicy: [strong], Deployment, Job: [aJob()] })).toEqual({
      total: 0,
      samples: [],
    });
  });

  it('nothing of templates at all where it would annotate pods', () => {
    expect(tried({}, { Deployment: [aDeployment()] })).not.toHaveProperty('templates');
  });
});
