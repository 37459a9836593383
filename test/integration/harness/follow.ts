import { concat, defer, from, map, type Observable, repeat, switchMap, tap } from 'rxjs';
import type { KubernetesObject, RestClient, WatchEvent } from '../../../hack/cluster/client.ts';

/**
 * The objects of a collection as they are, then every later version of each, deletions included. An API server ends the
 * watch of a reader that does not keep up with a burst; this one goes on where it ended, and errors on what an API
 * server cannot go on from.
 */
export const follow$ = <T extends object>(admin: RestClient, path: string): Observable<T> =>
  defer(() => admin.get<{ items: T[]; metadata: { resourceVersion: string } }>(path)).pipe(
    switchMap(({ items, metadata }) => {
      let { resourceVersion } = metadata;
      const later$ = defer(() => admin.watch$(`${path}?resourceVersion=${resourceVersion}`)).pipe(
        tap((event) => (resourceVersion = versionOf(event))),
        map(({ object }) => object as T),
        repeat({ delay: 100 }),
      );
      return concat(from(items), later$);
    }),
  );

const versionOf = ({ type, object }: WatchEvent<KubernetesObject>): string => {
  const version = object.metadata?.resourceVersion;
  if (type === 'ERROR' || version === undefined) throw new Error(`watching: ${JSON.stringify(object)}`);
  return version;
};
