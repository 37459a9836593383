import { apiEvict, eciAnnotations, eciLabel, eciSpotPrefix } from '../api/keys.ts';
import type { EffectiveSpec } from '../api/index.ts';
import type { Controller } from '../world/object.ts';
import type { Share } from './distribution.ts';
import { asksNode } from './plan.ts';

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
 * The ECI annotations and labels that `spec` asks for on pods of this controller, of a pod that a distribution puts on
 * demand without those of spot. Texts of users (the price) are passed on as they were written.
 */
export const giftOf = (
  spec: EffectiveSpec,
  controller: Controller | undefined,
  capacity: Share['capacity'] = 'spot',
): Gift => ({
  annotations:
    spec.strategy === undefined || spec.strategy === 'NoSpot'
      ? {}
      : { ...(capacity === 'spot' && spotAnnotations(spec, controller)), ...specAnnotations(spec) },
  labels: spec.injection.scheduling === 'VirtualNode' ? { [eciLabel]: 'true' } : {},
});

const spotAnnotations = (spec: EffectiveSpec, controller: Controller | undefined): Values => ({
  [eciAnnotations.spotStrategy]: String(spec.strategy),
  ...(spec.priceLimit !== undefined && { [eciAnnotations.spotPriceLimit]: spec.priceLimit }),
  // ECI's own default is "1" as well; written out, the pod says what it got.
  [eciAnnotations.spotDuration]: String(spec.durationHours),
  ...(spec.fallback.mode === 'AtCreation' && { [eciAnnotations.spotFallback]: 'true' }),
  ...(asksNode(spec, controller) && { [eciAnnotations.spotReleaseStrategy]: apiEvict }),
});

const specAnnotations = ({ instanceSpecs }: EffectiveSpec): Values =>
  instanceSpecs?.length ? { [eciAnnotations.useSpecs]: instanceSpecs.join(',') } : {};

/** The annotations of a pod after the gift, and whether a value of its user was kept against it. */
export interface Merged {
  readonly annotations: Values;
  readonly userValueKept: boolean;
}

/**
 * The pod's annotations with the gift.
 *
 * `Keep`: a value that is there stays, key by key. `Overwrite`: the gift stands, and spot annotations that it does not
 * hold go, so that no pair of ours and theirs contradicts itself.
 */
export const mergeAnnotations = (own: Values, gift: Values, existing: 'Keep' | 'Overwrite'): Merged => {
  if (existing === 'Overwrite') {
    const rest = Object.entries(own).filter(([key]) => !key.startsWith(eciSpotPrefix) || key in gift);
    return { annotations: { ...Object.fromEntries(rest), ...gift }, userValueKept: false };
  }
  const fitting = withoutContradiction(own, gift);
  const differs = (key: string): boolean => Object.hasOwn(own, key) && own[key] !== gift[key];
  const spotKeys = Object.keys(own).filter((key) => key.startsWith(eciSpotPrefix) || key in gift);
  return { annotations: { ...fitting, ...own }, userValueKept: spotKeys.some(differs) };
};

/** The capacity that a pod gets by its user's own values whatever the gift of spot annotations; undefined where the policy decides. */
export const keptCapacity = (
  own: Values,
  gift: Values,
  existing: 'Keep' | 'Overwrite',
): Share['capacity'] | undefined => {
  const { spotStrategy } = eciAnnotations;
  if (existing === 'Overwrite') return undefined;
  if (spotStrategy in own) return 'spot';
  return spotStrategy in withoutContradiction(own, gift) ? undefined : 'on-demand';
};

// A price limit is valid with SpotWithPriceLimit only, and required there: with the user's own strategy the pair is
// theirs to make, and with our strategy a price of theirs would be refused by ECI unless the strategy takes one.
const withoutContradiction = (own: Values, gift: Values): Values => {
  const { spotStrategy, spotPriceLimit } = eciAnnotations;
  const theirs = own[spotStrategy];
  if (theirs !== undefined && theirs !== gift[spotStrategy]) return omit(gift, spotPriceLimit);
  if (theirs === undefined && own[spotPriceLimit] !== undefined && gift[spotPriceLimit] === undefined) {
    return omit(gift, spotStrategy);
  }
  return gift;
};

const omit = (values: Values, key: string): Values =>
  Object.fromEntries(Object.entries(values).filter(([other]) => other !== key));

// kube-apiserver's limit for all keys and values of one object: TotalAnnotationSizeLimitB of apimachinery's validation.
const mostBytes = 256 * 1024;

/** Whether an object may hold so many annotations. */
export const fit = (annotations: Values): boolean => {
  const texts = Object.entries(annotations).flat();
  const length = texts.reduce((sum, { length: own }) => sum + own, 0);
  // A UTF-16 unit becomes three bytes at most: pods of ordinary size are not encoded to be counted.
  return length * 3 <= mostBytes || new TextEncoder().encode(texts.join('')).length <= mostBytes;
};
