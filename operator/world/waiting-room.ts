/** How many keys may wait, and for how long in milliseconds. */
export interface WaitingLimits {
  readonly most: number;
  readonly longestMs: number;
}

/**
 * Keys that wait, each in a group. When more than `most` wait, the group that has the most of them loses its oldest, an
 * eighth at a time. So a group that asks for little keeps its places, however much another one asks for.
 */
export class WaitingRoom {
  readonly #limits: WaitingLimits;
  // Both oldest first, and of exactly the same keys; a group without keys has no entry.
  readonly #waiting = new Map<string, { readonly group: string; readonly sinceMs: number }>();
  readonly #groups = new Map<string, Set<string>>();

  constructor(limits: WaitingLimits) {
    this.#limits = limits;
  }

  has(key: string): boolean {
    return this.#waiting.has(key);
  }

  /** Lets a key wait that does not wait yet, and returns the keys that lose their places to it. */
  enter(key: string, group: string, nowMs: number): readonly string[] {
    this.#waiting.set(key, { group, sinceMs: nowMs });
    const members = this.#groups.get(group);
    if (members) members.add(key);
    else this.#groups.set(group, new Set([key]));
    if (this.#waiting.size <= this.#limits.most) return [];
    // One search for the largest group serves many arrivals, since it loses more than one key.
    const largest = [...this.#groups.values()].reduce((a, b) => (b.size > a.size ? b : a));
    return this.#drop([...largest].slice(0, Math.ceil(largest.size / 8)));
  }

  leave(key: string): void {
    const group = this.#waiting.get(key)?.group;
    if (group === undefined) return;
    this.#waiting.delete(key);
    const members = this.#groups.get(group);
    members?.delete(key);
    if (members?.size === 0) this.#groups.delete(group);
  }

  /** Ends the wait of the keys that have waited too long, and returns them. */
  expire(nowMs: number): readonly string[] {
    const expired: string[] = [];
    for (const [key, { sinceMs }] of this.#waiting) {
      if (nowMs - sinceMs < this.#limits.longestMs) break;
      expired.push(key);
    }
    return this.#drop(expired);
  }

  #drop(keys: readonly string[]): readonly string[] {
    for (const key of keys) this.leave(key);
    return keys;
  }
}
