import type { Watched } from '../runtime/list-watch.ts';
import { isCloneSet, type Scaling, scalingOf } from './clone-set.ts';
import { Collection, type Lookup, type Step } from './collection.ts';
import { type ForeignTemplateKind, foreignTemplateKinds, trimForeignTemplate } from './foreign-template.ts';
import {
  type Controller,
  controllerOf,
  groupOf,
  type Identity,
  identityOf,
  type ObjectKey,
  type Owned,
  type RawObject,
} from './object.ts';
import { isHeldKind } from './objects.ts';
import type { Policy } from './policy.ts';
import { isOwnedInPart, type Template, type Templated, templates } from './template.ts';

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
  readonly template: Template | undefined;
  /** Of a CloneSet. */
  readonly scaling: Scaling | undefined;
  /** Our field manager owns something of it. */
  readonly ours: boolean;
}

/** The world's record of an object of a kind that was met while running; `whole` where more than its metadata was read. */
export const trimOwner =
  ({ group, kind }: GroupKind, whole = false) =>
  (raw: RawObject): Owner => ({
    ...identityOf(raw),
    group,
    kind,
    controller: controllerOf(raw.metadata),
    terminating: raw.metadata?.deletionTimestamp !== undefined,
    ended: group === 'argoproj.io' && kind === 'Workflow' ? workflowEnd(raw) : undefined,
    resourceVersion: raw.metadata?.resourceVersion ?? '',
    template: whole ? trimForeignTemplate(raw, kind as ForeignTemplateKind) : undefined,
    scaling: isCloneSet({ group, kind }) ? scalingOf(raw) : undefined,
    ours: isOwnedInPart(raw),
  });

// Argo repeats the phase of a Workflow in this label; of other kinds only the status tells, which is not read.
const workflowEnd = ({ metadata }: RawObject): Owner['ended'] => {
  const phase = metadata?.labels?.['workflows.argoproj.io/phase'];
  if (phase === 'Failed' || phase === 'Error') return 'Failed';
  return phase === 'Succeeded' ? phase : undefined;
};

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

/** Kinds whose pods belong to one node and are never ECI instances: the owner of a static pod is its Node. */
export const nodeBoundKinds = ['DaemonSet', 'Node'] as const;

// Each is a watch, and a policy's author or an owner reference is enough to ask for one: chains of owners in half of the
// places, so that they cannot crowd out what policies name.
const mostKinds = 64;
const mostFromChains = 32;

type OwnerIndex = 'template' | 'ours';

interface Entry {
  known: OwnerKind;
  /** The world was told of it. */
  told: boolean;
  readonly objects: Collection<Owner, OwnerIndex>;
  /** UIDs of the policies that name it. */
  readonly namedBy: Set<string>;
  /** UIDs of the policies that write pod templates, or would. */
  readonly writtenBy: Set<string>;
  /** A controller of this kind was seen. */
  inChains: boolean;
}

const keyOf = ({ group, kind }: GroupKind): string => `${group}/${kind}`;

const anEntry = ({ group, kind }: GroupKind): Entry => ({
  known: { group, kind, standing: 'Sought', resource: '', problem: '', whole: false },
  told: false,
  objects: new Collection<Owner, OwnerIndex>({
    template: ({ template, namespace }) => (template ? [namespace] : []),
    ours: ({ ours }) => (ours ? ['ours'] : []),
  }),
  namedBy: new Set(),
  writtenBy: new Set(),
  inChains: false,
});

const noObjects = anEntry({ group: '', kind: '' }).objects;

/** The kinds of controllers that the program did not know when it was built, and their objects. Bounded. */
export class OwnerKinds {
  readonly #entries = new Map<string, Entry>();

  standingOf({ group, kind }: GroupKind): OwnerKind | undefined {
    return this.#entries.get(keyOf({ group, kind }))?.known;
  }

