import { describe, expect, it } from 'vitest';
import { precedence } from '../../../operator/policy/rules.ts';
import { noTotals } from '../../../operator/world/interruption.ts';
import { World } from '../../../operator/world/world.ts';
import { onAClock } from '../../builders/clock.ts';
import { anInterruption } from '../../builders/interruption.ts';
import { aKnownPod, aPod, at, uidOf } from '../../builders/pod.ts';
import { aPolicy } from '../../builders/policy.ts';
import { aWorld, drop, list, put } from '../../builders/world.ts';
import { aDeployment } from '../../builders/workloads.ts';

const web1 = uidOf('Pod', 'web-1');
const web2 = uidOf('Pod', 'web-2');
const policyKey = 'SpotPolicy/shop/web';
const leaving = { deletion: { atMs: at(10), graceSeconds: 30 } };

describe('what a source delivers', () => {
  it('comes out as changes of its kind', () => {
    const world = aWorld();
    const [change, ...others] = put(world, 'Pod', aPod());
    expect(change).toMatchObject({ kind: 'Pod', before: undefined, after: { name: 'web-1' } });
    expect(others).toEqual([]);
  });

  it('a listing ends by saying that the source is synced', () => {
    const world = new World(precedence);
    expect(world.synced('Pod')).toBe(false);
    const changes = list(world, 'Pod', [aPod()]);
    expect(changes.map(({ kind }) => kind)).toEqual(['Pod', 'Synced']);
    expect(world.synced('Pod')).toBe(true);
    expect(world.synced('Deployment')).toBe(false);
  });

  it('failures are counted until it delivers again', () => {
    const world = aWorld();
    const fail = () => world.apply('Job', { kind: 'failed', error: 'no right', then: 'relist' }, at(0));
    fail();
    expect(fail()).toEqual([{ kind: 'Failed', of: 'Job', trouble: { error: 'no right', failures: 2 } }]);
    expect(world.troubles.get('Job')).toEqual({ error: 'no right', failures: 2 });
    list(world, 'Job', []);
    expect(world.troubles.size).toBe(0);
  });

  it('that its watch goes on after a failure is news, though nothing has changed', () => {
    const world = aWorld();
    const recover = () => world.apply('Job', { kind: 'recovered' }, at(0));
    expect(recover()).toEqual([]);
    world.apply('Job', { kind: 'failed', error: 'cut', then: 'resume' }, at(0));
    expect(recover()).toEqual([{ kind: 'Synced', of: 'Job' }]);
    expect(world.troubles.size).toBe(0);
  });
});

describe('the order of the world', () => {
  it('knows which pod came after another began to end', () => {
    const world = aWorld({ Pod: [aPod()] });
    put(world, 'Pod', aPod({ name: 'early' }));
    put(world, 'Pod', aPod(leaving));
    put(world, 'Pod', aPod({ name: 'late' }));
    const endedAt = world.lifetimes.endedAt(web1) ?? 0;
    expect(world.lifetimes.seenAt(uidOf('Pod', 'early'))).toBeLessThan(endedAt);
    expect(world.lifetimes.seenAt(uidOf('Pod', 'late'))).toBeGreaterThan(endedAt);
  });

  it('makes one moment of everything a listing brings', () => {
    const world = aWorld({ Pod: [aPod()] });
    world.record(anInterruption());
    list(world, 'Pod', [aPod({ name: 'web-2' }), aPod({ name: 'web-3' })]);
    expect(world.lifetimes.seenAt(web2)).toBe(world.lifetimes.seenAt(uidOf('Pod', 'web-3')));
    expect(world.lifetimes.seenAt(web2)).toBe(world.lifetimes.endedAt(web1));
  });

  it('keeps the first moment of a pod through all that follows', () => {
    const world = aWorld({ Pod: [aPod()] });
    const seenAt = world.lifetimes.seenAt(web1);
    world.record(anInterruption());
    put(world, 'Pod', aPod(leaving));
    const endedAt = world.lifetimes.endedAt(web1);
    put(world, 'Pod', aPod({ ...leaving, phase: 'Failed' }));
    expect(world.lifetimes.seenAt(web1)).toBe(seenAt);
    drop(world, 'Pod', aPod());
    expect(world.lifetimes.seenAt(web1)).toBe(seenAt);
    expect(world.lifetimes.endedAt(web1)).toBe(endedAt);
  });

  it('forgets when a pod came and ended once it is gone and no interruption follows it', () => {
    const world = aWorld({ Pod: [aPod(), aPod({ name: 'web-2' })] });
    world.record(anInterruption());
    drop(world, 'Pod', aPod());
    drop(world, 'Pod', aPod({ name: 'web-2' }));
    expect(world.lifetimes.endedAt(web1)).toBeDefined();
    expect(world.lifetimes.endedAt(web2)).toBeUndefined();
    world.forget(web1);
    expect(world.lifetimes.endedAt(web1)).toBeUndefined();
    expect(world.lifetimes.seenAt(web1)).toBe(0);
  });

  it('keeps when a pod began to end while it is still there, whoever is forgotten', () => {
    const world = aWorld({ Pod: [aPod(leaving)] });
    world.record(anInterruption());
    world.forget(web1);
    expect(world.lifetimes.endedAt(web1)).toBeDefined();
  });
});

