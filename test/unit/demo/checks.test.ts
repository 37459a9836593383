import type { Event } from 'kubernetes-types/core/v1.js';
import { describe, expect, test } from 'vitest';
import { judge } from '../../../hack/demo/checks.ts';
import type { Doomed, Evidence } from '../../../hack/demo/evidence.ts';
import type { InterruptionEntry, SpotPolicyObject } from '../../../operator/api/index.ts';
import { apiTime } from '../../../operator/world/object.ts';
import { aPod, at, ownedBy, uidOf } from '../../builders/pod.ts';
import { aPolicy } from '../../builders/policy.ts';
import { aJob } from '../../builders/workloads.ts';

const time = (seconds: number): string => apiTime(at(seconds));

/** A web pod's entry: noticed at 0, with three minutes, evicted and its replacement Ready when the test says. */
const replaced = (name: string, evictedAt: number, readyAt: number): InterruptionEntry => ({
  ...{ pod: name, uid: uidOf('Pod', name), phase: 'Done', outcome: 'Replaced' },
  ...{ noticedAt: time(0), deadline: time(180), evictedAt: time(evictedAt) },
  replacement: {
    ...{ pod: `${name}-heir`, uid: uidOf('Pod', `${name}-heir`), capacity: 'Spot' },
    readyAt: time(readyAt),
  },
});

const completed: InterruptionEntry = {
  ...{ pod: 'pi', uid: uidOf('Pod', 'pi'), phase: 'Done', outcome: 'Completed' },
  ...{ noticedAt: time(0), deadline: time(60) },
};

const finished = (exitCode: number) => {
  const pod = aPod({ name: 'pi', phase: 'Succeeded' });
  const containerStatuses = [
    {
      name: 'pi',
      image: '',
      imageID: '',
      ready: false,
      restartCount: 0,
      state: { terminated: { exitCode, finishedAt: time(40) } },
    },
  ];
  return { ...pod, status: { ...pod.status, containerStatuses } };
};

/** How a policy looks that handled two web pods, one after the other, and saw a Job pod complete. */
const aStory = (entries: readonly InterruptionEntry[], totals = {}, pods = {}): SpotPolicyObject => {
  const base = aPolicy();
  const none = {
    noticed: 0,
    evicted: 0,
    replaced: 0,
    forced: 0,
    missed: 0,
    leftToReclaim: 0,
    workloadFailed: 0,
  };
  const counts = {
    ...{ matched: 3, spot: 3, onDemand: 0, fallback: 0, pending: 0, outdated: 0, uninjected: 0 },
    ...{ userValueKept: 0, offVirtualNode: 0 },
  };
  return {
    ...base,
    status: {
      interruptions: [...entries],
      totals: { ...none, noticed: 3, evicted: 2, replaced: 2, ...totals },
      pods: { ...counts, ...pods },
    },
  };
};

const told = (reason: string, count: number): Event => ({
  metadata: {},
  involvedObject: { kind: 'Pod' },
  reason,
  count,
});

const doomed: readonly Doomed[] = [
  { pod: aPod({ name: 'web-1', graceSeconds: 30 }), minutes: 3, outcome: 'Replaced', leaves: 'AtOnce' },
  { pod: aPod({ name: 'web-2', graceSeconds: 30 }), minutes: 3, outcome: 'Replaced', leaves: 'AtOnce' },
  {
    pod: aPod({ name: 'pi', owner: ownedBy('Job', 'pi') }),
    minutes: 1,
    outcome: 'Completed',
    leaves: 'Late',
  },
];

const first = replaced('web-1', 0, 7);
const second = replaced('web-2', 7, 13);

const good: Evidence = {
  doomed,
  policies: [aStory([first, second, completed])],
  pods: [aPod({ name: 'web-1-heir' }), aPod({ name: 'web-2-heir' }), finished(0)],
  jobs: [{ ...aJob({ name: 'pi' }), status: { succeeded: 1 } }],
  events: [told('SpotReclaimNoticed', 3), told('PodEvicted', 2), told('ReplacementReady', 2)],
  witnessed: {
    policies: new Map(),
    pods: new Map(),
    budgets: new Map([['shop/web', { lowestHealthy: 2, needed: 2, versions: 9 }]]),
    blocked: new Map([[uidOf('Pod', 'web-2'), 'budget web allows no disruption now']]),
  },
};

