type Json = { readonly [key: string]: unknown };

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * The JSON merge patch (RFC 7386) that makes `before` into `after`, or undefined where they say the same. Lists are
 * replaced whole, as the format asks.
 */
export const mergePatch = (before: unknown, after: Json): Json | undefined => {
  const known = isObject(before) ? before : {};
  const removed = Object.keys(known).filter((key) => after[key] === undefined);
  const changed = Object.entries(after).flatMap(([key, value]): [string, unknown][] => {
    if (value === undefined) return [];
    if (isObject(value)) {
      const inner = mergePatch(known[key], value);
      return inner || !isObject(known[key]) ? [[key, inner ?? {}]] : [];
    }
    return isSame(known[key], value) ? [] : [[key, value]];
  });
  const patch = { ...Object.fromEntries(removed.map((key) => [key, null])), ...Object.fromEntries(changed) };
  return Object.keys(patch).length > 0 ? patch : undefined;
};

// Whatever the order of the fields: an API server sorts them.
const isSame = (a: unknown, b: unknown): boolean => {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].every((key) => isSame(a[key as keyof typeof a], b[key as keyof typeof b]));
};
