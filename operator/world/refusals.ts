import type { Lookup } from './collection.ts';
import type { Refusal } from './interruption.ts';
import { nameKey } from './object.ts';
import type { Budget } from './objects.ts';

/** When each budget last refused an eviction, whichever pod it was of. */
export class Refusals {
  readonly #atMs = new Map<string, number>();
  readonly #budgets: Pick<Lookup<Budget>, 'byName'>;

  constructor(budgets: Pick<Lookup<Budget>, 'byName'>) {
    this.#budgets = budgets;
  }

  /** Before all time where it did not. */
  lastMs(budget: Pick<Budget, 'namespace' | 'name'>): number {
    return this.#atMs.get(nameKey(budget)) ?? Number.NEGATIVE_INFINITY;
  }

  /** Takes in what a pod was told; what was only foreseen is no refusal, nor what a budget said that is gone. */
  note({ of, byBudget, budgetVersions, atMs }: Refusal): void {
    if (!byBudget || of === undefined) return;
    for (const key of Object.keys(budgetVersions).filter((each) => this.#isThere(each)))
      this.#atMs.set(key, Math.max(atMs, this.#atMs.get(key) ?? atMs));
  }

  /** The budget is gone; one of its name that comes later has refused nothing. */
  forget(budget: Pick<Budget, 'namespace' | 'name'>): void {
    this.#atMs.delete(nameKey(budget));
  }

  #isThere(key: string): boolean {
    const [namespace = '', name = ''] = key.split('/');
    return this.#budgets.byName(namespace, name) !== undefined;
  }

  clear(): void {
    this.#atMs.clear();
  }
}
