import type { InterruptionEntry } from '../../operator/api/index.ts';
import { eciAnnotations } from '../../operator/api/keys.ts';
import type { Doomed, Evidence } from './evidence.ts';
import { isReady, isReleased } from './timeline.ts';

/** One thing that has to be true of how the reclaims were handled, and what was found instead or in proof of it. */
export interface Check {
  readonly claim: string;
  readonly holds: boolean;
  /** With the figures of the cluster. */
  readonly seen: string;
}

const at = (time: string | undefined): number => Date.parse(time ?? '');
// Of a time that the status does not give there is nothing to tell.
const seconds = (fromMs: number, toMs: number): string =>
  Number.isFinite(toMs - fromMs) ? `${Math.round((toMs - fromMs) / 1000)} s` : 'an unknown time';
const sum = (figures: readonly (number | undefined)[]): number =>
  figures.reduce<number>((total, figure) => total + (figure ?? 0), 0);

/** Judges how every pod was handled; each figure in the answer comes from the evidence. */
export const judge = (evidence: Evidence): Check[] => [
  checkAdmission(evidence),
  ...evidence.doomed.map((doomed) => checkPod(evidence, doomed)),
  checkBlocked(evidence),
  checkSuccessors(evidence),
  ...checkBudgets(evidence),
  checkJobs(evidence),
  ...checkTotals(evidence),
];

/** What the policies' status says about a pod. */
const entryOf = ({ policies }: Evidence, { pod }: Doomed): InterruptionEntry | undefined =>
  policies.flatMap(({ status }) => status?.interruptions ?? []).find(({ uid }) => uid === pod.metadata?.uid);

const checkAdmission = ({ doomed, policies, pods }: Evidence): Check => {
  const { spotStrategy, spotPriceLimit } = eciAnnotations;
  const strange = [...pods, ...doomed.map(({ pod }) => pod)].filter(({ metadata }) => {
    const spec = policies.find((policy) => policy.metadata.namespace === metadata?.namespace)?.spec;
    const of = (key: string): string | undefined => metadata?.annotations?.[key];
    return of(spotStrategy) !== spec?.strategy || of(spotPriceLimit) !== spec?.priceLimit;
  });
  const counts = policies.map(({ status }) => status?.pods);
  const spot = sum(counts.map((each) => each?.spot));
  const other = sum(
    counts.flatMap((each) => [each?.onDemand, each?.pending, each?.uninjected, each?.outdated]),
  );
  return {
    claim: 'every pod got the annotations of its policy and runs on spot capacity',
    holds: strange.length === 0 && spot > 0 && other === 0,
    seen: `${strange.length} pods annotated otherwise; status.pods: ${spot} on spot, ${other} otherwise`,
  };
};

const checkPod = (evidence: Evidence, doomed: Doomed): Check => {
  const { name, namespace } = doomed.pod.metadata ?? {};
  const entry = entryOf(evidence, doomed);
  const judged =
    doomed.outcome === 'Replaced' ? checkReplaced(evidence, doomed) : checkCompleted(evidence, doomed);
  return {
    claim: `${namespace}/${name} is ${doomed.outcome}${judged.how}`,
    holds: entry?.outcome === doomed.outcome && judged.holds,
    seen: `${entry?.outcome ?? entry?.phase ?? 'no entry in the status'}; ${judged.seen}`,
  };
};

type Judged = { how: string; holds: boolean; seen: string };

const manners: Readonly<Record<Doomed['leaves'], string>> = {
  AtOnce: ', before its deadline',
  WhenReplaced: ', and left when as many were Ready without it',
  Late: ', after it used the time it had',
};

// A pod goes when as many are Ready without it, whichever of the new ones it is credited with.
const leftWhenReplaced = (evidence: Evidence, doomed: Doomed, evictedMs: number): boolean => {
  const entries = evidence.doomed
    .filter((other) => ownerOf(other) === ownerOf(doomed))
    .map((other) => entryOf(evidence, other));
  const ready = entries.filter((entry) => at(entry?.replacement?.readyAt) <= evictedMs).length;
  const left = entries.filter((entry) => at(entry?.evictedAt) < evictedMs).length;
  return ready > left;
};

const checkReplaced = (evidence: Evidence, doomed: Doomed): Judged => {
  const { pod, leaves } = doomed;
  const { noticedAt, deadline, evictedAt, replacement } = entryOf(evidence, doomed) ?? {};
  const [noticedMs, deadlineMs, evictedMs] = [at(noticedAt), at(deadline), at(evictedAt)];
  const graceMs = (pod.spec?.terminationGracePeriodSeconds ?? 0) * 1000;
  const readyMs = at(replacement?.readyAt);
  // A late pod's eviction is planned for 10 s before the last moment at which its grace period still fits.
  const inItsTime = {
    AtOnce: true,
    WhenReplaced: leftWhenReplaced(evidence, doomed, evictedMs),
    Late: deadlineMs - evictedMs <= graceMs + 10_000,
  }[leaves];
  return {
    how: manners[leaves],
    holds: evictedMs < deadlineMs && inItsTime && replacement?.capacity === 'Spot',
    seen:
      `evicted ${seconds(noticedMs, evictedMs)} after the notice and ${seconds(evictedMs, deadlineMs)} before its ` +
      `deadline; ${replacement?.pod} Ready on ${replacement?.capacity} after ${seconds(noticedMs, readyMs)}`,
  };
};

