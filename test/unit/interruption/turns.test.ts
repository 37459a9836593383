import { describe, expect, it } from 'vitest';
import { quotaQueue, surgeQueue } from '../../../operator/interruption/queue.ts';
import { isNews, turnsAfter, turnsIn } from '../../../operator/interruption/turns.ts';
import type { Interruption } from '../../../operator/world/interruption.ts';
import { aRefusal, anInterruption, aWorkloadReference } from '../../builders/interruption.ts';
import { aPod, at, ownedBy, type PodWishes, uidOf } from '../../builders/pod.ts';
import { aWorld, known, put } from '../../builders/world.ts';

const leaving: PodWishes = { deletion: { atMs: at(10), graceSeconds: 30 } };
const origin = { name: 'web-abc', uid: uidOf('ReplicaSet', 'web-abc') };
const replacing = (name: string, ready: number, more: Partial<Interruption> = {}) =>
  anInterruption({
    name,
    phase: 'Replacing',
    detached: { origin, atMs: at(0), ready },
    replacement: { uid: `of-${name}`, name: 'x', capacity: 'spot', readyAtMs: undefined },
    ...more,
  });
const turns = (...interruptions: readonly Interruption[]): readonly string[] => {
  const world = aWorld();
  for (const interruption of interruptions) world.record(interruption);
  return turnsIn(world, aWorkloadReference());
};
const uids = (...names: readonly string[]): string[] => names.map((name) => uidOf('Pod', name));

describe('the turn in a workload', () => {
  it('to seek a replacement is with the pod that made room first', () => {
    const world = aWorld({ Pod: ['web-1', 'web-2', 'web-3'].map((name) => aPod({ name })) });
    for (const name of ['web-1', 'web-2', 'web-3'])
      world.record(
        anInterruption({ name, phase: 'Terminating', ending: { how: 'Terminating', atMs: at(10) } }),
      );
    for (const name of ['web-2', 'web-1', 'web-3']) put(world, 'Pod', aPod({ name, ...leaving }));
    expect(turnsIn(world, aWorkloadReference())).toEqual(uids('web-2'));
  });

  it('to seek a replacement is with the first of each index of an Indexed Job', () => {
    const labels = (index: string) => ({ 'batch.kubernetes.io/job-completion-index': index });
    const workload = aWorkloadReference('Job', 'batch', 'batch');
    const owner = ownedBy('Job', 'batch');
    const pods = ['0', '1'].map((index) =>
      aPod({ name: `batch-${index}-aaaaa`, owner, labels: labels(index) }),
    );
    const world = aWorld({ Pod: pods });
    for (const name of ['batch-0-aaaaa', 'batch-1-aaaaa'])
      world.record(
        anInterruption({
          name,
          workload,
          phase: 'Terminating',
          ending: { how: 'Terminating', atMs: at(10) },
        }),
      );
    const turnOf = (index: string) =>
      turnsIn(world, workload, known('Pod', aPod({ name: 'next', owner, labels: labels(index) })));
    expect(['0', '1'].map(turnOf)).toEqual([uids('batch-0-aaaaa'), uids('batch-1-aaaaa')]);
  });

  it('to go is with the pod that needs the fewest others, then with the earliest deadline', () => {
    expect(turns(replacing('web-1', 3), replacing('web-2', 2), replacing('web-3', 2))).toEqual(uids('web-2'));
    const urgent = { deadlineMs: at(60) };
    expect(turns(replacing('web-1', 2), replacing('web-2', 2, urgent))).toEqual(uids('web-2'));
  });

  it('is with nobody who is served, over, blocked or being called for', () => {
    expect(
      turns(
        anInterruption({ name: 'noticed' }),
        anInterruption({ name: 'over', phase: 'Done', ending: { how: 'Gone', atMs: at(9) } }),
        replacing('blocked', 1, { phase: 'Blocked' }),
        replacing('asked', 1, { call: 'Attach' }),
      ),
    ).toEqual([]);
  });
});

