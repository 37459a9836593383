import { defer, mergeMap, type Observable } from 'rxjs';
import type { Watched } from '../runtime/list-watch.ts';

/** A version of the Secret, and the field managers that wrote it, the latest first. */
export interface SeenSecret {
  readonly resourceVersion: string;
  readonly writers: readonly string[];
}

/**
 * Each version of the one Secret of a list-watch, the first one too, and undefined when it has gone. What happened while it was
 * listed anew comes out like everything else; a listing that shows nothing new does not.
 */
export const secretChanges = (
  watched$: Observable<Watched<SeenSecret>>,
): Observable<SeenSecret | undefined> =>
  defer(() => {
    let known: string | undefined;
    let isListed = false;
    const note = (secret: SeenSecret | undefined): (SeenSecret | undefined)[] => {
      if (known === secret?.resourceVersion) return [];
      known = secret?.resourceVersion;
      return [secret];
    };
    const changes = (watched: Watched<SeenSecret>): (SeenSecret | undefined)[] => {
      switch (watched.kind) {
        case 'listing':
          isListed = false;
          return [];
        case 'listed':
          isListed = true;
          return note(watched.object);
        case 'changed':
          return note(watched.object);
        case 'deleted':
          return note(undefined);
        case 'synced':
          return isListed ? [] : note(undefined);
        case 'failed':
        case 'recovered':
          return [];
      }
    };
    return watched$.pipe(mergeMap(changes));
  });
