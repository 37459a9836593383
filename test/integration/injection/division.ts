import type { Pod } from 'kubernetes-types/core/v1.js';
import { nextShare, type Distribution, type Tally } from '../../../operator/policy/distribution.ts';
import type { Access } from '../../../hack/cluster/access.ts';
import { podsOf } from '../harness/objects.ts';

/** The pod as one that nobody schedules, which costs the machine little. */
export const idle = (pod: Pod): Pod => {
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

const added = (tally: Tally, pods: number, distribution: Distribution): Tally => {
  let { spot, onDemand } = tally;
  for (let count = 0; count < pods; count += 1) {
    if (nextShare({ spot, onDemand }, distribution).capacity === 'spot') spot += 1;
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

// An admission that finds the world behind waits for half a second.
const sideBySideMs = 550;

/**
 * Every step that a watch saw and that breaks the rule, in words. Creations side by side are stored in another order than
 * they were admitted in, so they are judged together, wave by wave, as their stamps tell the time.
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
  const inOrder = run.toSorted((a, b) => admittedAtMs(a) - admittedAtMs(b));
  return inOrder.flatMap((pod, index) => {
    const next = inOrder[index + 1];
    if (next && admittedAtMs(next) - admittedAtMs(pod) < sideBySideMs) return [];
    const { spot } = tallyOf(inOrder.slice(0, index + 1));
    const due = added(start, index + 1, distribution);
    if (start.spot + spot === due.spot) return [];
    return [
      `${pod.metadata?.name}: ${index + 1} creations after ${JSON.stringify(start)} made ${spot} on spot`,
    ];
  });
};
