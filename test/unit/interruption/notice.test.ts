import { describe, expect, it } from 'vitest';
import { type Notice, type NoticeSources, readNotice } from '../../../operator/interruption/notice.ts';
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
    known: undefined,
    sightings: undefined,
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
      onCondition: undefined,
      onEvent: { noticedAtMs: at(0), deadlineMs: at(180) },
    });
    expect(noticeOf({ pod: expired(5), nowSeconds: 6 })).toMatchObject({
      noticedAtMs: at(5),
      deadlineMs: at(185),
      onCondition: { noticedAtMs: at(5), deadlineMs: at(185) },
      onEvent: undefined,
    });
    expect(noticeOf({ pod: created('SpotToBeReleased', -3600), nowSeconds: 9 })).toMatchObject({
      noticedAtMs: at(9),
      deadlineMs: at(189),
      onCondition: undefined,
      onEvent: undefined,
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
    expect(noticeOf({ pod: expired(), nowSeconds: 90, known: first })).toEqual(first);
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
    expect(deadlineOf({ pod: expired(0, 'Spot ECI will be released in 2.5 minutes') })).toBe(150);
  });

  it.each(['', 'soon', 'released in 0 minutes', 'released in 1441 minutes', 'released in many minutes'])(
    'is the default where the text is %j',
    (message) => {
      expect(deadlineOf({ events: [{ message }] })).toBe(180);
      expect(deadlineOf({ events: [{ message }], defaultMinutes: 5 })).toBe(300);
    },
  );

  it('that one signal names counts for another one within a minute of it', () => {
    expect(deadlineOf({ pod: expired(2), nowSeconds: 2, events: [{ message: inMinutes(5) }] })).toBe(300);
    expect(deadlineOf({ pod: expired(-60), events: [{ message: inMinutes(5) }] })).toBe(240);
    expect(deadlineOf({ pod: expired(-61), events: [{ message: inMinutes(5) }] })).toBe(119);
  });
});

