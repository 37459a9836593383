import { describe, expect, it } from 'vitest';
import { successorsOf } from '../../../operator/interruption/replacement.ts';
import type { Interruption } from '../../../operator/world/interruption.ts';
import type { World } from '../../../operator/world/world.ts';
import { aForeign, putForeign } from '../../builders/foreign.ts';
import { anInterruption, aWorkloadReference } from '../../builders/interruption.ts';
import { aPod, anEvent, at, ownedBy, type PodWishes, uidOf } from '../../builders/pod.ts';
import { aReplicaSet, aWorld, type Content, drop, list, put } from '../../builders/world.ts';
import { aDeployment, aJob, aStatefulSet } from '../../builders/workloads.ts';

const index = (value: string) => ({ 'batch.kubernetes.io/job-completion-index': value });
const leaving: PodWishes = { deletion: { atMs: at(10), graceSeconds: 30 } };
const deployed = (content: Content = {}): World =>
  aWorld({
    Deployment: [aDeployment({ replicas: 3 })],
    ReplicaSet: [aReplicaSet(), aReplicaSet('web-def')],
    Pod: [aPod()],
    ...content,
  });
/** A world in which the doomed pod has begun to end, and which follows it. */
const ending = (content: Content = {}, interruption: Partial<Interruption> = {}): World => {
  const world = deployed(content);
  world.record(anInterruption(interruption));
  put(world, 'Pod', aPod(leaving));
  return world;
};
const candidates = (world: World, interruption: Partial<Interruption> = {}): string[] =>
  successorsOf(world, anInterruption(interruption)).candidates.map(({ pod }) => pod.name);

