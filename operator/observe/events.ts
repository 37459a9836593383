import type { Event } from 'kubernetes-types/core/v1.js';

const component = 'spotpolicy';
// What events.k8s.io allows (NoteLengthLimit); the older API takes more, but its readers show no more.
const messageLimit = 1024;
// The longest name an object may have (a DNS subdomain).
const nameLimit = 253;

/** The object an Event is about, `namespace` empty where it has none; `resourceVersion` says which version of it was seen. */
export interface EventSubject {
  apiVersion: string;
  kind: string;
  namespace: string;
  name: string;
  uid: string;
  resourceVersion?: string;
}

/** What to say about an object: `reason` is a CamelCase word, `message` a sentence, clipped to 1024 characters. */
export interface EventNote {
  subject: EventSubject;
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
}

/** How often the same note was made and between which times, in milliseconds since 1970. */
export interface Sightings {
  count: number;
  firstMs: number;
  lastMs: number;
}

const clip = (text: string, limit: number): string =>
  text.length > limit ? `${text.slice(0, limit - 1)}…` : text;

// A label of a DNS subdomain may not end in what a cut could leave.
const toName = (subject: string, suffix: string): string =>
  `${subject.slice(0, nameLimit - suffix.length - 1).replace(/[-.]+$/, '')}.${suffix}`;

const toTime = (timeMs: number): string => new Date(timeMs).toISOString();

/** The namespace of Events about an object: of objects without one the API server wants them in `default`. */
export const placeOf = ({ namespace }: Pick<EventSubject, 'namespace'>): string => namespace || 'default';

const toReference = ({ namespace, ...rest }: EventSubject): Event['involvedObject'] =>
  namespace === '' ? rest : { ...rest, namespace };

/** What makes two notes the same: the object, the reason and the words. */
export const noteKey = ({ subject, reason, message }: EventNote): string =>
  JSON.stringify([subject.uid, reason, message]);

/** The core/v1 Event for a note; `suffix` (lower-case letters, digits) makes its name unique, `instance` is the replica. */
export const toEvent = (note: EventNote, sightings: Sightings, suffix: string, instance: string): Event => ({
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { name: toName(note.subject.name, suffix), namespace: placeOf(note.subject) },
  involvedObject: toReference(note.subject),
  type: note.type,
  reason: note.reason,
  message: clip(note.message, messageLimit),
  source: { component },
  reportingComponent: component,
  reportingInstance: instance,
  ...toGrowth(sightings),
  firstTimestamp: toTime(sightings.firstMs),
});

/** The merge patch of an Event that was seen again: its count and its latest time. */
export const toGrowth = ({ count, lastMs }: Sightings) => ({ count, lastTimestamp: toTime(lastMs) });
