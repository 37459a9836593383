import { describe, expect, it } from 'vitest';
import { watchable } from '../../../operator/kube/discovery.ts';
import { apiVersionOf, pathOf } from '../../../operator/kube/resources.ts';
import { anHttpsServer, answer } from './https-server.ts';

const all = ['create', 'get', 'list', 'watch'];
const resource = (name: string, kind: string, more: object = {}) => ({
  ...{ name, kind, namespaced: true, verbs: all },
  ...more,
});

/** What an API server answers to discovery, by path; anything else is not found. */
const served: Readonly<Record<string, object>> = {
  '/apis/example.com': {
    preferredVersion: { version: 'v2' },
    versions: [{ version: 'v1' }, { version: 'v2' }],
  },
  '/apis/example.com/v1': {
    resources: [resource('things', 'Thing'), resource('olds', 'Old'), resource('things/status', 'Thing')],
  },
  '/apis/example.com/v2': {
    resources: [
      resource('things', 'Thing'),
      resource('clusters', 'Cluster', { namespaced: false }),
      resource('reviews', 'Review', { verbs: ['create'] }),
    ],
  },
  '/api/v1': { resources: [resource('pods', 'Pod'), resource('pods/log', 'Pod')] },
  '/apis/broken.com': { versions: [{ version: 'v1' }] },
};

const discovering = async (group: string) => {
  const server = await anHttpsServer(({ url }, response) => {
    const body = served[url.pathname];
    return body ? answer(response, 200, body) : answer(response, 404, { kind: 'Status', code: 404 });
  });
  return (await server.client()).discover(group);
};

describe('discovery', () => {
  it('gives what a group serves, its preferred version first, without subresources', async () => {
    const found = await discovering('example.com');
    expect(found.map(({ version, plural }) => `${version}/${plural}`)).toEqual([
      ...['v2/things', 'v2/clusters', 'v2/reviews', 'v1/things', 'v1/olds'],
    ]);
  });

  it('knows the core group', async () => {
    expect(await discovering('')).toEqual(
      [{ ...resource('', 'Pod'), group: '', version: 'v1', plural: 'pods' }].map(
        ({ name: _, ...rest }) => rest,
      ),
    );
  });

  it('gives nothing of a group that is not there, or goes meanwhile', async () => {
    expect(await discovering('absent.com')).toEqual([]);
    expect(await discovering('broken.com')).toEqual([]);
  });
});

describe('a kind that can be watched', () => {
  it('is found in the first version that has it, with its path', async () => {
    const found = await discovering('example.com');
    const paths = ['Thing', 'Old'].map((kind) => {
      const each = watchable(found, kind);
      return each && `${apiVersionOf(each)} ${pathOf(each, { namespace: 'shop' })}`;
    });
    expect(paths).toEqual([
      'example.com/v2 /apis/example.com/v2/namespaces/shop/things',
      'example.com/v1 /apis/example.com/v1/namespaces/shop/olds',
    ]);
  });

  it('is in namespaces and has a list and a watch', async () => {
    const found = await discovering('example.com');
    for (const kind of ['Cluster', 'Review', 'Missing']) expect(watchable(found, kind)).toBeUndefined();
  });
});