describe('the successors of a pod', () => {
  it('are the pods of its Deployment that came after it began to end, of any revision', () => {
    const world = ending();
    put(world, 'Pod', aPod({ name: 'web-2' }));
    put(world, 'Pod', aPod({ name: 'web-3', owner: ownedBy('ReplicaSet', 'web-def') }));
    expect(candidates(world)).toEqual(['web-2', 'web-3']);
  });

  it('are not those that were there before, nor pods of others', () => {
    const world = ending({ Pod: [aPod(), aPod({ name: 'older' })] });
    put(world, 'Pod', aPod({ name: 'stranger', owner: ownedBy('ReplicaSet', 'api-abc') }));
    put(world, 'Pod', aPod({ name: 'older', ready: false }));
    expect(candidates(world)).toEqual([]);
  });

  it('are neither leaving nor over themselves', () => {
    const world = ending();
    put(world, 'Pod', aPod({ name: 'web-2', ...leaving }));
    put(world, 'Pod', aPod({ name: 'web-3', phase: 'Failed' }));
    expect(candidates(world)).toEqual([]);
  });

  it('are those first that came first, whatever their names, so that each that went finds one', () => {
    const world = ending({ Pod: [aPod(), aPod({ name: 'web-2' })] });
    put(world, 'Pod', aPod({ name: 'z', createdAtMs: at(21) }));
    put(world, 'Pod', aPod({ name: 'web-2', ...leaving }));
    put(world, 'Pod', aPod({ name: 'a', createdAtMs: at(21) }));
    expect(candidates(world)).toEqual(['z', 'a']);
    // The first is of no use to the one that went later.
    expect(candidates(world, { name: 'web-2', uid: uidOf('Pod', 'web-2') })).toEqual(['a']);
  });

  it('are the oldest first where one listing brought them, then by name', () => {
    const pods = ['b', 'a'].map((name) => aPod({ name, createdAtMs: at(21) }));
    const world = deployed({ Pod: [...pods, aPod({ name: 'c', createdAtMs: at(20) })] });
    expect(candidates(world, { evictedAtMs: at(15) })).toEqual(['c', 'a', 'b']);
  });

  it('are credited to one doomed pod only', () => {
    const world = ending();
    put(world, 'Pod', aPod({ name: 'web-2' }));
    const replacement = {
      uid: uidOf('Pod', 'web-2'),
      name: 'web-2',
      capacity: 'spot',
      readyAtMs: undefined,
    } as const;
    world.record(anInterruption({ name: 'other', replacement }));
    expect(candidates(world)).toEqual([]);
    expect(candidates(world, { name: 'other', replacement })).toEqual([]);
  });

  it('of a pod of a StatefulSet carry its name', () => {
    const owner = ownedBy('StatefulSet', 'db');
    const workload = aWorkloadReference('StatefulSet', 'db');
    const world = aWorld({ StatefulSet: [aStatefulSet()], Pod: [aPod({ name: 'db-0', owner })] });
    const doomed = { name: 'db-0', uid: uidOf('Pod', 'db-0'), workload };
    world.record(anInterruption(doomed));
    drop(world, 'Pod', aPod({ name: 'db-0', owner }));
    put(world, 'Pod', aPod({ name: 'db-1', owner }));
    put(world, 'Pod', aPod({ name: 'db-0', uid: 'reborn', owner }));
    expect(successorsOf(world, anInterruption(doomed)).candidates.map(({ pod }) => pod.uid)).toEqual([
      'reborn',
    ]);
  });

  it('of a pod of an Indexed Job are those of its index only, also where only its name is known any more', () => {
    const owner = ownedBy('Job', 'batch');
    const workload = aWorkloadReference('Job', 'batch', 'batch');
    const doomed = { name: 'batch-1-x7k2p', owner, labels: index('1') };
    const world = aWorld({ Job: [aJob({ completions: 3 })], Pod: [aPod(doomed)] });
    const interruption = { name: doomed.name, uid: uidOf('Pod', doomed.name), workload };
    world.record(anInterruption(interruption));
    put(world, 'Pod', aPod({ ...doomed, ...leaving }));
    put(world, 'Pod', aPod({ name: 'batch-0-aaaaa', owner, labels: index('0') }));
    put(world, 'Pod', aPod({ name: 'batch-1-bbbbb', owner, labels: index('1') }));
    expect(candidates(world, interruption)).toEqual(['batch-1-bbbbb']);
    drop(world, 'Pod', aPod(doomed));
    expect(candidates(world, interruption)).toEqual(['batch-1-bbbbb']);
  });

  it('of a pod of an Indexed Job are those of its index also where its name has no room for the Job’s', () => {
    const job = `batch-${'x'.repeat(54)}`;
    const owner = ownedBy('Job', job);
    const workload = aWorkloadReference('Job', job, 'batch');
    const name = `${job.slice(0, 55)}-1-x7k2p`;
    expect(name).toHaveLength(63);
    const world = aWorld({ Job: [aJob({ name: job, completions: 3 })] });
    put(world, 'Pod', aPod({ name: 'zero', owner, labels: index('0'), createdAtMs: at(30) }));
    put(world, 'Pod', aPod({ name: 'one', owner, labels: index('1'), createdAtMs: at(30) }));
    expect(candidates(world, { name, uid: 'gone', workload, evictedAtMs: at(20) })).toEqual(['one']);
  });

  it('run on spot, or on demand where they fell back', () => {
    const world = ending({ DegradeEvent: [anEvent({ pod: 'web-3', reason: 'SpotDegraded' })] });
    put(world, 'Pod', aPod({ name: 'web-2' }));
    put(world, 'Pod', aPod({ name: 'web-3' }));
    const { candidates: found } = successorsOf(world, anInterruption());
    expect(found.map(({ capacity }) => capacity)).toEqual(['spot', 'on-demand']);
  });

  it('are none for a pod without a controller', () => {
    expect(candidates(ending(), { workload: undefined })).toEqual([]);
  });
});

