import type { Interruption } from './interruption.ts';
import { nameKey } from './object.ts';
import type { Budget } from './objects.ts';

/** When each budget last refused an eviction, whichever pod it was of. */
export class Refusals {
  readonly #atMs = new Map<string, number>();

  /** Before all time where it did not. */
  lastMs(budget: Pick<Budget, 'namespace' | 'name'>): number {
    return this.#atMs.get(nameKey(budget)) ?? Number.NEGATIVE_INFINITY;
  }

  /** Takes in what a record says; what was only foreseen is no refusal. */
  note({ refusal, budgets }: Pick<Interruption, 'refusal' | 'budgets'>): void {
    if (!refusal?.byBudget || refusal.foreseen) return;
    for (const key of budgets)
      this.#atMs.set(key, Math.max(refusal.atMs, this.#atMs.get(key) ?? refusal.atMs));
  }

  /** The budget is gone; one of its name that comes later has refused nothing. */
  forget(budget: Pick<Budget, 'namespace' | 'name'>): void {
    this.#atMs.delete(nameKey(budget));
  }

  clear(): void {
    this.#atMs.clear();
  }
}
