import { describe, expect, it } from 'vitest';
import { look } from '../../../operator/interruption/look.ts';
import { planEviction } from '../../../operator/policy/plan.ts';
import type { Settings } from '../../../operator/world/interruption.ts';
import { anInterruption, aWorkloadReference, settingsOf } from '../../builders/interruption.ts';
import { aKnownPod, at } from '../../builders/pod.ts';
import { aStanding } from '../../builders/standing.ts';

const evictors = ['Operator', 'VirtualNode', 'None'] as const;
const jobPods = ['AtDeadline', 'Immediately', 'Never'] as const;
const onDeadlines = ['Delete', 'Leave'] as const;

type When = 'now' | 'late' | 'never';

/** Who owns a pod, and when a policy with the operator as evictor has it evicted, by its `jobPods` in the order above. */
type Row = readonly [owner: string, group: string, kind: string, ...when: When[]];

const owners: readonly Row[] = [
  ["a Deployment's ReplicaSet", 'apps', 'ReplicaSet', 'now', 'now', 'now'],
  ['a Deployment that took it out of its ReplicaSet', 'apps', 'Deployment', 'now', 'now', 'now'],
  ['a StatefulSet', 'apps', 'StatefulSet', 'now', 'now', 'now'],
  ['a CloneSet', 'apps.kruise.io', 'CloneSet', 'now', 'now', 'now'],
  ['a ReplicationController', '', 'ReplicationController', 'now', 'now', 'now'],
  ['a controller of some other kind', 'example.com', 'Database', 'now', 'now', 'now'],
  ['a Job of some other system', 'example.com', 'Job', 'now', 'now', 'now'],
  ['a Spark driver', '', 'Pod', 'now', 'now', 'now'],
  ['a TaskRun, which runs to an end', 'tekton.dev', 'TaskRun', 'late', 'now', 'never'],
  ['a BroadcastJob, which runs to an end', 'apps.kruise.io', 'BroadcastJob', 'late', 'now', 'never'],
  ['a SparkApplication', 'sparkoperator.k8s.io', 'SparkApplication', 'late', 'now', 'never'],
  ['a Job', 'batch', 'Job', 'late', 'now', 'never'],
  ['nobody', '', '', 'late', 'now', 'never'],
  ['an Argo Workflow', 'argoproj.io', 'Workflow', 'never', 'now', 'never'],
  ['a DaemonSet', 'apps', 'DaemonSet', 'never', 'never', 'never'],
  ['a DaemonSet of Kruise', 'apps.kruise.io', 'DaemonSet', 'never', 'never', 'never'],
  ['its node', '', 'Node', 'never', 'never', 'never'],
];

const endsByItself = (kind: string): boolean => ['TaskRun', 'BroadcastJob'].includes(kind);

// What is done after the notice and at the last eviction, where a budget has room, and at the deadline, where none has.
const courses = {
  now: ['Evict', 'Evict', 'by force'],
  late: ['nothing', 'Evict', 'by force'],
  node: ['nothing', 'nothing', 'by force'],
  never: ['nothing', 'nothing', 'nothing'],
} as const;

const whoEvicts = (when: When, evictor: Settings['evictor'], asksNode: boolean): keyof typeof courses => {
  if (evictor === 'None' || when === 'never') return 'never';
  return asksNode || (evictor === 'VirtualNode' && when === 'now') ? 'node' : when;
};

// Grace of 30 s in a window of 180 s: 10 s and 5 s before it must begin.
const moments = [
  [1, 1],
  [141, 1],
  [146, 0],
] as const;

const doneTo = (group: string, kind: string, settings: Settings, evictedByNode: boolean): string[] => {
  const chain = kind === '' ? [] : [aWorkloadReference(kind, 'owner', group)];
  const plan = planEviction({
    ...{ chain, settings, evictedByNode, step: undefined },
    ...{ ignoresDisruption: false, mirror: false, restarts: !endsByItself(kind) },
  });
  return moments.map(([seconds, allowed]) => {
    const seen = {
      interruption: anInterruption({ plan, settings, counted: true, marked: 'UnderWay' }),
      pod: aKnownPod(),
      standings: [aStanding({ allowed })],
      successors: {
        candidates: [],
        credited: undefined,
        wanted: 1,
        serving: 1,
        workloadEnded: false,
        failure: undefined,
        indexFailed: undefined,
      },
      surge: undefined,
      warning: undefined,
      trustEvents: false,
    };
    return look(seen, at(seconds)).effect?.kind ?? 'nothing';
  });
};

describe('under every policy, a doomed pod', () => {
  it.for(owners)('of %s is evicted by whom and when the table says', ([, group, kind, ...whens]) => {
    const found: Record<string, string[]> = {};
    const expected: Record<string, string[]> = {};
    for (const evictor of evictors)
      for (const [index, jobs] of jobPods.entries())
        for (const onDeadline of onDeadlines)
          for (const asksNode of [false, true]) {
            const which = `${evictor} ${jobs} ${onDeadline}${asksNode ? ' api-evict' : ''}`;
            const settings = settingsOf({ evictor, jobPods: jobs, onDeadline });
            const course = courses[whoEvicts(whens[index] ?? 'never', evictor, asksNode)];
            const last = onDeadline === 'Delete' ? 'Delete' : 'nothing';
            expected[which] = course.map((step) => (step === 'by force' ? last : step));
            found[which] = doneTo(group, kind, settings, asksNode);
          }
    expect(Object.keys(found)).toHaveLength(36);
    expect(found).toEqual(expected);
  });
});