describe('after a listing, which has no order', () => {
  it('pods that came while nothing was seen may be successors, whatever the clocks say', () => {
    const world = deployed({ Pod: [aPod(), aPod({ name: 'older' })] });
    world.record(anInterruption({ evictedAtMs: at(10.6) }));
    list(world, 'Pod', [aPod({ name: 'older' }), aPod({ name: 'web-2', createdAtMs: at(5) })]);
    expect(candidates(world, { evictedAtMs: at(10.6) })).toEqual(['web-2']);
  });

  it('pods created since the eviction may be, where the first listing brought them', () => {
    const ages = { early: 8, before: 9.9, after: 11 };
    const pods = Object.entries(ages).map(([name, second]) => aPod({ name, createdAtMs: at(second) }));
    const world = deployed({ Pod: [aPod(leaving), ...pods] });
    const evicted = { evictedAtMs: at(10.6) };
    world.record(anInterruption(evicted));
    const accepted = ['before', 'after'];
    expect(candidates(world, evicted)).toEqual(accepted);
    drop(world, 'Pod', aPod());
    expect(candidates(world, evicted)).toEqual(accepted);
  });

  it('pods that came after it are, whatever the clocks say, where it was ending in the listing already', () => {
    const world = deployed({ Pod: [aPod(leaving), aPod({ name: 'before', createdAtMs: at(5) })] });
    const evicted = { evictedAtMs: at(10.6) };
    world.record(anInterruption(evicted));
    put(world, 'Pod', aPod({ name: 'late', createdAtMs: at(5) }));
    expect(candidates(world, evicted)).toEqual(['late']);
    drop(world, 'Pod', aPod());
    expect(candidates(world, evicted)).toEqual(['late']);
  });

  it('pods created since it was first seen to end may be, where nobody evicted it', () => {
    const gone = { ending: { how: 'Gone', atMs: at(12) } } as const;
    const world = aWorld({
      Deployment: [aDeployment()],
      ReplicaSet: [aReplicaSet()],
      Pod: [aPod({ name: 'before', createdAtMs: at(9) }), aPod({ name: 'after', createdAtMs: at(12) })],
    });
    expect(candidates(world, gone)).toEqual(['after']);
    expect(candidates(world, {})).toEqual([]);
  });
});

