import type { Pod, PodSpec } from 'kubernetes-types/core/v1.js';
import type { Distribution, Tally } from '../../../operator/policy/distribution.ts';
import type { Access } from '../../../hack/cluster/access.ts';
import { podsOf } from '../harness/objects.ts';

/** The pod, or template of pods, as one that nobody schedules, which costs the machine little. */
export const idle = <T extends { spec?: PodSpec }>(pod: T): T => {
  const spec = { containers: [], ...pod.spec, schedulingGates: [{ name: 'example.com/never' }] };
  return { ...pod, spec };
};

/** Whether a pod is on spot, by its annotation; its label has to say the same. */
export const isSpot = ({ metadata }: Pod): boolean => {
  const spot = metadata?.annotations?.['k8s.aliyun.com/eci-spot-strategy'] !== undefined;
  const label = metadata?.labels?.['spotpolicy.dev/capacity'];
  if (label !== (spot ? 'spot' : 'on-demand')) {
    throw new Error(
      `pod ${metadata?.name} is labelled ${label} and ${spot ? 'asks' : 'does not ask'} for spot`,
    );
  }
  const others = Object.keys(metadata?.annotations ?? {}).filter((key) => key.includes('/eci-spot-'));
  if (!spot && others.length > 0) throw new Error(`pod ${metadata?.name} on demand carries ${others.join()}`);
  return spot;
};

/** How many of these pods are on spot and on demand. */
export const tallyOf = (pods: readonly Pod[]): Tally => {
  const spot = pods.filter(isSpot).length;
  return { spot, onDemand: pods.length - spot };
};

/** How many living pods of an app are on spot and on demand. */
export const tallyIn = async (admin: Access['admin'], namespace: string, app: string): Promise<Tally> =>
  tallyOf(await podsOf(admin, namespace, app));

/** What so many pods are when only creations have made them. */
export const exactly = (pods: number, distribution: Distribution): Tally =>
  added({ spot: 0, onDemand: 0 }, pods, distribution);

// The rule in its own words, not by the function that is tested: the base first, then spot wherever the share has room.
const added = (tally: Tally, pods: number, { onDemandBase, spotPercentage }: Distribution): Tally => {
  let { spot, onDemand } = tally;
  for (let count = 0; count < pods; count += 1) {
    const aboveBase = spot + onDemand + 1 - onDemandBase;
    const hasRoom = 100 * (spot + 1) <= spotPercentage * aboveBase;
    if (onDemand >= onDemandBase && hasRoom) spot += 1;
    else onDemand += 1;
  }
  return { spot, onDemand };
};

interface Cohort {
  readonly living: Map<string, Pod>;
  /** Creations since the last departure, and what was there before them. */
  start: Tally;
  run: Pod[];
}

// An admission asks the leader for 0.3 s at most, and one that finds the world behind waits for half a second.
const decidedWithinMs = 850;

/**
 * Every creation that a watch saw and that breaks the rule, in words. Pods that are created side by side are stored in
 * another order than they were decided in: those that were decided earlier than one that is there, and are not there
 * yet, are taken as far as the rule needs them. Their stamps tell which they may be.
 */
export const breaches = (seen: readonly Pod[], distribution: Distribution): string[] => {
  const cohorts = new Map<string, Cohort>();
  const known = new Set<string>();
  const found: string[] = [];
  for (const pod of seen) {
    const owner = pod.metadata?.ownerReferences?.[0]?.uid ?? '';
    const uid = pod.metadata?.uid ?? '';
    const cohort: Cohort = cohorts.get(owner) ?? {
      living: new Map<string, Pod>(),
      start: { spot: 0, onDemand: 0 },
      run: [],
    };
    cohorts.set(owner, cohort);
    const ends = pod.metadata?.deletionTimestamp !== undefined;
    if (ends && cohort.living.has(uid)) {
      found.push(...judge(cohort, distribution));
      cohort.living.delete(uid);
      Object.assign(cohort, { start: tallyOf([...cohort.living.values()]), run: [] });
    }
    if (ends || known.has(uid)) continue;
    known.add(uid);
    cohort.living.set(uid, pod);
    cohort.run.push(pod);
  }
  return [...found, ...[...cohorts.values()].flatMap((cohort) => judge(cohort, distribution))];
};

const admittedAtMs = ({ metadata }: Pod): number =>
  Number.parseInt(metadata?.annotations?.['spotpolicy.dev/admission']?.split('.')[1] ?? '', 36);

const judge = ({ start, run }: Cohort, distribution: Distribution): string[] => {
  const due = Array.from({ length: run.length + 1 }, (_, pods) => added(start, pods, distribution).spot);
  let spot = start.spot;
  let lastMs = 0;
  return run.flatMap((pod, index) => {
    if (isSpot(pod)) spot += 1;
    lastMs = Math.max(lastMs, admittedAtMs(pod));
    const later = run.slice(index + 1).filter((one) => admittedAtMs(one) <= lastMs + decidedWithinMs);
    return isReached(spot, due.slice(index + 1), tallyOf(later))
      ? []
      : [`${pod.metadata?.name}: ${index + 1} creations after ${JSON.stringify(start)} made ${spot} on spot`];
  });
};

// With some of those that may have been decided already, as many are on spot as are due beside so many.
const isReached = (spot: number, due: readonly number[], later: Tally): boolean =>
  due.slice(0, later.spot + later.onDemand + 1).some((wanted, decided) => {
    const missing = wanted - spot;
    return missing >= Math.max(0, decided - later.onDemand) && missing <= Math.min(decided, later.spot);
  });
