import type { Detachment, Interruption, Outcome, Settings, Signal } from '../world/interruption.ts';
import { instantMs, preciseTime } from '../world/object.ts';

/**
 * What a pod carries in `spotpolicy.dev/interruption` while its interruption is under way, so that whoever leads next
 * finishes it by the settings it began with.
 */
export interface Mark {
  readonly noticedAtMs: number;
  readonly deadlineMs: number;
  readonly settings: Settings;
  /** Set on a released pod that stays behind: its interruption has been counted. */
  readonly outcome: Outcome | undefined;
  /** Set while the pod is out of its ReplicaSet, or labelled for its CloneSet. */
  readonly detached: Detachment | undefined;
  /** Why no replacement is started before its eviction. */
  readonly plainly: string | undefined;
}

/** The annotation's text: JSON on one line, times readable in `kubectl describe`. */
export const writeMark = ({ noticedAtMs, deadlineMs, settings, outcome, detached, plainly }: Mark): string =>
  JSON.stringify({
    noticedAt: preciseTime(noticedAtMs),
    deadline: preciseTime(deadlineMs),
    ...settings,
    outcome,
    ...(detached && {
      detachedAt: preciseTime(detached.atMs),
      from: detached.origin?.name,
      fromUid: detached.origin?.uid,
      ready: detached.ready,
    }),
    plainly,
  });

/** The mark in an annotation's text, or undefined where it is none of ours: anyone may write an annotation. */
export const readMark = (text: string | undefined): Mark | undefined => {
  const fields = parseObject(text);
  const noticedAtMs = instantMs(String(fields?.['noticedAt']));
  const deadlineMs = instantMs(String(fields?.['deadline']));
  const policy = fields?.['policy'];
  const evictor = oneOf(fields?.['evictor'], ['Operator', 'VirtualNode', 'None']);
  const jobPods = oneOf(fields?.['jobPods'], ['AtDeadline', 'Immediately', 'Never']);
  const onDeadline = oneOf(fields?.['onDeadline'], ['Delete', 'Leave']);
  if (noticedAtMs === undefined || deadlineMs === undefined || deadlineMs <= noticedAtMs) return undefined;
  if (typeof policy !== 'string') return undefined;
  if (!evictor || !jobPods || !onDeadline) return undefined;
  const outcome = oneOf(fields?.['outcome'], ['Missed', 'LeftToReclaim', 'Completed', 'Forced']);
  // Marks of earlier versions lack these two; the defaults are what those versions did.
  const replacement = oneOf(fields?.['replacement'], ['BeforeEviction', 'AfterEviction']) ?? 'AfterEviction';
  const surge = oneOf(fields?.['surge'], ['AsDoomed', 'AsWorkload']) ?? 'AsDoomed';
  const settings = { policy, evictor, replacement, surge, jobPods, onDeadline };
  const { plainly } = fields ?? {};
  return {
    noticedAtMs,
    deadlineMs,
    settings,
    outcome,
    detached: detachmentIn(fields ?? {}),
    plainly: typeof plainly === 'string' ? plainly : undefined,
  };
};

const detachmentIn = ({
  detachedAt,
  from,
  fromUid,
  ready,
}: Record<string, unknown>): Detachment | undefined => {
  const atMs = instantMs(String(detachedAt));
  if (atMs === undefined || typeof ready !== 'number') return undefined;
  if (from === undefined && fromUid === undefined) return { origin: undefined, atMs, ready };
  return typeof from === 'string' && typeof fromUid === 'string'
    ? { origin: { name: from, uid: fromUid }, atMs, ready }
    : undefined;
};

/** The mark that an interruption leaves on its pod. */
export const markOf = ({
  noticedAtMs,
  deadlineMs,
  settings,
  outcome,
  detached,
  plainly,
}: Pick<Interruption, keyof Mark>): Mark => ({
  noticedAtMs,
  deadlineMs,
  settings,
  outcome,
  detached,
  plainly,
});

/** A mark as a signal: its deadline is known, whatever became of the Event it was read from. */
export const signalOf = ({ noticedAtMs, deadlineMs }: Mark): Signal => ({
  source: 'Recorded',
  atMs: noticedAtMs,
  minutes: (deadlineMs - noticedAtMs) / 60_000,
});

const parseObject = (text: string | undefined): Record<string, unknown> | undefined => {
  // Most pods carry no mark, and an exception for each of them costs more than all the rest of a look.
  if (!text) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
};

const oneOf = <const T extends string>(value: unknown, allowed: readonly T[]): T | undefined =>
  allowed.find((candidate) => candidate === value);
