import { expect, test } from 'vitest';
import { requestClass } from '../../../hack/cluster/request-class.ts';

test.for([
  ['GET', '/api/v1/pods', { verb: 'list', resource: 'pods' }],
  ['GET', '/api/v1/pods?watch=true&resourceVersion=5', { verb: 'watch', resource: 'pods' }],
  ['GET', '/api/v1/namespaces/a/pods?watch=1', { verb: 'watch', resource: 'pods', namespace: 'a' }],
  ['GET', '/api/v1/namespaces/a/pods/x', { verb: 'get', resource: 'pods', namespace: 'a', name: 'x' }],
  [
    'POST',
    '/api/v1/namespaces/a/pods/x/eviction',
    { verb: 'create', resource: 'pods/eviction', namespace: 'a', name: 'x' },
  ],
  [
    'PATCH',
    '/apis/spotpolicy.dev/v1alpha1/spotpolicies/p/status',
    { verb: 'patch', resource: 'spotpolicies/status', name: 'p' },
  ],
  [
    'PUT',
    '/apis/coordination.k8s.io/v1/namespaces/a/leases/l',
    { verb: 'update', resource: 'leases', namespace: 'a', name: 'l' },
  ],
  ['DELETE', '/api/v1/namespaces/a/pods', { verb: 'deletecollection', resource: 'pods', namespace: 'a' }],
  ['GET', '/api/v1/namespaces', { verb: 'list', resource: 'namespaces' }],
  ['GET', '/api/v1/namespaces/a', { verb: 'get', resource: 'namespaces', name: 'a' }],
  ['PUT', '/api/v1/namespaces/a/finalize', { verb: 'update', resource: 'namespaces/finalize', name: 'a' }],
  ['GET', '/readyz', { verb: 'get', resource: '/readyz' }],
] as const)('%s %s is classed by verb, resource, namespace and name', ([method, path, expected]) => {
  expect(requestClass(method, path)).toEqual(expected);
});