const failing = (evidence: Partial<Evidence>): string[] =>
  judge({ ...good, ...evidence })
    .filter(({ holds }) => !holds)
    .map(({ claim }) => claim);

test('finds nothing to complain about where every pod was handled well', () => {
  expect(failing({})).toEqual([]);
});

describe('complains of', () => {
  const late = replaced('web-2', 181, 190);
  const early = replaced('web-2', 6, 13);
  const missed: InterruptionEntry = { ...second, outcome: 'Missed' };
  const onDemand = {
    ...first,
    replacement: { pod: 'x', uid: uidOf('Pod', 'web-1-heir'), capacity: 'OnDemand' as const },
  };
  const violated = new Map([['shop/web', { lowestHealthy: 1, needed: 2, versions: 9 }]]);
  const lone = { ...doomed[0], leaves: 'Late' } as Doomed;
  const served = { ...doomed[0], leaves: 'WhenReplaced' } as Doomed;

  test.each<[what: string, evidence: Partial<Evidence>, claim: RegExp]>([
    ['an eviction after the deadline', { policies: [aStory([first, late, completed])] }, /web-2 is Replaced/],
    ['another outcome', { policies: [aStory([first, missed, completed])] }, /web-2 is Replaced/],
    [
      'a pod of which the status says nothing',
      { policies: [aStory([first, completed])] },
      /web-2 is Replaced/,
    ],
    ['a replacement on demand', { policies: [aStory([onDemand, second, completed])] }, /web-1 is Replaced/],
    [
      'a hurried eviction of a pod that has time',
      { doomed: [lone, ...doomed.slice(1)] },
      /web-1 .* used the time/,
    ],
    [
      'a pod that left before its replacement was Ready',
      { doomed: [served, ...doomed.slice(1)] },
      /web-1 .* when as many were Ready/,
    ],
    ['a Job pod that failed', { pods: [...good.pods.slice(0, 2), finished(137)] }, /pi is Completed/],
    [
      'an evicted Job pod',
      { policies: [aStory([first, second, { ...completed, evictedAt: time(9) }])] },
      /pi is Completed/,
    ],
    [
      'a blocked pod that left before a sibling was Ready',
      { policies: [aStory([first, early, completed])] },
      /held back/,
    ],
    ['no pod that was ever blocked', { witnessed: { ...good.witnessed, blocked: new Map() } }, /held back/],
    ['a replacement that is not there', { pods: good.pods.slice(1) }, /replacement of its own/],
    [
      'two pods credited with one replacement',
      { policies: [aStory([first, { ...second, replacement: first.replacement }, completed])] },
      /replacement of its own/,
    ],
    ['a violated budget', { witnessed: { ...good.witnessed, budgets: violated } }, /budget shop\/web/],
    ['a charged Job', { jobs: [{ ...aJob(), status: { failed: 1 } }] }, /no Job was charged/],
    [
      'totals that miss a notice',
      { policies: [aStory([first, second, completed], { noticed: 2 })] },
      /3 reclaims noticed/,
    ],
    [
      'totals that count an eviction twice',
      { policies: [aStory([first, second, completed], { evicted: 3 })] },
      /2 pods evicted/,
    ],
    [
      'Events that tell another story than the totals',
      { events: good.events.slice(1) },
      /3 reclaims noticed/,
    ],
    [
      'a forced deletion',
      { policies: [aStory([first, second, completed], { forced: 1 })] },
      /nothing forced/,
    ],
    [
      'a pod that ECI took',
      { pods: [...good.pods, aPod({ name: 'x', phase: 'Failed', reason: 'BidFailed' })] },
      /nothing forced/,
    ],
    [
      'a pod without its annotation',
      {
        pods: [
          ...good.pods,
          aPod({ name: 'x', annotations: { 'k8s.aliyun.com/eci-spot-strategy': undefined } }),
        ],
      },
      /annotations of its policy/,
    ],
    [
      'a pod that the operator counts as uninjected',
      { policies: [aStory([first, second, completed], {}, { uninjected: 1 })] },
      /annotations of its policy/,
    ],
  ])('%s', (_what, evidence, claim) => {
    expect(failing(evidence).join('\n')).toMatch(claim);
  });
});
