import type { EffectiveSpec } from '../api/index.ts';
import type { Member } from '../world/cohort.ts';
import { isOfKind, type Workload } from '../world/objects.ts';
import type { View } from '../world/view.ts';

/** How a policy divides the pods of a cohort. */
export type Distribution = EffectiveSpec['distribution'];

/** What a pod is given and why. */
export interface Share {
  readonly capacity: 'spot' | 'on-demand';
  readonly reason: 'OnDemandBase' | 'SpotPercentage';
}

/** Pods of one cohort by what they ask for. */
export interface Tally {
  readonly spot: number;
  readonly onDemand: number;
}

/** Whether the pods under `spec` are not all of one capacity. */
export const divides = ({ strategy, distribution, injection }: EffectiveSpec): boolean =>
  (distribution.onDemandBase > 0 || distribution.spotPercentage < 100) &&
  strategy !== undefined &&
  strategy !== 'NoSpot' &&
  injection.at === 'Pod';

/**
 * What one more pod beside these is given: the base first, then spot exactly where the share has room for it.
 *
 * While pods are only added the share is exact after each; otherwise each addition moves towards it.
 */
export const nextShare = ({ spot, onDemand }: Tally, distribution: Distribution): Share => {
  const { onDemandBase } = distribution;
  if (onDemand < onDemandBase) return { capacity: 'on-demand', reason: 'OnDemandBase' };
  const aboveBase = spot + onDemand - onDemandBase;
  const capacity = spot < spotOf(aboveBase + 1, distribution) ? 'spot' : 'on-demand';
  return { capacity, reason: 'SpotPercentage' };
};

/** What the pod with this index is given, the first being 0, so that any number of first pods has the share. */
export const shareOfIndex = (index: number, distribution: Distribution): Share => {
  const aboveBase = index - distribution.onDemandBase;
  if (aboveBase < 0) return { capacity: 'on-demand', reason: 'OnDemandBase' };
  const added = spotOf(aboveBase + 1, distribution) - spotOf(aboveBase, distribution);
  return { capacity: added > 0 ? 'spot' : 'on-demand', reason: 'SpotPercentage' };
};

/** How many of these pods would have to change their capacity for the distribution to hold. */
export const deviationOf = ({ spot, onDemand }: Tally, distribution: Distribution): number => {
  const aboveBase = Math.max(0, spot + onDemand - distribution.onDemandBase);
  return Math.abs(spot - spotOf(aboveBase, distribution));
};

const spotOf = (aboveBase: number, { spotPercentage }: Distribution): number =>
  Math.floor((aboveBase * spotPercentage) / 100);

/** A pod whose controller may number its pods. */
export interface Numbered extends Member {
  readonly name: string;
  readonly annotations: Readonly<Record<string, string>>;
}

// Written by the StatefulSet and the Job controller; the annotation also before Kubernetes 1.28.
const ordinalLabel = 'apps.kubernetes.io/pod-index';
const completionIndex = 'batch.kubernetes.io/job-completion-index';

/** Whether the controller is a StatefulSet, whose pods are numbered from the ordinal that its spec names. */
export const isOfStatefulSet = ({ controller }: Pick<Member, 'controller'>): boolean =>
  isOfKind(controller, 'StatefulSet');

/** The index of a pod of a StatefulSet or of an Indexed Job, counted from 0; undefined for any other pod. */
export const indexOf = (view: View, pod: Numbered): number | undefined => {
  const { controller, labels, annotations, name } = pod;
  if (!controller) return undefined;
  if (isOfStatefulSet(pod)) {
    const ordinal = wholeNumber(labels[ordinalLabel]) ?? wholeNumber(/-(\d+)$/.exec(name)?.[1]);
    const owner: Workload | undefined = view.workload(controller);
    return ordinal === undefined ? undefined : Math.max(0, ordinal - (owner?.firstOrdinal ?? 0));
  }
  return isOfKind(controller, 'Job')
    ? wholeNumber(labels[completionIndex] ?? annotations[completionIndex])
    : undefined;
};

const wholeNumber = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
