import type { OwnerReference } from 'kubernetes-types/meta/v1.js';
import { describe, expect, it } from 'vitest';
import { eciAnnotations } from '../../../operator/api/keys.ts';
import { giftOf, mergeAnnotations, type Merged } from '../../../operator/policy/gift.ts';
import type { SoundPolicy } from '../../../operator/world/policy.ts';
import { controllerOf } from '../../../operator/world/object.ts';
import { ownedBy } from '../../builders/pod.ts';
import { edited } from '../../builders/admission.ts';
import { aPolicy, type PolicyWishes } from '../../builders/policy.ts';
import { known } from '../../builders/world.ts';

const { spotStrategy, spotPriceLimit, spotDuration, spotFallback, spotReleaseStrategy, useSpecs } =
  eciAnnotations;
const gift = (spec: PolicyWishes['spec']) =>
  giftOf((known('SpotPolicy', aPolicy({ spec })) as SoundPolicy).spec, {
    controller: undefined,
    restarts: true,
  });
const limited = {
  strategy: 'SpotWithPriceLimit',
  priceLimit: '0.250',
  fallback: { mode: 'Never' },
} as const;

describe('a pod asks its virtual node for eviction', () => {
  const asks = (
    owner: OwnerReference | undefined,
    interruption: NonNullable<PolicyWishes['spec']>['interruption'],
    restarts = true,
  ) => {
    const { spec } = known('SpotPolicy', aPolicy({ spec: { interruption } })) as SoundPolicy;
    const controller = controllerOf({ namespace: 'shop', ...(owner && { ownerReferences: [owner] }) });
    return giftOf(spec, { controller, restarts }).annotations[spotReleaseStrategy];
  };
  const byNode = { evictor: 'VirtualNode' } as const;
  const atOnce = ['ReplicaSet', 'Deployment', 'StatefulSet', 'Pod', 'Service', 'Revision', 'Database'];
  const unhurried = ['Job', 'CronJob', 'SparkApplication', 'Workflow', 'WorkflowTemplate', 'CronWorkflow'];

  it.each(atOnce)('that a %s controls, where the policy leaves evictions to it', (kind) => {
    expect(asks(ownedBy(kind, 'owner'), byNode)).toBe('api-evict');
    expect(asks(ownedBy(kind, 'owner'), {})).toBeUndefined();
    expect(asks(ownedBy(kind, 'owner'), { evictor: 'None' })).toBeUndefined();
  });

  it.each([...unhurried, undefined])('that a %s controls only where nobody is to wait for it', (kind) => {
    const owner = kind && ownedBy(kind, 'owner');
    expect(asks(owner || undefined, byNode)).toBeUndefined();
    expect(asks(owner || undefined, { ...byNode, jobPods: 'Immediately' })).toBe('api-evict');
    expect(asks(owner || undefined, { ...byNode, jobPods: 'Never' })).toBeUndefined();
  });

  it('that comes to an end by itself only where nobody is to wait for it', () => {
    const owner = ownedBy('Database', 'owner');
    expect(asks(owner, byNode, false)).toBeUndefined();
    expect(asks(owner, { ...byNode, jobPods: 'Immediately' }, false)).toBe('api-evict');
  });

  it('never without spot capacity', () => {
    const { spec } = known('SpotPolicy', aPolicy({ spec: { interruption: byNode } })) as SoundPolicy;
    const controller = controllerOf({ ownerReferences: [ownedBy('ReplicaSet', 'web')] });
    const pod = { controller, restarts: true };
    expect(giftOf(spec, pod, 'on-demand').annotations).toEqual({});
    expect(giftOf({ ...spec, strategy: 'NoSpot' }, pod).annotations).toEqual({});
  });
});

describe('what a policy gives', () => {
  it('is every annotation that ECI reads, with its defaults written out', () => {
    expect(gift({})).toEqual({
      annotations: { [spotStrategy]: 'SpotAsPriceGo', [spotDuration]: '1', [spotFallback]: 'true' },
      labels: {},
    });
  });

  it('keeps the text of the price and leaves out a fallback that is not wanted', () => {
    expect(gift({ ...limited, durationHours: 0 }).annotations).toEqual({
      [spotStrategy]: 'SpotWithPriceLimit',
      [spotPriceLimit]: '0.250',
      [spotDuration]: '0',
    });
  });

  it('lists instance specs in their order, and none where there are none', () => {
    expect(gift({ instanceSpecs: ['ecs.c6.large', '2-4Gi'] }).annotations[useSpecs]).toBe(
      'ecs.c6.large,2-4Gi',
    );
    expect(gift({ instanceSpecs: [] }).annotations).not.toHaveProperty([useSpecs]);
  });

  it('is nothing for NoSpot, specs included', () => {
    expect(gift({ strategy: 'NoSpot', instanceSpecs: ['2-4Gi'] }).annotations).toEqual({});
  });

  it('sends pods to virtual nodes where the policy says so', () => {
    expect(gift({ injection: { scheduling: 'VirtualNode' } }).labels).toEqual({
      'alibabacloud.com/eci': 'true',
    });
  });
});

