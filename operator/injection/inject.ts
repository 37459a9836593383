import { eciAnnotations, ourAnnotations, ourLabels } from '../api/keys.ts';
import type { Share } from '../policy/distribution.ts';
import { isSparkDriver, type Subject } from '../policy/owners.ts';
import { revisionOf } from '../policy/revision.ts';
import { policyKey, type SoundPolicy } from '../world/policy.ts';
import { giftOf, keptCapacity, mergeAnnotations, type Reason, type Values } from '../policy/gift.ts';
import { isStamped, type Stamping, stampOf } from './stamp.ts';

/** A pod on its way in: what decides on it, and the annotations it has so far. */
export interface Incoming extends Subject {
  readonly annotations: Values;
}

/** What becomes of its metadata. */
export interface Injected {
  readonly annotations: Values;
  readonly labels: Values;
}

/** Whether the pod comes with stamps that we gave it in this very admission. */
export const isRepeated = (pod: Incoming, stamping: Stamping): boolean =>
  isStamped(pod, { ...pod.annotations, ...capacityOf(pod.labels) }, stamping);

/** The capacity that the pod's user has chosen for it and that its policy respects; undefined where the policy decides. */
export const chosenCapacity = (pod: Incoming, policy: SoundPolicy): Share['capacity'] | undefined =>
  keptCapacity(
    pod.annotations,
    giftOf(specFor(pod, policy), pod.controller).annotations,
    policy.spec.injection.existing,
  );

/**
 * The labels and annotations of a governed pod, with its share where the policy divides its pods. The same pod under the
 * same policy with the same share always gets the same; of stamps of this very admission the decision is kept.
 */
export const inject = (pod: Incoming, policy: SoundPolicy, stamping: Stamping, share?: Share): Injected => {
  const repeated = isRepeated(pod, stamping);
  const revision = revisionOf(policy);
  // Edited between two calls of one admission: the pod keeps the decision it was given first.
  if (repeated && pod.annotations[ourAnnotations.revision] !== revision) return pod;
  const { existing } = policy.spec.injection;
  const chosen = share && chosenCapacity(pod, policy);
  const decided = repeated ? pod.labels[ourLabels.capacity] : (chosen ?? share?.capacity);
  const gift = giftOf(
    specFor(pod, policy),
    pod.controller,
    decided === 'on-demand' && chosen === undefined ? 'on-demand' : 'spot',
  );
  const { annotations, userValueKept } = mergeAnnotations(
    withoutStamps(pod.annotations),
    gift.annotations,
    existing,
  );
  const labels = {
    ...(existing === 'Keep' ? { ...gift.labels, ...pod.labels } : { ...pod.labels, ...gift.labels }),
    [ourLabels.capacity]: eciAnnotations.spotStrategy in annotations ? 'spot' : 'on-demand',
  };
  const reason: Reason =
    userValueKept || chosen !== undefined ? 'UserValueKept' : (share?.reason ?? 'Policy');
  const stamps = {
    [ourAnnotations.policy]: policyKey(policy),
    [ourAnnotations.revision]: revision,
    [ourAnnotations.reason]: (repeated && pod.annotations[ourAnnotations.reason]) || reason,
  };
  const admission = repeated
    ? (pod.annotations[ourAnnotations.admission] ?? '')
    : stampOf(pod, { ...stamps, ...capacityOf(labels) }, stamping);
  return { annotations: { ...annotations, ...stamps, [ourAnnotations.admission]: admission }, labels };
};

/** The spec that counts for a pod: the driver of a Spark application may be left out of what its executors get. */
export const specFor = (pod: Incoming, { spec }: SoundPolicy): SoundPolicy['spec'] =>
  spec.spark.driver === 'OnDemand' && isSparkDriver(pod) ? { ...spec, strategy: 'NoSpot' } : spec;

const capacityOf = (labels: Values): Values => ({ [ourLabels.capacity]: labels[ourLabels.capacity] ?? '' });

const ours: readonly string[] = Object.values(ourAnnotations);

// Stamps of another pod come along when somebody copies its manifest.
const withoutStamps = (annotations: Values): Values =>
  Object.fromEntries(Object.entries(annotations).filter(([key]) => !ours.includes(key)));
