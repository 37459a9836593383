import { asyncScheduler, Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { leadership } from '../../../operator/kube/lease.ts';
import type { LeadershipOptions, LeaseCalls } from '../../../operator/kube/lease.ts';
import { inVirtualTime } from '../runtime/marbles.ts';
import { simulatedLease } from './simulated-lease.ts';
import type { Fate } from './simulated-lease.ts';

const good: Fate = { thereMs: 10, backMs: 10, lost: 'nowhere' };
const lost: Fate = { ...good, lost: 'there' };
const at = (atMs: number, action: () => void): unknown => asyncScheduler.schedule(action, atMs);
const nowMs = (): number => asyncScheduler.now();

/** Lets one candidate stand and notes when it leads; retries come every 2 s sharp. */
const stand = (calls: LeaseCalls, identity: string, options: Partial<LeadershipOptions> = {}) => {
  const log: string[] = [];
  const subscription = leadership(calls, {
    identity,
    elapsedMs: nowMs,
    timeOfDayMs: () => Date.UTC(2026, 0, 1) + nowMs(),
    random: () => 0,
    ...options,
  }).subscribe({
    next: (leads) => log.push(`${nowMs()} ${leads}`),
    complete: () => log.push(`${nowMs()} completed`),
  });
  return { log, unsubscribe: () => subscription.unsubscribe() };
};

/** Runs a scenario for a minute of virtual time. */
const forAMinute = (
  scenario: (lease: ReturnType<typeof simulatedLease>) => { unsubscribe(): void }[],
): void => {
  inVirtualTime(({ flush }) => {
    const candidates = scenario(simulatedLease());
    at(60_000, () => candidates.forEach((candidate) => candidate.unsubscribe()));
    flush();
  });
};

describe('leadership', () => {
  it('creates a lease that is not there, and renews it', () => {
    forAMinute((lease) => {
      const a = stand(
        lease.callsOver(() => good),
        'a',
      );
      at(5_000, () => {
        expect(lease.record()).toEqual({
          holderIdentity: 'a',
          leaseDurationSeconds: 15,
          acquireTime: '2026-01-01T00:00:00.020000Z',
          renewTime: '2026-01-01T00:00:04.100000Z',
          leaseTransitions: 0,
        });
        expect(a.log).toEqual(['0 false', '40 true']);
      });
      return [a];
    });
  });

  it('leads until the deadline after the last renewal was sent, not after its answer came', () => {
    forAMinute((lease) => {
      // Every call takes 2 s; after 4 s the server is silent.
      const fate = (): Fate => (nowMs() >= 4_000 ? lost : { thereMs: 10, backMs: 1_990, lost: 'nowhere' });
      const a = stand(lease.callsOver(fate), 'a');
      at(59_000, () => expect(a.log).toEqual(['0 false', '4000 true', '12000 false']));
      return [a];
    });
  });

  it('does not lead on an answer that came when the deadline was over, as after being frozen', () => {
    forAMinute((lease) => {
      let frozenMs = 0;
      const frozen = stand(
        lease.callsOver(() => good),
        'a',
        { elapsedMs: () => nowMs() + frozenMs },
      );
      at(35, () => (frozenMs = 60_000)); // the write is under way
      at(2_000, () => expect(frozen.log).toEqual(['0 false']));
      return [frozen];
    });
  });

  it('says until when it leads, by which whoever was frozen knows better before its timers have told', () => {
    forAMinute((lease) => {
      let frozenMs = 0;
      let untilMs = Number.NEGATIVE_INFINITY;
      const elapsedMs = (): number => nowMs() + frozenMs;
      const a = stand(
        lease.callsOver(() => good),
        'a',
        { elapsedMs, onTerm: (ms) => (untilMs = ms) },
      );
      at(30, () => expect(untilMs).toBe(Number.NEGATIVE_INFINITY));
      at(1_000, () => expect(untilMs).toBe(20 + 10_000));
      at(1_500, () => {
        frozenMs = 60_000;
        expect(a.log).toEqual(['0 false', '40 true']);
        expect(elapsedMs()).toBeGreaterThan(untilMs);
      });
      return [a];
    });
  });

  it('says that another one leads, or may have led, and nothing while only it did', () => {
    forAMinute((lease) => {
      const heard: number[] = [];
      let fate = good;
      const a = stand(
        lease.callsOver(() => fate),
        'a',
        { onOther: () => heard.push(nowMs()) },
      );
      // Where there is no Lease yet, somebody may have deleted it.
      at(1_000, () => expect(heard).toEqual([40]));
      at(4_500, () => (fate = lost));
      at(16_000, () => (fate = good));
      at(30_000, () => {
        expect(a.log.slice(-2)).toEqual([expect.stringContaining('false'), expect.stringContaining('true')]);
        expect(heard).toEqual([40]);
        fate = lost;
      });
      const candidates = [a];
      at(31_000, () =>
        candidates.push(
          stand(
            lease.callsOver(() => good),
            'b',
          ),
        ),
      );
      at(55_000, () => (fate = good));
      at(59_000, () => expect(heard.at(-1)).toBeGreaterThan(55_000));
      return candidates;
    });
  });

  it.each<[what: string, does: (lease: ReturnType<typeof simulatedLease>) => void]>([
    ['deletes its Lease', (lease) => lease.remove()],
    ['empties its Lease', (lease) => lease.edit({ holderIdentity: '' })],
  ])('leads on where somebody %s, and no other one has led', (_, does) => {
    forAMinute((lease) => {
      const heard: number[] = [];
      const a = stand(
        lease.callsOver(() => good),
        'a',
        { onOther: () => heard.push(nowMs()) },
      );
      at(5_000, () => does(lease));
      at(20_000, () => {
        expect(a.log).toEqual(['0 false', '40 true']);
        expect(lease.record()?.holderIdentity).toBe('a');
        expect(heard).toEqual([40]);
      });
      return [a];
    });
  });

  it('says that its term is over when it is told to stop', () => {
    forAMinute((lease) => {
      const stop$ = new Subject<void>();
      let untilMs = Number.NEGATIVE_INFINITY;
      const a = stand(
        lease.callsOver(() => good),
        'a',
        { stop$, onTerm: (ms) => (untilMs = ms) },
      );
      at(1_000, () => stop$.next());
      at(1_001, () => expect(untilMs).toBe(Number.NEGATIVE_INFINITY));
      return [a];
    });
  });

  it('takes over when another’s lease has not changed for its whole duration, and counts the transition', () => {
    forAMinute((lease) => {
      let cut = false;
      const a = stand(
        lease.callsOver(() => (cut ? lost : good)),
        'a',
      );
      const b = stand(
        lease.callsOver(() => good),
        'b',
      );
      at(10_000, () => (cut = true));
      at(59_000, () => {
        // The last renewal of a was sent at 8.18 s and seen by b at 10.05 s or later.
        expect(a.log).toEqual(['0 false', '40 true', '18180 false']);
        expect(b.log[0]).toBe('0 false');
        expect(b.log).toHaveLength(2);
        expect(Number.parseInt(b.log[1] ?? '', 10)).toBeGreaterThanOrEqual(8_190 + 15_000);
        expect(lease.record()).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 });
      });
      return [a, b];
    });
  });

  it('honours a longer duration that the holder wrote down', () => {
    forAMinute((lease) => {
      let cut = false;
      const a = stand(
        lease.callsOver(() => (cut ? lost : good)),
        'a',
        { leaseDurationMs: 40_000 },
      );
      const b = stand(
        lease.callsOver(() => good),
        'b',
      );
      at(1_000, () => (cut = true));
      at(40_000, () => expect(b.log).toEqual(['0 false']));
      at(45_000, () => expect(b.log).toHaveLength(2));
      return [a, b];
    });
  });

  it('stops leading first, then gives the lease up and completes when it is told to stop', () => {
    forAMinute((lease) => {
      const stop$ = new Subject<void>();
      const a = stand(
        lease.callsOver(() => good),
        'a',
        { stop$ },
      );
      const b = stand(
        lease.callsOver(() => good),
        'b',
      );
      at(5_000, () => stop$.next());
      at(5_100, () => {
        expect(a.log).toEqual(['0 false', '40 true', '5000 false', '5040 completed']);
        expect(lease.record()?.holderIdentity).toBe('');
      });
      at(8_000, () => expect(b.log).toEqual(['0 false', '6120 true']));
      return [a, b];
    });
  });

  it('gives the lease up when it is unsubscribed', () => {
    forAMinute((lease) => {
      const a = stand(
        lease.callsOver(() => good),
        'a',
      );
      at(5_000, () => a.unsubscribe());
      at(5_100, () => expect(lease.record()?.holderIdentity).toBe(''));
      return [a];
    });
  });

  it('leaves another’s lease alone when it ends', () => {
    forAMinute((lease) => {
      const stop$ = new Subject<void>();
      const a = stand(
        lease.callsOver(() => good),
        'a',
      );
      const b = stand(
        lease.callsOver(() => good),
        'b',
        { stop$ },
      );
      at(5_000, () => stop$.next());
      at(5_100, () => {
        expect(b.log).toEqual(['0 false', '5020 completed']);
        expect(lease.record()?.holderIdentity).toBe('a');
      });
      return [a, b];
    });
  });

  it('reports failed tries and goes on, but not a race that it lost', () => {
    forAMinute((lease) => {
      const failures: string[] = [];
      const onFailure = (error: unknown): unknown => failures.push(`${nowMs()} ${String(error)}`);
      const slow = stand(
        lease.callsOver(() => ({ ...good, thereMs: nowMs() === 0 ? 10 : 100 })),
        'slow',
        { onFailure },
      );
      const quick = stand(
        lease.callsOver(() => ({ ...good, thereMs: 5 })),
        'quick',
        { onFailure },
      );
      const silent = stand(
        lease.callsOver(() => (nowMs() < 1_000 ? lost : good)),
        'silent',
        { onFailure },
      );
      at(4_000, () => expect(failures).toEqual([]));
      at(59_000, () => {
        expect(quick.log).toEqual(['0 false', '30 true']);
        expect(slow.log).toEqual(['0 false']);
        expect(failures).toEqual(['5000 TimeoutError: Timeout has occurred']);
      });
      return [slow, quick, silent];
    });
  });
});
