import { expect, it } from 'vitest';
import { parseSpec } from '../../../operator/api/effective-spec.ts';
import { aClusterPolicy, aSpec, type ClusterPolicyWishes } from '../../builders/policy.ts';

const defaults = {
  mode: 'Enforce',
  priority: 0,
  durationHours: 1,
  fallback: { mode: 'AtCreation' },
  distribution: { onDemandBase: 0, spotPercentage: 100 },
  injection: { at: 'Pod', existing: 'Keep', scheduling: 'AsIs', whenUnavailable: 'Ignore' },
  spark: { driver: 'OnDemand' },
  interruption: {
    evictor: 'Operator',
    replacement: 'BeforeEviction',
    surge: 'AsDoomed',
    jobPods: 'AtDeadline',
    onDeadline: 'Delete',
    failedPods: 'Delete',
    failedPodTTLSeconds: 3600,
  },
};

it('a minimal spec takes every default', () => {
  const spec = aSpec();
  expect(parseSpec(spec)).toEqual({ ok: true, spec: { ...spec, ...defaults } });
});

it('an object that is there keeps what its user wrote and takes the other defaults', () => {
  const spec = aSpec({
    fallback: { mode: 'Never' },
    injection: { scheduling: 'VirtualNode' },
    interruption: {},
  });
  expect(parseSpec(spec)).toMatchObject({
    spec: {
      fallback: { mode: 'Never' },
      injection: { at: 'Pod', existing: 'Keep', scheduling: 'VirtualNode' },
      interruption: defaults.interruption,
    },
  });
});

it('an override of the cluster overwrites what users wrote, a default keeps it unless it says otherwise', () => {
  const existing = (spec: ClusterPolicyWishes['spec']) => {
    const parsed = parseSpec(aClusterPolicy({ spec }).spec, 'ClusterSpotPolicy');
    return parsed.ok ? parsed.spec.injection.existing : parsed.problems;
  };
  expect(existing({})).toBe('Keep');
  expect(existing({ injection: { existing: 'Overwrite' } })).toBe('Overwrite');
  expect(existing({ precedence: 'Overrides' })).toBe('Overwrite');
  expect(existing({ precedence: 'Overrides', injection: { existing: 'Keep' } })).toBe('Overwrite');
});

it('the text of a price is kept as written', () => {
  const spec = aSpec({ strategy: 'SpotWithPriceLimit', priceLimit: '00.250', fallback: { mode: 'Never' } });
  expect(parseSpec(spec)).toMatchObject({ spec: { priceLimit: '00.250' } });
});

it('the order of instance specs is kept', () => {
  const instanceSpecs = ['ecs.c6.large', '4-8Gi', '2-4Gi'];
  expect(parseSpec(aSpec({ instanceSpecs }))).toMatchObject({ spec: { instanceSpecs } });
});

it('a field of another version is left out of the effective spec', () => {
  const parsed = parseSpec({ ...aSpec(), drills: 'Allowed' });
  expect(parsed).toMatchObject({ ok: true });
  expect(parsed).not.toHaveProperty('spec.drills');
});