describe('of several deadlines', () => {
  it('the earliest stands', () => {
    expect(deadlineOf({ pod: expired(0, inMinutes(5)), events: [{ message: inMinutes(4) }] })).toBe(240);
    expect(
      deadlineOf({
        pod: expired(0),
        nowSeconds: 90,
        events: [{ firstAtMs: at(90), message: inMinutes(1) }],
      }),
    ).toBe(150);
  });

  it('the notice is from the time of the signal that sets it', () => {
    const events = [{ firstAtMs: at(90), message: inMinutes(1) }];
    expect(noticeOf({ pod: expired(0), events, nowSeconds: 90 })?.noticedAtMs).toBe(at(90));
  });

  it('none is lost when its signal is deleted', () => {
    const known = noticeOf({ events: [{}] });
    expect(deadlineOf({ known, pod: expired(60), nowSeconds: 60 })).toBe(180);
    expect(deadlineOf({ known })).toBe(180);
  });

  it('one that was recorded on the pod stands against its default', () => {
    const known = { noticedAtMs: at(0), deadlineMs: at(300) };
    expect(deadlineOf({ known, pod: expired(2), nowSeconds: 2 })).toBe(300);
  });

  it('one that was assumed gives way to a number, which may come later or first', () => {
    const assumed = noticeOf({ pod: expired(2), nowSeconds: 2 });
    expect(assumed).toMatchObject({ deadlineMs: at(182), length: 'Assumed' });
    const events = [{ message: inMinutes(5), firstAtMs: at(10) }];
    const later = noticeOf({ pod: expired(2), nowSeconds: 10, events, known: assumed });
    expect(later).toMatchObject({ deadlineMs: at(302), length: 'Borrowed' });
    expect(deadlineOf({ pod: expired(2), nowSeconds: 10, events })).toBe(302);
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

describe('the time of a condition', () => {
  const seen = (
    sighting: Partial<Record<'atMs' | 'seenMs', number>> = {},
    witnessed = true,
  ): NoticeSources['sightings'] => ({
    expired: { atMs: at(0), seenMs: at(0), witnessed, ...sighting },
    reclaimed: { atMs: at(0), seenMs: at(0), witnessed, ...sighting },
  });

  it('is when this world saw it appear, whatever its transition time', () => {
    const sightings = seen({ atMs: at(7), seenMs: at(8) });
    expect(noticeOf({ pod: expired(-3600), sightings, nowSeconds: 8 })).toMatchObject({
      noticedAtMs: at(7),
      onCondition: { noticedAtMs: at(7), deadlineMs: at(187) },
    });
    expect(noticeOf({ pod: created('SpotToBeReleased', -3600), sightings, nowSeconds: 8 })).toMatchObject({
      noticedAtMs: at(8),
      deadlineMs: at(188),
    });
  });

  it('is never so early that the deadline was over before the condition was seen', () => {
    for (const witnessed of [true, false]) {
      const sightings = seen({ atMs: at(-200), seenMs: at(5) }, witnessed);
      expect(noticeOf({ pod: expired(-200), sightings, nowSeconds: 5 })).toMatchObject({
        noticedAtMs: at(5),
        deadlineMs: at(185),
      });
    }
  });

  it('at the first sight of the pod is its transition time while part of the window is left', () => {
    const sightings = seen({ atMs: at(-100), seenMs: at(0) }, false);
    expect(deadlineOf({ pod: expired(-100), sightings })).toBe(80);
  });

  it('at the first sight of the pod is what its mark says, and a spent one begins nothing', () => {
    const window = { noticedAtMs: at(-170), deadlineMs: at(10) };
    const known = { ...window, onCondition: window };
    const sightings = seen({ atMs: at(-3600), seenMs: at(0) }, false);
    expect(noticeOf({ pod: expired(-3600), sightings, known })).toMatchObject({
      ...window,
      onCondition: window,
    });
    expect(noticeOf({ pod: expired(-3600), sightings, known, nowSeconds: 70 })).toBeUndefined();
    const either = created('SpotToBeReleased', -3600);
    expect(noticeOf({ pod: either, sightings, known, nowSeconds: 70 })).toBeUndefined();
  });

  it('moves on when the platform repeats a warning that came to nothing', () => {
    const sightings = seen();
    const repeated = (nowSeconds: number) => deadlineOf({ pod: expired(500), sightings, nowSeconds });
    expect(repeated(239)).toBe(180);
    expect(repeated(501)).toBe(680);
  });
});

describe('a spent signal', () => {
  it('of yesterday leaves a fresh one its whole window', () => {
    const known = { noticedAtMs: at(-86_400), deadlineMs: at(-86_220) };
    expect(noticeOf({ known, pod: expired(0) })).toMatchObject({ noticedAtMs: at(0), deadlineMs: at(180) });
    expect(noticeOf({ known, events: [{}] })).toMatchObject({ noticedAtMs: at(0), deadlineMs: at(180) });
    expect(noticeOf({ known })).toBeUndefined();
  });

  it('lends no number', () => {
    const events = [{ firstAtMs: at(-50), message: inMinutes(1) }];
    const sightings = { expired: { atMs: at(0), seenMs: at(0), witnessed: true }, reclaimed: undefined };
    expect(deadlineOf({ pod: expired(0), sightings, events, nowSeconds: 69 })).toBe(60);
    expect(deadlineOf({ pod: expired(0), sightings, events, nowSeconds: 70 })).toBe(180);
  });

  it('on a pod that has ended is one that was spent when it ended', () => {
    const ended: PodWishes = { phase: 'Failed', reason: 'BidFailed', readyAtMs: at(185), ready: false };
    expect(deadlineOf({ pod: { ...expired(0), ...ended }, nowSeconds: 9999 })).toBe(180);
    const message = 'The pod is spot instance, and have been released at 2026-03-01T12:30Z';
    expect(deadlineOf({ pod: { ...expired(0), ...ended, message }, nowSeconds: 9999 })).toBe(1800);
  });
});

describe('the window of the condition alone', () => {
  const sightings: NoticeSources['sightings'] = {
    expired: { atMs: at(0), seenMs: at(0), witnessed: true },
    reclaimed: undefined,
  };
  const conditionOf = (events: readonly EventWishes[], message?: string) =>
    noticeOf({ pod: expired(0, message), sightings, events, nowSeconds: 3 })?.onCondition;

  it('is not brought forward by an Event, whatever it names', () => {
    const window = { noticedAtMs: at(0), deadlineMs: at(180) };
    const hurried = [{ message: inMinutes(1) }, { name: 'b', message: inMinutes(1), firstAtMs: at(-57) }];
    expect(conditionOf(hurried)).toEqual(window);
    expect(conditionOf(hurried, inMinutes(3))).toEqual(window);
  });

  it('is missing once it is spent, while an Event may be current', () => {
    const events = [{ firstAtMs: at(600) }];
    expect(noticeOf({ pod: expired(0), sightings, events, nowSeconds: 600 })).toMatchObject({
      deadlineMs: at(780),
      onCondition: undefined,
    });
  });
});

describe('an Event', () => {
  it('that comes again is no new signal, however often', () => {
    const once = noticeOf({ events: [{}] });
    const again = noticeOf({ events: [{ lastAtMs: at(60) }], known: once, nowSeconds: 60 });
    expect(again).toEqual(once);
  });

  it('of a series that began before the pod counts from when it was last seen', () => {
    const pod = { createdAtMs: at(0) };
    const uid = 'eci-unknown';
    expect(deadlineOf({ pod, events: [{ uid, firstAtMs: at(-600), lastAtMs: at(10) }] })).toBe(190);
    expect(deadlineOf({ pod, events: [{ uid, firstAtMs: at(-600), lastAtMs: at(-10) }] })).toBeUndefined();
  });

  it('whose deadline is over a minute past is ignored', () => {
    expect(noticeOf({ events: [{}], nowSeconds: 239 })).toBeDefined();
    expect(noticeOf({ events: [{}], nowSeconds: 240 })).toBeUndefined();
    expect(noticeOf({ events: [{ message: inMinutes(5) }], nowSeconds: 359 })).toBeDefined();
  });

  it('whose deadline is just past sets none that lies before now', () => {
    expect(deadlineOf({ events: [{}], nowSeconds: 200 })).toBe(200);
    const known = { noticedAtMs: at(0), deadlineMs: at(200) };
    expect(deadlineOf({ events: [{}], nowSeconds: 230, known })).toBe(200);
  });

  it('that comes again after its first warning came to nothing is a warning', () => {
    const events = [{ lastAtMs: at(3000) }];
    expect(deadlineOf({ events, nowSeconds: 3001 })).toBe(3180);
    expect(deadlineOf({ events, nowSeconds: 3001, known: noticeOf({ events: [{}] }) })).toBe(3180);
  });

  it('about another pod is no notice', () => {
    expect(noticeOf({ events: [{ pod: 'web-2' }] })).toBeUndefined();
    expect(noticeOf({ events: [{ uid: 'gone' }], isDeparted: (uid) => uid === 'gone' })).toBeUndefined();
  });
});