describe('what a workload wants', () => {
  it('is its replicas, and how many serve of any revision', () => {
    const world = deployed({
      Pod: [
        aPod(),
        aPod({ name: 'web-2', owner: ownedBy('ReplicaSet', 'web-def') }),
        aPod({ name: 'web-3', ready: false }),
      ],
    });
    expect(successorsOf(world, anInterruption({ evictedAtMs: at(10) }))).toMatchObject({
      wanted: 3,
      serving: 2,
      workloadEnded: false,
    });
  });

  it('is not known of a kind that the world does not hold', () => {
    const workload = aWorkloadReference('CloneSet', 'web', 'apps.kruise.io');
    expect(successorsOf(deployed(), anInterruption({ workload }))).toMatchObject({
      wanted: undefined,
      workloadEnded: false,
    });
  });

  it('is nothing any more where it terminates', () => {
    const leavingWeb = { metadata: { name: 'web', deletionTimestamp: '2026-03-01T12:00:00Z' } };
    expect(successorsOf(deployed({ Deployment: [leavingWeb] }), anInterruption()).workloadEnded).toBe(true);
  });

  it('is nothing any more where it went, or where its pod went before anybody looked', () => {
    const world = deployed();
    drop(world, 'Deployment', aDeployment());
    expect(successorsOf(world, anInterruption()).workloadEnded).toBe(true);
    const unseen = deployed({ Deployment: [], Pod: [] });
    expect(successorsOf(unseen, anInterruption()).workloadEnded).toBe(true);
  });

  it('is not known where its watch may be behind that of its pods', () => {
    const world = deployed({ Deployment: [] });
    expect(successorsOf(world, anInterruption())).toMatchObject({ wanted: undefined, workloadEnded: false });
  });

  it('is nothing any more for a Job that has finished', () => {
    const workload = aWorkloadReference('Job', 'batch', 'batch');
    const conditions = [{ type: 'Complete', status: 'True' }];
    const world = aWorld({ Job: [{ ...aJob(), status: { conditions } }] });
    expect(successorsOf(world, anInterruption({ workload }))).toMatchObject({ workloadEnded: true });
  });

  it('is known to have failed, by the words of the Job', () => {
    const workload = aWorkloadReference('Job', 'batch', 'batch');
    const failed = { type: 'FailureTarget', status: 'True', message: 'no retry is left' };
    const conditions = [{ ...failed, lastTransitionTime: '2026-03-01T12:00:05Z' }];
    const world = aWorld({ Job: [{ ...aJob(), status: { conditions } }] });
    expect(successorsOf(world, anInterruption({ workload })).failure).toEqual({
      atMs: at(5),
      message: 'no retry is left',
    });
  });

  it.each([
    ['Failed', { workloadEnded: true, failure: { message: '' } }],
    ['Error', { workloadEnded: true, failure: { message: '' } }],
    ['Succeeded', { workloadEnded: true, failure: undefined }],
    ['Running', { workloadEnded: false, failure: undefined }],
    ['', { workloadEnded: true, failure: undefined }, 'true'],
  ])('of a Workflow is told by its labels: phase %s', (phase, expected, completed = 'false') => {
    const world = aWorld({ Pod: [aPod({ name: 'step', owner: ownedBy('Workflow', 'hello') })] });
    const labels = {
      'workflows.argoproj.io/phase': phase,
      'workflows.argoproj.io/completed': completed,
    };
    putForeign(world, aForeign('Workflow', { metadata: { labels } }), false);
    const workload = aWorkloadReference('Workflow', 'hello', 'argoproj.io');
    expect(successorsOf(world, anInterruption({ name: 'step', workload }))).toMatchObject(expected);
  });

  it('of a StatefulSet is no pod of a number beyond its replicas', () => {
    const workload = aWorkloadReference('StatefulSet', 'db');
    const wanted = (name: string, start = 0) => {
      const { spec, ...rest } = aStatefulSet({ replicas: 2 });
      const set = { ...rest, spec: { ...spec, ordinals: { start } } as NonNullable<typeof spec> };
      return successorsOf(aWorld({ StatefulSet: [set] }), anInterruption({ name, workload })).wanted;
    };
    expect(['db-0', 'db-1', 'db-2'].map((name) => wanted(name))).toEqual([2, 2, 0]);
    expect(['db-0', 'db-1', 'db-2'].map((name) => wanted(name, 1))).toEqual([0, 2, 2]);
  });

  it('of an Indexed Job is one pod of its index, none once that is done, and never one again once it has failed', () => {
    const owner = ownedBy('Job', 'batch');
    const doomed = { name: 'batch-0-aaaaa', owner, labels: index('0') };
    const of = (status: object, more: PodWishes = {}) => {
      const job = { ...aJob({ completions: 3 }), status };
      const world = aWorld({ Job: [job], Pod: [aPod({ ...doomed, ...more })] });
      put(world, 'Pod', aPod({ name: 'batch-1-bbbbb', owner, labels: index('1') }));
      const workload = aWorkloadReference('Job', 'batch', 'batch');
      const interruption = anInterruption({ name: doomed.name, workload, evictedAtMs: at(10) });
      world.record(interruption);
      const { candidates: found, ...rest } = successorsOf(world, interruption);
      expect(found).toEqual([]);
      return rest;
    };
    expect(of({})).toMatchObject({ wanted: 1, serving: 0, indexFailed: undefined });
    expect(of({}, { phase: 'Succeeded' })).toMatchObject({ wanted: 0 });
    expect(of({ failedIndexes: '0' })).toMatchObject({ indexFailed: 0 });
    expect(of({ failedIndexes: '1,3-5' })).toMatchObject({ indexFailed: undefined });
  });

  it('of a Spark executor are awaited while its driver runs', () => {
    const workload = aWorkloadReference('Pod', 'driver', '');
    const ended = (driver: PodWishes | undefined) => {
      const pods = driver ? [aPod({ name: 'driver', ...driver })] : [];
      return successorsOf(aWorld({ Pod: pods }), anInterruption({ workload })).workloadEnded;
    };
    expect([{}, leaving, { phase: 'Succeeded' } as const, undefined].map(ended)).toEqual([
      ...[false, true, true, true],
    ]);
  });
});

describe('the pod it is credited with', () => {
  const replacement = {
    uid: uidOf('Pod', 'web-2'),
    name: 'web-2',
    capacity: 'spot',
    readyAtMs: undefined,
  } as const;

  it('is given as it is now, and as none when it went', () => {
    const world = ending();
    put(world, 'Pod', aPod({ name: 'web-2', ready: false }));
    const credited = () => successorsOf(world, anInterruption({ replacement })).credited;
    expect(credited()?.pod.ready).toBe(false);
    put(world, 'Pod', aPod({ name: 'web-2' }));
    expect(credited()?.pod.ready).toBe(true);
    drop(world, 'Pod', aPod({ name: 'web-2' }));
    expect(credited()).toBeUndefined();
  });
});
