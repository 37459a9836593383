import type { Signal } from '../world/interruption.ts';
import { isAbout, minutesIn, type PlatformEvent } from '../world/platform-event.ts';
import type { InstanceSign, Pod } from '../world/pod.ts';

/** A pod's reclaim as its signals tell it. */
export interface Notice {
  readonly signals: readonly Signal[];
  readonly noticedAtMs: number;
  readonly deadlineMs: number;
  readonly onCondition: boolean;
}

/** What a notice is read from. */
export interface NoticeSources {
  readonly pod: Pod;
  /** Events `SpotToBeReleased` about a pod of this name. */
  readonly events: Iterable<PlatformEvent>;
  /** Signals of earlier looks: what has been seen stays, even when its Event is deleted. */
  readonly known: readonly Signal[];
  /** Window in minutes while no text names one. ECI's pages say 3 (some also 5). */
  readonly defaultMinutes: number;
  readonly nowMs: number;
  /** Whether a pod of this UID is known to be gone. */
  readonly isDeparted: (uid: string) => boolean;
}

// Signals of one warning arrive together; one further away is another warning.
const togetherMs = 60_000;
// The world holds four Events about a pod. What is known of earlier ones, which are deleted, is bounded here.
const mostEventSignals = 8;
// An Event about a deadline longer past than this is a leftover of the past hour.
const staleMs = 60_000;

/** The notice a pod is under, or undefined. The earliest deadline among its signals stands. */
export const readNotice = (sources: NoticeSources): Notice | undefined => {
  const { pod, known, defaultMinutes } = sources;
  const warned = [...conditionSignals(sources), ...eventSignals(sources)];
  const fresh = warned.length + known.length > 0 ? warned : releaseSignals(sources);
  const signals = [...known, ...fresh.filter((signal) => !known.some((other) => isSame(signal, other)))];
  const all = signals.map((signal) => ({ signal, deadlineMs: deadlineOf(signal, signals, defaultMinutes) }));
  const timed = withFewEvents(all, sources.nowMs);
  const earliest = timed.toSorted((a, b) => a.deadlineMs - b.deadlineMs)[0];
  return (
    earliest && {
      signals: timed.map(({ signal }) => signal),
      noticedAtMs: earliest.signal.atMs,
      deadlineMs: earliest.deadlineMs,
      onCondition: pod.expired !== undefined,
    }
  );
};

interface Timed {
  readonly signal: Signal;
  readonly deadlineMs: number;
}

// Those whose deadline is not long past stay, the earliest first: of many Events, most are forged.
const withFewEvents = (timed: readonly Timed[], nowMs: number): readonly Timed[] => {
  const events = timed.filter(({ signal }) => signal.source === 'Event');
  if (events.length <= mostEventSignals) return timed;
  const isStale = ({ deadlineMs }: Timed): number => Number(deadlineMs <= nowMs - staleMs);
  const few = events
    .toSorted((a, b) => isStale(a) - isStale(b) || a.deadlineMs - b.deadlineMs)
    .slice(0, mostEventSignals);
  return timed.filter((each) => each.signal.source !== 'Event' || few.includes(each));
};

const deadlineOf = (signal: Signal, all: readonly Signal[], defaultMinutes: number): number => {
  // Of several the shortest, so that it does not matter which one came first.
  const told = all
    .filter(({ atMs }) => Math.abs(atMs - signal.atMs) <= togetherMs)
    .flatMap(({ minutes }) => minutes ?? [])
    .reduce<number | undefined>((a, b) => Math.min(a ?? b, b), undefined);
  return signal.atMs + (signal.minutes ?? told ?? defaultMinutes) * 60_000;
};

const conditionSignals = ({ pod, known, nowMs }: NoticeSources): Signal[] => {
  const signs = [pod.expired, pod.instance?.reason === 'SpotToBeReleased' ? pod.instance : undefined];
  return signs.flatMap((sign) => (sign ? [conditionSignal(sign, known, nowMs)] : []));
};

// A pod that was taken without a warning anybody saw: the release itself tells when its deadline was.
const releaseSignals = ({ pod: { releasedAtMs }, defaultMinutes }: NoticeSources): Signal[] =>
  releasedAtMs === undefined
    ? []
    : [{ source: 'Condition', atMs: releasedAtMs - defaultMinutes * 60_000, minutes: defaultMinutes }];

// A condition without a transition time counts from when it was first seen, and only once.
const conditionSignal = (sign: InstanceSign, known: readonly Signal[], nowMs: number): Signal => {
  const seen = known.find(({ source }) => source === 'Condition');
  return { source: 'Condition', atMs: sign.sinceMs ?? seen?.atMs ?? nowMs, minutes: minutesIn(sign.message) };
};

const eventSignals = ({ pod, events, defaultMinutes, nowMs, isDeparted }: NoticeSources): Signal[] =>
  [...events]
    .filter((event) => isAbout(event, pod, isDeparted))
    .map((event): Signal => ({
      source: 'Event',
      atMs: timeOf(event, pod),
      minutes: event.minutes,
    }))
    .filter(({ atMs, minutes }) => atMs + (minutes ?? defaultMinutes) * 60_000 > nowMs - staleMs);

// A series that began before the pod existed speaks of its namesake; what it says last may be about this one.
const timeOf = (event: PlatformEvent, pod: Pod): number =>
  event.firstAtMs < pod.createdAtMs ? event.lastAtMs : event.firstAtMs;

const isSame = (a: Signal, b: Signal): boolean =>
  a.source === b.source && a.atMs === b.atMs && a.minutes === b.minutes;
