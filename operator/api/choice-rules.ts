import type { Rule, Word } from './rules.ts';

/** What the rules across fields look at, in any kind of policy. */
export interface Choices {
  strategy?: 'SpotAsPriceGo' | 'SpotWithPriceLimit' | 'NoSpot';
  priceLimit?: string;
  fallback?: { mode?: string | undefined };
  distribution?: object;
  injection?: { at: string; existing: string };
}

const strategyWord: Word<Choices> = {
  cel: "(has(self.strategy) ? self.strategy : 'not set')",
  of: ({ strategy = 'not set' }) => strategy,
};
const priceWord: Word<Choices> = { cel: 'self.priceLimit', of: ({ priceLimit = '' }) => priceLimit };
const placeWord: Word<Choices> = { cel: 'self.injection.at', of: ({ injection }) => injection?.at ?? '' };

const isLimited = "has(self.strategy) && self.strategy == 'SpotWithPriceLimit'";

/** The rules across fields that hold in any kind of policy. */
export const choiceRules: readonly Rule<Choices>[] = [
  {
    cel: "has(self.strategy) || (has(self.injection) && self.injection.at == 'None')",
    holds: ({ strategy, injection }) => strategy !== undefined || injection?.at === 'None',
    message:
      'choose SpotAsPriceGo, SpotWithPriceLimit or NoSpot; only with injection.at None, where pods keep what their users wrote, is no strategy needed',
    reason: 'FieldValueRequired',
    fieldPath: '.strategy',
  },
  {
    cel: `!(${isLimited}) || has(self.priceLimit)`,
    holds: ({ strategy, priceLimit }) => strategy !== 'SpotWithPriceLimit' || priceLimit !== undefined,
    message: 'strategy SpotWithPriceLimit needs the highest price per instance-hour to pay, as "0.25"',
    reason: 'FieldValueRequired',
    fieldPath: '.priceLimit',
  },
  {
    cel: `${isLimited} || !has(self.priceLimit)`,
    holds: ({ strategy, priceLimit }) => strategy === 'SpotWithPriceLimit' || priceLimit === undefined,
    message:
      'the limit {priceLimit} counts only with strategy SpotWithPriceLimit, and strategy is {strategy}: remove the limit or change the strategy',
    words: { priceLimit: priceWord, strategy: strategyWord },
    reason: 'FieldValueForbidden',
    fieldPath: '.priceLimit',
  },
  {
    // A limit without a word on what happens beyond it surprises either way, so there is no default to fall into.
    cel: `!(${isLimited}) || (has(self.fallback) && has(self.fallback.mode))`,
    holds: ({ strategy, fallback }) => strategy !== 'SpotWithPriceLimit' || fallback?.mode !== undefined,
    message:
      'strategy SpotWithPriceLimit needs this written out: AtCreation starts a pod on demand, at the full price, when none is to be had within the limit; Never leaves it Pending',
    reason: 'FieldValueRequired',
    fieldPath: '.fallback.mode',
  },
  {
    cel: "!has(self.strategy) || self.strategy != 'NoSpot' || !has(self.fallback)",
    holds: ({ strategy, fallback }) => strategy !== 'NoSpot' || fallback === undefined,
    message:
      'strategy NoSpot asks for no spot capacity, so there is nothing to fall back from: remove fallback',
    reason: 'FieldValueForbidden',
    fieldPath: '.fallback',
  },
  {
    cel: "!has(self.strategy) || self.strategy != 'NoSpot' || !has(self.distribution)",
    holds: ({ strategy, distribution }) => strategy !== 'NoSpot' || distribution === undefined,
    message: 'strategy NoSpot puts every pod on demand, so there is nothing to divide: remove distribution',
    reason: 'FieldValueForbidden',
    fieldPath: '.distribution',
  },
  {
    // Pods of one template are all alike, and pods that are not annotated are not divided.
    cel: "!has(self.distribution) || !has(self.injection) || self.injection.at == 'Pod'",
    holds: ({ distribution, injection }) =>
      distribution === undefined || injection === undefined || injection.at === 'Pod',
    message:
      'pods are divided between spot and on demand one by one as they are created, and injection.at is {at}: use Pod or remove distribution',
    words: { at: placeWord },
    reason: 'FieldValueForbidden',
    fieldPath: '.distribution',
  },
  {
    cel: "!has(self.injection) || self.injection.at != 'Workload' || self.injection.existing != 'Overwrite'",
    holds: ({ injection }) => injection?.at !== 'Workload' || injection.existing !== 'Overwrite',
    message:
      'injection.at Workload takes no field of a template from whoever wrote it: keep what is there, or inject at Pod',
    reason: 'FieldValueForbidden',
    fieldPath: '.injection.existing',
  },
];

/** What the rules of selection look at. */
export interface Selection {
  selector?: object;
  targetRefs?: readonly unknown[];
}

/** A namespaced policy says whom it concerns. */
export const selectsSomething: Rule<Selection> = {
  cel: 'has(self.selector) || (has(self.targetRefs) && size(self.targetRefs) > 0)',
  holds: ({ selector, targetRefs = [] }) => selector !== undefined || targetRefs.length > 0,
  message:
    'the policy must select something: give a selector, where {} takes every pod of the namespace, or targetRefs',
  reason: 'FieldValueRequired',
  fieldPath: '.selector',
};

/** A policy of the cluster says which pods it concerns, beside the namespaces. */
export const selectsPods: Rule<Selection> = {
  cel: 'has(self.selector)',
  holds: ({ selector }) => selector !== undefined,
  message: 'give a selector of pods, where {} takes every pod of the namespaces',
  reason: 'FieldValueRequired',
  fieldPath: '.selector',
};
