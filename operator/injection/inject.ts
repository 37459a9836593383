import { eciAnnotations, ourAnnotations, ourLabels } from '../api/keys.ts';
import { isSparkDriver, type Subject } from '../policy/owners.ts';
import { revisionOf } from '../policy/revision.ts';
import { policyKey, type SoundPolicy } from '../world/policy.ts';
import { giftOf, mergeAnnotations, type Reason, type Values } from './annotations.ts';
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

/** The labels and annotations of a governed pod. The same pod under the same policy always gets the same. */
export const inject = (pod: Incoming, policy: SoundPolicy, stamping: Stamping): Injected => {
  const gift = giftOf(specFor(pod, policy));
  const repeated = isStamped(pod, { ...pod.annotations, ...capacityOf(pod.labels) }, stamping);
  const revision = revisionOf(policy);
  // Edited between two calls of one admission: the pod keeps the decision it was given first.
  if (repeated && pod.annotations[ourAnnotations.revision] !== revision) return pod;
  const own = withoutStamps(pod.annotations);
  const { annotations, userValueKept } = mergeAnnotations(
    own,
    gift.annotations,
    policy.spec.injection.existing,
  );
  const keeps = policy.spec.injection.existing === 'Keep';
  const labels = {
    ...(keeps ? { ...gift.labels, ...pod.labels } : { ...pod.labels, ...gift.labels }),
    [ourLabels.capacity]: eciAnnotations.spotStrategy in annotations ? 'spot' : 'on-demand',
  };
  const reason: Reason = userValueKept ? 'UserValueKept' : 'Policy';
  const stamps = {
    [ourAnnotations.policy]: policyKey(policy),
    [ourAnnotations.revision]: revision,
    [ourAnnotations.reason]: reason,
  };
  const admission = repeated
    ? (pod.annotations[ourAnnotations.admission] ?? '')
    : stampOf(pod, { ...stamps, ...capacityOf(labels) }, stamping);
  return { annotations: { ...annotations, ...stamps, [ourAnnotations.admission]: admission }, labels };
};

const specFor = (pod: Incoming, { spec }: SoundPolicy): SoundPolicy['spec'] =>
  spec.spark.driver === 'OnDemand' && isSparkDriver(pod) ? { ...spec, strategy: 'NoSpot' } : spec;

const capacityOf = (labels: Values): Values => ({ [ourLabels.capacity]: labels[ourLabels.capacity] ?? '' });

const ours: readonly string[] = Object.values(ourAnnotations);

// Stamps of another pod come along when somebody copies its manifest.
const withoutStamps = (annotations: Values): Values =>
  Object.fromEntries(Object.entries(annotations).filter(([key]) => !ours.includes(key)));
