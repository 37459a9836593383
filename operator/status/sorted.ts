/** Values in ascending order, equal ones as often as they were added. Adding and removing cost a search and a move in memory. */
export class Sorted<T extends string | number> implements Iterable<T> {
  readonly #items: T[] = [];

  get size(): number {
    return this.#items.length;
  }

  get last(): T | undefined {
    return this.#items.at(-1);
  }

  add(item: T): void {
    this.#items.splice(this.#placeOf(item), 0, item);
  }

  remove(item: T): void {
    const at = this.#placeOf(item);
    if (this.#items[at] === item) this.#items.splice(at, 1);
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#items[Symbol.iterator]();
  }

  // Before the first that is not smaller.
  #placeOf(item: T): number {
    let [low, high] = [0, this.#items.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#items[middle] as T) < item) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** The smallest texts, at most `most`, of lists each of which is in ascending order. */
export const firstOf = (lists: Iterable<Iterable<string>>, most: number): readonly string[] => {
  const first = new Sorted<string>();
  for (const list of lists) {
    for (const item of list) {
      const { last } = first;
      if (first.size === most && last !== undefined && item >= last) break;
      first.add(item);
      if (first.size > most && last !== undefined) first.remove(last);
    }
  }
  return [...first];
};
