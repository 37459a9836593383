import { isReplacementDue, type Interruption } from '../world/interruption.ts';
import { isTerminal, type Pod } from '../world/pod.ts';
import type { Demand } from '../world/quantity.ts';
import type { Quota } from '../world/room.ts';
import type { View } from '../world/view.ts';
import { selects } from './selector.ts';

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

const tieOf = (view: View, { namespace, labels, ties }: Pod): string | undefined => {
  if (!ties) return undefined;
  if (ties.hostPort) return 'it uses a port of its node';
  if (ties.avoids.some((selector) => selects(selector, labels)))
    return 'its anti-affinity keeps a second one like it away';
  const [held] = ties.heldVolumes;
  if (held !== undefined) return `only one machine may hold its volume ${held}`;
  const claim = ties.claims.find((name) => view.claims.byName(namespace, name)?.shared !== true);
  if (claim === undefined) return undefined;
  return view.claims.byName(namespace, claim)
    ? `only one node may use its PersistentVolumeClaim ${claim}`
    : `who may use its PersistentVolumeClaim ${claim} is not known`;
};

// A quota may name what pods request with or without the word.
const shortNames: Readonly<Record<string, string>> = { cpu: 'requests.cpu', memory: 'requests.memory' };

const needOf = (of: string, demand: Demand): number => {
  const needs: Readonly<Record<string, number>> = { pods: 1, 'count/pods': 1, ...demand };
  return needs[shortNames[of] ?? of] ?? 0;
};

// A ReplicaSet creates a pod within a second. What is not created after this long may come at any time or never.
const createdMs = 5_000;

const lacksIn = (view: View, quota: Quota, pod: Pod, options: RoomOptions): readonly Obstacle[] =>
  Object.entries(quota.hard).flatMap(([of, limit]) => {
    const need = needOf(of, pod.demand);
    if (need <= 0) return [];
    const lack = lackOf(roomTaken(view, quota, of, pod, options), limit - need, options);
    return lack ? [{ ...lack, because: `quota ${quota.name} has no room for its ${of}${lack.because}` }] : [];
  });

/** How much of one resource of a quota is taken, in its base unit. */
interface Taken {
  /** By pods that exist. */
  readonly existing: number;
  /** By detached pods that have not gone yet. */
  readonly returning: number;
  /** By replacements that may still be created, though it has been a while since their pods were detached. */
  readonly overdue: number;
  /** By those that are expected any moment; they may be among the existing ones already. */
  readonly due: number;
}

/**
 * A detached pod reserves room until the world shows its replacement; from then on the replacement takes it itself. The
 * status of a quota may show the replacement before the watch of pods does (then it counts twice for that moment, and the
 * answer is to wait) or after (then the pods that are seen count, where they come to more than the status says).
 */
const roomTaken = (view: View, quota: Quota, of: string, pod: Pod, { nowMs }: RoomOptions): Taken => {
  let [seen, returning, overdue, due] = [0, 0, 0, 0];
  for (const other of view.pods.group('namespace', pod.namespace))
    if (isCounted(other, nowMs)) seen += needOf(of, other.demand);
  for (const each of view.interruptions.group('detached', pod.namespace)) {
    const doomed = view.pods.byUid(each.uid);
    if (!doomed || each.uid === pod.uid) continue;
    const need = needOf(of, doomed.demand);
    returning += need;
    if (!isReplacementDue(each)) continue;
    if (isOverdue(each, nowMs)) overdue += need;
    else due += need;
  }
  // Of a quota with scopes it is not known which pods it counts.
  const existing = Math.max(quota.used[of] ?? 0, quota.scoped ? 0 : seen);
  return { existing, returning, overdue, due };
};

// As the evaluator of quotas has it: a pod that has ended takes nothing, nor one that should be gone (it gives that one the
// grace period once more).
const isCounted = (pod: Pod, nowMs: number): boolean =>
  !isTerminal(pod) && (pod.deletionAtMs === undefined || nowMs < pod.deletionAtMs);

const isOverdue = ({ detached }: Interruption, nowMs: number): boolean =>
  detached !== undefined && nowMs >= detached.atMs + createdMs;

const lackOf = (
  { existing, returning, overdue, due }: Taken,
  most: number,
  { nowMs, patient }: RoomOptions,
): Obstacle | undefined => {
  if (existing + overdue - (patient ? returning : 0) > most)
    return { because: existing > most ? '' : ', with the replacements that are on their way' };
  if (existing + overdue + due <= most) return undefined;
  const because = ' until it is known what the replacements on their way take';
  return { because, untilMs: patient ? Number.POSITIVE_INFINITY : nowMs + createdMs };
};
