import { describe, expect, it } from 'vitest';
import { changedParts } from '../../../operator/status/changed-parts.ts';

type Json = Readonly<Record<string, unknown>>;
const changed = (before: Json | undefined, after: Json) => changedParts(before, after);

describe('the changed parts of a status', () => {
  it('are none where both say the same, in whatever order of fields', () => {
    expect(
      changed({ a: 1, b: { c: [{ d: 2, e: 3 }] } }, { b: { c: [{ e: 3, d: 2 }] }, a: 1 }),
    ).toBeUndefined();
    expect(changed({ a: 1 }, { a: 1, b: undefined })).toBeUndefined();
    expect(changed({}, {})).toBeUndefined();
    expect(changed(undefined, {})).toBeUndefined();
  });

  it('are those added and those changed, however deep, each as a whole', () => {
    expect(changed({ a: 1, b: { c: 1, d: 1 } }, { a: 1, b: { c: 2, d: 1 }, e: 5 })).toEqual({
      b: { c: 2, d: 1 },
      e: 5,
    });
    expect(changed({ a: [1, 2, 3] }, { a: [1, 2] })).toEqual({ a: [1, 2] });
    expect(changed({ a: [] }, { a: {} })).toEqual({ a: {} });
    expect(changed({ a: [[]] }, { a: [{}] })).toEqual({ a: [{}] });
    expect(changed(undefined, { a: {} })).toEqual({ a: {} });
  });

  it('are null where they are no longer there, or undefined', () => {
    expect(changed({ a: 1, b: { c: 1 } }, { a: undefined, b: {} })).toEqual({ a: null, b: {} });
    expect(changed({ a: 1 }, {})).toEqual({ a: null });
  });
});
