import type { Lookup, Step } from './collection.ts';
import type { Namespace } from './objects.ts';
import type { Policy, SoundPolicy } from './policy.ts';

/** What `policy/` says about policies and namespaces. */
export interface Precedence {
  /** Whether a policy, whatever its mode, is about pods of a namespace. */
  readonly reaches: (policy: Policy, namespace: Namespace) => boolean;
  /** Which of the policies that reach a namespace govern there, in the order in which they are asked. */
  readonly order: (policies: Iterable<Policy>) => readonly SoundPolicy[];
}

/** What the rules are made of. */
export interface RuleSources {
  readonly namespaces: Lookup<Namespace>;
  readonly policies: Lookup<Policy, 'namespace'>;
  readonly clusterPolicies: Lookup<Policy, 'namespace'>;
  /** Namespaces in which nothing governs. */
  readonly exempt: readonly string[];
}

/**
 * The rules of each namespace, made when they are first asked for and kept until a policy that reaches it is edited or
 * the namespace is relabelled. So an edit costs the namespaces it touches, and any number of edits between two
 * questions cost one making.
 */
export class RuleBook {
  readonly #precedence: Precedence;
  readonly #sources: RuleSources;
  readonly #rules = new Map<string, readonly SoundPolicy[]>();

  constructor(precedence: Precedence, sources: RuleSources) {
    this.#precedence = precedence;
    this.#sources = sources;
  }

  /** The policies that govern in a namespace, in the order in which they are asked. */
  rules(name: string): readonly SoundPolicy[] {
    const known = this.#rules.get(name);
    if (known) return known;
    if (this.isExempt(name)) return [];
    const { namespaces, policies, clusterPolicies } = this.#sources;
    const namespace = namespaces.byName('', name);
    const own = policies.group('namespace', name);
    // Of a namespace that nobody has seen yet only its name is known, and the policies in it.
    const rules = this.#precedence.order(
      namespace
        ? [...own, ...clusterPolicies.all()].filter((policy) => this.reaches(policy, namespace))
        : own,
    );
    // A name that nobody bears may be asked for, and need not be remembered.
    if (namespace || rules.length > 0) this.#rules.set(name, rules);
    return rules;
  }

  /** Whether a policy, whatever its mode, is about pods of a namespace. */
  reaches(policy: Policy, namespace: Namespace): boolean {
    return !this.isExempt(namespace.name) && this.#precedence.reaches(policy, namespace);
  }

  /** Whether nothing governs in a namespace, whatever its labels. */
  isExempt(name: string): boolean {
    return this.#sources.exempt.includes(name);
  }

  /** Takes in a step of a policy; one that only changes its status changes no rule. */
  onPolicy({ before, after }: Step<Policy>): void {
    if (before?.generation === after?.generation) return;
    for (const policy of [before, after]) if (policy) this.#forget(policy);
  }

  /** Takes in a step of a namespace; only its labels count. */
  onNamespace({ before, after }: Step<Namespace>): void {
    if (JSON.stringify(before?.labels) === JSON.stringify(after?.labels)) return;
    this.#rules.delete((after ?? before)?.name ?? '');
  }

  #forget(policy: Policy): void {
    if (policy.kind === 'SpotPolicy') {
      this.#rules.delete(policy.namespace);
      return;
    }
    for (const name of this.#rules.keys()) {
      const namespace = this.#sources.namespaces.byName('', name);
      if (!namespace || this.reaches(policy, namespace)) this.#rules.delete(name);
    }
  }
}
