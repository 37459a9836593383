import type { Watched } from '../runtime/list-watch.ts';
import { type Identity, nameKey } from './object.ts';
import { isSame } from './same.ts';

/** One object before and after a step of the world; one side is undefined when it appeared or went. */
export interface Step<T> {
  readonly before: T | undefined;
  readonly after: T | undefined;
}

/** The groups an object belongs to, by index name. */
export type Grouping<T, Index extends string | symbol> = Readonly<
  Record<Index, (object: T) => readonly string[]>
>;

/** A collection as readers see it. */
export interface Lookup<T, Index extends string = string> {
  readonly synced: boolean;
  readonly size: number;
  all(): Iterable<T>;
  byUid(uid: string): T | undefined;
  byName(namespace: string, name: string): T | undefined;
  /** The members of one group of an index; empty where there are none. */
  group(index: Index, key: string): ReadonlySet<T>;
}

/** Two collections read as one: nothing is in both of them, and no group is made of both. */
export const joined = <T, Index extends string>(
  one: Lookup<T, Index>,
  other: Lookup<T, Index>,
): Lookup<T, Index> => ({
  get synced() {
    return one.synced && other.synced;
  },
  get size() {
    return one.size + other.size;
  },
  *all() {
    yield* one.all();
    yield* other.all();
  },
  byUid: (uid) => one.byUid(uid) ?? other.byUid(uid),
  byName: (namespace, name) => one.byName(namespace, name) ?? other.byName(namespace, name),
  group: (index, key) => {
    const members = one.group(index, key);
    return members.size > 0 ? members : other.group(index, key);
  },
});

// The version tells where a record has it, and as much was read; of the others everything is compared that was kept.
const isUnchanged = (known: Versioned, listed: Versioned): boolean =>
  known.resourceVersion === undefined
    ? isSame(known, listed)
    : known.resourceVersion === listed.resourceVersion && known.whole === listed.whole;

interface Versioned extends Identity {
  readonly resourceVersion?: string;
  /** Of kinds of which sometimes only metadata is read: more was. */
  readonly whole?: boolean;
}

const nothing: ReadonlySet<never> = new Set<never>();
// The index every collection has. Its groups have one member, but for the moment in which a watch tells of a name's
// next bearer before it tells of the last one's end; then the younger arrival is found.
const byName = Symbol('name');

/**
 * The objects of one kind by UID, with indexes kept in place.
 *
 * A listing is taken in object by object, as if a watch had told of each, and its `synced` removes what was not listed. So
 * until then readers see some objects as they were before it, but never two of one name where the listing has one. An
 * object that the listing brings unchanged keeps its record and makes no step: listing anew costs no second copy.
 */
export class Collection<T extends Identity, Index extends string = never> implements Lookup<T, Index> {
  readonly #byUid = new Map<string, T>();
  // Per index exactly the objects of #byUid that its function puts into a group; an empty group has no entry.
  readonly #groups = new Map<Index | typeof byName, Map<string, Set<T>>>();
  readonly #grouping: Grouping<T, Index | typeof byName>;
  // While a listing is under way, the UIDs that it has not brought (yet).
  #unlisted: Set<string> | undefined;
  #synced = false;

  constructor(grouping: Grouping<T, Index>) {
    this.#grouping = { ...grouping, [byName]: (object: T) => [nameKey(object)] };
    for (const index of Reflect.ownKeys(this.#grouping) as Index[]) this.#groups.set(index, new Map());
  }

  /** The first listing is complete. */
  get synced(): boolean {
    return this.#synced;
  }

  get size(): number {
    return this.#byUid.size;
  }

  all(): Iterable<T> {
    return this.#byUid.values();
  }

  byUid(uid: string): T | undefined {
    return this.#byUid.get(uid);
  }

  byName(namespace: string, name: string): T | undefined {
    return [...this.#members(byName, nameKey({ namespace, name }))].at(-1);
  }

  group(index: Index, key: string): ReadonlySet<T> {
    return this.#members(index, key);
  }

  /** Takes in what the watch says and returns the steps it made, in order. */
  apply(watched: Watched<T>): readonly Step<T>[] {
    switch (watched.kind) {
      case 'listing':
        this.#unlisted = new Set(this.#byUid.keys());
        return [];
      case 'listed':
        return this.#list(watched.object);
      case 'synced':
        return this.#sweep();
      case 'changed':
        return [this.#put(watched.object)];
      case 'deleted':
        return this.#remove(watched.object.uid);
      case 'failed':
      case 'recovered':
        return [];
    }
  }

  #list(object: T): readonly Step<T>[] {
    const known = this.#byUid.get(object.uid);
    this.#unlisted?.delete(object.uid);
    // The listing is of one moment: who else bore this name is gone.
    const namesakes = [...this.#members(byName, nameKey(object))].filter(({ uid }) => uid !== object.uid);
    const gone = namesakes.flatMap(({ uid }) => (this.#unlisted?.delete(uid) ? this.#remove(uid) : []));
    return known && isUnchanged(known, object) ? gone : [...gone, this.#put(object)];
  }

  #sweep(): readonly Step<T>[] {
    const gone = [...(this.#unlisted ?? [])];
    this.#unlisted = undefined;
    this.#synced = true;
    return gone.flatMap((uid) => this.#remove(uid));
  }

  #put(object: T): Step<T> {
    const before = this.#byUid.get(object.uid);
    if (before) this.#ungroup(before);
    this.#byUid.set(object.uid, object);
    for (const [index, groups] of this.#groups) {
      for (const key of this.#grouping[index](object)) {
        const group = groups.get(key);
        if (group) group.add(object);
        else groups.set(key, new Set([object]));
      }
    }
    return { before, after: object };
  }

  #remove(uid: string): readonly Step<T>[] {
    const before = this.#byUid.get(uid);
    if (!before) return [];
    this.#byUid.delete(uid);
    this.#ungroup(before);
    return [{ before, after: undefined }];
  }

  #members(index: Index | typeof byName, key: string): ReadonlySet<T> {
    return this.#groups.get(index)?.get(key) ?? nothing;
  }

  #ungroup(object: T): void {
    for (const [index, groups] of this.#groups) {
      for (const key of this.#grouping[index](object)) {
        const group = groups.get(key);
        group?.delete(object);
        if (group?.size === 0) groups.delete(key);
      }
    }
  }
}
