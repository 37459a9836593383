import { appendFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { say } from '../say.ts';
import type { Access } from './access.ts';
import { startReplica, type Replica } from './operator.ts';

const firstPauseMs = 1_000;
const longestPauseMs = 30_000;
// One that ran for so long failed for another reason than its last change.
const settledMs = 60_000;

/** The pause before the next start, in ms: doubling while starts fail or do not last, up to 30 s. */
export const pauseBeforeStart = (lastPauseMs: number, ranForMs: number): number =>
  ranForMs >= settledMs ? firstPauseMs : Math.min(longestPauseMs, Math.max(firstPauseMs, lastPauseMs * 2));

/**
 * Keeps one replica running, its log at a path, and says there when it had to be started again. Rejects when the first
 * start fails; resolves with a function that ends it in order.
 */
export const keepOperator = async (access: Access, logPath: string): Promise<() => Promise<void>> => {
  const stopping = new AbortController();
  let replica: Replica | undefined = await startReplica(access, { logPath });

  const restart = async (): Promise<Replica | undefined> => {
    try {
      return await startReplica(access, { logPath });
    } catch (error) {
      say(error instanceof Error ? error.message : String(error));
      return undefined;
    }
  };

  const supervise = async (): Promise<void> => {
    let pauseMs = 0;
    while (!stopping.signal.aborted) {
      const startedAtMs = performance.now();
      const how = (await replica?.ended) ?? 'it was not ready in time';
      replica = undefined;
      if (stopping.signal.aborted) return;
      pauseMs = pauseBeforeStart(pauseMs, performance.now() - startedAtMs);
      await note(logPath, { message: 'operator ended and is started again', how, againInMs: pauseMs });
      await pause(pauseMs, undefined, { signal: stopping.signal });
      replica = await restart();
    }
    // Told to stop while it was being started.
    await replica?.end('SIGTERM');
  };
  const supervised = supervise().catch((error: unknown) => {
    if (!stopping.signal.aborted) say(`the operator is not kept any longer: ${String(error)}`);
  });

  return async () => {
    stopping.abort();
    await replica?.end('SIGTERM');
    await supervised;
  };
};

/** A line of the operator's own form, so that whoever reads its log by program can read on. */
const note = (logPath: string, fields: object): Promise<void> =>
  appendFile(logPath, `${JSON.stringify({ level: 'warn', time: new Date().toISOString(), ...fields })}\n`);