describe('departed pods', () => {
  it('are remembered by uid, so that late Events do not take their namesakes for them', () => {
    const world = aWorld({ Pod: [aPod({ uid: 'old' })] });
    expect(world.lifetimes.isDeparted('old')).toBe(false);
    drop(world, 'Pod', aPod({ uid: 'old' }));
    put(world, 'Pod', aPod({ uid: 'new' }));
    expect(world.lifetimes.isDeparted('old')).toBe(true);
    expect(world.lifetimes.isDeparted('new')).toBe(false);
  });

  it(
    'are remembered for an hour, as long as the API server keeps Events about them',
    onAClock(async (advance) => {
      const world = aWorld({ Pod: [aPod({ uid: 'old' })] });
      drop(world, 'Pod', aPod({ uid: 'old' }));
      await advance(3_599_000);
      put(world, 'Pod', aPod({ uid: 'new' }));
      expect(world.lifetimes.isDeparted('old')).toBe(true);
      await advance(1_000);
      put(world, 'Pod', aPod({ uid: 'new', labels: {} }));
      expect(world.lifetimes.isDeparted('old')).toBe(false);
    }),
  );

  it('are the last ten thousand', () => {
    const world = aWorld();
    const pod = aKnownPod();
    const count = 10_001;
    for (let index = 0; index < count; index++) {
      const object = { ...pod, uid: `uid-${index}` };
      world.apply('Pod', { kind: 'changed', object }, at(0));
      world.apply('Pod', { kind: 'deleted', object }, at(0));
    }
    expect(world.lifetimes.isDeparted('uid-0')).toBe(false);
    expect(world.lifetimes.isDeparted('uid-1')).toBe(true);
    expect(world.lifetimes.isDeparted(`uid-${count - 1}`)).toBe(true);
  });
});

describe('totals', () => {
  it('count the edges of an interruption that was known before, not a first record', () => {
    const world = aWorld({ SpotPolicy: [aPolicy()] });
    world.record(anInterruption({ counted: true, evictedAtMs: at(1) }));
    expect(world.totals(policyKey)).toEqual(noTotals);
    const ready = { uid: 'u', name: 'n', capacity: 'spot', readyAtMs: at(9) } as const;
    const replaced = anInterruption({ counted: true, evictedAtMs: at(1), replacement: ready });
    world.record(replaced);
    world.record({ ...replaced, phase: 'Done' });
    world.record({ ...replaced, phase: 'Done' });
    expect(world.totals(policyKey)).toEqual({ ...noTotals, replaced: 1 });
  });

  it('count a replacement when the pod is gone: a new leader does not know of whom it was counted before', () => {
    const world = aWorld({ SpotPolicy: [aPolicy()] });
    const ready = { uid: 'u', name: 'n', capacity: 'spot', readyAtMs: at(9) } as const;
    world.record(anInterruption());
    world.record(anInterruption({ phase: 'Terminating', replacement: ready }));
    expect(world.totals(policyKey)).toEqual(noTotals);
    world.record(anInterruption({ phase: 'Done', replacement: ready }));
    expect(world.totals(policyKey)).toEqual({ ...noTotals, replaced: 1 });
  });

  it('tell an eviction from a forced deletion', () => {
    const world = aWorld({ SpotPolicy: [aPolicy()] });
    world.record(anInterruption());
    world.record(anInterruption({ counted: true, evictedAtMs: at(1) }));
    world.record(anInterruption({ name: 'web-2' }));
    world.record(anInterruption({ name: 'web-2', counted: true, evictedAtMs: at(1), forced: true }));
    expect(world.totals(policyKey)).toEqual({ ...noTotals, noticed: 2, evicted: 1, forced: 1 });
  });

  it('count what was missed apart from what was left on purpose', () => {
    const world = aWorld({ SpotPolicy: [aPolicy()] });
    for (const name of ['web-1', 'web-2']) world.record(anInterruption({ name }));
    world.record(anInterruption({ outcome: 'Missed' }));
    world.record(anInterruption({ name: 'web-2', outcome: 'LeftToReclaim' }));
    // The next leader would count them again.
    expect(world.totals(policyKey)).toEqual(noTotals);
    world.record(anInterruption({ outcome: 'Missed', marked: 'Ended' }));
    world.record(anInterruption({ name: 'web-2', outcome: 'LeftToReclaim', phase: 'Done' }));
    expect(world.totals(policyKey)).toEqual({ ...noTotals, missed: 1, leftToReclaim: 1 });
  });

  it('count a workload that failed once, beside how its pod went', () => {
    const world = aWorld({ SpotPolicy: [aPolicy()] });
    const left = { outcome: 'LeftToReclaim', marked: 'Ended' } as const;
    world.record(anInterruption());
    world.record(anInterruption(left));
    const failed = { outcome: 'WorkloadFailed', marked: 'Ended', phase: 'Done' } as const;
    world.record(anInterruption(failed));
    world.record(anInterruption({ ...failed, message: 'said again' }));
    expect(world.totals(policyKey)).toEqual({ ...noTotals, leftToReclaim: 1, workloadFailed: 1 });
  });

  it('end with their policy: one of the same name that comes later starts afresh', () => {
    const world = aWorld({ SpotPolicy: [aPolicy()] });
    world.record(anInterruption());
    world.record(anInterruption({ counted: true }));
    expect(world.totals(policyKey).noticed).toBe(1);
    list(world, 'SpotPolicy', [aPolicy({ uid: 'another' })]);
    expect(world.totals(policyKey)).toEqual(noTotals);
  });

  it('of a policy that is gone are not those of the next one, nor of the next term', () => {
    const world = aWorld();
    const count = () => {
      world.record(anInterruption());
      world.record(anInterruption({ counted: true }));
    };
    count();
    put(world, 'SpotPolicy', aPolicy());
    expect(world.totals(policyKey)).toEqual(noTotals);
    drop(world, 'SpotPolicy', aPolicy());
    world.forget(web1);
    count();
    world.endTerm();
    world.beginTerm();
    expect(world.totals(policyKey)).toEqual(noTotals);
  });
});

