import type { PodSpec, ResourceQuotaSpec } from 'kubernetes-types/core/v1.js';
import { describe, expect, it } from 'vitest';
import { areAbout, scopesOf, traitsOf } from '../../../operator/world/quota-scopes.ts';

const isAbout = (quota: ResourceQuotaSpec, pod: Partial<PodSpec>): boolean =>
  areAbout(scopesOf(quota), traitsOf({ containers: [{ name: 'main' }], ...pod }));

const asking: Partial<PodSpec> = {
  containers: [{ name: 'main', resources: { requests: { cpu: '1' } } }],
};
const askingForNothing: Partial<PodSpec> = {
  containers: [{ name: 'main', resources: { requests: { cpu: '0', memory: '0Mi' } } }],
};
const selector = (operator: string, ...values: string[]): ResourceQuotaSpec => ({
  scopeSelector: {
    matchExpressions: [{ scopeName: 'PriorityClass', operator, ...(values.length > 0 && { values }) }],
  },
});
const looking: Partial<PodSpec> = {
  affinity: {
    podAntiAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [
        { weight: 1, podAffinityTerm: { topologyKey: 'zone', namespaces: ['other'] } },
      ],
    },
  },
};

describe('a quota is about a pod', () => {
  it.each([
    [['Terminating'], { activeDeadlineSeconds: 60 }, {}],
    [['NotTerminating'], {}, { activeDeadlineSeconds: 60 }],
    [['BestEffort'], {}, asking],
    [['NotBestEffort'], asking, {}],
    [['BestEffort'], askingForNothing, asking],
    [['PriorityClass'], { priorityClassName: 'gold' }, {}],
    [['CrossNamespacePodAffinity'], looking, {}],
    [['Terminating', 'BestEffort'], { activeDeadlineSeconds: 60 }, { ...asking, activeDeadlineSeconds: 60 }],
    [['SomethingNew'], undefined, {}],
  ] as const)('of its scopes %j', (scopes, of, notOf) => {
    if (of) expect(isAbout({ scopes: [...scopes] }, of)).toBe(true);
    expect(isAbout({ scopes: [...scopes] }, notOf)).toBe(false);
  });

  it.each([
    [selector('In', 'gold'), true, false, false],
    [selector('NotIn', 'gold'), false, true, true],
    [selector('Exists'), true, true, false],
    [selector('DoesNotExist'), false, false, true],
  ])('whose priority class its selector names: %j', (quota, ofGold, ofTin, ofNone) => {
    expect(isAbout(quota, { priorityClassName: 'gold' })).toBe(ofGold);
    expect(isAbout(quota, { priorityClassName: 'tin' })).toBe(ofTin);
    expect(isAbout(quota, {})).toBe(ofNone);
  });

  it('whatever the pod is, where it has no scopes', () => {
    expect(isAbout({}, asking)).toBe(true);
  });

  it('for all of its scopes and its selector together', () => {
    const both = { scopes: ['Terminating'], ...selector('In', 'gold') };
    expect(isAbout(both, { activeDeadlineSeconds: 60, priorityClassName: 'gold' })).toBe(true);
    expect(isAbout(both, { activeDeadlineSeconds: 60 })).toBe(false);
  });
});
