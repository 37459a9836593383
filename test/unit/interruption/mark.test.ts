import { describe, expect, it } from 'vitest';
import { markOf, readMark, signalOf, writeMark } from '../../../operator/interruption/mark.ts';
import { anInterruption, settingsOf } from '../../builders/interruption.ts';
import { at } from '../../builders/pod.ts';

const mark = markOf(anInterruption());
const text = writeMark(mark);
const changed = (fields: object): string => JSON.stringify({ ...JSON.parse(text), ...fields });

it('a mark that names a time which the API cannot spell is none', () => {
  const times = ['+275760-09-13T00:00:00.000Z', '9999-12-31T23:59:59Z', '-000100-01-01T00:00:00Z'];
  for (const deadline of times) expect(readMark(changed({ deadline }))).toBeUndefined();
  expect(readMark(changed({ noticedAt: '-271821-04-20T00:00:00.001Z' }))).toBeUndefined();
});

describe('the mark on a pod', () => {
  it('is one line that a person can read', () => {
    expect(text).toBe(
      '{"noticedAt":"2026-03-01T12:00:00.000Z","deadline":"2026-03-01T12:03:00.000Z","policy":"SpotPolicy/shop/web","evictor":"Operator","replacement":"BeforeEviction","surge":"AsDoomed","jobPods":"AtDeadline","onDeadline":"Delete"}',
    );
  });

  it('says how a pod ended that stays behind', () => {
    const ended = markOf(anInterruption({ outcome: 'Missed' }));
    expect(readMark(writeMark(ended))).toEqual({ ...mark, outcome: 'Missed' });
  });

  it.each(['Operator', 'VirtualNode', 'None'] as const)('knows the evictor %s', (evictor) => {
    const marked = markOf(anInterruption({ settings: settingsOf({ evictor }) }));
    expect(readMark(writeMark(marked))?.settings.evictor).toBe(evictor);
  });

  it('of an earlier version, which knew no surge, is read as what that version did', () => {
    expect(readMark(changed({ surge: undefined }))?.settings.surge).toBe('AsDoomed');
    expect(readMark(changed({ surge: 'AsWorkload' }))?.settings.surge).toBe('AsWorkload');
  });

  it('is a signal of its own, whose window is known', () => {
    expect(signalOf({ ...mark, deadlineMs: at(300) })).toEqual({
      source: 'Recorded',
      atMs: at(0),
      minutes: 5,
    });
  });

  it.each([
    undefined,
    '',
    'null',
    '[]',
    '7',
    '{',
    '{}',
    changed({ noticedAt: 'soon' }),
    changed({ deadline: null }),
    changed({ deadline: '2026-03-01T12:00:00Z' }),
    changed({ policy: 7 }),
    changed({ evictor: 'Me' }),
    changed({ jobPods: 'Later' }),
    changed({ onDeadline: undefined }),
  ])('is none where anybody wrote %s', (written) => {
    expect(readMark(written)).toBeUndefined();
  });

  it('loses an outcome that we never write, and keeps the rest', () => {
    expect(readMark(changed({ outcome: 'Replaced' }))).toEqual({ ...mark, outcome: undefined });
  });
});
