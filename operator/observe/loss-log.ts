import { KubeError } from '../kube/errors.ts';
import type { EventNote } from './events.ts';
import type { Log } from './log.ts';

const quietMs = 60_000;
const causesLimit = 100;

/**
 * Logs Events that were not recorded: one line a minute for each cause, with how many more it cost since the last line. A
 * namespace that is being deleted refuses each of its Events, and an API server that does not answer those of all.
 */
export const createLossLog = (log: Log, nowMs: () => number) => {
  const causes = new Map<string, { untilMs: number; more: number }>();
  return ({ subject: { kind, namespace, name }, reason }: EventNote, err: unknown): void => {
    const cause = causeOf(namespace, err);
    const known = causes.get(cause);
    if (known && nowMs() < known.untilMs) {
      known.more += 1;
      return;
    }
    causes.delete(cause);
    causes.set(cause, { untilMs: nowMs() + quietMs, more: 0 });
    const [oldest] = causes.keys();
    if (causes.size > causesLimit && oldest !== undefined) causes.delete(oldest);
    log.warn({ err, kind, namespace, name, reason, more: known?.more }, 'event not recorded');
  };
};

const causeOf = (namespace: string, err: unknown): string => {
  if (!(err instanceof KubeError)) return String(err).slice(0, 200);
  return err.status === 0 ? err.reason : `${namespace} ${err.status} ${err.reason}`;
};
