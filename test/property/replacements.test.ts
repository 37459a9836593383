import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import type { Effect } from '../../operator/interruption/look.ts';
import type { Answer } from '../../operator/interruption/settle.ts';
import type { Interruption } from '../../operator/world/interruption.ts';
import type { Change } from '../../operator/world/view.ts';
import { type Advance, onAClock } from '../builders/clock.ts';
import { lead, type Leader } from '../builders/leader.ts';
import { aPod, anExpiry, ownedBy, type PodWishes, uidOf } from '../builders/pod.ts';
import { aPolicy } from '../builders/policy.ts';
import { aDeployment } from '../builders/workloads.ts';
import { aReplicaSet, aWorld, drop, put } from '../builders/world.ts';

type Replacement = 'BeforeEviction' | 'AfterEviction';

const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A Deployment whose pods are all warned, and a ReplicaSet that keeps up its number under names of any order. */
const warnedDeployment = (
  replacement: Replacement,
  replicas: number,
  nameOf: (index: number) => string,
  delayMs: () => number,
) => {
  const owner = ownedBy('ReplicaSet', 'web-abc');
  const pods = new Map<string, PodWishes & { name: string }>();
  for (let index = 0; index < replicas; index += 1) {
    const name = `doomed-${index}`;
    pods.set(name, { name, owner, conditions: [anExpiry(Date.now())] });
  }
  const world = aWorld({
    SpotPolicy: [aPolicy({ spec: { interruption: { replacement } } })],
    Deployment: [aDeployment({ replicas })],
    ReplicaSet: [aReplicaSet()],
    Pod: [...pods.values()].map(aPod),
  });
  let created = 0;
  let leader: Leader | undefined;
  const broken: string[] = [];
  const change = (name: string, more: PodWishes): PodWishes => {
    const pod = { ...pods.get(name), ...more, name };
    pods.set(name, pod);
    return pod;
  };
  // The watch lags, but never changes the order.
  let watch = Promise.resolve();
  const inOrder = (changes: () => readonly Change[]): Promise<void> =>
    (watch = watch.then(() => after(delayMs())).then(() => leader?.tell(changes())));
  const show = (pod: PodWishes): Promise<void> => inOrder(() => put(world, 'Pod', aPod(pod)));
  const serving = (): number =>
    [...pods.values()].filter(({ ready, deletion }) => ready !== false && !deletion).length;
  // The cluster changes at once, the watch shows it a moment later, and the answer may come before or after that.
  const answer = async ({ name }: Interruption, effect: Effect): Promise<Answer> => {
    if (!pods.has(name)) return { kind: 'Gone' };
    if (effect.kind === 'Evict' && replacement === 'BeforeEviction' && serving() <= replicas)
      broken.push(`${name} goes while only ${serving()} serve`);
    const pod = {
      Detach: () => change(name, { owner: ownedBy('Deployment', 'web') }),
      Evict: () => change(name, { deletion: { atMs: Date.now(), graceSeconds: 30 } }),
    }[effect.kind as 'Detach' | 'Evict']?.();
    if (pod) void show(pod);
    await after(delayMs() * 4);
    return { kind: 'Done' };
  };
  const steps = {
    create: (): void => {
      const living = [...pods.values()].filter((pod) => pod.owner === owner && !pod.deletion);
      if (living.length < replicas)
        void show(change(nameOf((created += 1)), { owner, ready: false, createdAtMs: Date.now() }));
    },
    ready: (pick: number): void => {
      const waiting = [...pods.values()].filter(({ ready }) => ready === false);
      const chosen = waiting[pick % waiting.length];
      if (chosen) void show(change(chosen.name, { ready: true, readyAtMs: Date.now() }));
    },
    gone: (pick: number): void => {
      const leaving = [...pods.values()].filter(({ deletion }) => deletion);
      const chosen = leaving[pick % leaving.length];
      if (!chosen) return;
      pods.delete(chosen.name);
      void inOrder(() => drop(world, 'Pod', aPod(chosen)));
    },
  };
  leader = lead(world, answer, { concurrency: 3 });
  const doomed = () =>
    Array.from({ length: replicas }, (_, index) =>
      world.interruptions.byUid(uidOf('Pod', `doomed-${index}`)),
    );
  return { steps, doomed, broken };
};

const step = fc.tuple(fc.constantFrom('create', 'create', 'ready', 'gone'), fc.nat(20), fc.nat(1_500));

const runOut = async (
  advance: Advance,
  { create, ready, gone }: ReturnType<typeof warnedDeployment>['steps'],
  turns: number,
) => {
  for (let turn = 0; turn < turns; turn += 1) {
    create();
    await advance(200);
    ready(0);
    gone(0);
    await advance(200);
  }
};

describe('of the pods of a Deployment that are all warned', () => {
  test.prop([
    fc.constantFrom<Replacement>('BeforeEviction', 'AfterEviction'),
    fc.integer({ min: 1, max: 12 }),
    fc.array(step, { maxLength: 60 }),
    fc.nat(1_000),
  ])(
    'every one is Replaced by a pod of its own, in whatever order they come, are Ready and go',
    (replacement, replicas, history, seed) =>
      onAClock(async (advance) => {
        let delay = seed;
        const delayMs = (): number => (delay = (delay * 31 + 17) % 400);
        const { steps, doomed, broken } = warnedDeployment(
          replacement,
          replicas,
          (index) => `new-${(index * 7919 + seed) % 1009}`,
          delayMs,
        );
        await advance(0);
        for (const [kind, pick, afterMs] of history) {
          steps[kind](pick);
          await advance(afterMs);
        }
        await runOut(advance, steps, 10 + 12 * replicas);
        expect(broken).toEqual([]);
        const ended = doomed();
        expect(ended.map((each) => each?.outcome)).toEqual(ended.map(() => 'Replaced'));
        expect(new Set(ended.map((each) => each?.replacement?.uid)).size).toBe(replicas);
      })(),
  );
});
