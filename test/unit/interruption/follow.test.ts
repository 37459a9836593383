import { describe, expect, it } from 'vitest';
import { follow, withEnding } from '../../../operator/interruption/follow.ts';
import type { Case } from '../../../operator/interruption/look.ts';
import type { Successors } from '../../../operator/interruption/replacement.ts';
import type { Interruption, Replacement } from '../../../operator/world/interruption.ts';
import { aRefusal, anInterruption, aWorkloadReference } from '../../builders/interruption.ts';
import { aKnownPod, at, type PodWishes } from '../../builders/pod.ts';

const leaving: PodWishes = { deletion: { atMs: at(5), graceSeconds: 30 } };
const released: PodWishes = { phase: 'Failed', reason: 'BidFailed' };
const gone = {
  ending: { how: 'Gone', atMs: at(10) },
  goneAtMs: at(10),
  marked: 'UnderWay',
  counted: true,
} as const;
const never = { when: 'Never', because: '', charged: false } as const;
const noSuccessor: Successors = {
  ...{ candidates: [], credited: undefined, wanted: 3, serving: 2, workloadEnded: false, failure: undefined },
  indexFailed: undefined,
};
const marked = 'UnderWay' as const;
const pod2 = (more: PodWishes = {}) => aKnownPod({ name: 'web-2', readyAtMs: at(20), ...more });
const successor = (more: PodWishes = {}) =>
  ({ pod: pod2(more), readySinceMs: pod2(more).readySinceMs, capacity: 'spot' }) as const;
const ready: Replacement = { uid: pod2().uid, name: 'web-2', capacity: 'spot', readyAtMs: at(20) };
const pending: Replacement = { ...ready, readyAtMs: undefined };

const followed = (
  interruption: Partial<Interruption>,
  pod: PodWishes | undefined,
  successors: Partial<Successors> = {},
  seconds = 30,
) => {
  const seen: Case = {
    interruption: anInterruption(interruption),
    pod: pod && aKnownPod(pod),
    standings: [],
    successors: { ...noSuccessor, ...successors },
    surge: undefined,
    warning: undefined,
    trustEvents: false,
  };
  return follow(seen, at(seconds));
};

describe('a pod that terminates', () => {
  it('is followed and not touched, whoever deleted it, and counts as noticed', () => {
    const { next, effect } = followed({}, leaving);
    expect(effect).toBeUndefined();
    expect(next).toMatchObject({
      phase: 'Terminating',
      ending: { how: 'Terminating', atMs: at(5) },
      counted: true,
    });
  });

  it('is told of a minute after its deadline, with what holds it, and is followed on', () => {
    const late = (seconds: number, more: PodWishes = {}) =>
      followed({}, { ...leaving, ...more }, {}, seconds);
    expect(late(239.9)).toMatchObject({ next: { message: 'terminating' }, againAtMs: at(240) });
    expect(late(239.9).next.overdue).toBeUndefined();
    expect(late(240).next).toMatchObject({
      phase: 'Terminating',
      overdue: true,
      message: 'still terminating a minute after its deadline: its node has not let it go',
    });
    const finalizers = ['example.com/one', 'example.com/two', 'example.com/three', 'example.com/four'];
    const held =
      'still terminating a minute after its deadline: finalizers hold it (example.com/one, example.com/two, example.com/three)';
    expect(late(240, { finalizers }).next.message).toBe(held);
    // Also where its containers have ended and another one is Ready in its place.
    const ended: PodWishes = { ...leaving, finalizers, phase: 'Succeeded' };
    expect(followed({}, ended, { candidates: [successor()] }, 240).next.message).toBe(held);
  });

  it('was evicted, or forced, by a call whose answer was lost, and by no other that failed', () => {
    const lost = (unheard: 'Evict' | 'Delete' | 'Remove', pod: PodWishes | undefined = leaving) =>
      followed({ unheard }, pod).next;
    const failed = followed({ refusal: aRefusal({ of: 'Evict' }) }, leaving).next;
    expect(lost('Evict')).toMatchObject({ evictedAtMs: at(5), forced: false });
    expect(lost('Remove')).toMatchObject({ evictedAtMs: at(5), forced: false });
    expect(lost('Delete')).toMatchObject({ evictedAtMs: at(5), forced: true, outcome: 'Forced' });
    for (const other of [failed, lost('Delete', released)])
      expect(other).toMatchObject({ evictedAtMs: undefined, forced: false });
  });

  it('is credited with a replacement that is Ready before it is gone', () => {
    const { next } = followed({}, leaving, { candidates: [successor()] });
    expect(next).toMatchObject({ phase: 'Terminating', replacement: ready });
  });

  it('keeps a replacement that was Ready, whatever becomes of that', () => {
    const { next } = followed({ replacement: ready }, leaving, {
      candidates: [successor({ name: 'web-3' })],
    });
    expect(next.replacement).toEqual(ready);
  });
});

