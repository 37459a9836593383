import { expect, it } from 'vitest';
import { revisionOf } from '../../../operator/policy/revision.ts';
import type { SoundPolicy } from '../../../operator/world/policy.ts';
import { aPolicy, type PolicyWishes } from '../../builders/policy.ts';
import { known } from '../../builders/world.ts';

const revision = (spec: PolicyWishes['spec'] = {}, name = 'web'): string =>
  revisionOf(known('SpotPolicy', aPolicy({ name, spec })) as SoundPolicy);

it('a revision is twelve hexadecimal digits', () => {
  expect(revision()).toMatch(/^[0-9a-f]{12}$/);
});

it('the same spec has the same revision, whoever carries it', () => {
  expect(revision({}, 'other')).toBe(revision());
});

it('a default that is written out changes nothing', () => {
  const injection = { at: 'Pod', existing: 'Keep', scheduling: 'AsIs' } as const;
  expect(revision({ mode: 'Enforce', priority: 0, durationHours: 1, injection })).toBe(revision());
});

it('every other change of the spec changes it', () => {
  const specs: PolicyWishes['spec'][] = [
    { durationHours: 0 },
    { strategy: 'NoSpot' },
    { fallback: { mode: 'Never' } },
    { instanceSpecs: ['2-4Gi', '4-8Gi'] },
    { instanceSpecs: ['4-8Gi', '2-4Gi'] },
    { selector: { matchLabels: { app: 'api' } } },
    { interruption: { onDeadline: 'Leave' } },
  ];
  expect(new Set([undefined, ...specs].map((spec) => revision(spec))).size).toBe(specs.length + 1);
});

it('in a pod template only what pods carry counts: whether they ask their virtual node for eviction does', () => {
  const atWorkload = (interruption: NonNullable<PolicyWishes['spec']>['interruption']) =>
    revision({ injection: { at: 'Workload' }, interruption });
  expect(atWorkload({ onDeadline: 'Leave', jobPods: 'Never' })).toBe(atWorkload({}));
  const byNode = { evictor: 'VirtualNode' } as const;
  const revisions = [{}, byNode, { ...byNode, jobPods: 'Immediately' } as const].map(atWorkload);
  expect(new Set(revisions).size).toBe(3);
});
