import { isSame } from '../world/same.ts';

/** Parts of a status, each as a whole; null stands for one that is no longer there. */
export type Parts<S> = { readonly [K in keyof S]?: S[K] | null };

/** The parts that make the status `before` into `after`, or undefined where they say the same. */
export const changedParts = <S extends object>(before: S | undefined, after: S): Parts<S> | undefined => {
  const names = [...new Set([...namesIn(before), ...namesIn(after)])];
  const changed = names.filter((name) => !isSame(before?.[name], after[name]));
  if (changed.length === 0) return undefined;
  const parts: Parts<S> = {};
  return Object.assign(parts, ...changed.map((name) => ({ [name]: after[name] ?? null })));
};

const namesIn = <S extends object>(status: S | undefined) => Object.keys(status ?? {}) as (keyof S)[];