describe('a pod that is gone', () => {
  it('waits for the successor that was not there yet, ten minutes at most', () => {
    const waiting = followed(gone, undefined);
    expect(waiting).toMatchObject({ againAtMs: at(610), next: { phase: 'AwaitingReplacement' } });
    expect(waiting.next.message).toBe('waiting for Deployment web to replace it');
    expect(followed(gone, undefined, {}, 609.9).next.phase).toBe('AwaitingReplacement');
    expect(followed(gone, undefined, {}, 610).next).toMatchObject({ phase: 'Done', outcome: 'NotReplaced' });
  });

  it('waits as long for its successor to be Ready, and then says which one is not', () => {
    const unready = { candidates: [successor({ ready: false })] };
    expect(followed(gone, undefined, unready, 609.9)).toMatchObject({
      againAtMs: at(610),
      next: {
        phase: 'AwaitingReplacement',
        replacement: pending,
        message: 'waiting for web-2 to be Ready',
      },
    });
    expect(followed(gone, undefined, unready, 610).next).toMatchObject({
      phase: 'Done',
      outcome: 'NotReplaced',
      replacement: pending,
      message: 'web-2 has not become Ready in its place',
    });
  });

  it('is waited for from when it was gone, not from when it began to end', () => {
    const slow = { ending: { how: 'Terminating', atMs: at(10) }, marked: 'UnderWay' } as const;
    const { next, againAtMs } = followed(slow, undefined, {}, 310);
    expect(againAtMs).toBe(at(910));
    expect(followed(next, undefined, {}, 909.9).againAtMs).toBe(at(910));
  });

  it('is replaced when that is Ready, since when it is', () => {
    const { next } = followed({ ...gone, replacement: pending }, undefined, { credited: successor() });
    expect(next).toMatchObject({
      phase: 'Done',
      outcome: 'Replaced',
      replacement: ready,
      message: 'replaced by web-2',
    });
  });

  it('takes another successor when the credited one has gone before it was Ready', () => {
    const lost = { ...gone, replacement: { ...pending, uid: 'lost', name: 'lost' } };
    const { next } = followed(lost, undefined, { candidates: [successor()] });
    expect(next).toMatchObject({ phase: 'Done', replacement: ready });
    expect(followed(lost, undefined).next.replacement).toBeUndefined();
  });

  it('takes another successor when the credited one is itself leaving', () => {
    const credited = successor({ name: 'old', deletion: { atMs: at(25), graceSeconds: 30 } });
    const { next } = followed({ ...gone, replacement: pending }, undefined, {
      credited,
      candidates: [successor()],
    });
    expect(next.replacement?.name).toBe('web-2');
  });

  it('needs no replacement where its workload has the Ready pods it wants, or has ended', () => {
    expect(followed(gone, undefined, { serving: 3 }).next).toMatchObject({
      phase: 'Done',
      outcome: 'NotNeeded',
      message: 'Deployment web has the 3 Ready pods it wants',
    });
    expect(followed(gone, undefined, { workloadEnded: true }).next).toMatchObject({
      outcome: 'NotNeeded',
      message: 'Deployment web has ended',
    });
    // Also where a replacement was on its way.
    const unready = { wanted: 0, candidates: [successor({ ready: false })] };
    expect(followed(gone, undefined, unready).next).toMatchObject({
      outcome: 'NotNeeded',
      message: 'Deployment web wants no pod in its place',
    });
    expect(followed(gone, undefined, { wanted: undefined, serving: 9 }).next.phase).toBe(
      'AwaitingReplacement',
    );
  });

  it('is not replaced where no controller recreates it', () => {
    expect(followed({ ...gone, workload: undefined }, undefined).next).toMatchObject({
      phase: 'Done',
      outcome: 'NotReplaced',
      message: 'no controller recreates it',
    });
  });

  it('that was deleted at its deadline stays Forced when its replacement comes', () => {
    const { next } = followed({ ...gone, forced: true }, undefined, { candidates: [successor()] });
    expect(next).toMatchObject({ phase: 'Done', outcome: 'Forced', replacement: ready });
  });
});

