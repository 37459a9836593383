import {
  BehaviorSubject,
  from,
  ignoreElements,
  mergeMap,
  NEVER,
  of,
  ReplaySubject,
  Subject,
  timer,
} from 'rxjs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Outcome, run } from '../../operator/app.ts';
import type { SpotPolicyStatus } from '../../operator/api/index.ts';
import { listWatchOptions } from '../../operator/kube/list-watch-calls.ts';
import { precedence } from '../../operator/policy/rules.ts';
import { listWatch, type WatchCalls } from '../../operator/runtime/list-watch.ts';
import { allKinds, type Source } from '../../operator/sources.ts';
import type { Change, Kind } from '../../operator/world/view.ts';
import { World } from '../../operator/world/world.ts';
import { type Advance, onAClock } from '../builders/clock.ts';
import { withParts } from '../builders/parts.ts';
import { aPod, anExpiry, at } from '../builders/pod.ts';
import { aPolicy } from '../builders/policy.ts';
import { drop, list, put } from '../builders/world.ts';

/** An operator whose cluster has a policy and a doomed pod, and lists what `lists` names, or is followed by `source`. */
const operate = (
  lists: readonly Kind[] = allKinds,
  source = (kind: Kind, listed: (kind: Kind) => readonly Change[]): Source =>
    () =>
      timer(0).pipe(mergeMap(() => listed(kind))),
) => {
  const world = new World(precedence);
  const leader$ = new BehaviorSubject(false);
  const change$ = new Subject<Change>();
  const jumped$ = new Subject<number>();
  const offsetMs$ = new ReplaySubject<number>(1);
  const outcomes: Outcome[] = [];
  const calls: { call: string; signal: AbortSignal }[] = [];
  const call =
    <T>(name: string, result: T) =>
    (signal: AbortSignal) => {
      calls.push({ call: name, signal });
      return Promise.resolve(result);
    };
  const doomed = aPod({ conditions: [anExpiry(at(0))] });
  const listed = (kind: Kind): readonly Change[] => {
    if (kind === 'SpotPolicy') return list(world, kind, [aPolicy()]);
    return kind === 'Pod' ? list(world, kind, [doomed]) : list(world, kind, []);
  };
  const subscription = run({
    world,
    nowMs: Date.now,
    random: () => 0.5,
    writer: 'spotpolicy',
    sources: [() => change$, ...lists.map((kind) => source(kind, listed))],
    leader$,
    jumped$,
    offsetMs$,
    defaultMinutes: 3,
    trustEvents: false,
    concurrency: 8,
    endpoint$: NEVER,
    perform: (_, effect, signal) => call(effect.kind, { kind: 'Done' } as const)(signal),
    removeLeftover: () => call('removeLeftover', undefined),
    apply: () => call('apply', '1'),
    remove: call('remove', undefined),
    probe: () => call('probe', undefined),
    writeTemplate: () => call('writeTemplate', { kind: 'Written' } as const),
    write: (policy, parts) => (signal) => {
      const object = {
        ...policy,
        status: withParts<Partial<SpotPolicyStatus>>(policy.status, parts) as SpotPolicyStatus,
      };
      for (const change of world.apply('SpotPolicy', { kind: 'changed', object }, Date.now()))
        change$.next(change);
      return call(`write ${Object.keys(parts).toSorted().join()}`, {
        kind: 'Written',
        resourceVersion: '',
      } as const)(signal);
    },
  }).subscribe((outcome) => outcomes.push(outcome));
  onTestFinished(() => subscription.unsubscribe());
  return {
    world,
    outcomes,
    listed,
    lead: (leads: boolean) => leader$.next(leads),
    jump: (byMs: number) => jumped$.next(byMs),
    measure: (offsetMs: number) => offsetMs$.next(offsetMs),
    tell: (changes: readonly Change[]) => from(changes).subscribe((change) => change$.next(change)),
    calls,
    made: () => calls.map((made) => made.call.split(' ')[0] ?? '').toSorted(),
  };
};
const everyCall = ['Evict', 'apply', 'probe', 'write'];

describe('an operator', () => {
  it(
    'knows the world whether it leads or not, and calls nobody before it does',
    onAClock(async (advance: Advance) => {
      const { world, outcomes, made } = operate();
      await advance(60_000);
      expect(world.pods.size).toBe(1);
      expect(outcomes.filter(({ room }) => room === 'world')).not.toEqual([]);
      expect(outcomes.filter(({ room }) => room !== 'world')).toEqual([]);
      expect(made()).toEqual([]);
    }),
  );

  it(
    'that leads lets every room do its part',
    onAClock(async (advance) => {
      const { made, lead, outcomes } = operate();
      lead(true);
      await advance(0);
      expect(made()).toEqual(everyCall);
      expect(new Set(outcomes.map(({ room }) => room))).toEqual(
        new Set(['world', 'interruption', 'injection', 'status']),
      );
    }),
  );

  it(
    'tells in the status what its other rooms did',
    onAClock(async (advance) => {
      const { calls, lead, tell, world } = operate();
      lead(true);
      await advance(20_000);
      const { length } = calls;
      tell(put(world, 'Pod', aPod({ name: 'web-2', conditions: [anExpiry(at(20))] })));
      await advance(1_000);
      expect(calls.slice(length).map((made) => made.call)).toContainEqual(
        expect.stringMatching(/^write .*interruptions/),
      );
    }),
  );

  it(
    'that stops leading aborts its calls and makes no more; leading again it looks at everything afresh',
    onAClock(async (advance) => {
      const { calls, lead, made, tell, world } = operate();
      lead(true);
      await advance(0);
      lead(false);
      tell(put(world, 'Pod', aPod({ name: 'web-2', conditions: [anExpiry(at(0))] })));
      await advance(60_000);
      expect(made()).toEqual(everyCall);
      lead(true);
      await advance(0);
      expect(calls.slice(everyCall.length).filter((after) => after.call === 'Evict')).toHaveLength(2);
    }),
  );
});

