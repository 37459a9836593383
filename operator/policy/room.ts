import { isReplacementDue } from '../world/interruption.ts';
import { isLive, isTerminal, type Pod } from '../world/pod.ts';
import { needOf } from '../world/quantity.ts';
import { areAbout } from '../world/quota-scopes.ts';
import type { Quota } from '../world/room.ts';
import type { View } from '../world/view.ts';
import { mustBeApart } from './domains.ts';

/** Why a second pod like one could not run beside it. */
export interface Obstacle {
  readonly because: string;
  /** It may pass before then; undefined for one that lasts, infinite for one that ends when pods have gone. */
  readonly untilMs?: number;
}

/** Against what room for a second pod is asked. */
export interface RoomOptions {
  readonly nowMs: number;
  /** Room that pods which are being replaced will leave may be waited for. */
  readonly patient: boolean;
}

/** What stands in the way of a second pod like this one; undefined where nothing known does. */
export const obstacleTo = (view: View, pod: Pod, options: RoomOptions): Obstacle | undefined => {
  const tie =
    tieOf(view, pod) ??
    (view.synced('ResourceQuota') ? undefined : 'whether a quota has room for another is not known');
  if (tie !== undefined) return { because: tie };
  const lacks = [...view.quotas.group('namespace', pod.namespace)].flatMap((quota) =>
    lacksIn(view, quota, pod, options),
  );
  return lacks.toSorted((a, b) => lasting(a) - lasting(b))[0];
};

// One that lasts says more than one that may pass.
const lasting = ({ untilMs }: Obstacle): number => (untilMs === undefined ? 0 : 1);

const tieOf = (view: View, pod: Pod): string | undefined => {
  const { namespace, ties } = pod;
  if (!ties) return undefined;
  const apart = mustBeApart(view, pod, ties);
  if (apart !== undefined) return apart;
  const [held] = ties.heldVolumes;
  if (held !== undefined) return `only one machine may hold its volume ${held}`;
  const claim = ties.claims.find((name) => view.claims.byName(namespace, name)?.shared !== true);
  if (claim === undefined) return undefined;
  return view.claims.byName(namespace, claim)
    ? `only one node may use its PersistentVolumeClaim ${claim}`
    : `who may use its PersistentVolumeClaim ${claim} is not known`;
};

// A ReplicaSet creates a pod within a second. What is not created after this long may come at any time or never. The status of
// a quota, too, follows its pods by then.
const promptMs = 5_000;

const lacksIn = (view: View, quota: Quota, pod: Pod, options: RoomOptions): readonly Obstacle[] =>
  Object.entries(quota.hard).flatMap(([of, limit]) => {
    const need = needIn(quota, of, pod);
    if (need <= 0) return [];
    const lack = lackOf(roomTaken(view, quota, of, pod, options), limit - need, options);
    return lack ? [{ ...lack, because: `quota ${quota.name} has no room for its ${of}${lack.because}` }] : [];
  });

const needIn = ({ scopes }: Quota, of: string, { demand, scopeTraits }: Pod): number =>
  areAbout(scopes, scopeTraits) ? needOf(of, demand) : 0;

/** How much of one resource of a quota is taken, in its base unit. */
interface Amounts extends Replacing {
  /** By pods that exist, as its status has it. */
  readonly used: number;
  /** By pods that exist, as the world has it. */
  readonly seen: number;
  /** When its status is to be believed though it says more than is seen: pods that have gone, or should have, may still be in it. */
  readonly usedAtMs: number;
}

/**
 * A detached pod reserves room until the world shows its replacement; from then on the replacement takes it itself. The
 * status of a quota may show the replacement before the watch of pods does (then it counts twice for that moment, and the
 * answer is to wait) or after (then the pods that are seen count, where they come to more than the status says).
 */
const roomTaken = (view: View, quota: Quota, of: string, pod: Pod, { nowMs }: RoomOptions): Amounts => {
  const { namespace } = pod;
  const ending = endingIn(view, quota, of, pod, nowMs);
  const replacing = replacingIn(view, quota, of, pod, nowMs);
  return {
    ...replacing,
    used: quota.used[of] ?? 0,
    seen: livingIn(view, quota, of, namespace) + ending.amount,
    usedAtMs: Math.max(view.taken.freedAtMs(namespace), ending.overAtMs) + promptMs,
    untilMs: Math.min(replacing.untilMs, ending.untilMs),
  };
};

// The world keeps what all pods of a namespace take. Pods in the scopes of a quota are counted when somebody asks.
const livingIn = (view: View, quota: Quota, of: string, namespace: string): number => {
  if (quota.scopes.length === 0) return view.taken.of(namespace, of);
  let amount = 0;
  for (const pod of view.pods.group('namespace', namespace))
    if (isLive(pod)) amount += needIn(quota, of, pod);
  return amount;
};

// The evaluator of quotas counts nothing of a pod that should be gone (it gives that one the grace period once more).
const endingIn = (view: View, quota: Quota, of: string, { namespace }: Pod, nowMs: number) => {
  let [amount, untilMs, overAtMs] = [0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const doomed of view.pods.group('ending', namespace)) {
    const { deletionAtMs = 0 } = doomed;
    if (nowMs >= deletionAtMs) {
      overAtMs = Math.max(overAtMs, deletionAtMs);
    } else {
      amount += needIn(quota, of, doomed);
      untilMs = Math.min(untilMs, deletionAtMs);
    }
  }
  return { amount, untilMs, overAtMs };
};

/** How much the detached pods of a namespace and their replacements take. */
interface Replacing {
  /** By detached pods that have not gone yet. */
  readonly returning: number;
  /** By replacements that may still be created, though it has been a while since their pods were detached. */
  readonly overdue: number;
  /** By those that are expected any moment; they may be among the existing ones already. */
  readonly due: number;
  /** When time alone makes it other amounts; infinite where it does not. */
  readonly untilMs: number;
}

const replacingIn = (view: View, quota: Quota, of: string, pod: Pod, nowMs: number): Replacing => {
  let [returning, overdue, due, untilMs] = [0, 0, 0, Number.POSITIVE_INFINITY];
  for (const each of view.interruptions.group('detached', pod.namespace)) {
    const doomed = view.pods.byUid(each.uid);
    if (!doomed || each.uid === pod.uid || isTerminal(doomed)) continue;
    const need = needIn(quota, of, doomed);
    returning += need;
    if (!isReplacementDue(each)) continue;
    const overdueAtMs = (each.detached?.atMs ?? nowMs) + promptMs;
    if (nowMs >= overdueAtMs) {
      overdue += need;
    } else {
      due += need;
      untilMs = Math.min(untilMs, overdueAtMs);
    }
  }
  return { returning, overdue, due, untilMs };
};

const lackOf = (
  { used, seen, usedAtMs, returning, overdue, due, untilMs }: Amounts,
  most: number,
  { nowMs, patient }: RoomOptions,
): Obstacle | undefined => {
  const lasts = (existing: number): boolean => existing + overdue - (patient ? returning : 0) > most;
  const existing = Math.max(used, seen);
  if (lasts(existing)) {
    if (!lasts(seen) && nowMs < usedAtMs)
      return {
        because: ' until its status shows which pods have gone',
        untilMs: Math.min(usedAtMs, untilMs),
      };
    return { because: existing > most ? '' : ', with the replacements that are on their way' };
  }
  if (existing + overdue + due <= most) return undefined;
  return { because: ' until it is known what the replacements on their way take', untilMs };
};
