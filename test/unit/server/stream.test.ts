import { Subject } from 'rxjs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { certificateStream } from '../../../operator/server/stream.ts';
import { onAClock } from '../../builders/clock.ts';

const hourMs = 3_600_000;

/** A stream of certificates over a Secret that it writes where another writer has changed it. */
const keeping = (rivalMs = Number.POSITIVE_INFINITY) => {
  const changed$ = new Subject<void>();
  const secret = { ours: false, failing: false };
  const seen = { looks: 0, writes: 0, losses: 0, served: 0 };
  const change = (ours: boolean): void => {
    secret.ours = ours;
    changed$.next();
  };
  const subscription = certificateStream({
    ensure: () => {
      seen.looks += 1;
      if (secret.failing) return Promise.reject(new Error('no right'));
      const written = !secret.ours;
      if (written) {
        seen.writes += 1;
        setTimeout(() => change(true), 1);
        if (Number.isFinite(rivalMs)) setTimeout(() => change(false), rivalMs);
      }
      secret.ours = true;
      const pem = { certificatePem: '', keyPem: '', sealKey: '', bundlePem: '' };
      return Promise.resolve({ ...pem, notAfterMs: 0, nextLookMs: Date.now() + hourMs, written, notes: [] });
    },
    changed$,
    jumped$: new Subject(),
    nowMs: Date.now,
    random: () => 0,
    onFailure: () => undefined,
    onLoss: () => (seen.losses += 1),
  }).subscribe(() => (seen.served += 1));
  onTestFinished(() => subscription.unsubscribe());
  return { secret, seen, change };
};

describe('the Secret of the certificates', () => {
  it.each([2, 1_000, 60_000])(
    'is written less and less often where another writer changes it back after %i ms, which is told',
    (rivalMs) =>
      onAClock(async (advance) => {
        const { seen } = keeping(rivalMs);
        await advance(hourMs);
        expect(seen.writes).toBeGreaterThan(10);
        expect(seen.writes).toBeLessThanOrEqual(40);
        expect(seen.losses).toBeGreaterThan(5);
      })(),
  );

  it(
    'is written again at once where it was changed once, and what another replica wrote is served at once',
    onAClock(async (advance) => {
      const { seen, change } = keeping();
      await advance(1_000);
      change(false);
      await advance(10);
      expect(seen).toMatchObject({ writes: 2, losses: 0 });
      const { served } = seen;
      change(true);
      await advance(10);
      expect(seen).toMatchObject({ writes: 2, served: served + 1 });
    }),
  );

  it(
    'that cannot be written is tried again after growing pauses, however often it changes meanwhile',
    onAClock(async (advance) => {
      const { secret, seen, change } = keeping();
      secret.failing = true;
      await advance(1_000);
      for (let change$ = 0; change$ < 3_600; change$ += 1) {
        change(false);
        await advance(1_000);
      }
      expect(seen.looks).toBeLessThan(300);
    }),
  );
});
