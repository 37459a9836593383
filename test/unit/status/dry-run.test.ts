import { describe, expect, it } from 'vitest';
import { tryOut } from '../../../operator/status/dry-run.ts';
import { isSound } from '../../../operator/world/policy.ts';
import { aPod, ownedBy } from '../../builders/pod.ts';
import { aPolicy, type PolicyWishes } from '../../builders/policy.ts';
import { aWorld, type Content } from '../../builders/world.ts';

const tried = (spec: PolicyWishes['spec'], content: Content) => {
  const { SpotPolicy = [], ...rest } = content;
  const trial = aPolicy({ name: 'trial', spec: { mode: 'DryRun', selector: {}, ...spec } });
  const world = aWorld({ SpotPolicy: [trial, ...SpotPolicy], ...rest });
  const policy = world.policies.byName('shop', 'trial');
  if (!policy || !isSound(policy)) throw new Error('the trial is not understood');
  return tryOut(world, policy);
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
