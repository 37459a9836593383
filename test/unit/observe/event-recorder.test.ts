import type { Event } from 'kubernetes-types/core/v1.js';
import { describe, expect, test } from 'vitest';
import { createEventRecorder } from '../../../operator/observe/event-recorder.ts';
import type { EventCalls } from '../../../operator/observe/event-recorder.ts';
import type { EventNote } from '../../../operator/observe/events.ts';
import { createLog } from '../../../operator/observe/log.ts';

const aNote = (uid: string, message = 'evicted before its reclaim'): EventNote => ({
  subject: { apiVersion: 'v1', kind: 'Pod', namespace: 'shop', name: `web-${uid}`, uid },
  type: 'Normal',
  reason: 'Evicted',
  message,
});

const minuteMs = 60_000;

/** A recorder over a cluster that keeps Events by name, and may be told to refuse, to hang or to forget. */
const aRecorder = () => {
  const events = new Map<string, Event>();
  const lines: string[] = [];
  const drops: string[] = [];
  const clock = { nowMs: 0 };
  const cluster = { before: (): Promise<unknown> => Promise.resolve() };
  const calls: EventCalls = {
    create: async (event) => {
      await cluster.before();
      events.set(event.metadata.name ?? '', event);
    },
    patch: async ({ name }, body) => {
      await cluster.before();
      const event = events.get(name);
      if (event !== undefined) events.set(name, { ...event, ...body });
      return event === undefined ? 'gone' : 'patched';
    },
  };
  let made = 0;
  const recorder = createEventRecorder({
    calls,
    instance: 'spotpolicy-1',
    nowMs: () => clock.nowMs,
    suffix: () => `${(made += 1)}`,
    log: createLog('debug', 'spotpolicy-1', { write: (line) => void lines.push(line) }),
    dropped: (reason) => drops.push(reason),
  });
  const counts = () => [...events].map(([name, { count }]) => [name, count]);
  return { ...recorder, events, counts, clock, cluster, lines, drops };
};

describe('the event recorder', () => {
  test('records what it is told, in order', async () => {
    const { record, settled, counts } = aRecorder();
    record(aNote('a'));
    record(aNote('b'));
    await settled();
    expect(counts()).toEqual([
      ['web-a.1', 1],
      ['web-b.2', 1],
    ]);
  });

  test('lets the count grow when the same is said again within ten minutes', async () => {
    const { record, settled, counts, clock, events } = aRecorder();
    for (const nowMs of [0, 9 * minuteMs, 18 * minuteMs]) {
      clock.nowMs = nowMs;
      record(aNote('a'));
      await settled();
    }
    expect(counts()).toEqual([['web-a.1', 3]]);
    expect(events.get('web-a.1')).toMatchObject({
      firstTimestamp: '1970-01-01T00:00:00.000Z',
      lastTimestamp: '1970-01-01T00:18:00.000Z',
    });
  });

  test('begins another Event after ten minutes of silence', async () => {
    const { record, settled, counts, clock } = aRecorder();
    record(aNote('a'));
    await settled();
    clock.nowMs = 10 * minuteMs;
    record(aNote('a'));
    await settled();
    expect(counts()).toEqual([
      ['web-a.1', 1],
      ['web-a.2', 1],
    ]);
  });

  test('adds up what is repeated while it waits, or while it is being written', async () => {
    const { record, settled, counts, cluster } = aRecorder();
    const hang = Promise.withResolvers<void>();
    cluster.before = () => hang.promise;
    for (let times = 0; times < 5; times += 1) {
      record(aNote('a'));
      record(aNote('b'));
    }
    hang.resolve();
    await settled();
    expect(counts()).toEqual([
      ['web-a.1', 5],
      ['web-b.2', 5],
    ]);
  });

  test('begins another Event when the first has been deleted', async () => {
    const { record, settled, counts, events } = aRecorder();
    record(aNote('a'));
    await settled();
    events.clear();
    record(aNote('a'));
    await settled();
    expect(counts()).toEqual([['web-a.2', 1]]);
  });

  test('logs and counts a failure, does not repeat it, and goes on', async () => {
    const { record, settled, counts, cluster, lines, drops } = aRecorder();
    let calls = 0;
    cluster.before = () => ((calls += 1) === 1 ? Promise.reject(new Error('forbidden')) : Promise.resolve());
    record(aNote('a'));
    record(aNote('b'));
    await settled();
    expect(counts()).toEqual([['web-b.2', 1]]);
    expect(calls).toBe(2);
    expect(drops).toEqual(['failed']);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'warn',
      message: 'event not recorded',
      name: 'web-a',
      err: { message: 'forbidden' },
    });
  });

  test('drops the oldest of more than 500 that wait, and never makes its caller wait', async () => {
    const { record, settled, events, cluster, drops } = aRecorder();
    const hang = Promise.withResolvers<void>();
    cluster.before = () => hang.promise;
    for (let uid = 0; uid < 600; uid += 1) record(aNote(`${uid}`));
    hang.resolve();
    await settled();
    // One was being written already when the others queued up.
    expect(drops).toEqual(Array.from({ length: 99 }, () => 'overflow'));
    expect(events.size).toBe(501);
    const uids = [...events.values()].map(({ involvedObject }) => Number(involvedObject.uid));
    expect(uids.slice(0, 2)).toEqual([0, 100]);
    expect(uids.at(-1)).toBe(599);
  });

  test('forgets the Event that was not mentioned for longest once there are more than 2000', async () => {
    const { record, settled, events } = aRecorder();
    for (let uid = 0; uid < 2_000; uid += 1) {
      record(aNote(`${uid}`));
      if (uid % 400 === 0) await settled();
    }
    for (const uid of ['0', '2000', '0', '1']) {
      record(aNote(uid));
      await settled();
    }
    expect(events.get('web-0.1')?.count).toBe(3);
    expect(events.get('web-1.2')?.count).toBe(1);
    expect(events.get('web-1.2002')?.count).toBe(1);
  });
});
