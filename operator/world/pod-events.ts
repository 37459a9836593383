import { eciAnnotations } from '../api/keys.ts';
import type { Watched } from '../runtime/list-watch.ts';
import type { Lookup, Step } from './collection.ts';
import type { Lifetimes } from './lifetimes.ts';
import { nameKey } from './object.ts';
import { type PlatformEvent, relationOf } from './platform-event.ts';
import type { Pod } from './pod.ts';
import { WaitingRoom } from './waiting-room.ts';

// The platform writes one Event for a notice. More are forged, or are of earlier notices.
const mostOfAPod = 4;
// The watch of pods is some milliseconds behind that of Events, or half a minute where it is being taken up again.
const waitingLimits = { most: 4_096, longestMs: 600_000 };
// Only for the order in which Events give way: what an Event without a number says, and when its deadline is past use.
const usualMinutes = 3;
const spentMs = 60_000;

interface Entry {
  readonly event: PlatformEvent;
  /** The listing that it was last part of. */
  readonly listing: number;
}

/**
 * The Events of one reason about pods with a spot strategy, at most four about one pod; of more the earliest deadlines
 * that are not past stay. An Event that may be about a pod that the world has not seen yet waits for that pod: up to ten
 * minutes, in a room that namespaces share evenly. All others are dropped as they come.
 *
 * Anyone who may create Events in one namespace can write any number of them. Each costs the same few steps.
 */
export class PodEvents {
  readonly #pods: Pick<Lookup<Pod>, 'byName'>;
  readonly #lifetimes: Pick<Lifetimes, 'isDeparted' | 'nowMs'>;
  readonly #byUid = new Map<string, Entry>();
  // Exactly the Events of #byUid, by the name of the pod.
  readonly #byPod = new Map<string, Set<PlatformEvent>>();
  // Likewise, by the UID that it gives.
  readonly #byInvolved = new Map<string, Set<PlatformEvent>>();
  // UIDs of those Events of #byUid that no pod of the world explains.
  readonly #waiting = new WaitingRoom(waitingLimits);
  #listing = 0;
  #synced = false;

  constructor(pods: Pick<Lookup<Pod>, 'byName'>, lifetimes: Pick<Lifetimes, 'isDeparted' | 'nowMs'>) {
    this.#pods = pods;
    this.#lifetimes = lifetimes;
  }

  /** The first listing has been taken in. */
  get synced(): boolean {
    return this.#synced;
  }

  /** How many Events it holds. */
  get size(): number {
    return this.#byUid.size;
  }

  /** The Events that may be about a pod of this name; whether one is about this very pod, `isAbout` says. */
  about(pod: { readonly namespace: string; readonly name: string }): ReadonlySet<PlatformEvent> {
    return this.#byPod.get(nameKey(pod)) ?? nothing;
  }

