import { eciAnnotations, ourAnnotations, ourLabels } from '../api/keys.ts';
import type { Share } from '../policy/distribution.ts';
import { isSparkDriver, type Subject } from '../policy/owners.ts';
import { revisionOf } from '../policy/revision.ts';
import { policyKey, type SoundPolicy } from '../world/policy.ts';
import {
  type Edits,
  giftOf,
  keptCapacity,
  mergeAnnotations,
  type Reason,
  valueAfter,
  type Values,
} from '../policy/gift.ts';
import type { Planned } from '../policy/plan.ts';
import { isStamped, type Stamping, stampOf } from './stamp.ts';

/** A pod on its way in: what decides on it, and the annotations it has so far. */
export interface Incoming extends Subject, Planned {
  readonly annotations: Values;
}

/** The changes of its metadata. */
export interface Injected {
  readonly annotations: Edits;
  readonly labels: Edits;
}

/** Whether the pod comes with stamps that we gave it in this very admission. */
export const isRepeated = (pod: Incoming, stamping: Stamping): boolean =>
  isStamped(pod, { ...stampsOn(pod), ...capacityOf(pod.labels[ourLabels.capacity]) }, stamping);

/** The capacity that the pod's user has chosen for it and that its policy respects; undefined where the policy decides. */
export const chosenCapacity = (pod: Incoming, policy: SoundPolicy): Share['capacity'] | undefined =>
  keptCapacity(
    pod.annotations,
    giftOf(specFor(pod, policy), pod).annotations,
    policy.spec.injection.existing,
  );

/**
 * The changes that a policy makes to a pod, with its share where the policy divides its pods. The same pod under the same policy
 * with the same share always gets the same. A pod that comes with stamps of this very admission keeps the decision.
 */
export const inject = (pod: Incoming, policy: SoundPolicy, stamping: Stamping, share?: Share): Injected => {
  const repeated = isRepeated(pod, stamping);
  const revision = revisionOf(policy);
  // Edited between two calls of one admission: the pod keeps the decision it was given first.
  if (repeated && pod.annotations[ourAnnotations.revision] !== revision) return nothing;
  const { existing } = policy.spec.injection;
  const chosen = share && chosenCapacity(pod, policy);
  const decided = repeated ? pod.labels[ourLabels.capacity] : (chosen ?? share?.capacity);
  const gift = giftOf(
    specFor(pod, policy),
    pod,
    decided === 'on-demand' && chosen === undefined ? 'on-demand' : 'spot',
  );
  const { edits, userValueKept } = mergeAnnotations(pod.annotations, gift.annotations, existing);
  const strategy = valueAfter(pod.annotations, edits, eciAnnotations.spotStrategy);
  const capacity = strategy === undefined ? 'on-demand' : 'spot';
  const reason: Reason =
    userValueKept || chosen !== undefined ? 'UserValueKept' : (share?.reason ?? 'Policy');
  const stamps = {
    [ourAnnotations.policy]: policyKey(policy),
    [ourAnnotations.revision]: revision,
    [ourAnnotations.reason]: (repeated && pod.annotations[ourAnnotations.reason]) || reason,
  };
  const admission = repeated
    ? pod.annotations[ourAnnotations.admission]
    : stampOf(pod, { ...stamps, ...capacityOf(capacity) }, stamping);
  return {
    annotations: { ...edits, ...noStamps, ...stamps, [ourAnnotations.admission]: admission },
    labels: { ...labelEdits(pod.labels, gift.labels, existing), [ourLabels.capacity]: capacity },
  };
};

const nothing: Injected = { annotations: {}, labels: {} };

const labelEdits = (own: Values, gift: Values, existing: 'Keep' | 'Overwrite'): Values =>
  existing === 'Overwrite'
    ? gift
    : Object.fromEntries(Object.entries(gift).filter(([key]) => !Object.hasOwn(own, key)));

/** The spec that counts for a pod: the driver of a Spark application may be left out of what its executors get. */
export const specFor = (pod: Incoming, { spec }: SoundPolicy): SoundPolicy['spec'] =>
  spec.spark.driver === 'OnDemand' && isSparkDriver(pod) ? { ...spec, strategy: 'NoSpot' } : spec;

const capacityOf = (capacity = ''): Values => ({ [ourLabels.capacity]: capacity });

const ours: readonly string[] = Object.values(ourAnnotations);
// Stamps of another pod come along when somebody copies its manifest.
const noStamps: Edits = Object.fromEntries(ours.map((key) => [key, undefined]));

const stampsOn = ({ annotations }: Incoming): Values =>
  Object.fromEntries(
    ours.filter((key) => Object.hasOwn(annotations, key)).map((key) => [key, annotations[key] ?? '']),
  );
