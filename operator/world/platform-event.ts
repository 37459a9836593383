import type { Event as RawEvent } from 'kubernetes-types/core/v1.d.ts';
import { eciAnnotations } from '../api/keys.ts';
import { type Identity, identityOf, instantMs } from './object.ts';
import type { Pod } from './pod.ts';

/** What is read of an Event of the platform about a pod: SpotToBeReleased or SpotDegraded. */
export interface PlatformEvent extends Identity {
  /** `involvedObject.name`; empty where no pod can have that name. */
  readonly podName: string;
  /** `involvedObject.uid`: the pod's UID, or an ECI instance id (`eci-…`); empty where it can be neither. */
  readonly involvedUid: string;
  /** The window that its text names, in minutes; undefined where it names none. */
  readonly minutes: number | undefined;
  /** First time it was seen: firstTimestamp, else eventTime, else lastTimestamp, else its creation. */
  readonly firstAtMs: number;
  /** Last time it was seen: the series' last, else lastTimestamp, else the first time. */
  readonly lastAtMs: number;
}

// The API server limits the name of a pod to 253 characters. It does not check an Event's fields, each of which may be
// as long as a whole object, 1.5 MB.
const longestName = 253;
// The platform's texts have below a hundred.
const longestText = 256;
// A text may name any number; more than a day is not a reclaim.
const longestMinutes = 24 * 60;

/** The world's record of a platform Event; none of its strings is longer than a name. */
export const trimEvent = (raw: RawEvent): PlatformEvent => {
  const last = instantMs(raw.series?.lastObservedTime) ?? instantMs(raw.lastTimestamp);
  const first = instantMs(raw.firstTimestamp) ?? instantMs(raw.eventTime) ?? last;
  const firstAtMs = first ?? instantMs(raw.metadata.creationTimestamp) ?? 0;
  return {
    ...identityOf(raw),
    podName: shortOnly(raw.involvedObject.name),
    involvedUid: shortOnly(raw.involvedObject.uid),
    minutes: minutesIn(raw.message ?? ''),
    firstAtMs,
    lastAtMs: last ?? firstAtMs,
  };
};

// A part of a string keeps the whole string in memory, and a part of a name names something else.
const shortOnly = (text = ''): string => (text.length > longestName ? '' : text);

/**
 * The window that a text such as `Spot ECI will be released in 3 minutes` names, in minutes. ECI's template has a text in
 * the place of the number (`%s`), so a fraction is read as well.
 */
export const minutesIn = (text: string): number | undefined => {
  const minutes = Number(/released in (\d+(?:\.\d+)?) minutes?/i.exec(text.slice(0, longestText))?.[1]);
  return minutes > 0 && minutes <= longestMinutes ? minutes : undefined;
};

/**
 * How an Event relates to a pod of the name that it gives: its UID or instance id is the pod's (`Proven`), is the id of
 * another instance (`Another`), or is the UID of a pod that is gone (`Departed`). The platform may write anything else
 * there, so then time decides: the Event is younger than the pod (`Younger`) or not (`Older`).
 */
export type Relation = 'Proven' | 'Another' | 'Departed' | 'Younger' | 'Older';

/**
 * The relation of an Event to the pod of its name.
 *
 * API times are whole seconds, and no pod is reclaimed within the second of its creation: a notice of that second is
 * about an earlier pod of the name.
 */
export const relationOf = (
  { involvedUid, lastAtMs }: PlatformEvent,
  { uid, annotations, createdAtMs }: Pod,
  isDeparted: (uid: string) => boolean,
): Relation => {
  const instanceId = annotations[eciAnnotations.instanceId];
  if (involvedUid === uid || (instanceId && involvedUid === instanceId)) return 'Proven';
  if (involvedUid.startsWith('eci-') && instanceId) return 'Another';
  if (isDeparted(involvedUid)) return 'Departed';
  return lastAtMs >= createdAtMs + 1_000 ? 'Younger' : 'Older';
};

/** Whether an Event about a pod's name is about this pod. */
export const isAbout = (event: PlatformEvent, pod: Pod, isDeparted: (uid: string) => boolean): boolean => {
  if (event.namespace !== pod.namespace || event.podName !== pod.name) return false;
  const relation = relationOf(event, pod, isDeparted);
  return relation === 'Proven' || relation === 'Younger';
};
