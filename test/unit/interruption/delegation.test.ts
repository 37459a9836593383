import { describe, expect, it } from 'vitest';
import { writeMark } from '../../../operator/interruption/mark.ts';
import { beginInterruption } from '../../../operator/interruption/begin.ts';
import { successorsOf } from '../../../operator/interruption/replacement.ts';
import { surgeOf } from '../../../operator/interruption/surge.ts';
import { onAClock } from '../../builders/clock.ts';
import { aCloneSet, type CloneSetWishes, listCloneSets } from '../../builders/clone-set.ts';
import { anInterruption } from '../../builders/interruption.ts';
import { type Call, lead, type Leader } from '../../builders/leader.ts';
import { aPod, anExpiry, at, ownedBy, type PodWishes, uidOf } from '../../builders/pod.ts';
import { aPolicy } from '../../builders/policy.ts';
import { aComputedBudget, aWorld, type Content, drop, put } from '../../builders/world.ts';

const owner = ownedBy('CloneSet', 'web');
const doomed: PodWishes = { owner, conditions: [anExpiry(at(0))] };
const told: PodWishes = { ...doomed, labels: { 'apps.kruise.io/specified-delete': 'true' } };
const unlisted = (content: Content = {}) =>
  aWorld({ SpotPolicy: [aPolicy()], Pod: [aPod(doomed)], ...content });
const known = (wishes: CloneSetWishes = {}, content: Content = {}) => {
  const world = unlisted(content);
  listCloneSets(world, [aCloneSet(wishes)]);
  return world;
};
const made = ({ calls }: Leader): string[] =>
  calls.map(({ pod, effect, seconds }: Call) => `${effect.kind} ${pod} at ${seconds}`);
const record = (world: ReturnType<typeof unlisted>) => world.interruptions.byUid(uidOf('Pod', 'web-1'));
const reason = (world: ReturnType<typeof unlisted>): string | undefined => {
  const pod = world.pods.byUid(uidOf('Pod', 'web-1'));
  if (!pod) throw new Error('there is no such pod');
  const found = surgeOf(world, anInterruption(), pod, at(0));
  return found?.kind === 'Impossible' ? found.because : found?.kind;
};

describe('the replacement of a CloneSet’s pod', () => {
  const tight = { maxSurge: 1, maxUnavailable: 0 };
  const loose = { maxSurge: 1, maxUnavailable: 1 };
  const budget = { PodDisruptionBudget: [aComputedBudget()] };
  const others = { PodDisruptionBudget: [aComputedBudget({ app: 'other' })] };

  it.each([
    ['where no budget selects the pod', known({ rollingUpdate: loose })],
    ['where the budget is about other pods', known({ rollingUpdate: loose }, others)],
    ['under a budget, where it lets none go beforehand', known({ rollingUpdate: tight }, budget)],
    ['under a budget, where its share of one pod comes to none', known({}, budget)],
  ])('is left to it %s', (_, world) => {
    expect(reason(world)).toBe('Delegable');
  });

  const small = { metadata: { name: 'small' }, status: { hard: { pods: '1' }, used: { pods: '1' } } };
  it.each([
    ['CloneSet web would not ask budget web', known({ rollingUpdate: loose }, budget)],
    ['CloneSet web would not ask budget web', known({ replicas: 5 }, budget)],
    ['CloneSet web allows no pod more than it wants', known({ rollingUpdate: {} })],
    ['CloneSet web is scaled to 0', known({ replicas: 0 })],
    ['CloneSet web is being deleted', known({ terminating: true })],
    ['quota small has no room for its pods', known({}, { ResourceQuota: [small] })],
  ])('is not, since %s', (because, world) => {
    expect(reason(world)).toBe(because);
  });

  it('is not where nobody knows what it allows', () => {
    const standing = (of: 'Forbidden' | 'Absent' | 'Failing' | 'Readable') => {
      const world = unlisted();
      // What was listed once is not what stands there now.
      listCloneSets(world, of === 'Readable' ? [] : [aCloneSet()], of);
      return reason(world);
    };
    expect(standing('Forbidden')).toBe('the operator may not read CloneSet web');
    expect([standing('Absent'), standing('Failing'), standing('Readable')]).toEqual(
      Array(3).fill('CloneSet web is not known'),
    );
  });
});