  /** Takes in what the watch says and returns the steps it made; none for an Event that is dropped or waits. */
  apply(watched: Watched<PlatformEvent>): readonly Step<PlatformEvent>[] {
    for (const uid of this.#waiting.expire(this.#lifetimes.nowMs)) this.#remove(uid);
    switch (watched.kind) {
      case 'listing':
        this.#listing += 1;
        return [];
      case 'listed':
      case 'changed':
        return this.#take(watched.object);
      case 'synced':
        this.#synced = true;
        return [...this.#byUid.values()]
          .filter(({ listing }) => listing < this.#listing)
          .flatMap(({ event }) => this.#remove(event.uid));
      case 'deleted':
        return this.#remove(watched.object.uid);
      case 'failed':
      case 'recovered':
        return [];
    }
  }

  /** Takes in a step of a pod, which explains Events that wait, or takes its own along when it goes. */
  notePod({ before, after }: Step<Pod>): void {
    const pod = after ?? before;
    if (!pod || (before && after && isSameToEvents(before, after))) return;
    for (const event of [...this.about(pod)]) {
      const listing = this.#byUid.get(event.uid)?.listing ?? 0;
      this.#remove(event.uid);
      if (after || !before || this.#relation(event, before) !== 'Proven') this.#admit({ event, listing });
    }
  }

  /** A pod or workload is gone, and with it all that names its UID. Returns the steps that this makes. */
  depart(uid: string): readonly Step<PlatformEvent>[] {
    return [...(this.#byInvolved.get(uid) ?? nothing)].flatMap((event) => this.#remove(event.uid));
  }

  #take(event: PlatformEvent): readonly Step<PlatformEvent>[] {
    const known = this.#byUid.get(event.uid);
    if (known && isSameEvent(known.event, event)) {
      this.#byUid.set(event.uid, { ...known, listing: this.#listing });
      return [];
    }
    const before = this.#remove(event.uid)[0]?.before;
    const displaced = this.#admit({ event, listing: this.#listing });
    const after = this.#isHeld(event.uid) ? event : undefined;
    const others = displaced.filter((step) => step.before !== event);
    return before || after ? [{ before, after }, ...others] : others;
  }

  // The steps are those of Events that have to give way.
  #admit(entry: Entry): readonly Step<PlatformEvent>[] {
    const { event } = entry;
    const { nowMs } = this.#lifetimes;
    const verdict = event.podName === '' ? 'Drop' : this.#judge(event);
    if (verdict === 'Drop') return [];
    this.#byUid.set(event.uid, entry);
    const others = enter(this.#byPod, keyOf(event), event);
    enter(this.#byInvolved, event.involvedUid, event);
    if (verdict === 'Wait')
      for (const uid of this.#waiting.enter(event.uid, event.namespace, nowMs)) this.#remove(uid);
    return others.size > mostOfAPod ? this.#remove(leastUseful(others, nowMs)) : [];
  }

  #judge(event: PlatformEvent): 'Keep' | 'Wait' | 'Drop' {
    const pod = this.#pods.byName(event.namespace, event.podName);
    if (!pod) return this.#lifetimes.isDeparted(event.involvedUid) ? 'Drop' : 'Wait';
    const isSpot = eciAnnotations.spotStrategy in pod.annotations;
    switch (this.#relation(event, pod)) {
      case 'Proven':
        return isSpot ? 'Keep' : 'Drop';
      case 'Younger':
        // It may also be about the next pod of this name, of which the watch has not told yet.
        return isSpot ? 'Keep' : 'Wait';
      case 'Another':
        return 'Wait';
      case 'Departed':
        return 'Drop';
      case 'Older':
        // The id of its instance may still be missing on the pod.
        return isSpot && event.involvedUid.startsWith('eci-') ? 'Keep' : 'Drop';
    }
  }

  #relation(event: PlatformEvent, pod: Pod) {
    return relationOf(event, pod, (uid) => this.#lifetimes.isDeparted(uid));
  }

  #isHeld(uid: string): boolean {
    return this.#byUid.has(uid) && !this.#waiting.has(uid);
  }

  #remove(uid: string): readonly Step<PlatformEvent>[] {
    const event = this.#byUid.get(uid)?.event;
    if (!event) return [];
    const step = this.#isHeld(uid) ? [{ before: event, after: undefined }] : [];
    this.#byUid.delete(uid);
    this.#waiting.leave(uid);
    leave(this.#byPod, keyOf(event), event);
    leave(this.#byInvolved, event.involvedUid, event);
    return step;
  }
}

type Groups = Map<string, Set<PlatformEvent>>;

const enter = (groups: Groups, key: string, event: PlatformEvent): ReadonlySet<PlatformEvent> => {
  const group = groups.get(key) ?? new Set();
  groups.set(key, group.add(event));
  return group;
};

const leave = (groups: Groups, key: string, event: PlatformEvent): void => {
  const group = groups.get(key);
  group?.delete(event);
  if (group?.size === 0) groups.delete(key);
};

const nothing: ReadonlySet<never> = new Set<never>();

const keyOf = ({ namespace, podName }: PlatformEvent): string => nameKey({ namespace, name: podName });

const isSameToEvents = (a: Pod, b: Pod): boolean =>
  [eciAnnotations.spotStrategy, eciAnnotations.instanceId].every(
    (key) => a.annotations[key] === b.annotations[key],
  );

const isSameEvent = (a: PlatformEvent, b: PlatformEvent): boolean =>
  (Object.keys(b) as (keyof PlatformEvent)[]).every((field) => a[field] === b[field]);

// A deadline that is past decides nothing; of the others the earliest stands, and of equal ones the first that came.
const leastUseful = (events: Iterable<PlatformEvent>, nowMs: number): string => {
  const deadlineMs = ({ firstAtMs, minutes = usualMinutes }: PlatformEvent) => firstAtMs + minutes * 60_000;
  const isSpent = (event: PlatformEvent) => deadlineMs(event) + spentMs < nowMs;
  const worse = (a: PlatformEvent, b: PlatformEvent): PlatformEvent => {
    if (isSpent(a) !== isSpent(b)) return isSpent(a) ? a : b;
    return deadlineMs(b) >= deadlineMs(a) ? b : a;
  };
  return [...events].reduce(worse).uid;
};
