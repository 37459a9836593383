import { describe, expect, it } from 'vitest';
import { heldBy, releasedBy } from '../../../operator/interruption/gather.ts';
import { wokenBy } from '../../../operator/interruption/woken.ts';
import type { Interruption } from '../../../operator/world/interruption.ts';
import type { Change } from '../../../operator/world/view.ts';
import type { World } from '../../../operator/world/world.ts';
import { aForeign, listForeign, putForeign } from '../../builders/foreign.ts';
import { aRefusal, anInterruption, aWorkloadReference } from '../../builders/interruption.ts';
import { aPod, anEvent, anExpiry, at, ownedBy, uidOf } from '../../builders/pod.ts';
import { aPolicy } from '../../builders/policy.ts';
import { aComputedBudget, aNamespace, aReplicaSet, aWorld, drop, known, put } from '../../builders/world.ts';
import { aDeployment, aJob } from '../../builders/workloads.ts';

const web1 = uidOf('Pod', 'web-1');
const web2 = uidOf('Pod', 'web-2');
const expired = { conditions: [anExpiry(at(0))] };
const woken = (world: World, changes: readonly Change[]): string[] =>
  changes.flatMap((change) => wokenBy(world, change, at(1)));
const deployed = () =>
  aWorld({
    SpotPolicy: [aPolicy()],
    Deployment: [aDeployment()],
    ReplicaSet: [aReplicaSet()],
    Pod: [aPod()],
  });

describe('a change of a pod wakes', () => {
  it('nobody where nothing is under way and nothing is wrong with it', () => {
    const world = deployed();
    expect(woken(world, put(world, 'Pod', aPod({ ready: false })))).toEqual([]);
  });

  it('itself where it is under notice by its condition, by an Event, or ended', () => {
    const world = aWorld({ ReclaimEvent: [anEvent({ pod: 'web-2' })] });
    expect(woken(world, put(world, 'Pod', aPod(expired)))).toEqual([web1]);
    expect(woken(world, put(world, 'Pod', aPod({ name: 'web-2' })))).toEqual([web2]);
    expect(woken(world, put(world, 'Pod', aPod({ phase: 'Failed' })))).toEqual([web1]);
  });

  it('nobody where it is not on spot, whatever its conditions say', () => {
    const annotations = { 'k8s.aliyun.com/eci-spot-strategy': undefined };
    const world = deployed();
    expect(woken(world, put(world, 'Pod', aPod({ ...expired, annotations })))).toEqual([]);
  });

  it('itself whatever changed once it is followed', () => {
    const world = deployed();
    world.record(anInterruption());
    expect(woken(world, put(world, 'Pod', aPod({ ready: false })))).toEqual([web1]);
    expect(woken(world, drop(world, 'Pod', aPod()))).toEqual([web1]);
  });

  it('those of its workload that wait for a replacement', () => {
    const world = deployed();
    world.record(anInterruption({ phase: 'AwaitingReplacement', ending: { how: 'Gone', atMs: at(9) } }));
    world.record(anInterruption({ name: 'alive' }));
    world.record(anInterruption({ name: 'over', phase: 'Done', ending: { how: 'Gone', atMs: at(9) } }));
    expect(woken(world, put(world, 'Pod', aPod({ name: 'web-2' })))).toEqual([web1]);
    const owner = ownedBy('ReplicaSet', 'api-abc');
    expect(woken(world, put(world, 'Pod', aPod({ name: 'api-1', owner })))).toEqual([]);
  });

  it('whoever was credited with it when it goes', () => {
    const world = deployed();
    put(world, 'Pod', aPod({ name: 'web-2' }));
    const replacement = { uid: web2, name: 'web-2', capacity: 'spot', readyAtMs: undefined } as const;
    world.record(anInterruption({ replacement }));
    expect(woken(world, drop(world, 'Pod', aPod({ name: 'web-2' })))).toEqual([web2, web1]);
  });
});