const merged = (own: Record<string, string>, { edits, userValueKept }: Merged) => ({
  annotations: edited(own, edits),
  userValueKept,
});

describe('Keep', () => {
  const keep = (own: Record<string, string>, spec: PolicyWishes['spec'] = {}) =>
    merged(own, mergeAnnotations(own, gift(spec).annotations, 'Keep'));

  it('adds what is missing and leaves what is there, key by key', () => {
    expect(keep({ team: 'web', [spotDuration]: '0' })).toEqual({
      annotations: { team: 'web', ...gift({}).annotations, [spotDuration]: '0' },
      userValueKept: true,
    });
  });

  it('does not call it kept where the user wrote the same', () => {
    expect(keep(gift({}).annotations).userValueKept).toBe(false);
    expect(keep({ team: 'web' }).userValueKept).toBe(false);
  });

  it.each([
    ['the strategy of the policy', { [spotStrategy]: 'SpotAsPriceGo' }, {}],
    ['another strategy', { [spotStrategy]: 'SpotAsPriceGo' }, limited],
    ['a strategy that wants a limit', { [spotStrategy]: 'SpotWithPriceLimit' }, limited],
    ['ECI’s own sample', { [spotStrategy]: 'SpotWithPriceLimit', [spotPriceLimit]: '0.1' }, {}],
    ['a strategy without spot', { [spotStrategy]: 'NoSpot' }, {}],
  ])('adds nothing that would change what %s of the user means, and tells', (_, own, spec) => {
    expect(keep(own, spec)).toEqual({ annotations: own, userValueKept: true });
  });

  it('lets a limit of the user be a cap', () => {
    const falling = { ...limited, fallback: { mode: 'AtCreation' } } as const;
    expect(keep({ [spotPriceLimit]: '0.1' }, falling).annotations).not.toHaveProperty([spotFallback]);
    const own = { [spotPriceLimit]: '0.1', [spotFallback]: 'true' };
    expect(keep(own, falling).annotations).toMatchObject(own);
  });

  it('keeps the price of the user against ours', () => {
    const { annotations, userValueKept } = keep({ [spotPriceLimit]: '0.1' }, limited);
    expect(annotations).toMatchObject({ [spotStrategy]: 'SpotWithPriceLimit', [spotPriceLimit]: '0.1' });
    expect(userValueKept).toBe(true);
  });

  it('gives no strategy that contradicts a price of the user, nor what belongs to one', () => {
    const own = { [spotPriceLimit]: '0.1' };
    expect(keep(own)).toEqual({ annotations: own, userValueKept: true });
  });

  it('leaves the spot annotations of the user although the policy says NoSpot, and tells', () => {
    const own = { [spotStrategy]: 'SpotAsPriceGo', [spotReleaseStrategy]: 'api-evict' };
    expect(keep(own, { strategy: 'NoSpot' })).toEqual({ annotations: own, userValueKept: true });
  });
});

describe('Overwrite', () => {
  const overwrite = (own: Record<string, string>, spec: PolicyWishes['spec'] = {}) =>
    merged(own, mergeAnnotations(own, gift(spec).annotations, 'Overwrite'));

  it('puts our values in place of the user’s and takes spot annotations away that we do not give', () => {
    const own = { team: 'web', [spotStrategy]: 'SpotWithPriceLimit', [spotPriceLimit]: '0.1' };
    expect(overwrite(own)).toEqual({
      annotations: { team: 'web', ...gift({}).annotations },
      userValueKept: false,
    });
  });

  it('leaves what is no spot annotation, such as specs where we have none', () => {
    expect(overwrite({ [useSpecs]: '2-4Gi' }).annotations[useSpecs]).toBe('2-4Gi');
    expect(overwrite({ [useSpecs]: '2-4Gi' }, { instanceSpecs: ['4-8Gi'] }).annotations[useSpecs]).toBe(
      '4-8Gi',
    );
  });

  it('of NoSpot takes every spot annotation away', () => {
    const own = { team: 'web', [spotStrategy]: 'SpotAsPriceGo', [spotFallback]: 'true' };
    expect(overwrite(own, { strategy: 'NoSpot' }).annotations).toEqual({ team: 'web' });
  });
});