describe('a pod of a CloneSet that surges', () => {
  it(
    'is labelled and left to it, and what comes then is its replacement',
    onAClock(async (advance) => {
      const world = known();
      const leader = lead(world);
      await advance(0);
      leader.tell(put(world, 'Pod', aPod(told)));
      leader.tell(put(world, 'Pod', aPod({ name: 'web-2', owner, ready: false })));
      await advance(60_000);
      expect(made(leader)).toEqual(['Delegate web-1 at 0']);
      expect(record(world)).toMatchObject({
        ...{ phase: 'Replacing', message: 'its CloneSet replaces it', counted: true, plainly: undefined },
        replacement: { name: 'web-2', readyAtMs: undefined },
      });
      leader.tell(put(world, 'Pod', aPod({ name: 'web-2', owner, readyAtMs: at(60) })));
      leader.tell(put(world, 'Pod', aPod({ ...told, deletion: { atMs: at(60), graceSeconds: 30 } })));
      leader.tell(drop(world, 'Pod', aPod(told)));
      await advance(0);
      expect(made(leader)).toEqual(['Delegate web-1 at 0']);
      expect(record(world)).toMatchObject({ outcome: 'Replaced', evictedAtMs: undefined });
    }),
  );

  it('is replaced by what came after it was labelled, though it still lives', () => {
    const world = known();
    put(world, 'Pod', aPod({ name: 'web-0', owner }));
    put(world, 'Pod', aPod(told));
    put(world, 'Pod', aPod({ name: 'web-2', owner }));
    const pod = world.pods.byUid(uidOf('Pod', 'web-1'));
    const begun = pod && beginInterruption(world, pod, { defaultMinutes: 3, nowMs: at(1), atStart: false });
    if (!begun) throw new Error('nothing is known of it');
    expect(successorsOf(world, begun).candidates.map(({ pod: { name } }) => name)).toEqual(['web-2']);
  });

  it(
    'is evicted late where it has not been replaced by then, through its budget',
    onAClock(async (advance) => {
      const world = known();
      const leader = lead(world);
      await advance(0);
      leader.tell(put(world, 'Pod', aPod(told)));
      leader.tell(put(world, 'PodDisruptionBudget', aComputedBudget({ allowed: 0 })));
      await advance(139_999);
      expect(made(leader)).toEqual(['Delegate web-1 at 0']);
      await advance(1);
      expect(record(world)).toMatchObject({ phase: 'Blocked' });
      await advance(5_000);
      expect(made(leader)).toEqual(['Delegate web-1 at 0', 'Delete web-1 at 145']);
    }),
  );

  it(
    'is evicted as it is where it cannot be labelled',
    onAClock(async (advance) => {
      const message = 'pods is forbidden';
      const leader = lead(known(), (_, { kind }) =>
        kind === 'Delegate' ? { kind: 'Refused', byBudget: false, message } : { kind: 'Done' },
      );
      await advance(0);
      expect(made(leader)).toEqual(['Delegate web-1 at 0', 'Evict web-1 at 0']);
    }),
  );

  it(
    'that an earlier leader labelled goes on from there, as long as it has the label',
    onAClock(async (advance) => {
      const first = lead(known());
      await advance(0);
      first.stop();
      const [{ effect }] = first.calls as [Call];
      if (effect.kind !== 'Delegate') throw new Error(effect.kind);
      const annotations = { 'spotpolicy.dev/interruption': writeMark(effect.mark) };
      const next = lead(unlisted({ Pod: [aPod({ ...told, annotations })] }));
      const other = lead(known({}, { Pod: [aPod({ ...doomed, annotations })] }));
      await advance(140_000);
      expect(made(next)).toEqual(['Evict web-1 at 140']);
      expect(made(other)).toEqual(['Delegate web-1 at 0', 'Evict web-1 at 140']);
    }),
  );

  it.each([
    ['Readable', 'Delegate web-1 at 1', undefined],
    ['Forbidden', 'Evict web-1 at 1', 'the operator may not read CloneSet web'],
  ] as const)('waits until it is known what it allows, and its kind is %s', (standing, call, plainly) =>
    onAClock(async (advance) => {
      const world = unlisted();
      const leader = lead(world);
      await advance(1_000);
      expect(made(leader)).toEqual([]);
      leader.tell(listCloneSets(world, [aCloneSet()], standing));
      await advance(0);
      expect(made(leader)).toEqual([call]);
      expect(record(world)).toMatchObject({ plainly });
    })(),
  );

  it(
    'is evicted as it is where that is never known',
    onAClock(async (advance) => {
      const world = unlisted();
      const leader = lead(world);
      await advance(120_000);
      expect(made(leader)).toEqual(['Evict web-1 at 120']);
      expect(record(world)).toMatchObject({ plainly: 'too little time is left' });
    }),
  );
});
