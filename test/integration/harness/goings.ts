import type { Pod } from 'kubernetes-types/core/v1.js';

/** Since when pods go, by their names: of a few hundred pods of one ReplicaSet, now and then one has the name of an earlier one. */
export interface Goings {
  note(pod: Pod): void;
  /** The resourceVersion at which the last pod of this name was first being deleted; undefined while it is not. */
  since(name: string): number | undefined;
}

/** Hears of every version of each pod, in their order. */
export const createGoings = (): Goings => {
  const goings = new Map<string, { readonly uid: string | undefined; readonly version: number }>();
  return {
    note: ({ metadata }) => {
      const { name = '', uid, resourceVersion, deletionTimestamp } = metadata ?? {};
      if (goings.get(name)?.uid === uid) return;
      if (deletionTimestamp === undefined) goings.delete(name);
      else goings.set(name, { uid, version: Number(resourceVersion) });
    },
    since: (name) => goings.get(name)?.version,
  };
};
