import { describe, expect, it } from 'vitest';
import type { InterruptionEntry } from '../../../operator/api/index.ts';
import { look } from '../../../operator/interruption/look.ts';
import { writeMark } from '../../../operator/interruption/mark.ts';
import { resumeInterruptions } from '../../../operator/interruption/resume.ts';
import {
  countStep,
  type Interruption,
  noTotals,
  type Outcome,
} from '../../../operator/world/interruption.ts';
import { apiTime } from '../../../operator/world/object.ts';
import { settingsOf } from '../../builders/interruption.ts';
import { aKnownPod, aPod, anExpiry, at, type PodWishes, uidOf } from '../../builders/pod.ts';
import { aClusterPolicy, aPolicy } from '../../builders/policy.ts';
import { aReplicaSet, aWorld, type Content } from '../../builders/world.ts';
import { aDeployment } from '../../builders/workloads.ts';

const anEntry = (more: Partial<InterruptionEntry> = {}): InterruptionEntry => ({
  pod: 'web-1',
  uid: uidOf('Pod', 'web-1'),
  node: 'virtual-kubelet-cn-hangzhou-h',
  workload: { group: 'apps', kind: 'Deployment', name: 'web', uid: uidOf('Deployment', 'web') },
  noticedAt: apiTime(at(0)),
  deadline: apiTime(at(180)),
  phase: 'AwaitingReplacement',
  message: 'waiting',
  evictedAt: apiTime(at(5)),
  ...more,
});
const resume = (entries: readonly InterruptionEntry[], content: Content = {}): readonly Interruption[] =>
  resumeInterruptions(
    aWorld({
      SpotPolicy: [aPolicy({ status: { interruptions: [...entries] } })],
      Deployment: [aDeployment()],
      ReplicaSet: [aReplicaSet()],
      ...content,
    }),
    at(60),
    3,
  );
const replacement = {
  pod: 'web-2',
  uid: uidOf('Pod', 'web-2'),
  capacity: 'OnDemand',
  readyAt: apiTime(at(20)),
} as const;
const endedMark = (pod: PodWishes = {}, outcome: Outcome = 'Missed'): PodWishes => ({
  phase: 'Failed',
  reason: 'BidFailed',
  annotations: {
    'spotpolicy.dev/interruption': writeMark({
      ...{
        uid: uidOf('Pod', 'web-1'),
        noticedAtMs: at(0),
        deadlineMs: at(180),
        onCondition: undefined,
        settings: settingsOf(),
        outcome,
        detached: undefined,
        plainly: undefined,
      },
    }),
  },
  ...pod,
});

