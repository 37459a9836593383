import type { ReclaimWindow, WindowLength } from '../world/interruption.ts';
import { isAbout, minutesIn, type PlatformEvent } from '../world/platform-event.ts';
import { isLive, isReclaimed, type InstanceSign, type Pod } from '../world/pod.ts';
import type { Sighting, Sightings } from '../world/sightings.ts';
import { spentAtMs } from './deadline.ts';

/** A pod's reclaim as its current signals tell it. */
export interface Notice extends ReclaimWindow {
  readonly length: WindowLength;
  /** The window by `ContainerInstanceExpired` alone, which only the node writes: no Event has a part in it. */
  readonly onCondition: ReclaimWindow | undefined;
  /** The earliest window by Events alone. */
  readonly onEvent: ReclaimWindow | undefined;
  /** The platform says so now: an Event, a condition or the release. Otherwise only an earlier look did. */
  readonly confirmed: boolean;
}

/** What a notice is read from. */
export interface NoticeSources {
  readonly pod: Pod;
  /** Events `SpotToBeReleased` about a pod of this name; any of them may be missing. */
  readonly events: Iterable<PlatformEvent>;
  /** When this world saw the conditions of the pod appear. */
  readonly sightings: Pick<Sightings, 'expired' | 'reclaimed'> | undefined;
  /** What an earlier look or an earlier leader came to: it stays, even when its Event is deleted. */
  readonly known: (ReclaimWindow & Partial<Pick<Notice, 'length' | 'onCondition'>>) | undefined;
  /** ReclaimWindow in minutes while no text names one. ECI's pages say 3 (some also 5). */
  readonly defaultMinutes: number;
  readonly nowMs: number;
  /** Whether a pod of this UID is known to be gone. */
  readonly isDeparted: (uid: string) => boolean;
}

/** One sign that ECI takes the pod back. */
interface Signal {
  readonly source: 'Event' | 'Condition' | 'Known';
  readonly atMs: number;
  /** The window its text names, in minutes; undefined where it names none. */
  readonly minutes: number | undefined;
  /** When it was seen, as far as that is known: a deadline that it sets does not lie before. */
  readonly seenMs: number;
  /** Only a number that stands in the signal's own text counts for others. */
  readonly lends: boolean;
}

interface Timed extends Signal, ReclaimWindow {
  readonly length: WindowLength;
}

// Signals of one warning arrive together; one further away is another warning.
const togetherMs = 60_000;

/** The notice a pod is under, or undefined. The earliest deadline among its current signals stands. */
export const readNotice = (sources: NoticeSources): Notice | undefined => {
  const events = eventSignals(sources);
  const reclaimed = reclaimSignal(sources);
  const expired = expirySignal(sources, reclaimed);
  const conditions = [expired, reclaimed].filter((signal) => signal !== undefined);
  const signals = [...knownSignals(sources), ...conditions, ...events];
  const timed = currentSignals(signals, sources);
  const current = timed.length > 0 ? timed : releaseSignals(sources);
  const earliest = current.toSorted(byDeadline)[0];
  if (!earliest) return undefined;
  const { noticedAtMs, deadlineMs, length } = earliest;
  const onCondition = expired && windowOf(expired, sources.defaultMinutes);
  return {
    noticedAtMs,
    deadlineMs,
    length,
    onCondition: onCondition && !isSpent(onCondition, sources) ? onCondition : undefined,
    onEvent: windowIn(timed.filter(({ source }) => source === 'Event')),
    confirmed: current.some(({ source }) => source !== 'Known'),
  };
};

const areTogether = (a: Signal, b: Signal): boolean => Math.abs(a.atMs - b.atMs) <= togetherMs;

const windowIn = (timed: readonly Timed[]): ReclaimWindow | undefined =>
  timed.toSorted(byDeadline).map(({ noticedAtMs, deadlineMs }) => ({ noticedAtMs, deadlineMs }))[0];

const lengths: readonly WindowLength[] = ['Named', 'Borrowed', 'Assumed'];

const byDeadline = (a: Timed, b: Timed): number =>
  a.deadlineMs - b.deadlineMs ||
  a.noticedAtMs - b.noticedAtMs ||
  lengths.indexOf(a.length) - lengths.indexOf(b.length);

const windowOf = ({ atMs, minutes }: Pick<Signal, 'atMs' | 'minutes'>, otherwise: number): ReclaimWindow => ({
  noticedAtMs: atMs,
  deadlineMs: atMs + Math.round((minutes ?? otherwise) * 60_000),
});

// A pod that has ended, or that somebody is ending, was last under notice then.
const livedUntilMs = ({ pod, nowMs }: NoticeSources): number =>
  Math.min(pod.failedAtMs ?? nowMs, pod.deletedAtMs ?? nowMs);

const isSpent = (window: ReclaimWindow, sources: NoticeSources): boolean =>
  spentAtMs(window) <= livedUntilMs(sources);

/** The signals that are not spent, with their deadlines. What is spent lends no number either. */
const currentSignals = (signals: readonly Signal[], sources: NoticeSources): readonly Timed[] => {
  const { defaultMinutes, pod } = sources;
  const named = signals.filter(
    (signal) => signal.lends && !isSpent(windowOf(signal, defaultMinutes), sources),
  );
  return signals.flatMap((signal): Timed[] => {
    // Of several numbers the least, so that it does not matter which one came first.
    const told = named
      .filter((other) => areTogether(signal, other))
      .flatMap(({ minutes }) => minutes ?? [])
      .reduce<number | undefined>((a, b) => Math.min(a ?? b, b), undefined);
    const window = windowOf(signal, told ?? defaultMinutes);
    if (isSpent(window, sources)) return [];
    // A signal that is found late cannot bring a deadline forward that nobody was told of.
    const deadlineMs = isLive(pod) ? Math.max(window.deadlineMs, signal.seenMs) : window.deadlineMs;
    const length = lengthOf(signal, told, deadlineMs !== window.deadlineMs);
    return [{ ...signal, ...window, deadlineMs, length }];
  });
};

