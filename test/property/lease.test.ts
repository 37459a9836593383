import { fc, test } from '@fast-check/vitest';
import { asyncScheduler, Subject } from 'rxjs';
import { describe, expect } from 'vitest';
import { leadership } from '../../operator/kube/lease.ts';
import { simulatedLease } from '../unit/kube/simulated-lease.ts';
import type { Fate } from '../unit/kube/simulated-lease.ts';
import { inVirtualTime } from '../unit/runtime/marbles.ts';

const fates = fc.array(
  fc.record({
    thereMs: fc.oneof(fc.nat(50), fc.nat(8_000)),
    backMs: fc.oneof(fc.nat(50), fc.nat(8_000)),
    lost: fc.oneof(
      { weight: 4, arbitrary: fc.constant('nowhere' as const) },
      { weight: 1, arbitrary: fc.constantFrom('there' as const, 'back' as const) },
    ),
  }),
  { minLength: 1, maxLength: 40 },
);

// How a candidate ends: in order, cut off from the server for good, or simply unsubscribed.
const endings = fc.record({
  atMs: fc.integer({ min: 0, max: 90_000 }),
  how: fc.constantFrom('stop' as const, 'cut' as const, 'unsubscribe' as const),
});

const candidates = fc.array(
  fc.record({
    startsMs: fc.nat(5_000),
    fates,
    // Its own clocks: off by any amount, and up to a twentieth too fast or too slow.
    clockOffsetMs: fc.integer({ min: -10_000_000, max: 10_000_000 }),
    clockRate: fc.double({ min: 0.95, max: 1.05, noNaN: true }),
    ending: fc.option(endings, { nil: undefined }),
  }),
  { minLength: 2, maxLength: 3 },
);

type Plan = typeof candidates extends fc.Arbitrary<(infer P)[]> ? P : never;

// Less room than by default, and quicker tries, so that a candidate that leads too long is soon caught at it.
const tight = { leaseDurationMs: 15_000, renewDeadlineMs: 13_000, retryMs: 500 };
const good: Fate = { thereMs: 5, backMs: 5, lost: 'nowhere' };
const troubleUntilMs = 100_000;
const untilMs = 160_000;

/** Runs the candidates and returns who leads when, each change with its time. */
const elect = (plans: readonly Plan[]): { atMs: number; leaders: string[] }[] => {
  const history: { atMs: number; leaders: string[] }[] = [];
  inVirtualTime(({ flush }) => {
    const nowMs = (): number => asyncScheduler.now();
    const lease = simulatedLease();
    const leaders = new Set<string>();
    plans.forEach((plan, index) => {
      const identity = `candidate-${index}`;
      const stop$ = new Subject<void>();
      let calls = 0;
      const isCut = (): boolean => plan.ending?.how === 'cut' && nowMs() >= plan.ending.atMs;
      const fate = (): Fate => {
        if (isCut()) return { ...good, lost: 'there' };
        return nowMs() < troubleUntilMs ? (plan.fates[calls++ % plan.fates.length] ?? good) : good;
      };
      asyncScheduler.schedule(() => {
        const subscription = leadership(lease.callsOver(fate), {
          identity,
          ...tight,
          elapsedMs: () => plan.clockOffsetMs + nowMs() * plan.clockRate,
          timeOfDayMs: () => 1_000_000_000_000 + plan.clockOffsetMs + nowMs(),
          random: () => 0.5,
          stop$,
        }).subscribe((leads) => {
          if (leads) leaders.add(identity);
          else leaders.delete(identity);
          history.push({ atMs: nowMs(), leaders: [...leaders] });
        });
        const end = (): void => {
          if (plan.ending?.how === 'stop') stop$.next();
          if (plan.ending?.how !== 'unsubscribe') return;
          leaders.delete(identity);
          subscription.unsubscribe();
        };
        if (plan.ending !== undefined)
          asyncScheduler.schedule(end, Math.max(0, plan.ending.atMs - plan.startsMs));
        asyncScheduler.schedule(() => subscription.unsubscribe(), untilMs - plan.startsMs);
      }, plan.startsMs);
    });
    flush();
  });
  return history;
};

describe('leadership, whatever the network and the clocks do', () => {
  test.prop([candidates], { numRuns: 300 })('never has two leaders at once', (plans) => {
    for (const { leaders } of elect(plans)) expect(leaders.length).toBeLessThanOrEqual(1);
  });

  test.prop([candidates])('has a leader again once the trouble is over, if a candidate is left', (plans) => {
    fc.pre(plans.some((plan) => plan.ending === undefined));
    const last = elect(plans).findLast(({ atMs }) => atMs < untilMs);
    expect(last?.leaders).toHaveLength(1);
  });
});
