import type { Watched } from '../runtime/list-watch.ts';
import type { Scaling } from './clone-set.ts';
import { Collection, type Lookup, type Step } from './collection.ts';
import type { ForeignTemplateKind } from './foreign-template.ts';
import { byController, groupOf, type Identity, type ObjectKey, type Owned } from './object.ts';
import { type Ask, asksOf, namesTheSame, type Noted } from './owner-asks.ts';
import { isWellKnown, OwnerPlaces } from './owner-places.ts';
import { type Template, type Templated, templates } from './template.ts';

/** A kind by its name; which version of it is read, discovery says. */
export interface GroupKind {
  readonly group: string;
  readonly kind: string;
}

/** An object of a kind that was met while running: who it is, who controls it, and what else was read of its kind. */
export interface Owner extends Identity, GroupKind, Owned {
  readonly terminating: boolean;
  /** How it ended, where its labels tell. */
  readonly ended: 'Succeeded' | 'Failed' | undefined;
  readonly resourceVersion: string;
  /** More than its metadata was read. */
  readonly whole: boolean;
  readonly template: Template | undefined;
  /** Of a CloneSet. */
  readonly scaling: Scaling | undefined;
  /** Our field manager owns something of it. */
  readonly ours: boolean;
}

/** How a kind that was met while running stands. */
export interface Standing extends GroupKind {
  /** Sought: not found out yet. Absent: the API server has no such kind of namespaced object that can be watched. */
  readonly standing: 'Sought' | 'Readable' | 'Forbidden' | 'Absent' | 'Failing';
  /** `services.serving.knative.dev`, as RBAC and kubectl name it; empty until it is known. */
  readonly resource: string;
  /** What the API server said; empty where all is well. */
  readonly problem: string;
}

/** A kind that was met while running. */
export interface OwnerKind extends Standing {
  /** Its objects are wanted whole, for their pod templates; of others metadata is enough. */
  readonly whole: boolean;
}

/** Pods control pods too, such as the driver of a Spark application. */
export const isPod = ({ group, kind }: GroupKind): boolean => kind === 'Pod' && group === '';

type OwnerIndex = 'template' | 'ours' | 'controller';

interface Entry {
  known: OwnerKind;
  /** The world was told of it, and its objects are asked for. */
  followed: boolean;
  objects: Collection<Owner, OwnerIndex>;
  /** How many objects and policies name it, by namespace; the empty one stands for policies of the cluster. */
  readonly askedIn: Map<string, number>;
  /** How many policies write its pod templates, or would. */
  writers: number;
}

const keyOf = ({ group, kind }: GroupKind): string => `${group}/${kind}`;

const noObjectsYet = () =>
  new Collection<Owner, OwnerIndex>({
    template: ({ template, namespace }) => (template ? [namespace] : []),
    ours: ({ ours }) => (ours ? ['ours'] : []),
    controller: byController,
  });

const noObjects = noObjectsYet();

/**
 * The kinds of controllers that the program did not know when it was built, and their objects.
 *
 * A kind is known here as long as an object of the world or a policy names it, and is followed while it has a place.
 */
export class OwnerKinds {
  readonly #entries = new Map<string, Entry>();
  readonly #places = new OwnerPlaces();
  // Exactly the kinds of #entries that are not followed, the first that came first: those that have never had a place,
  // and those that gave way.
  readonly #untried = new Set<string>();
  readonly #tried = new Set<string>();
  // Exactly the objects of the kinds that are followed.
  readonly #held = new Set<Entry['objects']>();

  standingOf({ group, kind }: GroupKind): OwnerKind | undefined {
    return this.#entries.get(keyOf({ group, kind }))?.known;
  }

  /** The object that a reference names; undefined where it is not held, or is in another namespace. */
  get({ namespace, uid, ...of }: ObjectKey): Owner | undefined {
    const known = this.#entries.get(keyOf(of))?.objects.byUid(uid);
    return known?.namespace === namespace ? known : undefined;
  }

