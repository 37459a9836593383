import { describe, expect, it } from 'vitest';
import { type Notice, type NoticeSources, readNotice } from '../../../operator/interruption/notice.ts';
import type { Signal } from '../../../operator/world/interruption.ts';
import {
  aKnownEvent,
  aKnownPod,
  anExpiry,
  at,
  type EventWishes,
  type PodWishes,
} from '../../builders/pod.ts';

interface Wishes extends Partial<Omit<NoticeSources, 'pod' | 'events' | 'nowMs'>> {
  readonly pod?: PodWishes;
  readonly events?: readonly EventWishes[];
  readonly nowSeconds?: number;
}

const noticeOf = ({ pod = {}, events = [], nowSeconds = 0, ...rest }: Wishes): Notice | undefined =>
  readNotice({
    pod: aKnownPod({ createdAtMs: at(-3600), ...pod }),
    events: events.map(aKnownEvent),
    known: [],
    defaultMinutes: 3,
    nowMs: at(nowSeconds),
    isDeparted: () => false,
    ...rest,
  });
const deadlineOf = (wishes: Wishes): number | undefined => {
  const notice = noticeOf(wishes);
  return notice && (notice.deadlineMs - at(0)) / 1000;
};
const expired = (seconds?: number, message?: string): PodWishes => ({
  conditions: [anExpiry(seconds === undefined ? undefined : at(seconds), message ? { message } : {})],
});
const created = (reason: string, seconds: number, message = ''): PodWishes => ({
  conditions: [{ ...anExpiry(at(seconds)), type: 'ContainerInstanceCreated', reason, message }],
});
const inMinutes = (minutes: number): string => `Spot ECI will be released in ${minutes} minutes`;

describe('a pod is under notice', () => {
  it('by an Event, by its condition, and by the reason of the condition on its creation', () => {
    expect(noticeOf({ events: [{}] })).toMatchObject({
      noticedAtMs: at(0),
      deadlineMs: at(180),
      onCondition: false,
    });
    expect(noticeOf({ pod: expired(5) })).toMatchObject({
      noticedAtMs: at(5),
      deadlineMs: at(185),
      onCondition: true,
    });
    expect(noticeOf({ pod: created('SpotToBeReleased', 9) })).toMatchObject({
      noticedAtMs: at(9),
      onCondition: false,
    });
  });

  it('by its release, when ECI took it without a warning that anybody saw', () => {
    const message = 'The pod is spot instance, and have been released at 2026-01-01T12:10Z';
    const pod: PodWishes = { phase: 'Failed', reason: 'BidFailed', message };
    const releasedAtMs = Date.parse('2026-01-01T12:10Z');
    expect(noticeOf({ pod })).toMatchObject({
      noticedAtMs: releasedAtMs - 180_000,
      deadlineMs: releasedAtMs,
    });
    expect(noticeOf({ pod: { ...pod, message: 'released' } })).toBeUndefined();
    expect(noticeOf({ pod, events: [{}] })).toMatchObject({ noticedAtMs: at(0), deadlineMs: at(180) });
  });

  it('by none of these not at all', () => {
    expect(noticeOf({})).toBeUndefined();
    expect(noticeOf({ pod: created('SpotDegraded', 9) })).toBeUndefined();
    expect(noticeOf({ pod: { conditions: [anExpiry(at(0), { status: 'False' })] } })).toBeUndefined();
  });

  it('by a condition without a time since it was first seen, and only once', () => {
    const first = noticeOf({ pod: expired(), nowSeconds: 20 });
    expect(first).toMatchObject({ noticedAtMs: at(20), deadlineMs: at(200) });
    const again = noticeOf({ pod: expired(), nowSeconds: 90, known: first?.signals ?? [] });
    expect(again).toEqual(first);
  });
});

