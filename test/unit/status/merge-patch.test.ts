import { describe, expect, it } from 'vitest';
import { mergePatch } from '../../../operator/status/merge-patch.ts';

describe('a merge patch', () => {
  it('is none where both say the same, in whatever order of fields', () => {
    expect(
      mergePatch({ a: 1, b: { c: [{ d: 2, e: 3 }] } }, { b: { c: [{ e: 3, d: 2 }] }, a: 1 }),
    ).toBeUndefined();
    expect(mergePatch({}, {})).toBeUndefined();
    expect(mergePatch(undefined, {})).toBeUndefined();
  });

  it('names what was added and what changed, however deep', () => {
    expect(mergePatch({ a: 1, b: { c: 1, d: 1 } }, { a: 1, b: { c: 2, d: 1 }, e: 5 })).toEqual({
      b: { c: 2 },
      e: 5,
    });
  });

  it('takes away what is no longer there, or undefined', () => {
    expect(mergePatch({ a: 1, b: { c: 1 } }, { a: undefined, b: {} })).toEqual({ a: null, b: { c: null } });
  });

  it('replaces lists whole', () => {
    expect(mergePatch({ a: [1, 2, 3] }, { a: [1, 2] })).toEqual({ a: [1, 2] });
    expect(mergePatch({ a: [] }, { a: {} })).toEqual({ a: {} });
    expect(mergePatch({ a: [[]] }, { a: [{}] })).toEqual({ a: [{}] });
  });

  it('puts an object where none was, an empty one too', () => {
    expect(mergePatch({ a: 1 }, { a: { b: 2 } })).toEqual({ a: { b: 2 } });
    expect(mergePatch({}, { a: {} })).toEqual({ a: {} });
    expect(mergePatch(undefined, { a: {} })).toEqual({ a: {} });
  });
});
