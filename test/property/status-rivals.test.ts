import { fc, test } from '@fast-check/vitest';
import { Subject } from 'rxjs';
import { describe, expect } from 'vitest';
import type { SpotPolicyStatus } from '../../operator/api/index.ts';
import type { WriteAnswer } from '../../operator/status/attempts.ts';
import { type StatusOutcome, statusStream } from '../../operator/status/stream.ts';
import { trimPolicy } from '../../operator/world/policy.ts';
import { randomFrom } from '../../hack/cluster/random.ts';
import { isSame } from '../../operator/world/same.ts';
import type { Change } from '../../operator/world/view.ts';
import type { World } from '../../operator/world/world.ts';
import { withParts } from '../builders/parts.ts';
import { onAClock } from '../builders/clock.ts';
import { aPod } from '../builders/pod.ts';
import { aPolicy } from '../builders/policy.ts';
import { aNamespace, aWorld, put } from '../builders/world.ts';

const counts: number[] = [];
process.on('exit', () => console.log('COUNTS', counts));
const hourMs = 3_600_000;

/** One installation: what it knows, and how long its watch takes to tell it of a write. */
interface Installation {
  readonly name: string;
  readonly world: World;
  readonly lagMs: number;
}

/** Installations that all keep the status of one policy, which an API server stores. */
const installations = (each: readonly Installation[], random: () => number) => {
  let stored: { status?: SpotPolicyStatus; version: number; writers: readonly string[] } = {
    version: 1,
    writers: [],
  };
  const writes: string[] = [];
  const outcomes: StatusOutcome[] = [];
  const seen = () => {
    const policy = aPolicy({ resourceVersion: String(stored.version) });
    // The latest first, by times in whole seconds.
    const managedFields = stored.writers.map((manager, index) => ({
      ...{ manager, subresource: 'status' },
      time: new Date(1_000 * (stored.writers.length - index)).toISOString(),
    }));
    const metadata = { ...policy.metadata, managedFields };
    return trimPolicy({ ...policy, metadata, ...(stored.status && { status: stored.status }) });
  };
  const started = each.map(({ name, world, lagMs }) => {
    const change$ = new Subject<Change>();
    const tell = (changes: readonly Change[]): void => changes.forEach((change) => change$.next(change));
    const hear = (object: ReturnType<typeof seen>) => (): void =>
      tell(world.apply('SpotPolicy', { kind: 'changed', object }, Date.now()));
    const write = (policy: ReturnType<typeof seen>, parts: object) => async (): Promise<WriteAnswer> => {
      await Promise.resolve();
      if ('conditions' in parts && !isSame(policy.status?.conditions, stored.status?.conditions))
        return { kind: 'Stale' };
      const status = withParts<Partial<SpotPolicyStatus>>(stored.status, parts) as SpotPolicyStatus;
      const writers = [name, ...stored.writers.filter((writer) => writer !== name)];
      stored = { status, version: stored.version + 1, writers };
      writes.push(name);
      for (const other of started) setTimeout(other.hear(seen()), other.lagMs);
      return { kind: 'Written', resourceVersion: String(stored.version) };
    };
    const deps = { world, nowMs: Date.now, random, writer: name, write };
    const subscription = statusStream(deps, change$).subscribe((outcome) => outcomes.push(outcome));
    return { name, world, tell, hear, lagMs, stop: () => subscription.unsubscribe() };
  });
  return { started, writes, outcomes, status: () => stored.status };
};

const ready = (status: SpotPolicyStatus | undefined) =>
  status?.conditions?.find(({ type }) => type === 'Ready')?.message ?? '';

describe('two installations that say different things of one policy', () => {
  const lagMs = fc.integer({ min: 1, max: 5_000 });
  // What they differ in: what the conditions say, how many pods they count, or counts that move all the time besides.
  const differing = fc.constantFrom<'conditions' | 'counts' | 'moving counts'>(
    ...(['conditions', 'counts', 'moving counts'] as const),
  );

  test.prop([differing, lagMs, lagMs, fc.nat()], { numRuns: 8, endOnFailure: true })(
    'write its status less and less often, name each other, and one that is left alone soon says what it sees',
    async (how, firstLagMs, secondLagMs, seed) => {
      const play = onAClock(async (advance) => {
        const SpotPolicy = [aPolicy()];
        const optOut = how === 'conditions' ? { 'spotpolicy.dev/inject': 'false' } : {};
        const first = aWorld({ SpotPolicy, Namespace: [aNamespace('shop')] });
        const second = aWorld({
          SpotPolicy,
          Namespace: [aNamespace('shop', optOut)],
          Pod: [aPod({ name: 'other' })],
        });
        const { started, writes, outcomes, status } = installations(
          [
            { name: 'spotpolicy a/spotpolicy', world: first, lagMs: firstLagMs },
            { name: 'spotpolicy b/spotpolicy', world: second, lagMs: secondLagMs },
          ],
          randomFrom(seed),
        );
        const live = async (forMs: number): Promise<void> => {
          for (let passedMs = 0; passedMs < forMs; passedMs += 20_000) {
            await advance(20_000);
            if (how !== 'moving counts') continue;
            const name = `web-${first.pods.size}`;
            for (const { world, tell } of started) tell(put(world, 'Pod', aPod({ name })));
          }
        };
        await live(hourMs);
        counts.push(writes.length);
        for (const { name } of started)
          expect(writes.filter((writer) => writer === name).length).toBeLessThanOrEqual(45);
        expect(ready(status())).toContain(
          'spotpolicy a/spotpolicy and spotpolicy b/spotpolicy write this status',
        );
        const told = outcomes.filter((outcome) => outcome.kind === 'written' && outcome.lost?.isNew);
        expect(told).toHaveLength(2);

        started[1]?.stop();
        await live(hourMs / 2);
        await advance(20_000);
        expect(ready(status())).not.toContain('in turn');
        expect(status()?.pods?.matched).toBe(first.pods.size);
        const { length } = writes;
        await advance(hourMs);
        expect(writes).toHaveLength(length);
      });
      await play();
    },
    60_000,
  );
});
