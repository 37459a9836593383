import { describe, expect, it } from 'vitest';
import type { Kube } from '../../../operator/kube/kube.ts';
import { apiVersionOf, pathOf, resources } from '../../../operator/kube/resources.ts';

describe('pathOf', () => {
  it('leads to a collection, in a namespace or across all, and to one object', () => {
    expect(pathOf(resources.pods, {})).toBe('/api/v1/pods');
    expect(pathOf(resources.pods, { namespace: 'shop' })).toBe('/api/v1/namespaces/shop/pods');
    expect(pathOf(resources.jobs, { namespace: 'shop', name: 'pi' })).toBe(
      '/apis/batch/v1/namespaces/shop/jobs/pi',
    );
  });

  it('puts no namespace into the path of what has none', () => {
    expect(pathOf(resources.nodes, { namespace: 'shop', name: 'n1' })).toBe('/api/v1/nodes/n1');
  });

  it('ends with the subresource', () => {
    const ref = { namespace: 'shop', name: 'web-1' };
    expect(pathOf(resources.podEviction, ref)).toBe('/api/v1/namespaces/shop/pods/web-1/eviction');
  });

  it('cannot be led astray by a name', () => {
    expect(pathOf(resources.pods, { namespace: 'a/b', name: '../x?y' })).toBe(
      '/api/v1/namespaces/a%2Fb/pods/..%2Fx%3Fy',
    );
  });
});

describe('the table of resources', () => {
  it('knows the apiVersion of core and of groups', () => {
    expect(apiVersionOf(resources.pods)).toBe('v1');
    expect(apiVersionOf(resources.spotPolicies)).toBe('spotpolicy.dev/v1alpha1');
  });

  it('lets nothing compile that a role generated from it would not allow', () => {
    // Never called: the type checker is the test, and reports an expected error that does not occur.
    const calls = (kube: Kube) => [
      kube.list(resources.nodes),
      // @ts-expect-error nodes are never deleted
      kube.delete(resources.nodes, { name: 'n1' }),
      // @ts-expect-error a Job is never read by name
      kube.get(resources.jobs, { namespace: 'shop', name: 'pi' }),
      // @ts-expect-error a pod is patched, not replaced
      kube.replace(resources.pods, { namespace: 'shop', name: 'web-1' }, {}),
    ];
    expect(calls).toBeTypeOf('function');
  });

  it('asks for rights over Secrets and Leases in its own namespace only', () => {
    const own = Object.values(resources).filter(({ scope }) => scope === 'own-namespace');
    expect(own.map(({ plural }) => plural)).toEqual(['secrets', 'leases']);
  });
});
