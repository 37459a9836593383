/** Turns at something that many want and that is to happen calmly: in the order of asking, so far apart. */
export interface Turns<K> {
  /** When it is the turn of a key, in milliseconds; who asks again keeps the turn until it is given back. */
  of(key: K, nowMs: number): number;
  /** The turn was taken, or is not wanted any more. */
  giveBack(key: K): void;
}

/** No turn taken yet. What is kept is one number for each key that waits. */
export const turns = <K>(apartMs: number): Turns<K> => {
  const waiting = new Map<K, number>();
  let lastMs = Number.NEGATIVE_INFINITY;
  return {
    of: (key, nowMs) => {
      const known = waiting.get(key);
      if (known !== undefined) return known;
      lastMs = Math.max(nowMs, lastMs + apartMs);
      waiting.set(key, lastMs);
      return lastMs;
    },
    giveBack: (key) => void waiting.delete(key),
  };
};
