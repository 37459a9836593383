import { describe, expect, test } from 'vitest';
import { noteKey, toEvent, toGrowth } from '../../../operator/observe/events.ts';
import type { EventNote } from '../../../operator/observe/events.ts';

const aNote = (more: Partial<EventNote> = {}): EventNote => ({
  subject: {
    apiVersion: 'v1',
    kind: 'Pod',
    namespace: 'shop',
    name: 'web-1',
    uid: 'u1',
    resourceVersion: '42',
  },
  type: 'Normal',
  reason: 'Evicted',
  message: 'evicted before its reclaim',
  ...more,
});

const startMs = Date.parse('2026-03-01T12:00:00Z');
const once = { count: 1, firstMs: startMs, lastMs: startMs };

describe('an Event', () => {
  test('names its object, down to the version that was seen, and who reports', () => {
    expect(toEvent(aNote(), once, '18a2f', 'spotpolicy-1')).toEqual({
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: 'web-1.18a2f', namespace: 'shop' },
      involvedObject: aNote().subject,
      type: 'Normal',
      reason: 'Evicted',
      message: 'evicted before its reclaim',
      source: { component: 'spotpolicy' },
      reportingComponent: 'spotpolicy',
      reportingInstance: 'spotpolicy-1',
      count: 1,
      firstTimestamp: '2026-03-01T12:00:00.000Z',
      lastTimestamp: '2026-03-01T12:00:00.000Z',
    });
  });

  test('about an object without a namespace is in the namespace default, as the API server wants it', () => {
    const subject = { apiVersion: 'v1', kind: 'Node', namespace: '', name: 'n1', uid: 'u1' };
    const { metadata, involvedObject } = toEvent(aNote({ subject }), once, '1', 'r');
    expect(metadata.namespace).toBe('default');
    expect(involvedObject).toEqual({ apiVersion: 'v1', kind: 'Node', name: 'n1', uid: 'u1' });
  });

  test('has a message of at most 1024 characters', () => {
    const { message = '' } = toEvent(aNote({ message: 'x'.repeat(2_000) }), once, '1', 'r');
    expect(message).toHaveLength(1024);
    expect(message.endsWith('…')).toBe(true);
    expect(toEvent(aNote({ message: 'y'.repeat(1024) }), once, '1', 'r').message).toBe('y'.repeat(1024));
  });

  test('has a name the API server accepts however long that of its object is', () => {
    const name = `${'a'.repeat(245)}--bbbbbb`;
    const event = toEvent(aNote({ subject: { ...aNote().subject, name } }), once, 'abc123', 'r');
    expect(event.metadata.name).toBe(`${'a'.repeat(245)}.abc123`);
  });

  test('grows by its count and its latest time only', () => {
    expect(toGrowth({ count: 3, firstMs: startMs, lastMs: startMs + 5_000 })).toEqual({
      count: 3,
      lastTimestamp: '2026-03-01T12:00:05.000Z',
    });
  });

  test('is another one for another object of the same name, another reason or other words', () => {
    const others = [
      aNote({ subject: { ...aNote().subject, uid: 'u2' } }),
      aNote({ reason: 'Blocked' }),
      aNote({ message: 'otherwise' }),
    ];
    expect(new Set([aNote(), ...others].map(noteKey)).size).toBe(4);
    expect(noteKey(aNote({ subject: { ...aNote().subject, resourceVersion: '43' } }))).toBe(noteKey(aNote()));
  });
});