/** A source that lists as the test does; its watches tell nothing, and the server ends each on time. */
const quietly =
  (asked: { lists: number; watches: number }) =>
  (kind: Kind, listed: (kind: Kind) => readonly Change[]): Source =>
  (world) => {
    const calls: WatchCalls<never> = {
      list: () => (asked.lists++, of({ items: [], resourceVersion: '1' })),
      watch: ({ timeoutSeconds, onOpen }) => {
        asked.watches++;
        onOpen();
        return timer(timeoutSeconds * 1_000).pipe(ignoreElements());
      },
    };
    return listWatch(calls, listWatchOptions(Math.random)).pipe(
      mergeMap((watched) =>
        watched.kind === 'synced' ? listed(kind) : world.apply(kind, watched, Date.now()),
      ),
    );
  };

it(
  'an hour of silence is no failure, is not listed anew and writes no status',
  onAClock(async (advance) => {
    const asked = { lists: 0, watches: 0 };
    const { lead, outcomes, made, tell, world } = operate(allKinds, quietly(asked));
    lead(true);
    await advance(1_000);
    tell(drop(world, 'Pod', aPod()));
    // By then the interruption of that pod has ended.
    await advance(3_600_000);
    const before = { lists: asked.lists, watches: asked.watches, told: outcomes.length };
    const writes = (): number => made().filter((call) => call === 'write').length;
    const written = writes();
    await advance(3_600_000);
    expect(asked.lists).toBe(allKinds.length);
    expect(asked.watches - before.watches).toBeGreaterThanOrEqual(6 * allKinds.length);
    expect(writes()).toBe(written);
    expect(outcomes.slice(before.told).filter(({ room }) => room === 'world')).toEqual([]);
  }),
);

describe('a clock that jumps', () => {
  it(
    'makes the leader abort its calls and look at everything afresh, and nobody else',
    onAClock(async (advance) => {
      const { calls, jump, lead, made } = operate();
      jump(600_000);
      await advance(0);
      expect(made()).toEqual([]);
      lead(true);
      await advance(0);
      jump(-600_000);
      await advance(0);
      expect(calls.filter(({ call }) => call === 'Evict')).toHaveLength(2);
      lead(false);
      jump(600_000);
      await advance(60_000);
      expect(calls.filter(({ call }) => call === 'Evict')).toHaveLength(2);
    }),
  );

  it(
    'is told about once a change, also by who does not lead',
    onAClock(async (advance) => {
      const { measure, outcomes } = operate();
      const told = () => outcomes.flatMap((outcome) => (outcome.room === 'clock' ? outcome.offsetMs : []));
      measure(90_000);
      expect(told()).toEqual([]);
      await advance(0);
      for (const offsetMs of [90_800, 89_000, 94_000, 690_000, 4_000, 4_900, 5_100, 4_900, 0])
        measure(offsetMs);
      expect(told()).toEqual([90_000, 690_000, 4_000]);
    }),
  );
});

describe('before the first lists', () => {
  const without = (...missing: Kind[]): Kind[] => allKinds.filter((kind) => !missing.includes(kind));

  it(
    'a leader waits half a minute for a source that cannot be listed, then goes on without it',
    onAClock(async (advance) => {
      const { lead, made } = operate(without('Job'));
      lead(true);
      await advance(29_999);
      expect(made()).toEqual([]);
      await advance(1);
      expect(made()).toEqual(everyCall);
    }),
  );

  it.each<Kind>(['Pod', 'SpotPolicy'])('nothing is done without the list of %s', (kind) =>
    onAClock(async (advance) => {
      const { lead, listed, made, tell } = operate(without(kind));
      lead(true);
      await advance(60_000);
      expect(made()).toEqual([]);
      tell(listed(kind));
      await advance(0);
      expect(made()).toEqual(everyCall);
    })(),
  );
});

it('an operator whose election ends in an error ends with it', async () => {
  const world = new World(precedence);
  const errors: unknown[] = [];
  const basics = { random: () => 0.5, writer: 'spotpolicy' };
  const clock = { nowMs: Date.now, jumped$: NEVER, offsetMs$: NEVER };
  const deps = { world, ...basics, ...clock, defaultMinutes: 3, trustEvents: false };
  const never = () => () => new Promise<never>(() => undefined);
  const leader$ = new Subject<boolean>();
  run({
    ...deps,
    ...{
      concurrency: 1,
      endpoint$: of(),
      perform: () => never()(),
      removeLeftover: never,
      apply: never,
      remove: never(),
      probe: never,
      writeTemplate: never,
    },
    ...{ write: never, leader$, sources: allKinds.map((kind) => () => from(list(world, kind, []))) },
  }).subscribe({ error: (error) => errors.push(error) });
  leader$.error(new Error('lost'));
  expect(errors).toEqual([new Error('lost')]);
});