describe('a new term', () => {
  it('goes on with what the last one left, where nobody has led in between', () => {
    const world = aWorld({ SpotPolicy: [aPolicy({ status: { totals: { ...noTotals, noticed: 7 } } })] });
    expect(world.beginTerm()).toBe(false);
    world.record(anInterruption());
    world.record(anInterruption({ counted: true }));
    expect(world.beginTerm()).toBe(true);
    expect(world.interruptions.size).toBe(1);
    expect(world.totals(policyKey).noticed).toBe(8);
  });

  it('after another leader forgets interruptions and probes, and continues the totals of the status', () => {
    const totals = { ...noTotals, noticed: 7 };
    const world = aWorld({ SpotPolicy: [aPolicy({ status: { totals } })] });
    world.record(anInterruption());
    world.record(anInterruption({ counted: true }));
    world.recordProbe({
      ...{ uid: 'p', namespace: 'shop', name: 'web', generation: 1 },
      ...{ reached: true, problem: '', atMs: at(0), failures: 0 },
    });
    world.endTerm();
    world.beginTerm();
    expect(world.interruptions.size).toBe(0);
    expect(world.probes.size).toBe(0);
    expect(world.totals(policyKey)).toEqual(totals);
  });

  it('takes nothing from a status for a policy that has none', () => {
    const world = aWorld({ SpotPolicy: [aPolicy()] });
    world.record(anInterruption());
    world.record(anInterruption({ counted: true }));
    world.endTerm();
    world.beginTerm();
    expect(world.totals(policyKey)).toEqual(noTotals);
  });
});

describe('the rules of a namespace', () => {
  it('follow every change of its policies', () => {
    const world = aWorld({ SpotPolicy: [aPolicy()] });
    const names = () => world.rules('shop').map(({ name }) => name);
    expect(names()).toEqual(['web']);
    put(world, 'SpotPolicy', aPolicy({ name: 'api' }));
    expect(names()).toEqual(['api', 'web']);
    put(world, 'SpotPolicy', aPolicy({ generation: 2, spec: { mode: 'Disabled' } }));
    expect(names()).toEqual(['api']);
    drop(world, 'SpotPolicy', aPolicy({ name: 'api' }));
    expect(names()).toEqual([]);
    expect(world.rules('elsewhere')).toEqual([]);
  });
});

describe('a workload', () => {
  const deployment = {
    ...{ namespace: 'shop', group: 'apps', kind: 'Deployment' },
    uid: uidOf('Deployment', 'web'),
  };

  it('is found by namespace, kind, group and uid', () => {
    const world = aWorld({ Deployment: [aDeployment()] });
    expect(world.workload(deployment)?.name).toBe('web');
    expect(world.workload({ ...deployment, kind: 'StatefulSet' })).toBeUndefined();
    expect(world.workload({ ...deployment, namespace: 'bank' })).toBeUndefined();
  });

  it('of another group or an unknown kind is none of ours, even if its name is on every prototype', () => {
    const world = aWorld({ Deployment: [aDeployment()] });
    expect(world.workload({ ...deployment, group: 'apps.example' })).toBeUndefined();
    expect(world.workload({ ...deployment, group: '', kind: 'constructor' })).toBeUndefined();
  });
});
