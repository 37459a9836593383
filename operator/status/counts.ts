import { ownedBelow } from '../policy/owners.ts';
import { namespacesOf } from '../policy/rules.ts';
import type { Step } from '../world/collection.ts';
import type { Identity, ObjectKey } from '../world/object.ts';
import type { Node } from '../world/objects.ts';
import type { Owner } from '../world/owner-kinds.ts';
import type { Policy } from '../world/policy.ts';
import { type TemplateKind, templates } from '../world/template.ts';
import type { Change, View } from '../world/view.ts';
import { isSameLink, type Linked } from './link.ts';
import { Register } from './register.ts';
import type { Subtotal, TrialSubtotal } from './subtotal.ts';

/**
 * Counts of pods and templates by policy and namespace, kept from look to look. A step of the world only marks what it may
 * have changed: its own pod, or the pods below an owner; edited rules mark their namespaces. `settle` counts that anew, so
 * a look costs what has changed since the last one. Counting depends on nothing that time alone changes.
 */
export class Counts {
  readonly view: View;
  readonly #registers = new Map<string, Register>();
  #nodesKnown: boolean;
  // Policies or namespaces have changed: a namespace may be governed no more.
  #unswept = false;

  constructor(view: View) {
    this.view = view;
    this.#nodesKnown = view.synced('Node');
  }

  /** What an enforced policy has in a namespace, as it was settled last; undefined where it has nothing. */
  of({ uid }: Policy, namespace: string): Subtotal | undefined {
    return this.#registers.get(namespace)?.of(uid);
  }

  /** What a policy in DryRun would have in a namespace. */
  triedOf({ uid }: Policy, namespace: string): TrialSubtotal | undefined {
    return this.#registers.get(namespace)?.triedOf(uid);
  }

  /** Counts anew what is due where a policy, if there is one, is about pods; one pod, template or namespace at a step. */
  *settle(policy: Policy | undefined): Generator<undefined, void, undefined> {
    if (this.#unswept) {
      this.#unswept = false;
      for (const [namespace, register] of this.#registers) {
        if (register.isIdle) this.#registers.delete(namespace);
        yield;
      }
    }
    for (const namespace of policy ? namespacesOf(this.view, policy) : []) {
      const known = this.#registers.get(namespace);
      const register = known ?? new Register(this.view, namespace);
      if (!known && register.isIdle) continue;
      this.#registers.set(namespace, register);
      yield* register.settle();
    }
  }

  /** Takes in a step of the world; none may be left out. */
  note(change: Change): void {
    switch (change.kind) {
      case 'Pod':
        this.#at(change)?.markPod(nameOf(change));
        this.#noteLink({ group: '', kind: 'Pod' }, change);
        return;
      case 'Deployment':
      case 'ReplicaSet':
      case 'StatefulSet':
      case 'Job':
      case 'CronJob':
      case 'Owner':
        this.#noteOwner(change);
        return;
      case 'OwnerKind':
        // The objects of a kind that is not followed any more go without a step of their own.
        if (!change.after && change.before) this.#distrust(this.view.ownerKindAskedIn(change.before));
        return;
      case 'DegradeEvent':
        // Whoever writes one may have it name another pod.
        for (const event of [change.before, change.after])
          if (event) this.#registers.get(event.namespace)?.markPod(event.podName);
        return;
      case 'Node':
        if (!isSameKindOfNode(change)) this.#distrust(['']);
        return;
      case 'Synced':
        if (change.of !== 'Node' || this.#nodesKnown) return;
        this.#nodesKnown = true;
        this.#distrust(['']);
        return;
      case 'SpotPolicy':
      case 'ClusterSpotPolicy':
        if (change.before?.generation !== change.after?.generation) this.#unswept = true;
        return;
      case 'Namespace':
        this.#unswept = true;
        return;
      default:
    }
  }

  #noteOwner(change: Step<Linked & Identity & Pick<Owner, 'group' | 'kind' | 'template'>>): void {
    const { before, after } = change;
    const owner = after ?? before;
    if (!owner) return;
    if (before?.template ?? after?.template) this.#markTemplate(owner);
    this.#noteLink(owner, change);
  }

  #noteLink(of: Pick<ObjectKey, 'group' | 'kind'>, change: Step<Linked & Identity>): void {
    const { group, kind } = of;
    const { namespace, uid } = change.after ?? change.before ?? { namespace: '', uid: '' };
    const register = this.#registers.get(namespace);
    if (!register || isSameLink(change)) return;
    for (const each of ownedBelow(this.view, { namespace, group, kind, uid })) {
      if (each.kind === 'Pod' && each.group === '') register.markPod(each.name);
      else this.#markTemplate(each);
    }
  }

  #markTemplate({ namespace, kind, name }: Pick<Owner, 'namespace' | 'kind' | 'name'>): void {
    if (Object.hasOwn(templates, kind))
      this.#registers.get(namespace)?.markTemplate(kind as TemplateKind, name);
  }

  // The empty name stands for all namespaces.
  #distrust(namespaces: readonly string[]): void {
    if (namespaces.includes('')) for (const register of this.#registers.values()) register.distrust();
    else for (const namespace of namespaces) this.#registers.get(namespace)?.distrust();
  }

  #at({ before, after }: Step<Identity>): Register | undefined {
    return this.#registers.get((after ?? before)?.namespace ?? '');
  }
}

const nameOf = ({ before, after }: Step<Identity>): string => (after ?? before)?.name ?? '';

/** Whether pods on a node count as they did. */
export const isSameKindOfNode = ({ before, after }: Step<Node>): boolean =>
  (before?.virtual ?? false) === (after?.virtual ?? false);
