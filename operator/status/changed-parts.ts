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

// Whatever the order of the fields: an API server sorts them. One that is undefined is as good as not there.
const isSame = (a: unknown, b: unknown): boolean => {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].every((key) => isSame(a[key as keyof typeof a], b[key as keyof typeof b]));
};