describe('a pod that stays behind', () => {
  it('released before it could be evicted was Missed, and carries that before anything goes on', () => {
    const { next, effect } = followed({}, released, { candidates: [successor()] });
    expect(next).toMatchObject({ outcome: 'Missed', call: 'Mark' });
    expect(effect).toMatchObject({ kind: 'Mark', mark: { outcome: 'Missed' } });
  });

  it('released on purpose was LeftToReclaim', () => {
    expect(followed({ plan: never }, released).next.outcome).toBe('LeftToReclaim');
  });

  it('released is replaced like any other once it is marked', () => {
    const missed = { outcome: 'Missed', marked: 'Ended', counted: true } as const;
    expect(followed(missed, released).next.phase).toBe('AwaitingReplacement');
    expect(followed(missed, released, { candidates: [successor()] }).next).toMatchObject({
      phase: 'Done',
      outcome: 'Missed',
      replacement: ready,
    });
  });

  it('is not done with before its mark is written, and does not hammer an API server that cannot take it', () => {
    const unmarked = aRefusal({ of: 'Mark', atMs: at(29), attempts: 2, notBeforeMs: at(31) });
    const { next, effect, againAtMs } = followed({ unmarked }, released, { candidates: [successor()] });
    expect(effect).toBeUndefined();
    expect(againAtMs).toBe(at(31));
    expect(next).toMatchObject({ phase: 'AwaitingReplacement', outcome: 'Missed', message: 'no answer' });
    expect(followed({ unmarked }, released, {}, 31).effect).toMatchObject({ kind: 'Mark' });
  });

  it('completed in time is done as soon as it is marked', () => {
    const succeeded: PodWishes = { phase: 'Succeeded' };
    expect(followed({}, succeeded).effect).toMatchObject({ kind: 'Mark', mark: { outcome: 'Completed' } });
    expect(followed({ marked: 'Ended', outcome: 'Completed' }, succeeded).next).toMatchObject({
      phase: 'Done',
      message: 'it completed in time',
    });
  });

  it('that was evicted has not completed, whatever its containers exit with, and its successor is followed', () => {
    const stopped: PodWishes = { ...leaving, phase: 'Succeeded' };
    const evicted = { ending: { how: 'Terminating', atMs: at(5) }, evictedAtMs: at(5), marked } as const;
    for (const before of [evicted, { marked }]) {
      const { next, effect } = followed(before, stopped);
      expect(effect).toBeUndefined();
      expect(next).toMatchObject({ phase: 'AwaitingReplacement', outcome: undefined });
      // A new leader would begin it anew as long as its object is there.
      const replaced = { candidates: [successor()] };
      expect(followed(before, stopped, replaced).next).toMatchObject({
        phase: 'Terminating',
        outcome: undefined,
      });
      expect(followed(before, undefined, replaced).next.outcome).toBe('Replaced');
    }
  });

  it('that failed for a reason of its own is followed without a mark', () => {
    const { next, effect } = followed({}, { phase: 'Failed', reason: 'Error' });
    expect(effect).toBeUndefined();
    expect(next).toMatchObject({ phase: 'AwaitingReplacement', outcome: undefined, counted: true });
  });
});

