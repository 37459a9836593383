import type { Watched } from '../runtime/list-watch.ts';
import { Collection, type Step } from './collection.ts';
import {
  type Controller,
  controllerOf,
  groupOf,
  type Identity,
  identityOf,
  type RawObject,
} from './object.ts';
import { isHeldKind } from './objects.ts';
import type { Policy } from './policy.ts';

/** A kind by its name; which version of it is read, discovery says. */
export interface GroupKind {
  readonly group: string;
  readonly kind: string;
}

/** An object of a kind that was met while running: all that is kept is who it is and who controls it. */
export interface Owner extends Identity, GroupKind, Owned {}

/** The world's record of an object of a kind that was met while running. */
export const trimOwner =
  ({ group, kind }: GroupKind) =>
  (raw: RawObject): Owner => ({
    ...identityOf(raw),
    group,
    kind,
    controller: controllerOf(raw.metadata?.ownerReferences),
  });

/** Something that is controlled, or not: a pod, or an owner of pods. */
export interface Owned {
  readonly controller: Controller | undefined;
}

/** How a kind that was met while running stands. */
export interface OwnerKind extends GroupKind {
  /** Sought: not found out yet. Absent: the API server has no such kind of namespaced object that can be watched. */
  readonly standing: 'Sought' | 'Readable' | 'Forbidden' | 'Absent' | 'Failing';
  /** `services.serving.knative.dev`, as RBAC and kubectl name it; empty until it is known. */
  readonly resource: string;
  /** What the API server said; empty where all is well. */
  readonly problem: string;
}

/** Pods control pods too, such as the driver of a Spark application. */
export const isPod = ({ group, kind }: GroupKind): boolean => kind === 'Pod' && group === '';

/** Kinds whose pods belong to one node and are never ECI instances: the owner of a static pod is its Node. */
export const nodeBoundKinds = ['DaemonSet', 'Node'] as const;

// Each is a watch, and a policy's author or an owner reference is enough to ask for one: chains of owners in half of the
// places, so that they cannot crowd out what policies name.
const mostKinds = 64;
const mostFromChains = 32;

interface Entry {
  known: OwnerKind;
  readonly objects: Collection<Owner>;
  /** UIDs of the policies that name it. */
  readonly namedBy: Set<string>;
  /** A controller of this kind was seen. */
  inChains: boolean;
}

const keyOf = ({ group, kind }: GroupKind): string => `${group}/${kind}`;

/** The kinds of controllers that the program did not know when it was built, and their objects. Bounded. */
export class OwnerKinds {
  readonly #entries = new Map<string, Entry>();

  get({ group, kind }: GroupKind): OwnerKind | undefined {
    return this.#entries.get(keyOf({ group, kind }))?.known;
  }

  byUid({ apiVersion, kind, uid }: Pick<Controller, 'apiVersion' | 'kind' | 'uid'>): Owner | undefined {
    return this.#entries.get(keyOf({ group: groupOf(apiVersion), kind }))?.objects.byUid(uid);
  }

  /** Whether there is an object of that name; undefined where that is not known. */
  has({ group, kind }: GroupKind, namespace: string, name: string): boolean | undefined {
    const entry = this.#entries.get(keyOf({ group, kind }));
    if (entry?.known.standing === 'Absent') return false;
    return entry?.objects.synced ? entry.objects.byName(namespace, name) !== undefined : undefined;
  }

  /** Takes note of the kinds that a step brings up; emits those that are asked for from now on, or no longer. */
  note(
    kind: string,
    { before, after }: Step<Identity & Partial<Owned & Policy>>,
  ): readonly Step<OwnerKind>[] {
    if (kind !== 'SpotPolicy') return after?.controller ? this.#meet(after.controller) : [];
    const named = after?.spec?.mode === 'Enforce' ? (after.spec.targetRefs ?? []) : [];
    return this.#name((after ?? before)?.uid ?? '', named);
  }

  /** Keeps how a kind stands; no step where it is the same as before, or nobody asks for the kind any more. */
  judge(after: OwnerKind): readonly Step<OwnerKind>[] {
    const entry = this.#entries.get(keyOf(after));
    if (!entry) return [];
    const before = entry.known;
    if (before.standing === after.standing && before.problem === after.problem) return [];
    entry.known = after;
    return [{ before, after }];
  }

  apply({ group, kind }: GroupKind, watched: Watched<Owner>): readonly Step<Owner>[] {
    return this.#entries.get(keyOf({ group, kind }))?.objects.apply(watched) ?? [];
  }

  // A controller of this kind was seen.
  #meet({ apiVersion, kind }: Controller): readonly Step<OwnerKind>[] {
    if (nodeBoundKinds.some((bound) => bound === kind)) return [];
    const entry = this.#enter({ group: groupOf(apiVersion), kind }, mostFromChains);
    if (!entry || entry.inChains) return [];
    entry.inChains = true;
    return entry.namedBy.size > 0 ? [] : [{ before: undefined, after: entry.known }];
  }

  // A policy names these kinds, and no other ones any more; a kind that nobody asks for is forgotten.
  #name(policyUid: string, kinds: readonly GroupKind[]): readonly Step<OwnerKind>[] {
    const wanted = new Map(kinds.map((kind) => [keyOf(kind), kind]));
    const dropped = [...this.#entries].flatMap(([key, entry]): Step<OwnerKind>[] => {
      if (wanted.has(key) || !entry.namedBy.delete(policyUid)) return [];
      if (entry.inChains || entry.namedBy.size > 0) return [];
      this.#entries.delete(key);
      return [{ before: entry.known, after: undefined }];
    });
    const entered = [...wanted.values()].flatMap((kind): Step<OwnerKind>[] => {
      const entry = this.#enter(kind, mostKinds);
      if (!entry || entry.namedBy.has(policyUid)) return [];
      const isNew = entry.namedBy.size === 0 && !entry.inChains;
      entry.namedBy.add(policyUid);
      return isNew ? [{ before: undefined, after: entry.known }] : [];
    });
    return [...dropped, ...entered];
  }

  #enter({ group, kind }: GroupKind, most: number): Entry | undefined {
    if (isPod({ group, kind }) || isHeldKind(kind, group)) return undefined;
    const key = keyOf({ group, kind });
    const entry = this.#entries.get(key);
    if (entry || this.#entries.size >= most) return entry;
    const known: OwnerKind = { group, kind, standing: 'Sought', resource: '', problem: '' };
    const added = { known, objects: new Collection<Owner>({}), namedBy: new Set<string>(), inChains: false };
    this.#entries.set(key, added);
    return added;
  }
}
