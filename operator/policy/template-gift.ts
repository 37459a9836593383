import { eciAnnotations, ourAnnotations, ourLabels } from '../api/keys.ts';
import { groupOf } from '../world/object.ts';
import { policyKey, type SoundPolicy } from '../world/policy.ts';
import { type Template, type Templated, templates } from '../world/template.ts';
import { type Edits, giftOf, mergeAnnotations, type Reason, valueAfter, type Values } from './gift.ts';
import type { Subject } from './owners.ts';
import { revisionOf } from './revision.ts';

/** What our field manager is to own of a template: all that it writes there, and nothing when it lets go. */
export interface Owned {
  readonly annotations: Values;
  readonly labels: Values;
}

/** A pod made from the template of a workload, as far as it decides which policy governs it. */
export const madeFrom = ({ kind, namespace, name, uid }: Templated, { labels }: Template): Subject => ({
  namespace,
  labels,
  controller: { namespace, group: groupOf(templates[kind].apiVersion), kind, name, uid },
});

const stamps: readonly string[] = Object.values(ourAnnotations);
// Ours by definition, whoever else wrote them.
const alwaysOurs: readonly string[] = [...stamps, ourLabels.capacity];

/**
 * What `policy` has our field manager own of a template: the annotations and labels that a pod would get at admission,
 * but for keys that somebody else wrote there, which stay theirs.
 */
export const ownedUnder = (policy: SoundPolicy, workload: Templated, template: Template): Owned => {
  // A kind whose pods come to an end is planned by its name.
  const gift = giftOf(policy.spec, { controller: madeFrom(workload, template).controller, restarts: true });
  const ours = broughtBack(template);
  const own = without(template.annotations, [...template.owned.annotations, ...ours, ...stamps]);
  const { edits, userValueKept } = mergeAnnotations(own, gift.annotations, 'Keep');
  const ownLabels = without(template.labels, [...template.owned.labels, ...ours]);
  const reason: Reason = userValueKept ? 'UserValueKept' : 'Policy';
  const given = givenIn(edits);
  const givenLabels = without(gift.labels, Object.keys(ownLabels));
  return {
    annotations: {
      ...given,
      [ourAnnotations.policy]: policyKey(policy),
      [ourAnnotations.revision]: revisionOf(policy),
      [ourAnnotations.reason]: reason,
      [ourAnnotations.lastApplied]: spell({ ...given, ...givenLabels }),
    },
    labels: {
      ...givenLabels,
      [ourLabels.capacity]:
        valueAfter(own, edits, eciAnnotations.spotStrategy) === undefined ? 'on-demand' : 'spot',
    },
  };
};

// With Keep nothing is taken away.
const givenIn = (edits: Edits): Values =>
  Object.fromEntries(
    Object.entries(edits).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );

// In the order of the keys, so that the same values are the same text.
const spell = (values: Values): string =>
  JSON.stringify(Object.fromEntries(Object.entries(values).toSorted(([a], [b]) => (a < b ? -1 : 1))));

/**
 * Keys of values that were once ours and stand there again under another manager's name. `kubectl rollout undo` writes a
 * whole template of the past: what differs from the present one changes hands, our record of what we gave with it. A value
 * that differs from that record is the user's, and so is one that a manager applied.
 */
const broughtBack = ({ annotations, labels, updated }: Template): readonly string[] => {
  const given = read(annotations[ourAnnotations.lastApplied]);
  const present: Values = { ...labels, ...annotations };
  return updated.filter(
    (key) => alwaysOurs.includes(key) || (Object.hasOwn(given, key) && given[key] === present[key]),
  );
};

// Users can write it too.
const read = (text = '{}'): Readonly<Record<string, unknown>> => {
  try {
    const values: unknown = JSON.parse(text);
    return typeof values === 'object' && values !== null ? { ...values } : {};
  } catch {
    return {};
  }
};

/** What an apply needs besides, where values of ours stand in a template under another manager's name. */
export interface Recovery {
  /** Every key on which the apply conflicts is ours, so that it may be forced. */
  readonly force: boolean;
  /** What stands there of ours and is wanted no more: our manager does not own it, so no apply takes it away. */
  readonly removed: Owned;
}

/** What it takes to make `wanted` of a template in which values of ours were brought back; undefined where none were. */
export const recoveryOf = (template: Template, wanted: Owned): Recovery | undefined => {
  const ours = broughtBack(template);
  const conflicting = [
    ...conflicts(template.annotations, wanted.annotations, template),
    ...conflicts(template.labels, wanted.labels, template),
  ];
  const force =
    conflicting.length > 0 && conflicting.every((key) => alwaysOurs.includes(key) || ours.includes(key));
  const left = (present: Values, kept: Values): Values =>
    Object.fromEntries(Object.entries(present).filter(([key]) => ours.includes(key) && !(key in kept)));
  const removed: Owned = {
    annotations: left(template.annotations, wanted.annotations),
    labels: left(template.labels, wanted.labels),
  };
  return force || Object.values(removed).some((values) => Object.keys(values).length > 0)
    ? { force, removed }
    : undefined;
};

// An apply conflicts where another manager holds the key and the value would change, and where one holds the whole map.
const conflicts = (present: Values, wanted: Values, { others }: Template): readonly string[] => [
  ...Object.keys(wanted).filter((key) => key in others && present[key] !== wanted[key]),
  ...['annotations', 'labels'].filter((part) => part in others),
];

/** Whether our manager holds anything of a template. */
export const isOursInPart = ({ owned }: Template): boolean =>
  owned.annotations.length + owned.labels.length > 0;

const without = (values: Values, keys: readonly string[]): Values =>
  Object.fromEntries(Object.entries(values).filter(([key]) => !keys.includes(key)));

/** Whether a template carries exactly this of ours, so that nothing is to be written. */
export const isAsWanted = ({ annotations, labels, owned }: Template, wanted: Owned): boolean =>
  holds(wanted.annotations, annotations, owned.annotations) && holds(wanted.labels, labels, owned.labels);

const holds = (wanted: Values, present: Values, owned: readonly string[]): boolean =>
  owned.every((key) => key in wanted) &&
  Object.entries(wanted).every(
    ([key, value]) =>
      owned.includes(key) &&
      // That a user took a value over is not worth restarting pods for.
      (present[key] === value || (isRemark(key) && present[key] !== undefined)),
  );

const isRemark = (key: string): boolean =>
  key === ourAnnotations.reason || key === ourAnnotations.lastApplied;
