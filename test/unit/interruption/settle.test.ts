import { describe, expect, it } from 'vitest';
import type { Effect } from '../../../operator/interruption/look.ts';
import { type Answer, settle } from '../../../operator/interruption/settle.ts';
import { growingDelay } from '../../../operator/runtime/backoff.ts';
import type { Interruption } from '../../../operator/world/interruption.ts';
import { aRefusal, anInterruption } from '../../builders/interruption.ts';
import { at } from '../../builders/pod.ts';

const versions = { 'shop/web': '7' };
const settled = (before: Partial<Interruption>, answer: Answer): Interruption =>
  settle(anInterruption(before), { effect: { kind: before.call ?? 'Mark' } as Effect, answer }, versions, {
    nowMs: at(9),
    pauseAfter: (failures, limits) => growingDelay(failures, () => 0, limits),
  });
const refused = (more: Partial<Answer & { kind: 'Refused' }> = {}): Answer => ({
  ...{ kind: 'Refused', byBudget: false, message: 'no answer' },
  ...more,
});

it('a call without a right is remembered as one', () => {
  expect(settled({ call: 'Evict' }, refused({ forbidden: true })).refusal?.forbidden).toBe(true);
  expect(settled({ call: 'Evict' }, refused()).refusal).not.toHaveProperty('forbidden');
});

describe('a call that was done', () => {
  it('counts the notice and says when an eviction was accepted', () => {
    expect(settled({ call: 'Evict' }, { kind: 'Done' })).toMatchObject({
      call: undefined,
      counted: true,
      evictedAtMs: at(9),
      forced: false,
      refusal: undefined,
    });
  });

  it('says of a deletion that it was forced', () => {
    expect(settled({ call: 'Delete' }, { kind: 'Done' })).toMatchObject({ evictedAtMs: at(9), forced: true });
  });

  it('neither evicted nor forced a pod that ECI had taken by then', () => {
    const ending = { how: 'BidFailed', atMs: at(8) } as const;
    for (const call of ['Evict', 'Delete'] as const)
      expect(settled({ call, ending }, { kind: 'Done' })).toMatchObject({
        ...{ call: undefined, counted: true, evictedAtMs: undefined, forced: false },
      });
  });

  it('says what a mark tells: that it is under way, or that it is over', () => {
    expect(settled({ call: 'Mark' }, { kind: 'Done' })).toMatchObject({ counted: true, marked: 'UnderWay' });
    expect(settled({ call: 'Mark', outcome: 'Missed' }, { kind: 'Done' }).marked).toBe('Ended');
  });

  it('of a mark that is written forgets why it was not, which concerns no other call', () => {
    const eviction = aRefusal();
    const failed = settled({ call: 'Mark', refusal: eviction }, refused());
    expect(failed).toMatchObject({ refusal: eviction, unmarked: { of: 'Mark', notBeforeMs: at(10) } });
    const written = settled({ ...failed, call: 'Mark' }, { kind: 'Done' });
    expect(written).toMatchObject({ refusal: eviction, unmarked: undefined });
  });
});

describe('a call that was refused', () => {
  it('by a budget is remembered with the versions that were asked, and may be repeated as soon as they change', () => {
    expect(settled({ call: 'Evict' }, refused({ byBudget: true, message: 'needs 9' })).refusal).toEqual({
      ...{ of: 'Evict', atMs: at(9), attempts: 1, byBudget: true, budgetVersions: versions },
      ...{ message: 'needs 9', pauseMs: 1_000, notBeforeMs: at(9) },
    });
  });

  it('for another reason waits a second, then longer and longer', () => {
    const first = settled({ call: 'Evict' }, refused());
    expect(first.refusal).toMatchObject({ attempts: 1, notBeforeMs: at(10) });
    const second = settled({ ...first, call: 'Evict' }, refused());
    expect(second.refusal).toMatchObject({ attempts: 2, notBeforeMs: at(11) });
  });

  it('waits no longer for the failures of another one', () => {
    const refusal = aRefusal({ attempts: 9 });
    expect(settled({ call: 'Delete', refusal }, refused()).refusal).toMatchObject({ notBeforeMs: at(10) });
    const foreseen = aRefusal({ of: undefined, attempts: 1 });
    expect(settled({ call: 'Evict', refusal: foreseen }, refused()).refusal).toMatchObject({ attempts: 2 });
  });

  it('leaves a pod to a plain eviction that cannot be taken out or labelled, unless it may be', () => {
    for (const call of ['Detach', 'Delegate'] as const) {
      const plain = settled({ call, refusal: aRefusal({ of: call }) }, refused({ message: 'denied' }));
      expect(plain).toMatchObject({ plainly: 'denied', refusal: undefined });
      const lost = settled({ call }, refused({ unsure: true }));
      expect(lost).toMatchObject({ plainly: undefined, refusal: { of: call, notBeforeMs: at(10) } });
    }
  });

  it('waits as long as the API server asks', () => {
    const pausedUntil = (afterMs: number) =>
      settled({ call: 'Evict' }, refused({ afterMs })).refusal?.notBeforeMs;
    expect(pausedUntil(7_000)).toBe(at(16));
    // Neither at once nor beyond a reclaim.
    expect([pausedUntil(0), pausedUntil(600_000)]).toEqual([at(10), at(39)]);
  });

  it('has changed nothing else', () => {
    const { refusal: _, ...rest } = settled({ call: 'Evict' }, refused());
    const { refusal: __, ...before } = anInterruption();
    expect(rest).toEqual(before);
  });
});

describe('a call about a pod that is gone', () => {
  it('is not repeated while the world catches up, and the pod is not marked', () => {
    const { call, marked, evictedAtMs, refusal } = settled({ call: 'Evict' }, { kind: 'Gone' });
    expect({ call, marked, evictedAtMs }).toEqual({
      call: undefined,
      marked: 'UnderWay',
      evictedAtMs: undefined,
    });
    expect(refusal).toMatchObject({ byBudget: false, notBeforeMs: at(10) });
  });

  it('leaves a mark that was there as it was', () => {
    expect(settled({ call: 'Evict', marked: 'Ended' }, { kind: 'Gone' }).marked).toBe('Ended');
  });
});
