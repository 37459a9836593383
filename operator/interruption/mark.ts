import { ourAnnotations } from '../api/keys.ts';
import type { Detachment, Interruption, Outcome, ReclaimWindow, Settings } from '../world/interruption.ts';
import { instantMs, preciseTime } from '../world/object.ts';
import type { Pod } from '../world/pod.ts';

/**
 * What a pod carries in `spotpolicy.dev/interruption` while its interruption is under way, so that whoever leads next
 * finishes it by the settings it began with.
 */
export interface Mark extends ReclaimWindow {
  /** The UID of the pod: a copy of its manifest is no doomed pod. */
  readonly uid: string;
  /** The window by the pod's condition alone, where it had one when the mark was written. */
  readonly onCondition: ReclaimWindow | undefined;
  readonly settings: Settings;
  /** Set on a released pod that stays behind: its interruption has been counted. */
  readonly outcome: Outcome | undefined;
  /** Set while the pod is out of its ReplicaSet, or labelled for its CloneSet. */
  readonly detached: Detachment | undefined;
  /** Why no replacement is started before its eviction. */
  readonly plainly: string | undefined;
}

// A mark of ours is well below this; whoever may annotate the pod may write up to 256 KiB.
const longestText = 8_192;
// A reason may quote the whole answer of a server; JSON may spell each of its characters by six.
const longestReason = 1_024;

/** The annotation's text: JSON on one line, times readable in `kubectl describe`. */
export const writeMark = ({
  uid,
  noticedAtMs,
  deadlineMs,
  onCondition,
  settings,
  outcome,
  detached,
  plainly,
}: Mark): string =>
  JSON.stringify({
    uid,
    noticedAt: preciseTime(noticedAtMs),
    deadline: preciseTime(deadlineMs),
    ...(onCondition && {
      conditionAt: preciseTime(onCondition.noticedAtMs),
      conditionDeadline: preciseTime(onCondition.deadlineMs),
    }),
    ...settings,
    outcome,
    ...(detached && {
      detachedAt: preciseTime(detached.atMs),
      from: detached.origin?.name,
      fromUid: detached.origin?.uid,
      ready: detached.ready,
    }),
    plainly: plainly?.slice(0, longestReason),
  });

/** The mark on a pod, or undefined where it is none of ours or another pod's: anyone may write, or copy, an annotation. */
export const readMark = ({ uid, annotations }: Pick<Pod, 'uid' | 'annotations'>): Mark | undefined => {
  const fields = parseObject(annotations[ourAnnotations.interruption]);
  if (fields?.['uid'] !== uid) return undefined;
  const window = windowIn(fields['noticedAt'], fields['deadline']);
  const policy = fields['policy'];
  const evictor = oneOf(fields['evictor'], ['Operator', 'VirtualNode', 'None']);
  const jobPods = oneOf(fields['jobPods'], ['AtDeadline', 'Immediately', 'Never']);
  const onDeadline = oneOf(fields['onDeadline'], ['Delete', 'Leave']);
  if (!window) return undefined;
  if (typeof policy !== 'string') return undefined;
  if (!evictor || !jobPods || !onDeadline) return undefined;
  const outcome = oneOf(fields['outcome'], ['Missed', 'LeftToReclaim', 'Completed', 'Forced']);
  // Marks of earlier versions lack these two; the defaults are what those versions did.
  const replacement = oneOf(fields['replacement'], ['BeforeEviction', 'AfterEviction']) ?? 'AfterEviction';
  const surge = oneOf(fields['surge'], ['AsDoomed', 'AsWorkload']) ?? 'AsDoomed';
  const settings = { policy, evictor, replacement, surge, jobPods, onDeadline };
  const { plainly } = fields;
  return {
    uid,
    ...window,
    onCondition: windowIn(fields['conditionAt'], fields['conditionDeadline']),
    settings,
    outcome,
    detached: detachmentIn(fields),
    plainly: typeof plainly === 'string' ? plainly : undefined,
  };
};

const windowIn = (noticedAt: unknown, deadline: unknown): ReclaimWindow | undefined => {
  const noticedAtMs = instantMs(String(noticedAt));
  const deadlineMs = instantMs(String(deadline));
  return noticedAtMs !== undefined && deadlineMs !== undefined && deadlineMs > noticedAtMs
    ? { noticedAtMs, deadlineMs }
    : undefined;
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
  uid,
  noticedAtMs,
  deadlineMs,
  onCondition,
  settings,
  outcome,
  detached,
  plainly,
}: Pick<Interruption, keyof Mark>): Mark => ({
  uid,
  noticedAtMs,
  deadlineMs,
  onCondition,
  settings,
  outcome,
  detached,
  plainly,
});

const parseObject = (text: string | undefined): Record<string, unknown> | undefined => {
  // Most pods carry no mark, and an exception for each of them costs more than all the rest of a look.
  if (!text || text.length > longestText) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
};

const oneOf = <const T extends string>(value: unknown, allowed: readonly T[]): T | undefined =>
  allowed.find((candidate) => candidate === value);
