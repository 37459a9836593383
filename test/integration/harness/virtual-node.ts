import type { Pod } from 'kubernetes-types/core/v1.js';
import { EMPTY, catchError, defer, distinct, filter, mergeMap, type Observable, retry, tap } from 'rxjs';
import type { Access } from '../../../hack/cluster/access.ts';
import { RestError } from '../../../hack/cluster/client.ts';
import { follow$ } from './follow.ts';
import { pathTo } from './objects.ts';
import { conditionOf } from './pods.ts';

/** What plays the virtual nodes, and whom it has evicted so far, by UID. */
export interface EvictingNode {
  readonly evicted: ReadonlySet<string>;
  stop(): void;
}

/**
 * Does in a namespace what ack-virtual-node does from 2.11.0 on: posts the eviction of a pod with `api-evict` on its
 * warning, again each second while it is refused (how often the real one tries is not documented).
 */
export const anEvictingNode = (admin: Access['admin'], namespace: string): EvictingNode => {
  const evicted = new Set<string>();
  const evictions$ = follow$<Pod>(admin, pathTo('Pod', namespace)).pipe(
    filter((pod) => asksNode(pod) && conditionOf(pod, 'ContainerInstanceExpired') !== undefined),
    distinct(({ metadata }) => metadata?.uid),
    mergeMap((pod) => evict$(admin, pod).pipe(tap(() => evicted.add(pod.metadata?.uid ?? '')))),
  );
  const evictions = evictions$.subscribe();
  return { evicted, stop: () => evictions.unsubscribe() };
};

const asksNode = ({ metadata }: Pod): boolean =>
  metadata?.annotations?.['k8s.aliyun.com/eci-spot-release-strategy'] === 'api-evict' &&
  metadata.deletionTimestamp === undefined;

const evict$ = (admin: Access['admin'], { metadata }: Pod): Observable<unknown> => {
  const { name, namespace = '', uid } = metadata ?? {};
  const deleteOptions = { preconditions: { uid } };
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name }, deleteOptions };
  return defer(() => admin.post(`${pathTo('Pod', namespace, name)}/eviction`, eviction)).pipe(
    // Gone, or another pod by now: somebody else was quicker.
    catchError((error: unknown) => {
      if (error instanceof RestError && (error.status === 404 || error.status === 409)) return EMPTY;
      throw error;
    }),
    retry({ delay: 1_000 }),
  );
};