describe('a change of something else wakes', () => {
  it('the pod that an Event of its reclaim names', () => {
    const world = deployed();
    expect(woken(world, put(world, 'ReclaimEvent', anEvent()))).toEqual([web1]);
    expect(woken(world, put(world, 'ReclaimEvent', anEvent({ pod: 'nobody' })))).toEqual([]);
    expect(woken(world, drop(world, 'ReclaimEvent', anEvent()))).toEqual([]);
  });

  it('the pods that its workload is to replace', () => {
    const world = deployed();
    world.record(anInterruption());
    expect(woken(world, put(world, 'Deployment', aDeployment({ replicas: 0 })))).toEqual([web1]);
    expect(woken(world, drop(world, 'Deployment', aDeployment()))).toEqual([web1]);
    expect(woken(world, put(world, 'Deployment', aDeployment({ name: 'api' })))).toEqual([]);
  });

  it('none of them where only its status tells something that no look reads', () => {
    const world = deployed();
    world.record(anInterruption());
    const status = { observedGeneration: 2, replicas: 2, readyReplicas: 1 };
    expect(woken(world, put(world, 'Deployment', { ...aDeployment(), status }))).toEqual([]);
    expect(woken(world, put(world, 'ReplicaSet', { ...aReplicaSet(), status }))).toEqual([]);
    const conditions = [{ type: 'ReplicaFailure', status: 'True' }];
    const failing = { ...aReplicaSet(), status: { ...status, conditions } };
    expect(woken(world, put(world, 'ReplicaSet', failing))).toEqual([web1]);
  });

  it('the pods of a Job that fails, or has used up its retries', () => {
    const workload = aWorkloadReference('Job', 'batch', 'batch');
    const job = aJob({ backoffLimit: 1 });
    const world = aWorld({ Job: [job] });
    world.record(anInterruption({ workload }));
    const failed = { type: 'FailureTarget', status: 'True' };
    for (const status of [{ failed: 1 }, { failed: 1, conditions: [failed] }])
      expect(woken(world, put(world, 'Job', { ...job, status }))).toEqual([web1]);
    expect(woken(world, put(world, 'Job', { ...job, status: { failed: 2, conditions: [failed] } }))).toEqual(
      [],
    );
  });

  it('the pods of a Workflow that ends or goes, and none while it runs', () => {
    const world = aWorld({ Pod: [aPod({ owner: ownedBy('Workflow', 'hello') })] });
    world.record(anInterruption({ workload: aWorkloadReference('Workflow', 'hello', 'argoproj.io') }));
    const inPhase = (phase: string) => {
      const labels = { 'workflows.argoproj.io/phase': phase };
      return woken(world, putForeign(world, aForeign('Workflow', { metadata: { labels } }), false));
    };
    expect([inPhase('Pending'), inPhase('Running')].flat()).toEqual([]);
    expect(inPhase('Failed')).toEqual([web1]);
    expect(woken(world, listForeign(world, 'Workflow', [], false))).toEqual([web1]);
  });

  it('the spot pods of the namespace where a policy was edited, came or went, not where its status was written', () => {
    const world = deployed();
    expect(woken(world, put(world, 'SpotPolicy', aPolicy({ generation: 2 })))).toEqual([web1]);
    expect(
      woken(world, put(world, 'SpotPolicy', aPolicy({ generation: 2, status: { observedGeneration: 2 } }))),
    ).toEqual([]);
    expect(woken(world, drop(world, 'SpotPolicy', aPolicy()))).toEqual([web1]);
    expect(woken(world, put(world, 'SpotPolicy', aPolicy({ namespace: 'bank' })))).toEqual([]);
  });

  it('the spot pods of a namespace that opts out', () => {
    const world = deployed();
    const optOut = aNamespace('shop', { 'spotpolicy.dev/inject': 'false' });
    expect(woken(world, put(world, 'Namespace', optOut))).toEqual([web1]);
  });

  it('nobody where it is about nodes, fallbacks, the webhook, or what we did ourselves', () => {
    const world = deployed();
    expect(woken(world, put(world, 'Node', { metadata: { name: 'n' } }))).toEqual([]);
    expect(woken(world, put(world, 'DegradeEvent', anEvent({ reason: 'SpotDegraded' })))).toEqual([]);
    expect(woken(world, put(world, 'Webhook', { metadata: { name: 'w' } }))).toEqual([]);
    expect(woken(world, [world.record(anInterruption())])).toEqual([]);
  });
});