describe('the window', () => {
  it('is the number in the text', () => {
    expect(deadlineOf({ events: [{ message: inMinutes(5) }] })).toBe(300);
    expect(
      deadlineOf({ events: [{ message: '[eci.containergroup] spot eci will be RELEASED IN 1 minute' }] }),
    ).toBe(60);
    expect(deadlineOf({ pod: expired(0, inMinutes(2)) })).toBe(120);
    expect(deadlineOf({ pod: created('SpotToBeReleased', 0, inMinutes(4)) })).toBe(240);
  });

  it.each(['', 'soon', 'released in 0 minutes', 'released in 1441 minutes', 'released in many minutes'])(
    'is the default where the text is %j',
    (message) => {
      expect(deadlineOf({ events: [{ message }] })).toBe(180);
      expect(deadlineOf({ events: [{ message }], defaultMinutes: 5 })).toBe(300);
    },
  );

  it('that one signal names counts for another one within a minute of it', () => {
    expect(deadlineOf({ pod: expired(2), events: [{ message: inMinutes(5) }] })).toBe(300);
    expect(deadlineOf({ pod: expired(-60), events: [{ message: inMinutes(5) }] })).toBe(240);
    expect(deadlineOf({ pod: expired(-61), events: [{ message: inMinutes(5) }] })).toBe(119);
  });
});

describe('of several deadlines', () => {
  it('the earliest stands', () => {
    expect(deadlineOf({ pod: expired(0, inMinutes(5)), events: [{ message: inMinutes(4) }] })).toBe(240);
    expect(deadlineOf({ pod: expired(0), events: [{ firstAtMs: at(90), message: inMinutes(1) }] })).toBe(150);
  });

  it('the notice is from the time of the signal that sets it', () => {
    const events = [{ firstAtMs: at(90), message: inMinutes(1) }];
    expect(noticeOf({ pod: expired(0), events })?.noticedAtMs).toBe(at(90));
  });

  it('none is lost when its signal is deleted', () => {
    const known = noticeOf({ events: [{}] })?.signals ?? [];
    expect(deadlineOf({ known, pod: expired(60) })).toBe(180);
    expect(deadlineOf({ known })).toBe(180);
  });

  it('one that was recorded on the pod stands against its default', () => {
    const known: Signal[] = [{ source: 'Recorded', atMs: at(0), minutes: 5 }];
    expect(deadlineOf({ known, pod: expired(2) })).toBe(300);
  });

  it('does not matter which Event is met first', () => {
    const events = [
      { name: 'a', message: 'soon', firstAtMs: at(0) },
      { name: 'b', message: inMinutes(5), firstAtMs: at(-30) },
      { name: 'c', message: inMinutes(3), firstAtMs: at(30) },
    ];
    expect(deadlineOf({ events: events.toReversed() })).toBe(deadlineOf({ events }));
  });
});

describe('an Event', () => {
  it('that comes again is no new signal, however often', () => {
    const once = noticeOf({ events: [{}] });
    const again = noticeOf({ events: [{ lastAtMs: at(60) }], known: once?.signals ?? [], nowSeconds: 60 });
    expect(again).toEqual(once);
  });

  it('of a series that began before the pod counts from when it was last seen', () => {
    const pod = { createdAtMs: at(0) };
    const uid = 'eci-unknown';
    expect(deadlineOf({ pod, events: [{ uid, firstAtMs: at(-600), lastAtMs: at(10) }] })).toBe(190);
    expect(deadlineOf({ pod, events: [{ uid, firstAtMs: at(-600), lastAtMs: at(-10) }] })).toBeUndefined();
  });

  it('whose deadline is over a minute past is ignored, a condition on a living pod never', () => {
    expect(noticeOf({ events: [{}], nowSeconds: 239 })).toBeDefined();
    expect(noticeOf({ events: [{}], nowSeconds: 240 })).toBeUndefined();
    expect(noticeOf({ events: [{ message: inMinutes(5) }], nowSeconds: 359 })).toBeDefined();
    expect(deadlineOf({ pod: expired(0), nowSeconds: 9999 })).toBe(180);
  });

  it('about another pod is no notice', () => {
    expect(noticeOf({ events: [{ pod: 'web-2' }] })).toBeUndefined();
    expect(noticeOf({ events: [{ uid: 'gone' }], isDeparted: (uid) => uid === 'gone' })).toBeUndefined();
  });
});