  /** The objects that the object of an `objectKey` controls. */
  controlledBy(key: string): readonly Owner[] {
    return [...this.#held].flatMap((objects) => [...objects.group('controller', key)]);
  }

  /** The namespaces in which an object of the world or a policy names a kind; the empty one is that of the cluster. */
  askedIn(of: GroupKind): readonly string[] {
    return [...(this.#entries.get(keyOf(of))?.askedIn.keys() ?? [])];
  }

  /** The objects of a kind with a pod template; none where they are not read whole. */
  templated(kind: ForeignTemplateKind): Lookup<Templated, 'template'> {
    const group = groupOf(templates[kind].apiVersion);
    // A collection has objects of one kind only.
    return (this.#entries.get(keyOf({ group, kind }))?.objects ?? noObjects) as Lookup<Templated, 'template'>;
  }

  /** Whether there is an object of that name; undefined where that is not known. */
  has({ group, kind }: GroupKind, namespace: string, name: string): boolean | undefined {
    const entry = this.#entries.get(keyOf({ group, kind }));
    if (entry?.known.standing === 'Absent') return false;
    return entry?.objects.synced ? entry.objects.byName(namespace, name) !== undefined : undefined;
  }

  /**
   * Takes note of the kinds that a step brings up, or names no longer. Emits those that are followed from now on, or
   * otherwise, or no longer.
   */
  note(source: string, { before, after }: Step<Noted>): readonly Step<OwnerKind>[] {
    if (source === 'CustomResourceDefinition') return this.#define((after ?? before)?.group);
    if (namesTheSame(source, before, after)) return [];
    const [old, fresh] = [asksOf(source, before), asksOf(source, after)];
    for (const ask of fresh) this.#count(ask, 1);
    for (const ask of old) this.#count(ask, -1);
    return this.#settleAll([...fresh, ...old].map(({ of }) => keyOf(of)));
  }

  /** Keeps how a kind stands; no step where it is the same as before, or the kind is not followed any more. */
  judge(after: Standing): readonly Step<OwnerKind>[] {
    const entry = this.#entries.get(keyOf(after));
    if (!entry?.followed) return [];
    const before = entry.known;
    if (before.standing === after.standing && before.problem === after.problem) return [];
    entry.known = { ...after, whole: before.whole };
    return [{ before, after: entry.known }, ...this.#admitWaiting()];
  }

  /** Takes in what the watch of a kind says; nothing where the kind is not followed any more. */
  apply({ group, kind }: GroupKind, watched: Watched<Owner>): readonly Step<Owner>[] {
    const entry = this.#entries.get(keyOf({ group, kind }));
    return entry?.followed ? entry.objects.apply(watched) : [];
  }

  /** Emits what has become of a kind after its objects have changed: nothing of ours may be left to release. */
  settle(of: GroupKind): readonly Step<OwnerKind>[] {
    return this.#settleAll([keyOf(of)]);
  }

  #count({ of, namespace, writes }: Ask, by: 1 | -1): void {
    const key = keyOf(of);
    const entry = this.#entries.get(key) ?? this.#enter(key, of);
    const { askedIn } = entry;
    const count = (askedIn.get(namespace) ?? 0) + by;
    if (count > 0) askedIn.set(namespace, count);
    else askedIn.delete(namespace);
    if (writes) entry.writers += by;
    // Another namespace that asks for it takes over.
    if (count === 0 && askedIn.size > 0 && this.#places.payer(key) === namespace)
      this.#places.take(key, askedIn.keys());
  }

  #enter(key: string, { group, kind }: GroupKind): Entry {
    const entry: Entry = {
      known: { group, kind, standing: 'Sought', resource: '', problem: '', whole: false },
      followed: false,
      objects: noObjects,
      askedIn: new Map(),
      writers: 0,
    };
    this.#entries.set(key, entry);
    this.#untried.add(key);
    return entry;
  }

  #settleAll(keys: readonly string[]): readonly Step<OwnerKind>[] {
    const steps = [...new Set(keys)].flatMap((key) => this.#settle(key));
    return steps.length > 0 ? [...steps, ...this.#admitWaiting()] : steps;
  }

  // A kind that nothing names is forgotten; one of which something is ours, when that has been released.
  #settle(key: string): readonly Step<OwnerKind>[] {
    const entry = this.#entries.get(key);
    if (!entry) return [];
    const isOurs = entry.objects.group('ours', 'ours').size > 0;
    if (entry.askedIn.size === 0 && !isOurs) {
      this.#entries.delete(key);
      this.#untried.delete(key);
      this.#tried.delete(key);
      return this.#unfollow(key, entry);
    }
    if (!entry.followed) return this.#admit(key, entry);
    const before = entry.known;
    const whole = entry.writers > 0 || isOurs;
    if (before.whole === whole) return [];
    entry.known = { ...before, whole };
    return [{ before, after: entry.known }];
  }

  #admit(key: string, entry: Entry): readonly Step<OwnerKind>[] {
    if (isWellKnown(entry.known)) return this.#follow(key, entry);
    const { taken, insteadOf } = this.#places.offer(
      { known: entry.known, askedIn: entry.askedIn.keys() },
      (each) => this.#entries.get(each)?.known.standing ?? 'Absent',
    );
    if (!taken) return [];
    this.#places.take(key, entry.askedIn.keys());
    const followed = this.#follow(key, entry);
    const other = insteadOf === undefined ? undefined : this.#entries.get(insteadOf);
    return other && insteadOf !== undefined ? [...followed, ...this.#unfollow(insteadOf, other)] : followed;
  }

  // A place may be free, or held by a kind that has turned out to be unreadable.
  #admitWaiting(): readonly Step<OwnerKind>[] {
    const steps: Step<OwnerKind>[] = [];
    for (;;) {
      const [key] = this.#untried.size > 0 ? this.#untried : this.#tried;
      const entry = key === undefined ? undefined : this.#entries.get(key);
      const admitted = entry && key !== undefined ? this.#admit(key, entry) : [];
      if (admitted.length === 0) return steps;
      steps.push(...admitted);
    }
  }

  #follow(key: string, entry: Entry): readonly Step<OwnerKind>[] {
    this.#untried.delete(key);
    this.#tried.delete(key);
    entry.followed = true;
    entry.objects = noObjectsYet();
    this.#held.add(entry.objects);
    entry.known = { ...entry.known, standing: 'Sought', problem: '', whole: entry.writers > 0 };
    return [{ before: undefined, after: entry.known }];
  }

  // With the kind all its objects go, and what they name.
  #unfollow(key: string, entry: Entry): readonly Step<OwnerKind>[] {
    this.#places.leave(key);
    if (!entry.followed) return [];
    const { known: before, objects } = entry;
    this.#held.delete(objects);
    const problem = before.problem || 'other kinds of owners take all the places';
    Object.assign(entry, {
      followed: false,
      objects: noObjects,
      known: { ...before, standing: before.standing === 'Absent' ? 'Absent' : 'Failing', problem },
    } satisfies Partial<Entry>);
    if (this.#entries.has(key)) this.#tried.add(key);
    const gone = [...objects.all()].flatMap(({ uid, namespace, name, controller }) =>
      this.note('Owner', { before: { uid, namespace, name, controller }, after: undefined }),
    );
    return [{ before, after: undefined }, ...gone];
  }

  // A kind that was not there, and gave way, may be there now.
  #define(group: string | undefined): readonly Step<OwnerKind>[] {
    for (const key of [...this.#tried]) {
      const entry = this.#entries.get(key);
      if (!entry || entry.known.group !== group) continue;
      entry.known = { ...entry.known, standing: 'Sought', problem: '' };
      this.#tried.delete(key);
      this.#untried.add(key);
    }
    return this.#admitWaiting();
  }
}
