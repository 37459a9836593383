/** A key with its rank. */
export interface Ranked<K> {
  readonly key: K;
  readonly rank: number;
}

/** Keys in order of rank, each at most once; `put` and `pop` cost O(log n), the others nothing. */
export interface KeyedHeap<K> {
  readonly size: number;
  /** The key of the lowest rank; of equal ranks, the one that was put in first. */
  peek(): Ranked<K> | undefined;
  /** Takes out what `peek` shows. */
  pop(): Ranked<K> | undefined;
  rankOf(key: K): number | undefined;
  /** Puts a key in, or moves the one that is in; moving does not cost a key its place among equal ranks. */
  put(key: K, rank: number): void;
}

interface Entry<K> extends Ranked<K> {
  readonly order: number;
  rank: number;
}

const goesBefore = <K>(one: Entry<K>, other: Entry<K>): boolean =>
  one.rank < other.rank || (one.rank === other.rank && one.order < other.order);

/** An empty heap. */
export const keyedHeap = <K>(): KeyedHeap<K> => {
  const entries: Entry<K>[] = [];
  // Exactly the keys of `entries`, each with its index there: what makes moving a key cheap.
  const indexes = new Map<K, number>();
  let arrivals = 0;

  const place = (entry: Entry<K>, index: number): void => {
    entries[index] = entry;
    indexes.set(entry.key, index);
  };

  const rise = (entry: Entry<K>, from: number): number => {
    let index = from;
    for (;;) {
      const above = Math.floor((index - 1) / 2);
      const parent = entries[above];
      if (parent === undefined || !goesBefore(entry, parent)) break;
      place(parent, index);
      index = above;
    }
    place(entry, index);
    return index;
  };

  const sink = (entry: Entry<K>, from: number): void => {
    let index = from;
    for (;;) {
      const left = entries[2 * index + 1];
      const right = entries[2 * index + 2];
      const child = left !== undefined && right !== undefined && goesBefore(right, left) ? right : left;
      if (child === undefined || !goesBefore(child, entry)) break;
      const below = child === left ? 2 * index + 1 : 2 * index + 2;
      place(child, index);
      index = below;
    }
    place(entry, index);
  };

  return {
    get size() {
      return entries.length;
    },
    peek: () => entries[0],
    rankOf: (key) => {
      const index = indexes.get(key);
      return index === undefined ? undefined : entries[index]?.rank;
    },
    put: (key, rank) => {
      const index = indexes.get(key);
      const entry = index === undefined ? undefined : entries[index];
      if (entry === undefined || index === undefined) {
        rise({ key, rank, order: arrivals++ }, entries.length);
        return;
      }
      entry.rank = rank;
      sink(entry, rise(entry, index));
    },
    pop: () => {
      const first = entries[0];
      const last = entries.pop();
      if (first === undefined || last === undefined) return undefined;
      indexes.delete(first.key);
      if (last !== first) sink(last, 0);
      return first;
    },
  };
};