describe('a new leader takes over', () => {
  it('what a policy of the cluster awaits, in the namespace of its pod', () => {
    const interruptions = [anEntry({ namespace: 'shop' })];
    const ClusterSpotPolicy = [aClusterPolicy({ status: { interruptions } })];
    expect(resume([], { ClusterSpotPolicy })).toMatchObject([
      {
        namespace: 'shop',
        workload: { namespace: 'shop', name: 'web' },
        settings: { policy: 'ClusterSpotPolicy/base' },
      },
    ]);
  });

  it('what waits for its replacement, counted already and with nothing left to decide', () => {
    expect(resume([anEntry()])).toMatchObject([
      {
        uid: uidOf('Pod', 'web-1'),
        phase: 'AwaitingReplacement',
        workload: { kind: 'Deployment', namespace: 'shop', uid: uidOf('Deployment', 'web') },
        settings: { policy: 'SpotPolicy/shop/web', evictor: 'None' },
        counted: true,
        evictedAtMs: at(5),
        ending: { how: 'Gone', atMs: at(5) },
        forced: false,
      },
    ]);
  });

  it.each(['Noticed', 'Evicting', 'Blocked', 'Terminating'] as const)(
    'a pod that was %s and went while nobody looked, as one that waits for its replacement',
    (phase) => {
      const { evictedAt: _, ...entry } = anEntry({ phase });
      expect(resume([entry])).toMatchObject([
        { phase: 'AwaitingReplacement', evictedAtMs: undefined, ending: { how: 'Gone', atMs: at(0) } },
      ]);
    },
  );

  it('nothing from the status about a pod that is still alive: that is read from the pod', () => {
    expect(resume([anEntry({ phase: 'Blocked' })], { Pod: [aPod()] })).toEqual([]);
  });

  it('a pod that failed by itself and stays behind, which nobody marks', () => {
    expect(resume([anEntry()], { Pod: [aPod({ phase: 'Failed', reason: 'Error' })] })).toMatchObject([
      { phase: 'AwaitingReplacement', ending: { how: 'Failed' } },
    ]);
  });

  it('an evicted pod whose containers have exited, and whose object is still there', () => {
    const deletion = { atMs: at(5), graceSeconds: 30 };
    for (const phase of ['Succeeded', 'Failed'] as const)
      expect(resume([anEntry()], { Pod: [aPod({ phase, deletion })] })).toMatchObject([
        { phase: 'AwaitingReplacement', ending: { how: 'Terminating' }, evictedAtMs: at(5) },
      ]);
  });

  it('what was told of a released pod that stays behind, once its mark says so', () => {
    const entry = anEntry({ outcome: 'Missed' });
    expect(resume([entry], { Pod: [aPod(endedMark())] })).toMatchObject([
      { phase: 'AwaitingReplacement', outcome: 'Missed', marked: 'Ended', counted: true },
    ]);
    const unmarked = { annotations: {} };
    expect(resume([entry], { Pod: [aPod(endedMark(unmarked))] })).toEqual([]);
  });

  it('what the mark of a released pod tells and the status does not yet, which is then counted', () => {
    const released = (outcome: Outcome) => {
      const Pod = [aPod(endedMark({}, outcome))];
      const [resumed] = resume([anEntry({ phase: 'Noticed', evictedAt: undefined })], { Pod });
      if (!resumed) throw new Error('nothing was resumed');
      const seen = {
        pod: aKnownPod(endedMark({}, outcome)),
        standings: [],
        surge: undefined,
        warning: undefined,
        trustEvents: false,
      };
      const successors = {
        candidates: [],
        credited: undefined,
        wanted: 2,
        serving: 1,
        workloadEnded: false,
        failure: undefined,
        indexFailed: undefined,
      };
      const { next } = look({ ...seen, interruption: resumed, successors }, at(60));
      return { next, counted: countStep(resumed, next) };
    };
    for (const [outcome, figure] of [
      ['Missed', 'missed'],
      ['LeftToReclaim', 'leftToReclaim'],
    ] as const) {
      const { next, counted } = released(outcome);
      expect(next).toMatchObject({ phase: 'AwaitingReplacement', outcome, marked: 'Ended' });
      expect(counted).toEqual({ ...noTotals, [figure]: 1 });
    }
  });

  it('what is over, so that its replacement is credited to nobody else', () => {
    expect(resume([anEntry({ phase: 'Done', outcome: 'Replaced', replacement })])).toMatchObject([
      {
        phase: 'Done',
        outcome: 'Replaced',
        replacement: { uid: replacement.uid, name: 'web-2', capacity: 'on-demand', readyAtMs: at(20) },
      },
    ]);
  });

  it('a replacement that is not Ready yet', () => {
    const { readyAt: _, ...pending } = replacement;
    expect(resume([anEntry({ replacement: pending })])).toMatchObject([
      { phase: 'AwaitingReplacement', replacement: { readyAtMs: undefined } },
    ]);
  });

  it('what it was told of a forced deletion', () => {
    expect(resume([anEntry({ outcome: 'Forced' })])).toMatchObject([{ forced: true, outcome: 'Forced' }]);
  });

  it('the workload of that name, though it has been created anew', () => {
    const workload = { group: 'apps', kind: 'Deployment', name: 'web', uid: 'former' };
    expect(resume([anEntry({ workload })])[0]?.workload?.uid).toBe(uidOf('Deployment', 'web'));
    const unknown = { group: 'apps.kruise.io', kind: 'CloneSet', name: 'web', uid: 'former' };
    expect(resume([anEntry({ workload: unknown })])[0]?.workload?.uid).toBe('former');
  });

  it('no entry that it cannot read', () => {
    expect(resume([anEntry({ noticedAt: 'yesterday' })])).toEqual([]);
  });
});

describe('a pod that terminates', () => {
  const leaving = { conditions: [anExpiry(at(0))], deletion: { atMs: at(5), graceSeconds: 30 } };

  it('is followed by the new leader, and was evicted by the one before', () => {
    expect(resume([], { Pod: [aPod(leaving)] })).toMatchObject([
      { name: 'web-1', evictedAtMs: at(5), phase: 'Noticed', replacement: undefined },
    ]);
  });

  it('goes on from what was told of it: nothing of that is counted again', () => {
    const entry = anEntry({ phase: 'Terminating', outcome: 'Forced', replacement });
    expect(resume([entry], { Pod: [aPod(leaving)] })).toMatchObject([
      { forced: true, outcome: 'Forced', replacement: { name: 'web-2', readyAtMs: at(20) } },
    ]);
  });

  it('without a notice is no business of ours', () => {
    const { conditions: _, ...drained } = leaving;
    expect(resume([], { Pod: [aPod(drained)] })).toEqual([]);
  });

  it('is followed once, though its status says that it is over', () => {
    const pod = aPod(endedMark({ deletion: leaving.deletion }));
    expect(resume([anEntry({ phase: 'Done', outcome: 'Missed' })], { Pod: [pod] })).toHaveLength(1);
  });
});
