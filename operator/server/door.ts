/**
 * What waits for a turn, by the address that it comes from. The addresses take turns, so an address waits for as many turns as
 * there are others, however much waits from each of them. Within an address the first that came goes first.
 */
export class Door<T> {
  // The address whose turn is next comes first; none is without something that waits.
  readonly #waiting = new Map<string, Set<T>>();

  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  /** Lets something wait until it is taken or leaves. */
  wait(item: T, address: string): void {
    const queue = this.#waiting.get(address);
    if (queue) queue.add(item);
    else this.#waiting.set(address, new Set([item]));
  }

  /** It waits no longer; nothing happens where it does not wait. */
  leave(item: T, address: string): void {
    const queue = this.#waiting.get(address);
    queue?.delete(item);
    if (queue?.size === 0) this.#waiting.delete(address);
  }

  /** Takes what is next out of those that wait. */
  take(): T | undefined {
    for (const [address, queue] of this.#waiting) {
      this.#waiting.delete(address);
      for (const item of queue) {
        queue.delete(item);
        if (queue.size > 0) this.#waiting.set(address, queue);
        return item;
      }
    }
    return undefined;
  }
}