const checkCompleted = (evidence: Evidence, doomed: Doomed): Judged => {
  const entry = entryOf(evidence, doomed);
  const pod = evidence.pods.find(({ metadata }) => metadata?.uid === doomed.pod.metadata?.uid);
  const { exitCode, finishedAt } = pod?.status?.containerStatuses?.[0]?.state?.terminated ?? {};
  const leftMs = at(entry?.deadline) - at(finishedAt);
  return {
    how: ', without being evicted',
    holds: entry?.evictedAt === undefined && exitCode === 0 && leftMs > 0,
    seen: `exit code ${exitCode}, ${seconds(at(entry?.noticedAt), at(finishedAt))} after the notice and ${seconds(0, leftMs)} before its deadline`,
  };
};

const checkBlocked = (evidence: Evidence): Check => {
  const claim = 'a pod that its budget held back left only when a sibling was Ready again';
  const leftAt = (doomed: Doomed): number => at(entryOf(evidence, doomed)?.evictedAt);
  const reasonOf = ({ pod }: Doomed) => evidence.witnessed.blocked.get(pod.metadata?.uid ?? '');
  const held = evidence.doomed.filter((doomed) => reasonOf(doomed) !== undefined);
  const last = held.toSorted((a, b) => leftAt(a) - leftAt(b)).at(-1);
  if (last === undefined) return { claim, holds: false, seen: 'no pod was ever Blocked' };
  const readyMs = Math.min(
    ...evidence.doomed
      .filter((other) => other !== last && ownerOf(other) === ownerOf(last))
      .map((sibling) => at(entryOf(evidence, sibling)?.replacement?.readyAt)),
  );
  const noticedMs = at(entryOf(evidence, last)?.noticedAt);
  return {
    claim,
    holds: leftAt(last) >= readyMs,
    seen:
      `${last.pod.metadata?.name} evicted after ${seconds(noticedMs, leftAt(last))}, a sibling Ready after ` +
      `${seconds(noticedMs, readyMs)}; "${reasonOf(last)}"`,
  };
};

const ownerOf = ({ pod }: Doomed): string | undefined => pod.metadata?.ownerReferences?.[0]?.uid;

const checkSuccessors = (evidence: Evidence): Check => {
  const replaced = evidence.doomed.filter(({ outcome }) => outcome === 'Replaced');
  const uids = new Set(replaced.map((doomed) => entryOf(evidence, doomed)?.replacement?.uid));
  const running = evidence.pods.filter((pod) => uids.has(pod.metadata?.uid) && isReady(pod));
  return {
    claim: 'every replaced pod has a replacement of its own, Running and Ready',
    holds: running.length === replaced.length,
    seen: `${running.length} of ${replaced.length} replacements are Ready`,
  };
};

const checkBudgets = ({ witnessed }: Evidence): Check[] =>
  [...witnessed.budgets].map(([budget, { lowestHealthy, needed, versions }]) => ({
    claim: `budget ${budget} was never violated`,
    holds: lowestHealthy >= needed,
    seen: `needs ${needed} healthy pods, never had less than ${lowestHealthy} in ${versions} versions of its status`,
  }));

const checkJobs = ({ jobs }: Evidence): Check => ({
  claim: 'no Job was charged with a failure',
  holds: jobs.length > 0 && jobs.every(({ status }) => (status?.failed ?? 0) === 0),
  seen: jobs
    .map(
      ({ metadata, status }) =>
        `${metadata?.name}: ${status?.failed ?? 0} failed, ${status?.succeeded ?? 0} succeeded, ${status?.active ?? 0} active`,
    )
    .join('; '),
});

const checkTotals = ({ doomed, policies, pods, events }: Evidence): Check[] => {
  const totals = policies.map(({ status }) => status?.totals);
  const evictions = doomed.filter(({ outcome }) => outcome === 'Replaced').length;
  const counted = (figure: keyof NonNullable<(typeof totals)[number]>): number =>
    sum(totals.map((each) => each?.[figure]));
  const told = (reason: string): number =>
    sum(
      events
        .filter((event) => event.reason === reason && event.involvedObject.kind === 'Pod')
        .map(({ count }) => count),
    );
  const agreeing = (what: string, wanted: number, figure: number, reason: string): Check => ({
    claim: `${wanted} ${what}`,
    holds: figure === wanted && told(reason) === wanted,
    seen: `status.totals: ${figure}; Events ${reason}: ${told(reason)}`,
  });
  const lost = [
    counted('forced'),
    counted('missed'),
    counted('leftToReclaim'),
    pods.filter(isReleased).length,
  ];
  return [
    agreeing('reclaims noticed', doomed.length, counted('noticed'), 'SpotReclaimNoticed'),
    agreeing('pods evicted through their budgets', evictions, counted('evicted'), 'PodEvicted'),
    agreeing('replacements Ready', evictions, counted('replaced'), 'ReplacementReady'),
    {
      claim: 'nothing forced past a budget, missed or left to ECI',
      holds: lost.every((figure) => figure === 0),
      seen: `status.totals: ${lost[0]} forced, ${lost[1]} missed, ${lost[2]} left; pods with BidFailed: ${lost[3]}`,
    },
  ];
};
