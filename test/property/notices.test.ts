import { fc, test } from '@fast-check/vitest';
import type { PodCondition } from 'kubernetes-types/core/v1.js';
import { describe, expect } from 'vitest';
import { noticeOf } from '../../operator/interruption/begin.ts';
import { forceMs } from '../../operator/interruption/deadline.ts';
import type { Notice, NoticeSources } from '../../operator/interruption/notice.ts';
import type { World } from '../../operator/world/world.ts';
import { aPod, anEvent, at, type EventWishes, type PodWishes, uidOf } from '../builders/pod.ts';
import { aWorld, put } from '../builders/world.ts';

const seconds = fc.integer({ min: -7_200, max: 0 });
const recent = fc.integer({ min: -400, max: 0 });
const message = fc.oneof(
  fc.integer({ min: 1, max: 10 }).map((minutes) => `Spot ECI will be released in ${minutes} minutes`),
  fc.constantFrom('', 'soon'),
);
const event = fc
  .record({ first: fc.oneof(seconds, recent), repeat: fc.nat({ max: 300 }), message })
  .map(({ first, repeat, message }): EventWishes => ({
    message,
    firstAtMs: at(first),
    lastAtMs: at(Math.min(0, first + repeat)),
  }));
// The world holds four Events about a pod.
const eventsUpTo = (maxLength: number) =>
  fc
    .array(event, { maxLength })
    .map((wishes) => wishes.map((wish, index): EventWishes => ({ ...wish, name: `event-${index}` })));
const events = eventsUpTo(4);
const few = eventsUpTo(2);
const condition = (type: string, reason: string): fc.Arbitrary<PodCondition> =>
  fc
    .record({ since: fc.option(fc.oneof(seconds, recent), { nil: undefined }), message })
    .map(({ since, message }) => ({
      ...{ type, reason, message, status: 'True' },
      ...(since !== undefined && { lastTransitionTime: new Date(at(since)).toISOString() }),
    }));
const conditions = fc
  .tuple(
    fc.option(condition('ContainerInstanceExpired', 'SpotToBeReleased'), { nil: undefined }),
    fc.option(condition('ContainerInstanceCreated', 'SpotToBeReleased'), { nil: undefined }),
  )
  .map((both) => both.filter((each) => each !== undefined));
const anyMark = fc.option(
  fc
    .tuple(seconds, fc.integer({ min: 1, max: 600 }))
    .map(([from, window]) => ({ noticedAtMs: at(from), deadlineMs: at(from + window) })),
  { nil: undefined },
);

const old: PodWishes = { createdAtMs: at(-7_200) };
const uid = uidOf('Pod', 'web-1');
const options = (nowMs: number) => ({ defaultMinutes: 3, nowMs });
const read = (world: World, known: NoticeSources['known'], nowMs: number): Notice | undefined => {
  const pod = world.pods.byUid(uid);
  return pod && noticeOf(world, pod, known, options(nowMs));
};
/** What a world knows at noon that listed the pod an hour before, or only now, with or without its conditions. */
const knowing = (
  { told = [], stands = [] }: { told?: readonly EventWishes[]; stands?: readonly PodCondition[] },
  listed: 'before' | 'now' = 'before',
): World => {
  const pod = aPod({ ...old, conditions: stands });
  const world = listed === 'now' ? aWorld({ Pod: [pod] }, at(0)) : aWorld({ Pod: [aPod(old)] }, at(-3600));
  if (listed === 'before') put(world, 'Pod', pod, at(0));
  for (const each of told) put(world, 'ReclaimEvent', anEvent(each), at(0));
  return world;
};
const deadlines = (notice: Notice | undefined) =>
  notice && { deadlineMs: notice.deadlineMs, onCondition: notice.onCondition };

describe('the notice of a living pod', () => {
  test.prop([events, conditions, fc.constantFrom('before', 'now')])(
    'has no deadline that lies before its first sight, unless the mark says so',
    (told, stands, listed) => {
      const notice = read(knowing({ told, stands }, listed), undefined, at(0));
      expect(notice?.deadlineMs ?? at(0)).toBeGreaterThanOrEqual(at(0));
      expect(notice?.onCondition?.deadlineMs ?? at(0)).toBeGreaterThanOrEqual(at(0));
    },
  );

  test.prop([
    events,
    conditions,
    fc.array(fc.tuple(fc.nat({ max: 7 }), fc.integer({ min: 0, max: 20 })), { maxLength: 20 }),
  ])('has the same deadline in whatever order its signals come, and however often', (told, stands, order) => {
    const expected = read(knowing({ told, stands }), undefined, at(0));
    const world = aWorld({ Pod: [aPod(old)] }, at(-3600));
    let known: Notice | undefined;
    const step = (index: number): void => {
      const each = told[index % 8];
      if (each) put(world, 'ReclaimEvent', anEvent(each), at(0));
      else put(world, 'Pod', aPod({ ...old, conditions: stands }), at(0));
      known = read(world, known, at(0)) ?? known;
    };
    for (const [index] of order) step(index);
    for (let index = 0; index < 8; index++) step(index);
    expect(deadlines(known)).toEqual(deadlines(expected));
  });

  test.prop([few, conditions, anyMark, few])(
    'is not changed by a spent signal',
    (told, stands, known, others) => {
      const before = read(knowing({ told, stands }), known, at(0));
      const spent = others.map((each, index): EventWishes => {
        const lastAtMs = Math.min(each.lastAtMs ?? 0, at(-660));
        const firstAtMs = Math.min(each.firstAtMs ?? 0, lastAtMs);
        return { ...each, name: `spent-${index}`, firstAtMs, lastAtMs };
      });
      expect(read(knowing({ told: [...told, ...spent], stands }), known, at(0))).toEqual(before);
    },
  );

  test.prop([events, conditions, anyMark, fc.integer({ min: 0, max: 600 })])(
    'is never forced earlier because of an Event',
    (told, stands, known, graceSeconds) => {
      const alone = read(knowing({ stands }), known, at(0));
      const notice = read(knowing({ told, stands }), known, at(0));
      expect(notice?.onCondition).toEqual(alone?.onCondition);
      if (!notice?.onCondition || !alone?.onCondition) return;
      const { onCondition } = alone;
      expect(forceMs(notice, notice.onCondition, graceSeconds)).toBeGreaterThanOrEqual(
        forceMs(onCondition, onCondition, graceSeconds),
      );
    },
  );

  test.prop([
    conditions.filter(({ length }) => length > 0),
    fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 10 }),
  ])('does not move with repeats of its conditions, whatever times these are given', (stands, pauses) => {
    const world = knowing({ stands });
    const first = read(world, undefined, at(0));
    let now = 0;
    for (const pause of pauses) {
      now = Math.min(now + pause, 170);
      const lastTransitionTime = new Date(at(now)).toISOString();
      const again = stands.map((each) => ({ ...each, lastTransitionTime }));
      put(world, 'Pod', aPod({ ...old, conditions: again }), at(now));
      if (first && first.deadlineMs > at(now - 60)) expect(read(world, undefined, at(now))).toEqual(first);
    }
  });
});