  /** The object that a reference names; undefined where it is not held, or is in another namespace. */
  get({ namespace, uid, ...of }: ObjectKey): Owner | undefined {
    const known = this.#entries.get(keyOf(of))?.objects.byUid(uid);
    return known?.namespace === namespace ? known : undefined;
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

  /** Takes note of the kinds that a step brings up; emits those that are asked for from now on, or otherwise, or no longer. */
  note(
    kind: string,
    { before, after }: Step<Identity & Partial<Owned & Policy>>,
  ): readonly Step<OwnerKind>[] {
    if (kind !== 'SpotPolicy' && kind !== 'ClusterSpotPolicy')
      return after?.controller ? this.#meet(after.controller) : [];
    const { mode, targetRefs = [], injection } = after?.spec ?? {};
    const named = mode === 'Enforce' ? targetRefs : [];
    const writes = injection?.at === 'Workload' && (mode === 'Enforce' || mode === 'DryRun');
    return this.#ask((after ?? before)?.uid ?? '', named, writes ? foreignTemplateKinds : []);
  }

  /** Keeps how a kind stands; no step where it is the same as before, or nobody asks for the kind any more. */
  judge(after: Standing): readonly Step<OwnerKind>[] {
    const entry = this.#entries.get(keyOf(after));
    if (!entry) return [];
    const before = entry.known;
    if (before.standing === after.standing && before.problem === after.problem) return [];
    entry.known = { ...after, whole: before.whole };
    return [{ before, after: entry.known }];
  }

  apply({ group, kind }: GroupKind, watched: Watched<Owner>): readonly Step<Owner>[] {
    return this.#entries.get(keyOf({ group, kind }))?.objects.apply(watched) ?? [];
  }

  /** Emits what has become of a kind after its objects have changed: nothing of ours may be left to release. */
  settle({ group, kind }: GroupKind): readonly Step<OwnerKind>[] {
    const key = keyOf({ group, kind });
    const entry = this.#entries.get(key);
    return entry ? this.#settle(key, entry) : [];
  }

  // A controller of this kind was seen.
  #meet({ group, kind }: Controller): readonly Step<OwnerKind>[] {
    if (nodeBoundKinds.some((bound) => bound === kind)) return [];
    const of = { group, kind };
    const entry = this.#enter(of, mostFromChains);
    if (!entry || entry.inChains) return [];
    entry.inChains = true;
    return this.#settle(keyOf(of), entry);
  }

  // A policy names these kinds and writes the templates of those, and no others any more.
  #ask(
    policyUid: string,
    named: readonly GroupKind[],
    written: readonly GroupKind[],
  ): readonly Step<OwnerKind>[] {
    const names = new Set(named.map(keyOf));
    const writes = new Set(written.map(keyOf));
    const claim = (key: string, entry: Entry): readonly Step<OwnerKind>[] => {
      keep(entry.namedBy, policyUid, names.has(key));
      keep(entry.writtenBy, policyUid, writes.has(key));
      return this.#settle(key, entry);
    };
    // What nobody asks for any more makes room first.
    const old = [...this.#entries].flatMap(([key, entry]) => claim(key, entry));
    const fresh = [...named, ...written].flatMap((kind) => {
      const entry = this.#enter(kind, mostKinds);
      return entry ? claim(keyOf(kind), entry) : [];
    });
    return [...old, ...fresh];
  }

  // A kind that nobody asks for is forgotten; one of which something is ours, when that has been released.
  #settle(key: string, entry: Entry): readonly Step<OwnerKind>[] {
    const before = entry.told ? entry.known : undefined;
    const whole = entry.writtenBy.size > 0 || entry.objects.group('ours', 'ours').size > 0;
    if (!whole && !entry.inChains && entry.namedBy.size === 0) {
      this.#entries.delete(key);
      return before ? [{ before, after: undefined }] : [];
    }
    if (before?.whole === whole) return [];
    entry.known = { ...entry.known, whole };
    entry.told = true;
    return [{ before, after: entry.known }];
  }

  #enter({ group, kind }: GroupKind, most: number): Entry | undefined {
    if (isPod({ group, kind }) || isHeldKind(kind, group)) return undefined;
    const key = keyOf({ group, kind });
    const known = this.#entries.get(key);
    if (known || this.#entries.size >= most) return known;
    const entry = anEntry({ group, kind });
    this.#entries.set(key, entry);
    return entry;
  }
}

const keep = (set: Set<string>, member: string, kept: boolean): void => {
  if (kept) set.add(member);
  else set.delete(member);
};
