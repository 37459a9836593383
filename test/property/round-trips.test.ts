import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import type { Incoming } from '../../operator/injection/inject.ts';
import { type Mark, readMark, writeMark } from '../../operator/interruption/mark.ts';
import { revisionOf } from '../../operator/policy/revision.ts';
import { changedParts } from '../../operator/status/changed-parts.ts';
import type { SoundPolicy } from '../../operator/world/policy.ts';
import { controllerOf } from '../../operator/world/object.ts';
import { aStamping, injected as inject } from '../builders/admission.ts';
import { anySpec } from '../builders/any-spec.ts';
import { withParts } from '../builders/parts.ts';
import { ownedBy } from '../builders/pod.ts';
import { aPolicy } from '../builders/policy.ts';
import { known } from '../builders/world.ts';

// A status has fields of fixed names, no null, and no field that is undefined once it went through JSON.
const field = fc.constantFrom('a', 'b', 'c', 'd');
const { json } = fc.letrec<{ json: unknown; object: Record<string, unknown> }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(0, 1, '', 'text', true),
    fc.array(tie('json'), { maxLength: 3 }),
    tie('object'),
  ),
  object: fc.dictionary(field, tie('json'), { maxKeys: 3 }),
}));
const status = fc.dictionary(field, json, { maxKeys: 4 });

describe('the changed parts of a status', () => {
  test.prop([status, status], { numRuns: 500 })('make one into the other', (before, after) => {
    expect(withParts(before, changedParts(before, after) ?? {})).toEqual(after);
  });

  test.prop([status, status])('are none once they were written', (before, after) => {
    expect(changedParts(withParts(before, changedParts(before, after) ?? {}), after)).toBeUndefined();
  });
});

const mark: fc.Arbitrary<Mark> = fc
  .record({
    noticedAtMs: fc.integer({ min: 0, max: 4e12 }),
    windowMs: fc.integer({ min: 1, max: 86_400_000 }),
    conditionMs: fc.option(fc.integer({ min: 0, max: 60_000 }), { nil: undefined }),
    uid: fc.uuid(),
    settings: fc.record({
      policy: fc.string(),
      evictor: fc.constantFrom('Operator', 'None'),
      replacement: fc.constantFrom('BeforeEviction', 'AfterEviction'),
      surge: fc.constantFrom('AsDoomed', 'AsWorkload'),
      jobPods: fc.constantFrom('AtDeadline', 'Immediately', 'Never'),
      onDeadline: fc.constantFrom('Delete', 'Leave'),
    }),
    detached: fc.option(
      fc.record({
        origin: fc.option(fc.record({ name: fc.string(), uid: fc.string() }), { nil: undefined }),
        atMs: fc.integer({ min: 0, max: 4e12 }),
        ready: fc.nat(),
      }),
      { nil: undefined },
    ),
    plainly: fc.option(fc.string(), { nil: undefined }),
    outcome: fc.constantFrom(undefined, 'Missed', 'LeftToReclaim', 'Completed', 'Forced'),
  })
  .map(({ windowMs, conditionMs = -1, ...rest }) => {
    const deadlineMs = rest.noticedAtMs + windowMs;
    const onCondition = { noticedAtMs: rest.noticedAtMs + conditionMs, deadlineMs: deadlineMs + conditionMs };
    return { ...rest, deadlineMs, onCondition: conditionMs < 0 ? undefined : onCondition };
  });
const markedBy = (uid: string, text: string): Parameters<typeof readMark>[0] => ({
  uid,
  annotations: { 'spotpolicy.dev/interruption': text },
});

describe('the mark on a pod', () => {
  test.prop([mark])('is read as it was written', (written) => {
    expect(readMark(markedBy(written.uid, writeMark(written)))).toEqual(written);
  });

  test.prop([mark, fc.uuid()])('says nothing about a pod with another UID', (written, uid) => {
    expect(readMark(markedBy(uid, writeMark(written)))).toBeUndefined();
  });

  test.prop([fc.oneof(fc.string(), fc.json())])('is never an exception, whatever was written', (text) => {
    expect(() => readMark(markedBy('uid', text))).not.toThrow();
  });
});

/** The same value with the fields of every object in reverse order. */
const reversed = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([name, entry]) => [name, reversed(entry)]),
  );
};
const policyWith = (spec: unknown) => known('SpotPolicy', { ...aPolicy(), spec });
const soundSpec = anySpec.filter((spec) => policyWith(spec).spec !== undefined);

describe('the revision of a policy', () => {
  test.prop([soundSpec])('does not depend on the order in which fields were written', (spec) => {
    const revision = revisionOf(policyWith(spec) as SoundPolicy);
    expect(revisionOf(policyWith(reversed(spec)) as SoundPolicy)).toBe(revision);
    expect(revision).toMatch(/^[0-9a-f]{12}$/);
  });
});

const annotation = fc.constantFrom(
  ...['strategy', 'price-limit', 'duration', 'fallback', 'release-strategy'].map(
    (name) => `k8s.aliyun.com/eci-spot-${name}`,
  ),
  'k8s.aliyun.com/eci-use-specs',
  'spotpolicy.dev/policy',
  'spotpolicy.dev/reason',
  'team',
);
const incoming: fc.Arbitrary<Incoming> = fc.record({
  namespace: fc.constant('shop'),
  labels: fc.dictionary(fc.constantFrom('app', 'spotpolicy.dev/capacity'), fc.constantFrom('web', 'spot')),
  annotations: fc.dictionary(
    annotation,
    fc.constantFrom('SpotAsPriceGo', 'SpotWithPriceLimit', '0.25', 'true'),
  ),
  controller: fc.constantFrom(
    undefined,
    controllerOf({ namespace: 'shop', ownerReferences: [ownedBy('ReplicaSet', 'web-abc')] }),
  ),
  restarts: fc.boolean(),
});

describe('what admission makes of a pod', () => {
  test.prop([incoming, soundSpec])('is the same when it is asked again', (pod, spec) => {
    const policy = policyWith(spec) as SoundPolicy;
    const once = inject(pod, policy, aStamping());
    expect(inject({ ...pod, ...once }, policy, aStamping({ nonce: 'again' }))).toEqual(once);
  });

  test.prop([incoming, soundSpec], { numRuns: 400 })(
    'never has a price limit of ours beside a strategy of the user',
    (pod, spec) => {
      const { annotations } = inject(pod, policyWith(spec) as SoundPolicy, aStamping());
      const [strategy, price] = ['strategy', 'price-limit'].map((name) => `k8s.aliyun.com/eci-spot-${name}`);
      const ours = (key = ''): boolean =>
        annotations[key] !== undefined && pod.annotations[key] === undefined;
      if (ours(price)) expect(annotations[strategy ?? '']).toBe('SpotWithPriceLimit');
      if (ours(strategy) && annotations[strategy ?? ''] !== 'SpotWithPriceLimit')
        expect(annotations[price ?? '']).toBeUndefined();
    },
  );

  test.prop([incoming, soundSpec])('keeps every annotation that is neither ECI’s nor ours', (pod, spec) => {
    const { annotations } = inject(pod, policyWith(spec) as SoundPolicy, aStamping());
    expect(annotations['team']).toBe(pod.annotations['team']);
  });
});