describe('news to those who wait for pods', () => {
  const pod = known('Pod', aPod());
  it.each([
    ['a pod that came', undefined, {}],
    ['one that became Ready', { ready: false }, {}],
    ['one that is no longer', {}, { ready: false }],
    ['one that goes', {}, leaving],
    ['one that was taken out of its ReplicaSet', {}, { owner: ownedBy('Deployment', 'web') }],
  ] as const)('is %s', (_, before, after) => {
    expect(isNews(before && known('Pod', aPod(before)), known('Pod', aPod(after)))).toBe(true);
  });

  it('is nothing else about it', () => {
    expect(isNews(pod, known('Pod', aPod({ annotations: { note: 'new' } })))).toBe(false);
  });
});

describe('the turn is passed on', () => {
  const seeking = anInterruption({ phase: 'Terminating', ending: { how: 'Terminating', atMs: at(10) } });
  const waiting = replacing('web-1', 1);
  it.each<[string, Interruption, Partial<Interruption>, boolean]>([
    ['by one that has found its replacement', seeking, { replacement: waiting.replacement }, true],
    ['by one that is over', seeking, { phase: 'Done' }, true],
    ['by one that goes', waiting, { phase: 'Evicting', call: 'Evict' }, true],
    ['by nobody who goes on waiting', waiting, { message: 'it goes when 2 pods are Ready' }, false],
    ['by nobody who begins to wait', { ...waiting, phase: 'Noticed' }, { phase: 'Replacing' }, false],
  ])('%s', (_, before, change, passes) => {
    const world = aWorld();
    world.record(anInterruption({ ...seeking, name: 'next', uid: uidOf('Pod', 'next') }));
    world.record(replacing('later', 9));
    world.record({ ...before, ...change });
    expect(turnsAfter(world, before, { ...before, ...change }).length > 0).toBe(passes);
  });

  const queued = (name: string, queue: string, deadlineMs: number) =>
    anInterruption({ name, phase: 'Replacing', queue, deadlineMs });
  const passedOn = (queue: string, before: Interruption, after: Partial<Interruption>): readonly string[] => {
    const world = aWorld();
    for (const [name, deadline] of [
      ['late', 200],
      ['soon', 190],
      ['later', 210],
    ] as const)
      world.record(queued(name, queue, at(deadline)));
    const next = { ...before, ...after };
    world.record(next);
    return turnsAfter(world, before, next).filter((uid) => uid !== next.uid);
  };
  const out = replacing('web-1', 1);
  const lost = { of: 'Detach', unsure: true } as const;
  const begun = anInterruption({ call: 'Detach' });
  it.each<[string, Interruption, Partial<Interruption>, boolean, boolean]>([
    ['a surplus pod that is evicted', out, { evictedAtMs: at(9) }, true, false],
    ['one that ends by itself', out, { ending: { how: 'Gone', atMs: at(9) } }, true, false],
    ['one that is put back', out, { detached: undefined, replacement: undefined }, true, false],
    [
      'one whose replacement is seen',
      { ...out, replacement: undefined },
      { replacement: out.replacement },
      false,
      true,
    ],
    ['one that is not detached after all', begun, { call: undefined, plainly: 'denied' }, true, true],
    ['not one of which that is not known', begun, { call: undefined, refusal: aRefusal(lost) }, false, false],
    ['not one that is being evicted', out, { call: 'Evict' }, false, false],
  ])('by %s, to the earliest deadline in line', (_, before, after, surge, quota) => {
    const soon = uids('soon');
    expect(passedOn(surgeQueue(aWorkloadReference()), before, after)).toEqual(surge ? soon : []);
    expect(passedOn(quotaQueue('shop'), before, after)).toEqual(quota ? soon : []);
  });

  it('by one that leaves a line to the next there', () => {
    const before = queued('web-1', 'quota/shop', at(180));
    expect(passedOn('quota/shop', before, { queue: undefined, call: 'Detach' })).toEqual(uids('soon'));
    expect(passedOn('quota/shop', before, { message: 'still waits' })).toEqual([]);
  });
});
