import { findCluster } from './credentials.ts';
import type { ClusterChoice } from './credentials.ts';
import { discoverGroup, discoveryRequest } from './discovery.ts';
import { refused } from './errors.ts';
import { classifyEviction, unansweredEviction } from './eviction.ts';
import type { Kube, Page, Selection } from './kube.ts';
import {
  deleteRequest,
  evictRequest,
  listRequest,
  patchRequest,
  requestFor,
  watchRequest,
} from './requests.ts';
import type { Verb } from './resources.ts';
import type { ServerClock } from './server-clock.ts';
import { createTransport } from './transport.ts';
import type { Outgoing, Transport } from './transport.ts';
import type { KubeObject } from './types.ts';
import { eventsIn, linesOf } from './watch-lines.ts';

/** Which cluster, over how many connections besides watches, under which name; `onAnswer` hears every answer's status, 0 for none, and `clock` its date. */
export interface KubeOptions extends ClusterChoice {
  readonly connections: number;
  readonly version: string;
  readonly onAnswer?: ((verb: Verb, status: number) => void) | undefined;
  readonly clock?: Pick<ServerClock, 'asks'> | undefined;
}

/** A client of the API server that `options` name. Throws a fatal KubeError when they name none; sends nothing yet. */
export const createKube = ({ connections, version, onAnswer, clock, ...choice }: KubeOptions): Kube =>
  kubeOver(
    createTransport({
      cluster: findCluster(choice),
      connections,
      userAgent: `spotpolicy/${version}`,
      onAnswer,
      clock,
    }),
  );

const kubeOver = (transport: Transport): Kube => {
  const call = async (request: Outgoing): Promise<unknown> => {
    const answer = await transport.exchange(request);
    if ('refusal' in answer) throw refused(request.doing, answer.refusal);
    return answer.body;
  };
  const callForObject = async <T extends KubeObject>(request: Outgoing): Promise<T> =>
    withoutManagedFields((await call(request)) as T);

  return {
    get: (resource, ref, options) => callForObject(requestFor('get', resource, ref, options)),
    list: async (resource, page = {}, options) =>
      pageOf(await call(listRequest(resource, page, options)), page),
    watch: async function* <T extends KubeObject>(...[resource, from, options]: Parameters<Kube['watch']>) {
      const request = watchRequest(resource, from, options);
      for await (const event of eventsIn<T>(request.doing, linesOf(transport.stream(request)))) {
        if (!from.managedFields) withoutManagedFields(event.object);
        yield event;
      }
    },
    create: (resource, body, { namespace, ...options } = {}) =>
      callForObject({ ...requestFor('create', resource, { namespace }, options), body }),
    replace: (resource, ref, body, options) =>
      callForObject({ ...requestFor('update', resource, ref, options), body }),
    patch: (resource, ref, patch, options) => callForObject(patchRequest(resource, ref, patch, options)),
    delete: async (resource, ref, options) => {
      await call(deleteRequest(resource, ref, options));
    },
    discover: (group, options) => discoverGroup(group, (path) => call(discoveryRequest(path, options))),
    evict: async (pod, options) => {
      try {
        const answer = await transport.exchange(evictRequest(pod, options));
        return 'refusal' in answer ? classifyEviction(answer.refusal) : { kind: 'accepted' };
      } catch (error) {
        return unansweredEviction(error);
      }
    },
    close: transport.close,
  };
};

const pageOf = <T extends KubeObject>(body: unknown, { managedFields }: Selection): Page<T> => {
  const { items, metadata } = body as {
    items: T[];
    metadata: { resourceVersion: string; continue?: string };
  };
  const { resourceVersion, continue: continueToken } = metadata;
  return {
    items: managedFields ? (items ?? []) : (items ?? []).map(withoutManagedFields),
    resourceVersion,
    // The last page has an empty one or none.
    ...(continueToken ? { continueToken } : {}),
  };
};

// They are most of an object's size and hardly anybody reads them.
const withoutManagedFields = <T extends Pick<KubeObject, 'metadata'>>(object: T): T => {
  delete (object.metadata as { managedFields?: unknown }).managedFields;
  return object;
};
