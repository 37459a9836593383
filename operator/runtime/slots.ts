import { type KeyedHeap, keyedHeap } from './keyed-heap.ts';

/** Keys that wait for a slot, and those that hold one. */
export interface Slots<K> {
  /** How many hold one. */
  readonly held: number;
  /** How many wait for one. */
  readonly waiting: number;
  holds(key: K): boolean;
  /** Lets a key wait that holds no slot, or moves the one that waits; smaller goes first. */
  queue(key: K, rank: number): void;
  /** Gives a slot to the first key that may have one, and says which; undefined where none may. */
  take(): K | undefined;
  /** The key gives its slot back. */
  release(key: K): void;
}

// What one group never takes: a fifth of all slots, and of what it leaves the next one leaves a fifth.
const timesWhatIsFree = 4;

interface Group<K> {
  readonly name: string;
  readonly waiting: KeyedHeap<K>;
  held: number;
}

/**
 * `count` slots. Of all that wait the lowest rank goes first, and of equal ones the first that came of its group; but a
 * group holds at most four times as many slots as it leaves free, so that what hangs in some groups does not stop the
 * others. Without `groupOf` there are no groups, and every slot is for whoever is first.
 *
 * Putting in and taking out cost O(log n) in the keys and O(n) in the groups that wait. A key at rest is forgotten.
 */
export const slots = <K>(count: number, groupOf?: (key: K) => string): Slots<K> => {
  const groups = new Map<string, Group<K>>();
  // Of exactly the keys that wait or hold a slot: whichever group a key is in when it comes, it stays there.
  const groupsOf = new Map<K, Group<K>>();
  const holders = new Set<K>();

  const groupFor = (key: K): Group<K> => {
    const name = groupOf?.(key) ?? '';
    const group = groupsOf.get(key) ?? groups.get(name) ?? { name, waiting: keyedHeap<K>(), held: 0 };
    groups.set(group.name, group);
    groupsOf.set(key, group);
    return group;
  };

  const mayTake = ({ held }: Group<K>): boolean => {
    const free = count - holders.size;
    return groupOf ? held < timesWhatIsFree * free : free > 0;
  };

  const first = (): Group<K> | undefined => {
    let best: Group<K> | undefined;
    for (const group of groups.values()) {
      const rank = group.waiting.peek()?.rank;
      if (rank === undefined || !mayTake(group)) continue;
      if (best === undefined || rank < (best.waiting.peek()?.rank ?? rank)) best = group;
    }
    return best;
  };

  return {
    get held() {
      return holders.size;
    },
    get waiting() {
      return groupsOf.size - holders.size;
    },
    holds: (key) => holders.has(key),
    queue: (key, rank) => groupFor(key).waiting.put(key, rank),
    take: () => {
      const group = first();
      const next = group?.waiting.pop();
      if (!group || !next) return undefined;
      group.held++;
      holders.add(next.key);
      return next.key;
    },
    release: (key) => {
      const group = groupsOf.get(key);
      if (!group || !holders.delete(key)) return;
      group.held--;
      groupsOf.delete(key);
      if (group.held === 0 && group.waiting.size === 0) groups.delete(group.name);
    },
  };
};