describe('a change of a budget wakes', () => {
  const blocked = (name: string, more: Partial<Interruption> = {}): Interruption =>
    anInterruption({ name, phase: 'Blocked', budgets: ['shop/web'], ...more });

  it('those that it holds up, the earliest deadline first', () => {
    const world = deployed();
    world.record(blocked('later', { deadlineMs: at(200) }));
    world.record(blocked('sooner', { deadlineMs: at(100) }));
    world.record(blocked('elsewhere', { budgets: ['shop/api'] }));
    world.record(blocked('busy', { call: 'Mark' }));
    world.record(blocked('free', { phase: 'Noticed' }));
    const uids = [uidOf('Pod', 'sooner'), uidOf('Pod', 'later')];
    expect(woken(world, put(world, 'PodDisruptionBudget', aComputedBudget()))).toEqual(uids);
    expect(woken(world, drop(world, 'PodDisruptionBudget', aComputedBudget()))).toEqual(uids);
  });

  it('no more than its status shows, and no fewer than it has room for', () => {
    const world = deployed();
    for (let index = 0; index < 30; index++) world.record(blocked(`p-${index}`));
    put(world, 'PodDisruptionBudget', aComputedBudget());
    const count = (allowed: number) =>
      woken(world, put(world, 'PodDisruptionBudget', aComputedBudget({ allowed }))).length;
    expect(count(0)).toBe(20);
    expect(count(16)).toBe(20);
    expect(woken(world, drop(world, 'PodDisruptionBudget', aComputedBudget()))).toHaveLength(30);
  });

  it('and releases as many as it has room for beside the calls under way', () => {
    const world = deployed();
    for (const name of ['a', 'b', 'c']) world.record(blocked(name));
    world.record(anInterruption({ name: 'called', call: 'Evict', budgets: ['shop/web'] }));
    const budget = known('PodDisruptionBudget', aComputedBudget({ allowed: 3 }));
    expect(heldBy(world, budget)).toHaveLength(3);
    expect(releasedBy(world, budget, at(1))).toHaveLength(2);
  });

  it('and releases nobody that something else holds up, whose place another one takes', () => {
    const world = deployed();
    world.record(blocked('twice', { deadlineMs: at(10), budgets: ['shop/web', 'shop/too'] }));
    world.record(blocked('paused', { deadlineMs: at(11), refusal: aRefusal({ notBeforeMs: at(9) }) }));
    const contradicted = {
      byBudget: true,
      budgetVersions: { 'shop/web': '1' },
      attempts: 4,
      pauseMs: 8_000,
      notBeforeMs: at(0),
    };
    world.record(blocked('contradicted', { deadlineMs: at(12), refusal: aRefusal(contradicted) }));
    world.record(blocked('next'));
    const budget = known('PodDisruptionBudget', aComputedBudget({ allowed: 1 }));
    const released = (seconds: number) => releasedBy(world, budget, at(seconds)).map(({ name }) => name);
    expect([released(7), released(8), released(9)]).toEqual([['next'], ['contradicted'], ['paused']]);
  });

  it('whoever it releases, however many stand before that cannot go', () => {
    const world = deployed();
    put(world, 'PodDisruptionBudget', aComputedBudget());
    const paused = { deadlineMs: at(10), refusal: aRefusal({ notBeforeMs: at(9) }) };
    for (let index = 0; index < 30; index++) world.record(blocked(`p-${index}`, paused));
    world.record(blocked('next'));
    expect(woken(world, put(world, 'PodDisruptionBudget', aComputedBudget()))).toContain(
      uidOf('Pod', 'next'),
    );
  });

  it('all that it holds up where it selects others than before', () => {
    const world = deployed();
    put(world, 'PodDisruptionBudget', aComputedBudget());
    for (let index = 0; index < 30; index++) world.record(blocked(`p-${index}`));
    expect(woken(world, put(world, 'PodDisruptionBudget', aComputedBudget({ app: 'api' })))).toHaveLength(30);
  });
});
