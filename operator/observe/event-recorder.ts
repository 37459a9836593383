import type { Event } from 'kubernetes-types/core/v1.js';
import { noteKey, placeOf, toEvent, toGrowth } from './events.ts';
import type { EventNote, Sightings } from './events.ts';
import type { Log } from './log.ts';
import { createLossLog } from './loss-log.ts';

// client-go's correlator calls repetitions within the same ten minutes one Event.
const sameWithinMs = 10 * 60_000;
const waitingLimit = 500;
const rememberedLimit = 2_000;

/** The calls behind the recorder; `patch` is a merge patch and answers `gone` when there is no such Event. */
export interface EventCalls {
  create: (event: Event) => Promise<unknown>;
  patch: (event: { namespace: string; name: string }, body: object) => Promise<'patched' | 'gone'>;
}

/** What the recorder is made of: `suffix` gives each Event's name a unique end, `dropped` counts what was lost. */
export interface EventRecorderParts {
  calls: EventCalls;
  instance: string;
  nowMs: () => number;
  suffix: () => string;
  log: Log;
  dropped: (reason: 'overflow' | 'failed') => void;
}

/** Records notes as Kubernetes Events, in the background. */
export interface EventRecorder {
  /** Takes a note and returns at once; one that cannot be written is logged and counted, not thrown or retried. */
  record: (note: EventNote) => void;
  /** Resolves when nothing waits to be written any more. */
  settled: () => Promise<void>;
}

interface Written {
  name: string;
  sightings: Sightings;
}

const dropOldest = (map: Map<string, unknown>): void => {
  const oldest = map.keys().next();
  if (!oldest.done) map.delete(oldest.value);
};

/**
 * A recorder that writes one Event at a time: a note repeated within ten minutes makes its Event's count grow, also
 * while it still waits. 500 notes wait at most, then the oldest are dropped; the latest 2000 Events are remembered.
 */
export const createEventRecorder = (parts: EventRecorderParts): EventRecorder => {
  const { calls, instance, nowMs, suffix, log, dropped } = parts;
  // Both oldest first, by note. A note that is being written is in neither place for as long as the call takes,
  // which cannot make it double: nothing else is written meanwhile.
  const waiting = new Map<string, { note: EventNote; sightings: Sightings }>();
  const written = new Map<string, Written>();
  const tellLoss = createLossLog(log, nowMs);
  let writing: Promise<void> | undefined;

  const remember = (key: string, event: Written): void => {
    written.delete(key);
    written.set(key, event);
    if (written.size > rememberedLimit) dropOldest(written);
    // A note that comes later makes a new Event.
    for (const [old, { sightings }] of written) {
      if (nowMs() - sightings.lastMs < sameWithinMs) break;
      written.delete(old);
    }
  };

  const grow = async (key: string, note: EventNote, seen: Sightings): Promise<boolean> => {
    const event = written.get(key);
    if (event === undefined || seen.firstMs - event.sightings.lastMs >= sameWithinMs) return false;
    const { count, firstMs } = event.sightings;
    const sightings = { count: count + seen.count, firstMs, lastMs: seen.lastMs };
    const answer = await calls.patch(
      { namespace: placeOf(note.subject), name: event.name },
      toGrowth(sightings),
    );
    if (answer === 'patched') remember(key, { name: event.name, sightings });
    return answer === 'patched';
  };

  const write = async (key: string, note: EventNote, seen: Sightings): Promise<void> => {
    if (await grow(key, note, seen)) return;
    const event = toEvent(note, seen, suffix(), instance);
    await calls.create(event);
    remember(key, { name: event.metadata.name ?? '', sightings: seen });
  };

  const writeAll = async (): Promise<void> => {
    // A Map's iterator also visits what is added while it runs.
    for (const [key, { note, sightings }] of waiting) {
      waiting.delete(key);
      await write(key, note, sightings).catch((err: unknown) => {
        tellLoss(note, err);
        dropped('failed');
      });
    }
    writing = undefined;
  };

  const record = (note: EventNote): void => {
    const key = noteKey(note);
    const now = nowMs();
    const earlier = waiting.get(key)?.sightings;
    const sightings = { count: (earlier?.count ?? 0) + 1, firstMs: earlier?.firstMs ?? now, lastMs: now };
    waiting.set(key, { note, sightings });
    if (waiting.size > waitingLimit) {
      dropOldest(waiting);
      dropped('overflow');
    }
    writing ??= writeAll();
  };

  return { record, settled: () => writing ?? Promise.resolve() };
};