describe('a pod whose workload has failed', () => {
  const failure = { atMs: at(5), message: 'Job has reached the specified backoff limit' };
  const failed = { failure, workloadEnded: true };
  const evicted = { ending: { how: 'Terminating', atMs: at(5.3) }, evictedAtMs: at(5.4), marked } as const;
  const job = aWorkloadReference('Job', 'batch', 'batch');

  it('has failed it where it was evicted, by whomever, or taken, missed or left', () => {
    const drained = { ending: { how: 'Terminating', atMs: at(5), evicted: true }, marked } as const;
    const left = { ending: { how: 'BidFailed', atMs: at(4) }, outcome: 'LeftToReclaim', marked } as const;
    for (const lost of [evicted, drained, left, { ...left, outcome: 'Missed' } as const])
      expect(followed({ ...lost, workload: job }, undefined, failed).next).toMatchObject({
        phase: 'Done',
        outcome: 'WorkloadFailed',
        message: 'Job batch has failed: Job has reached the specified backoff limit',
      });
  });

  it('has failed it where only that is known, and not when', () => {
    const unknown = { failure: { atMs: undefined, message: '' }, workloadEnded: true };
    expect(followed(evicted, undefined, unknown).next).toMatchObject({
      outcome: 'WorkloadFailed',
      message: 'Deployment web has failed',
    });
  });

  it('has not where the workload failed before, or its controller deleted the pod, or the pod was replaced', () => {
    const before = { ...failed, failure: { ...failure, atMs: at(4) } };
    expect(followed(evicted, undefined, before).next.outcome).toBe('NotNeeded');
    const deleted = { ending: { how: 'Terminating', atMs: at(5) }, marked } as const;
    expect(followed(deleted, undefined, failed).next.outcome).toBe('NotNeeded');
    expect(followed({ ...evicted, replacement: ready }, undefined, failed).next.outcome).toBe('Replaced');
  });

  it('has not yet while it terminates', () => {
    expect(followed(evicted, leaving, failed).next.phase).toBe('Terminating');
  });
});

describe('how a pod ended', () => {
  it('is how it was first seen to, since what comes later only follows from it', () => {
    const interruption = withEnding(anInterruption(), aKnownPod(released), at(9));
    expect(interruption.ending).toEqual({ how: 'BidFailed', atMs: at(9) });
    expect(withEnding(interruption, undefined, at(99))).toBe(interruption);
    expect(followed({ ending: { how: 'BidFailed', atMs: at(9) } }, undefined).next.outcome).toBe('Missed');
  });

  it('tells an eviction from a deletion', () => {
    const disrupted = { type: 'DisruptionTarget', status: 'True' } as never;
    const ending = (more: PodWishes) =>
      withEnding(anInterruption(), aKnownPod({ ...leaving, ...more }), at(9)).ending;
    expect(ending({ conditions: [disrupted] })).toEqual({ how: 'Terminating', atMs: at(5), evicted: true });
    expect(ending({})).toEqual({ how: 'Terminating', atMs: at(5) });
  });

  it('is not known while it lives', () => {
    expect(withEnding(anInterruption(), aKnownPod(), at(9)).ending).toBeUndefined();
  });

  it.each([
    ['Succeeded', { phase: 'Succeeded' }],
    ['Failed', { phase: 'Failed', reason: 'Error' }],
    ['BidFailed', released],
    ['Terminating', leaving],
    ['Terminating', { ...leaving, phase: 'Succeeded' }],
    ['Terminating', { ...leaving, phase: 'Failed', reason: 'Error' }],
    ['BidFailed', { ...leaving, ...released }],
    ['Gone', undefined],
  ] as const)('is %s', (how, pod) => {
    expect(withEnding(anInterruption(), pod && aKnownPod(pod), at(9)).ending?.how).toBe(how);
  });
});