const lengthOf = ({ minutes, lends }: Signal, told: number | undefined, isLate: boolean): WindowLength => {
  if (minutes === undefined) return told === undefined ? 'Assumed' : 'Borrowed';
  return lends && !isLate ? 'Named' : 'Borrowed';
};

const knownSignals = ({ known, nowMs }: NoticeSources): Signal[] =>
  known
    ? [
        {
          source: 'Known',
          atMs: known.noticedAtMs,
          minutes: known.length === 'Assumed' ? undefined : (known.deadlineMs - known.noticedAtMs) / 60_000,
          // A number that comes late brings it forward to now at most.
          seenMs: Math.min(nowMs, known.deadlineMs),
          lends: (known.length ?? 'Named') === 'Named',
        },
      ]
    : [];

// The node writes both conditions, so either may name the number of one warning.
const expirySignal = (sources: NoticeSources, reclaimed: Signal | undefined): Signal | undefined => {
  const { expired } = sources.pod;
  if (!expired) return undefined;
  const signal = expiryWith(minutesIn(expired.message), expired, sources);
  return signal.minutes === undefined && reclaimed?.minutes && areTogether(signal, reclaimed)
    ? expiryWith(reclaimed.minutes, expired, sources)
    : signal;
};

// Where the first listing already showed the condition, the time counts that an earlier look or leader took down.
const expiryWith = (minutes: number | undefined, sign: InstanceSign, sources: NoticeSources): Signal => {
  const sighting = sources.sightings?.expired ?? firstSight(sign, sources);
  const noted = sighting.witnessed ? undefined : sources.known?.onCondition;
  const atMs = noted?.noticedAtMs ?? plausibleMs(sighting, minutes, sources);
  const signal: Signal = {
    source: 'Condition',
    atMs,
    minutes,
    seenMs: sighting.seenMs,
    lends: minutes !== undefined,
  };
  return { ...signal, atMs: repeatedMs(signal, sources) };
};

const firstSight = ({ sinceMs }: InstanceSign, { nowMs }: NoticeSources): Sighting => ({
  atMs: Math.min(sinceMs ?? nowMs, nowMs),
  seenMs: nowMs,
  witnessed: false,
});

// A living pod was not taken at a deadline that was over before its condition was seen: the time is wrong.
const plausibleMs = (
  { atMs, seenMs }: Sighting,
  minutes: number | undefined,
  { pod, defaultMinutes }: NoticeSources,
): number =>
  isLive(pod) && windowOf({ atMs, minutes }, defaultMinutes).deadlineMs <= seenMs ? seenMs : atMs;

// A warning that came to nothing may be repeated by a later transition time.
const repeatedMs = (signal: Signal, sources: NoticeSources): number => {
  const { pod, nowMs, defaultMinutes } = sources;
  const window = windowOf(signal, defaultMinutes);
  const sinceMs = Math.min(pod.expired?.sinceMs ?? 0, nowMs);
  return isSpent(window, sources) && sinceMs > window.deadlineMs ? sinceMs : signal.atMs;
};

const reclaimSignal = ({ pod, sightings, known, nowMs }: NoticeSources): Signal | undefined => {
  if (!pod.instance || !isReclaimed(pod)) return undefined;
  const { witnessed, seenMs } = sightings?.reclaimed ?? { witnessed: false, seenMs: nowMs };
  const atMs = witnessed ? seenMs : (known?.noticedAtMs ?? seenMs);
  const minutes = minutesIn(pod.instance.message);
  return { source: 'Condition', atMs, minutes, seenMs, lends: minutes !== undefined };
};

// A pod that was taken without a warning anybody saw: the release itself tells when its deadline was.
const releaseSignals = ({ pod: { releasedAtMs }, defaultMinutes }: NoticeSources): readonly Timed[] => {
  if (releasedAtMs === undefined) return [];
  const atMs = releasedAtMs - defaultMinutes * 60_000;
  const window = { noticedAtMs: atMs, deadlineMs: releasedAtMs };
  return [
    {
      source: 'Condition',
      atMs,
      minutes: defaultMinutes,
      seenMs: releasedAtMs,
      lends: false,
      ...window,
      length: 'Named',
    },
  ];
};

const eventSignals = (sources: NoticeSources): Signal[] =>
  [...sources.events]
    .filter((event) => isAbout(event, sources.pod, sources.isDeparted))
    .map((event) => eventSignal(event, sources));

// A series that began before the pod existed speaks of its namesake, and one whose first warning came to nothing warns
// anew: what it says last may be about this pod, or about this reclaim.
const eventSignal = ({ minutes, firstAtMs, lastAtMs }: PlatformEvent, sources: NoticeSources): Signal => {
  const first: Signal = {
    source: 'Event',
    atMs: firstAtMs,
    minutes,
    seenMs: sources.nowMs,
    lends: minutes !== undefined,
  };
  const over =
    firstAtMs < sources.pod.createdAtMs || isSpent(windowOf(first, sources.defaultMinutes), sources);
  return over ? { ...first, atMs: lastAtMs } : first;
};
