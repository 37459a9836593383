import { apiEvict, eciAnnotations, eciLabel, eciSpotPrefix } from '../api/keys.ts';
import type { EffectiveSpec } from '../api/index.ts';
import type { Share } from './distribution.ts';
import { asksNode, type Planned } from './plan.ts';

/** Annotations or labels by key. */
export type Values = Readonly<Record<string, string>>;

/** Why a governed pod has the capacity it has, as its stamp says. */
export type Reason = 'Policy' | 'UserValueKept' | Share['reason'];

/** What a pod is given, before the user's own word is considered. */
export interface Gift {
  readonly annotations: Values;
  readonly labels: Values;
}

/**
 * The ECI annotations and labels that `spec` asks for on such a pod, of one that a distribution puts on
 * demand without those of spot. Texts of users (the price) are passed on as they were written.
 */
export const giftOf = (spec: EffectiveSpec, pod: Planned, capacity: Share['capacity'] = 'spot'): Gift => ({
  annotations:
    spec.strategy === undefined || spec.strategy === 'NoSpot'
      ? {}
      : { ...(capacity === 'spot' && spotAnnotations(spec, pod)), ...specAnnotations(spec) },
  labels: spec.injection.scheduling === 'VirtualNode' ? { [eciLabel]: 'true' } : {},
});

const spotAnnotations = (spec: EffectiveSpec, pod: Planned): Values => ({
  [eciAnnotations.spotStrategy]: String(spec.strategy),
  ...(spec.priceLimit !== undefined && { [eciAnnotations.spotPriceLimit]: spec.priceLimit }),
  // ECI's own default is "1" as well; written out, the pod says what it got.
  [eciAnnotations.spotDuration]: String(spec.durationHours),
  ...(spec.fallback.mode === 'AtCreation' && { [eciAnnotations.spotFallback]: 'true' }),
  ...(asksNode(spec, pod) && { [eciAnnotations.spotReleaseStrategy]: apiEvict }),
});

const specAnnotations = ({ instanceSpecs }: EffectiveSpec): Values =>
  instanceSpecs?.length ? { [eciAnnotations.useSpecs]: instanceSpecs.join(',') } : {};

/** New values by key; undefined takes a key away. What is not named stays: a pod may have tens of thousands of keys. */
export type Edits = Readonly<Record<string, string | undefined>>;

/** The value of a key after the edits; undefined where it is not there. */
export const valueAfter = (own: Values, edits: Edits, key: string): string | undefined => {
  if (Object.hasOwn(edits, key)) return edits[key];
  return Object.hasOwn(own, key) ? own[key] : undefined;
};

/** What the gift changes in a pod's annotations, and whether a value of its user was kept against it. */
export interface Merged {
  readonly edits: Edits;
  readonly userValueKept: boolean;
}

/**
 * What the gift changes in the annotations of a pod.
 *
 * `Keep`: a value that is there stays, key by key, and what would change its meaning is not added. `Overwrite`: the gift stands, and spot annotations that it does not
 * hold go, so that no pair of ours and theirs contradicts itself.
 */
export const mergeAnnotations = (own: Values, gift: Values, existing: 'Keep' | 'Overwrite'): Merged => {
  const theirs = Object.keys(own).filter((key) => key.startsWith(eciSpotPrefix) || Object.hasOwn(gift, key));
  if (existing === 'Overwrite') {
    const gone = Object.fromEntries(theirs.map((key) => [key, undefined]));
    return { edits: { ...gone, ...gift }, userValueKept: false };
  }
  const fitting = besides(own, gift);
  const withheld = Object.keys(gift).some((key) => !Object.hasOwn(fitting, key) && !Object.hasOwn(own, key));
  return {
    edits: Object.fromEntries(Object.entries(fitting).filter(([key]) => !Object.hasOwn(own, key))),
    userValueKept: withheld || theirs.some((key) => own[key] !== gift[key]),
  };
};

/** The capacity that a pod gets by its user's own values whatever the gift of spot annotations; undefined where the policy decides. */
export const keptCapacity = (
  own: Values,
  gift: Values,
  existing: 'Keep' | 'Overwrite',
): Share['capacity'] | undefined => {
  if (existing === 'Overwrite') return undefined;
  if (spotStrategy in own) return 'spot';
  return spotStrategy in besides(own, gift) ? undefined : 'on-demand';
};

const { spotStrategy, spotPriceLimit, spotFallback, spotDuration } = eciAnnotations;

/**
 * The part of the gift that may stand beside a user's own values. The spot annotations are one decision: the author of the
 * strategy made it, and a limit without a fallback is a cap, which a fallback of ours would lift.
 */
const besides = (own: Values, gift: Values): Values => {
  if (own[spotStrategy] !== undefined) return omit(gift, [spotPriceLimit, spotFallback, spotDuration]);
  if (own[spotPriceLimit] === undefined) return gift;
  // ECI refuses a limit beside a strategy that takes none.
  if (gift[spotPriceLimit] === undefined)
    return omit(
      gift,
      Object.keys(gift).filter((key) => key.startsWith(eciSpotPrefix)),
    );
  return omit(gift, [spotFallback]);
};

const omit = (values: Values, keys: readonly string[]): Values =>
  Object.fromEntries(Object.entries(values).filter(([key]) => !keys.includes(key)));

// kube-apiserver's limit for all keys and values of one object: TotalAnnotationSizeLimitB of apimachinery's validation.
const mostBytes = 256 * 1024;

/** Whether an object may hold these annotations after the edits. */
export const fit = (own: Values, edits: Edits): boolean => {
  const texts = [
    ...Object.entries(own).filter(([key]) => !Object.hasOwn(edits, key)),
    ...Object.entries(edits).filter(([, value]) => value !== undefined),
  ].flat();
  return bytesFit(texts as string[], mostBytes);
};

/** Whether texts, in UTF-8, are no longer than so many bytes together. */
const bytesFit = (texts: readonly string[], most: number): boolean => {
  const length = texts.reduce((sum, { length: own }) => sum + own, 0);
  // A UTF-16 unit becomes one to three bytes: texts of ordinary size are not encoded to be counted.
  if (length > most) return false;
  return length * 3 <= most || new TextEncoder().encode(texts.join('')).length <= most;
};
