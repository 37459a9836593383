import { rulesOf, triedIn } from '../policy/rules.ts';
import type { SoundPolicy } from '../world/policy.ts';
import { type TemplateKind, templateKinds } from '../world/template.ts';
import type { View } from '../world/view.ts';
import {
  type Contribution,
  contributionOf,
  type TemplateContribution,
  templateContributionOf,
  type Trial,
  writesTemplates,
} from './contribution.ts';
import { countPod, countTemplate, type Subtotal, type Subtotals, type TrialSubtotal } from './subtotal.ts';

/**
 * The counts of one namespace, by policy. What a pod or a template contributes is kept, so that it can be taken away again
 * when it has changed; what is due for that is counted anew by `settle`.
 *
 * Of two pods of one name only the later is counted: the other one is gone, though the watch has not told of that yet.
 */
export class Register {
  readonly #view: View;
  readonly #namespace: string;
  readonly #subtotals: Subtotals = { enforced: new Map(), tried: new Map() };
  // By the name of the pod, and by `<name>/<kind>` of the workload.
  readonly #pods = new Map<string, Contribution>();
  readonly #templates = new Map<string, TemplateContribution>();
  // Keys of either kind, of objects that are there.
  readonly #due = new Set<string>();
  // The rules that everything was counted by, or is due for; undefined where all is to be counted anew.
  #rules: readonly SoundPolicy[] | undefined;
  #trials: readonly Trial[] = [];
  #writes = false;

  constructor(view: View, namespace: string) {
    this.#view = view;
    this.#namespace = namespace;
  }

  /** What a policy that is enforced has here; undefined where it has nothing. */
  of(uid: string): Subtotal | undefined {
    return this.#subtotals.enforced.get(uid);
  }

  /** What a policy in DryRun would have here. */
  triedOf(uid: string): TrialSubtotal | undefined {
    return this.#subtotals.tried.get(uid);
  }

  /** Everything is due. */
  distrust(): void {
    this.#rules = undefined;
  }

  /** A pod is due; one that is gone counts no more at once. */
  markPod(name: string): void {
    this.#mark(name, this.#podOf(name) !== undefined);
  }

  /** The template of a workload is due. */
  markTemplate(kind: TemplateKind, name: string): void {
    const key = `${name}/${kind}`;
    if (this.#writes || this.#templates.has(key)) this.#mark(key, this.#workloadOf(key) !== undefined);
  }

  /**
   * Counts anew what is due, one pod or template at a step. What becomes due meanwhile may be left: whoever changes things
   * all the time would keep the counts of others from being told.
   */
  *settle(): Generator<undefined, void, undefined> {
    const rules = this.#view.rules(this.#namespace);
    if (rules !== this.#rules) this.#adopt(rules);
    let left = this.#due.size;
    for (const key of this.#due) {
      if (left-- === 0) return;
      this.#due.delete(key);
      this.#recount(key);
      yield;
    }
  }

  /** No policy governs here, or would if it were enforced. */
  get isIdle(): boolean {
    return (
      this.#view.rules(this.#namespace).length === 0 && triedIn(this.#view, this.#namespace).length === 0
    );
  }

  #adopt(rules: readonly SoundPolicy[]): void {
    this.#rules = rules;
    this.#trials = triedIn(this.#view, this.#namespace).map((policy) => {
      const enforced: SoundPolicy = { ...policy, spec: { ...policy.spec, mode: 'Enforce' } };
      return { enforced, rules: rulesOf([...rules, enforced]) };
    });
    this.#writes = [...rules, ...this.#trials.map(({ enforced }) => enforced)].some(writesTemplates);
    for (const { name } of this.#view.pods.group('namespace', this.#namespace)) this.#due.add(name);
    for (const key of this.#templates.keys()) this.#due.add(key);
    if (!this.#writes) return;
    for (const kind of templateKinds)
      for (const { name } of this.#view.templated(kind).group('template', this.#namespace))
        this.#due.add(`${name}/${kind}`);
  }

  #mark(key: string, isThere: boolean): void {
    if (isThere) this.#due.add(key);
    else if (this.#due.delete(key) || this.#pods.has(key) || this.#templates.has(key)) this.#recount(key);
  }

  #recount(key: string): void {
    if (key.includes('/')) {
      const workload = this.#writes ? this.#workloadOf(key) : undefined;
      const fresh = workload && templateContributionOf(this.#view, workload, this.#trials);
      exchange(this.#templates, key, fresh, (each, by) => countTemplate(this.#subtotals, key, each, by));
      return;
    }
    const pod = this.#podOf(key);
    const fresh = pod && contributionOf(this.#view, pod, this.#trials);
    exchange(this.#pods, key, fresh, (each, by) => countPod(this.#subtotals, each, by));
  }

  #podOf(name: string) {
    return this.#view.pods.byName(this.#namespace, name);
  }

  // Neither a name nor a kind holds a slash.
  #workloadOf(key: string) {
    const [name = '', kind = ''] = key.split('/');
    const known = templateKinds.find((each) => each === kind);
    // An owner reference may name any kind, and most have no pod template that is ever written.
    return known && this.#view.templated(known).byName(this.#namespace, name);
  }
}

const exchange = <T>(
  kept: Map<string, T>,
  key: string,
  after: T | undefined,
  count: (contribution: T, by: 1 | -1) => void,
): void => {
  const before = kept.get(key);
  if (after) count(after, 1);
  if (before) count(before, -1);
  if (after) kept.set(key, after);
  else kept.delete(key);
};
