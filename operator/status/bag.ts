/** How often each key was added. */
export class Bag {
  readonly #counts = new Map<string, number>();

  /** Adds a key, or takes it out once. */
  add(key: string, by: 1 | -1): void {
    const count = (this.#counts.get(key) ?? 0) + by;
    if (count === 0) this.#counts.delete(key);
    else this.#counts.set(key, count);
  }

  keys(): Iterable<string> {
    return this.#counts.keys();
  }

  entries(): Iterable<readonly [key: string, count: number]> {
    return this.#counts.entries();
  }
}
