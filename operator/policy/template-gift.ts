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

/**
 * What `policy` has our field manager own of a template: the annotations and labels that a pod would get at admission,
 * but for keys that somebody else wrote there, which stay theirs.
 */
export const ownedUnder = (policy: SoundPolicy, workload: Templated, template: Template): Owned => {
  const gift = giftOf(policy.spec, madeFrom(workload, template).controller);
  const own = without(template.annotations, [...template.owned.annotations, ...stamps]);
  const { edits, userValueKept } = mergeAnnotations(own, gift.annotations, 'Keep');
  const ownLabels = without(template.labels, template.owned.labels);
  const reason: Reason = userValueKept ? 'UserValueKept' : 'Policy';
  return {
    annotations: {
      ...given(edits),
      [ourAnnotations.policy]: policyKey(policy),
      [ourAnnotations.revision]: revisionOf(policy),
      [ourAnnotations.reason]: reason,
    },
    labels: {
      ...without(gift.labels, Object.keys(ownLabels)),
      [ourLabels.capacity]:
        valueAfter(own, edits, eciAnnotations.spotStrategy) === undefined ? 'on-demand' : 'spot',
    },
  };
};

// With Keep nothing is taken away.
const given = (edits: Edits): Values =>
  Object.fromEntries(
    Object.entries(edits).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );

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
      // Whether a value of the user was kept is not worth restarting pods for.
      (present[key] === value || (key === ourAnnotations.reason && present[key] !== undefined)),
  );
