import { describe, expect, it } from 'vitest';
import { markOf, readMark, writeMark } from '../../../operator/interruption/mark.ts';
import { anInterruption, settingsOf } from '../../builders/interruption.ts';
import { at, uidOf } from '../../builders/pod.ts';

const mark = markOf(anInterruption());
const text = writeMark(mark);
const uid = uidOf('Pod', 'web-1');
const read = (written: string | undefined, pod = uid) =>
  readMark({
    uid: pod,
    annotations: written === undefined ? {} : { 'spotpolicy.dev/interruption': written },
  });
const changed = (fields: object): string => JSON.stringify({ ...JSON.parse(text), ...fields });

it('a mark that names a time which the API cannot spell is none', () => {
  const times = ['+275760-09-13T00:00:00.000Z', '9999-12-31T23:59:59Z', '-000100-01-01T00:00:00Z'];
  for (const deadline of times) expect(read(changed({ deadline }))).toBeUndefined();
  expect(read(changed({ noticedAt: '-271821-04-20T00:00:00.001Z' }))).toBeUndefined();
});

describe('the mark on a pod', () => {
  it('is one line that a person can read', () => {
    expect(text).toBe(
      '{"uid":"uid-of-Pod-shop-web-1","noticedAt":"2026-03-01T12:00:00.000Z","deadline":"2026-03-01T12:03:00.000Z","conditionAt":"2026-03-01T12:00:00.000Z","conditionDeadline":"2026-03-01T12:03:00.000Z","policy":"SpotPolicy/shop/web","evictor":"Operator","replacement":"BeforeEviction","surge":"AsDoomed","jobPods":"AtDeadline","onDeadline":"Delete"}',
    );
  });

  it('says how a pod ended that stays behind', () => {
    const ended = markOf(anInterruption({ outcome: 'Missed' }));
    expect(read(writeMark(ended))).toEqual({ ...mark, outcome: 'Missed' });
  });

  it.each(['Operator', 'VirtualNode', 'None'] as const)('knows the evictor %s', (evictor) => {
    const marked = markOf(anInterruption({ settings: settingsOf({ evictor }) }));
    expect(read(writeMark(marked))?.settings.evictor).toBe(evictor);
  });

  it('of an earlier version, which knew no surge, is read as what that version did', () => {
    expect(read(changed({ surge: undefined }))?.settings.surge).toBe('AsDoomed');
    expect(read(changed({ surge: 'AsWorkload' }))?.settings.surge).toBe('AsWorkload');
  });

  it('is none on another pod, as on a copy of its manifest, and none without a UID', () => {
    expect(read(text)).toEqual(mark);
    expect(read(text, 'another')).toBeUndefined();
    expect(read(changed({ uid: undefined }))).toBeUndefined();
  });

  it('holds the window of the condition apart, where there was one', () => {
    const onCondition = { noticedAtMs: at(1), deadlineMs: at(181) };
    expect(read(writeMark({ ...mark, onCondition }))?.onCondition).toEqual(onCondition);
    expect(read(writeMark({ ...mark, onCondition: undefined }))?.onCondition).toBeUndefined();
  });

  it('is cut to what it can hold, and none where anybody wrote more', () => {
    const plainly = '\u0001'.repeat(100_000);
    const written = writeMark({ ...mark, plainly });
    expect(written.length).toBeLessThan(8_192);
    expect(read(written)?.plainly).toHaveLength(1_024);
    expect(read(changed({ padding: 'x'.repeat(8_192) }))).toBeUndefined();
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
    expect(read(written)).toBeUndefined();
  });

  it('loses an outcome that we never write, and keeps the rest', () => {
    expect(read(changed({ outcome: 'Replaced' }))).toEqual({ ...mark, outcome: undefined });
  });
});
