import { addTotals, noTotals, type Totals } from './interruption.ts';
import { type Policy, policyKey } from './policy.ts';

/** What each policy has counted, by its key; only of policies that are there. */
export class Tally {
  readonly #byPolicy = new Map<string, Totals>();

  of(policy: string): Totals {
    return this.#byPolicy.get(policy) ?? noTotals;
  }

  add(policy: string, more: Totals): void {
    this.#byPolicy.set(policy, addTotals(this.of(policy), more));
  }

  /** A policy of the same name that comes later starts afresh. */
  forget(policy: Policy): void {
    this.#byPolicy.delete(policyKey(policy));
  }

  /** Continues what the status of a policy says. */
  resume(policy: Policy): void {
    this.#byPolicy.set(policyKey(policy), { ...noTotals, ...policy.status?.totals });
  }

  clear(): void {
    this.#byPolicy.clear();
  }
}
