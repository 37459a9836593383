import type { Pod } from 'kubernetes-types/core/v1.js';
import { concatMap, debounceTime, merge } from 'rxjs';
import type { Access } from '../../../hack/cluster/access.ts';
import { RestError } from '../../../hack/cluster/client.ts';
import { atEndOfFile } from '../harness/endings.ts';
import { follow$ } from '../harness/follow.ts';
import { pathTo } from '../harness/objects.ts';
import { type ForeignKind, pathToForeign } from './foreign-kinds.ts';

/**
 * Stands in for the controller of a kind in a namespace until the end of the file: `reconcile` looks at each object of the
 * kind, beside all pods of the namespace, whenever one of either has changed.
 */
export const playController = (
  admin: Access['admin'],
  namespace: string,
  kind: ForeignKind,
  reconcile: (object: never, pods: readonly Pod[]) => Promise<void>,
): void => {
  const paths = [pathTo('Pod', namespace), pathToForeign(kind, namespace)] as const;
  const reconcileAll = async (): Promise<void> => {
    const pods = await admin.list<Pod>(paths[0]);
    for (const object of await admin.list<never>(paths[1])) await reconcile(object, pods);
  };
  const change$ = merge(...paths.map((path) => follow$(admin, path)));
  const playing = change$.pipe(debounceTime(50), concatMap(reconcileAll)).subscribe();
  atEndOfFile(async () => playing.unsubscribe());
};

/** Deletes a pod as controllers do, which ask no budget; one that is gone is as good. */
export const removePod = async (admin: Access['admin'], namespace: string, pod: Pod): Promise<void> => {
  try {
    await admin.delete(pathTo('Pod', namespace, pod.metadata?.name));
  } catch (error) {
    if (!(error instanceof RestError && error.status === 404)) throw error;
  }
};
