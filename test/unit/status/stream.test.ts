import { Subject } from 'rxjs';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { SpotPolicyStatus } from '../../../operator/api/index.ts';
import type { WriteAnswer } from '../../../operator/status/attempts.ts';
import type { Parts } from '../../../operator/status/changed-parts.ts';
import { failuresToTell } from '../../../operator/status/report.ts';
import { type StatusOutcome, statusStream } from '../../../operator/status/stream.ts';
import type { Change } from '../../../operator/world/view.ts';
import type { World } from '../../../operator/world/world.ts';
import { onAClock } from '../../builders/clock.ts';
import { anInterruption } from '../../builders/interruption.ts';
import { withParts } from '../../builders/parts.ts';
import { aPod, anEvent, noonMs } from '../../builders/pod.ts';
import { aClusterPolicy, aPolicy } from '../../builders/policy.ts';
import { aDeployment } from '../../builders/workloads.ts';
import { aNamespace, aWorld, drop, put } from '../../builders/world.ts';

interface Write {
  readonly policy: string;
  readonly parts: Parts<SpotPolicyStatus>;
  readonly seconds: number;
}

/** The stream of a leader, and a cluster that stores what it writes, as a watch then says. */
const lead = (
  world: World,
  answering = (_: Parts<SpotPolicyStatus>): WriteAnswer | 'Failed' => ({
    kind: 'Written',
    resourceVersion: '',
  }),
) => {
  const change$ = new Subject<Change>();
  const writes: Write[] = [];
  const outcomes: StatusOutcome[] = [];
  const tell = (changes: readonly Change[]): void => changes.forEach((change) => change$.next(change));
  const subscription = statusStream(
    {
      world,
      nowMs: Date.now,
      random: () => 0.5,
      writer: 'this operator',
      write: (policy, parts) => async () => {
        writes.push({ policy: policy.name, parts, seconds: (Date.now() - noonMs) / 1000 });
        const answer = answering(parts);
        if (answer === 'Failed') throw new Error('no right');
        if (answer.kind !== 'Written') return answer;
        const object = world.policies.byUid(policy.uid);
        if (!object) return { kind: 'Stale' };
        const status = withParts<Partial<SpotPolicyStatus>>(object.status, parts) as SpotPolicyStatus;
        tell(world.apply('SpotPolicy', { kind: 'changed', object: { ...object, status } }, Date.now()));
        return answer;
      },
    },
    change$,
  ).subscribe((outcome) => outcomes.push(outcome));
  onTestFinished(() => subscription.unsubscribe());
  return { writes, outcomes, tell };
};
const policies = (writes: readonly Write[]): string[] => writes.map(({ policy }) => policy);
const step = (world: World, more: Parameters<typeof anInterruption>[0]): Change[] => [
  world.record(anInterruption(more)),
];

describe('the status of a policy', () => {
  it(
    'is written at the start for every policy, and not again while nothing changes',
    onAClock(async (advance) => {
      const world = aWorld({ SpotPolicy: [aPolicy(), aPolicy({ name: 'api' })] });
      const { writes } = lead(world);
      await advance(60_000);
      expect(policies(writes).toSorted()).toEqual(['api', 'web']);
    }),
  );

  it(
    'tells of an interruption, and of counts of pods after a quiet time, within a second or two',
    onAClock(async (advance) => {
      const world = aWorld({ SpotPolicy: [aPolicy()] });
      const { writes, tell } = lead(world);
      await advance(500);
      tell(put(world, 'Pod', aPod()));
      await advance(1_000);
      expect(writes.at(-1)).toMatchObject({ seconds: 1, parts: { pods: { matched: 1 } } });
      tell(step(world, {}));
      await advance(1_000);
      expect(writes.at(-1)).toMatchObject({ seconds: 2, parts: { interruption: { active: 1 } } });
    }),
  );

  it(
    'tells of counts that go on changing ever more seldom, every five to ten seconds at last, until they rest',
    onAClock(async (advance) => {
      const world = aWorld({ SpotPolicy: [aPolicy()] });
      const { writes, tell } = lead(world);
      for (let count = 0; count < 300; count += 1) {
        tell(put(world, 'Pod', aPod({ name: `web-${count}` })));
        await advance(100);
      }
      const pauses = writes.slice(1).map(({ seconds }, index) => seconds - (writes[index]?.seconds ?? 0));
      expect(pauses.map((seconds) => Math.round(seconds))).toEqual([1, 2, 3, 6, 8, 8]);
      await advance(40_000);
      const before = writes.length;
      tell(put(world, 'Pod', aPod({ name: 'one-more' })));
      await advance(1_000);
      expect(writes).toHaveLength(before + 1);
    }),
  );

  it(
    'is written once a second at most, however much happens, and what happened last is told',
    onAClock(async (advance) => {
      const world = aWorld({ SpotPolicy: [aPolicy()] });
      const { writes, tell } = lead(world);
      await advance(0);
      for (let count = 1; count <= 50; count++) {
        tell(step(world, { name: `p-${count}` }));
        await advance(100);
      }
      await advance(1_000);
      expect(writes.length).toBeLessThanOrEqual(7);
      const seconds = writes.map((write) => write.seconds);
      seconds.slice(1).forEach((at, index) => expect(at - (seconds[index] ?? 0)).toBeGreaterThanOrEqual(1));
      expect(writes.at(-1)?.parts).toMatchObject({ interruption: { active: 50 } });
    }),
  );

  it(
    'comes in turn where the counts of many policies move, and an interruption waits for none of them',
    onAClock(async (advance) => {
      const names = Array.from({ length: 100 }, (_, index) => `p-${index}`);
      const world = aWorld({
        SpotPolicy: names.map((name) =>
          aPolicy({ name, spec: { selector: { matchLabels: { app: name } } } }),
        ),
      });
      const { writes, tell } = lead(world);
      await advance(20_000);
      for (const name of names) tell(put(world, 'Pod', aPod({ name, labels: { app: name } })));
      await advance(1_000);
      const { settings } = anInterruption();
      tell(step(world, { settings: { ...settings, policy: 'SpotPolicy/shop/p-99' } }));
      await advance(200);
      expect(writes.at(-1)).toMatchObject({ policy: 'p-99', seconds: 21.2 });
      await advance(5_000);
      const counts = writes.slice(100);
      expect(new Set(policies(counts))).toEqual(new Set(names));
      expect(counts).toHaveLength(100);
      const calm = counts.filter(({ policy }) => policy !== 'p-99').map(({ seconds }) => seconds);
      expect((calm.at(-1) ?? 0) - (calm[0] ?? 0)).toBeGreaterThanOrEqual(98 * 0.05 - 0.05);
    }),
  );

  it(
    'of many pods is counted in slices of 10 ms, between which everything else has its turn',
    onAClock(async (advance) => {
      const pods = Array.from({ length: 40 }, (_, index) => aPod({ name: `web-${index}` }));
      const world = aWorld({ SpotPolicy: [aPolicy()], Pod: pods });
      const turns = [0];
      const { byName } = world.pods;
      vi.spyOn(world.pods, 'byName').mockImplementation((...of) => {
        turns.push((turns.pop() ?? 0) + 1);
        vi.setSystemTime(Date.now() + 4);
        return byName.apply(world.pods, of);
      });
      const { writes } = lead(world);
      for (let turn = 0; turn < 100 && writes.length === 0; turn++) {
        turns.push(0);
        vi.advanceTimersToNextTimer();
        await advance(0);
      }
      expect(writes[0]?.parts).toMatchObject({ pods: { matched: 40 } });
      expect(turns.reduce((sum, pieces) => sum + pieces)).toBe(40);
      expect(Math.max(...turns)).toBe(3);
    }),
  );

  it(
    'of one policy waits for no other',
    onAClock(async (advance) => {
      const world = aWorld({ SpotPolicy: [aPolicy(), aPolicy({ name: 'api' })] });
      const { writes, tell } = lead(world);
      await advance(1_000);
      const { settings } = anInterruption();
      tell(step(world, {}));
      await advance(200);
      tell(step(world, { name: 'b', settings: { ...settings, policy: 'SpotPolicy/shop/api' } }));
      await advance(200);
      expect(writes.slice(2).map(({ policy, seconds }) => `${policy} at ${seconds}`)).toEqual([
        'web at 1.2',
        'api at 1.4',
      ]);
    }),
  );

  it(
    'that could not be written is an outcome, and tried again after pauses that grow to five minutes',
    onAClock(async (advance) => {
      const world = aWorld({ SpotPolicy: [aPolicy()] });
      let broken = true;
      const { writes, outcomes } = lead(world, () =>
        broken ? 'Failed' : { kind: 'Written', resourceVersion: '' },
      );
      await advance(3_600_000);
      expect(writes.length).toBeLessThan(25);
      const pauses = writes.slice(1).map(({ seconds }, index) => seconds - (writes[index]?.seconds ?? 0));
      expect(pauses[0]).toBeGreaterThanOrEqual(2);
      expect(pauses.at(-1)).toBeGreaterThan(100);
      expect(Math.max(...pauses)).toBeLessThan(300.1);
      expect(outcomes[0]).toMatchObject({ kind: 'failed', error: new Error('no right') });
      broken = false;
      await advance(300_000);
      expect(outcomes.at(-1)?.kind).toBe('written');
      const { length } = writes;
      await advance(3_600_000);
      expect(writes).toHaveLength(length);
    }),
  );

  it(
    'that could not be written is not tried sooner for anything that happens meanwhile',
    onAClock(async (advance) => {
      const world = aWorld({ SpotPolicy: [aPolicy()] });
      const { writes, tell } = lead(world, () => 'Failed');
      await advance(60_000);
      const { length } = writes;
      for (let count = 1; count <= 20; count++) {
        tell(step(world, { name: `p-${count}` }));
        await advance(1_000);
      }
      expect(writes.length - length).toBeLessThanOrEqual(2);
    }),
  );

  it(
    'that is refused for one part is written without it, says so, and is tried whole again ever more seldom',
    onAClock(async (advance) => {
      const world = aWorld({ SpotPolicy: [aPolicy()], Pod: [aPod()] });
      let refusing = true;
      const { writes, tell } = lead(world, (parts) =>
        refusing && 'workloads' in parts
          ? { kind: 'Refused', message: 'status.workloads[0].ref.kind: Too long' }
          : { kind: 'Written', resourceVersion: '' },
      );
      await advance(20_000);
      expect(writes).toHaveLength(2);
      expect(writes[1]?.parts).not.toHaveProperty('pods');
      const ready = writes[1]?.parts.conditions?.find(({ type }) => type === 'Ready');
      expect(ready?.message).toContain('out of date, because the API server refused them: status.workloads');
      // What is urgent goes on being told meanwhile.
      tell(step(world, {}));
      await advance(300);
      expect(writes.at(-1)?.parts).toMatchObject({ interruption: { active: 1 } });
      const { length } = writes;
      await advance(3_600_000);
      const whole = writes.slice(length).filter(({ parts }) => 'workloads' in parts);
      expect(whole.length).toBeGreaterThanOrEqual(5);
      expect(whole.length).toBeLessThanOrEqual(15);
      refusing = false;
      await advance(600_000);
      const [policy] = world.policies.all();
      expect(policy?.status).toMatchObject({ pods: { matched: 1 } });
      expect(JSON.stringify(policy?.status?.conditions)).not.toContain('out of date');
    }),
  );

  it(
    'that is refused even for its interruptions has its conditions written at last',
    onAClock(async (advance) => {
      const world = aWorld({ SpotPolicy: [aPolicy()], Pod: [aPod()] });
      const { writes } = lead(world, (parts) =>
        'interruptions' in parts
          ? { kind: 'Refused', message: 'no' }
          : { kind: 'Written', resourceVersion: '' },
      );
      await advance(10_000);
      expect(writes.map(({ parts }) => Object.keys(parts).toSorted())).toEqual([
        expect.arrayContaining(['workloads', 'interruptions']),
        ['conditions', 'interruption', 'interruptions', 'observedGeneration', 'totals'],
        ['conditions', 'observedGeneration'],
      ]);
    }),
  );

  it(
    'of a policy that is gone is nobody’s business',
    onAClock(async (advance) => {
      const world = aWorld({ SpotPolicy: [aPolicy()] });
      const { writes, tell } = lead(world);
      await advance(0);
      tell(drop(world, 'SpotPolicy', aPolicy()));
      await advance(60_000);
      expect(writes).toHaveLength(1);
    }),
  );
});

it(
  'a policy whose workload does not come is Stalled ten minutes later, without any other news',
  onAClock(async (advance) => {
    const targetRefs = [{ group: 'apps', kind: 'Deployment', name: 'web' }];
    const spec = { selector: undefined, targetRefs, injection: { at: 'None' } } as const;
    const { writes } = lead(aWorld({ SpotPolicy: [aPolicy({ spec })] }));
    const told = () => writes.map(({ parts, seconds }) => [parts.conditions?.at(-1)?.type, seconds]);
    await advance(599_000);
    expect(told()).toEqual([['Reconciling', 0]]);
    await advance(3_600_000);
    expect(told()).toEqual([
      ['Reconciling', 0],
      ['Stalled', 600],
    ]);
  }),
);

describe('news that reach the status', () => {
  const told = async (
    advance: (ms: number) => Promise<void>,
    world: World,
    change: (world: World) => readonly Change[],
  ): Promise<string[]> => {
    const { writes, tell } = lead(world);
    await advance(20_000);
    const { length } = writes;
    tell(change(world));
    await advance(20_000);
    return policies(writes.slice(length)).toSorted();
  };
  const probe = { reached: true, problem: '', atMs: noonMs, failures: 0, generation: 1 };

  it(
    'are the answer of admission',
    onAClock(async (advance) => {
      const world = aWorld({ SpotPolicy: [aPolicy()] });
      const [policy] = world.policies.all();
      const { uid = '', namespace = '', name = '' } = policy ?? {};
      const answer = (): Change[] => [world.recordProbe({ uid, namespace, name, ...probe })];
      expect(await told(advance, world, answer)).toEqual(['web']);
    }),
  );

  it(
    'are pods that fell back to on demand',
    onAClock(async (advance) => {
      const world = aWorld({ SpotPolicy: [aPolicy()], Pod: [aPod()] });
      const degrade = () => put(world, 'DegradeEvent', anEvent({ reason: 'SpotDegraded' }));
      expect(await told(advance, world, degrade)).toEqual(['web']);
    }),
  );

  it(
    'are edits of a policy, which may win or lose pods of its neighbours',
    onAClock(async (advance) => {
      const world = aWorld({ SpotPolicy: [aPolicy(), aPolicy({ name: 'api' })], Pod: [aPod()] });
      const edited = aPolicy({ generation: 2, spec: { priority: 9 } });
      expect(await told(advance, world, () => put(world, 'SpotPolicy', edited))).toEqual(['api', 'web']);
    }),
  );

  it(
    'are edits of a policy of the cluster, to every policy where it reaches, and of a namespace’s own to it',
    onAClock(async (advance) => {
      const ofTeam = (team: string) => ({ namespaceSelector: { matchLabels: { team } } });
      const world = aWorld({
        SpotPolicy: [aPolicy(), aPolicy({ name: 'far', namespace: 'bank' })],
        ClusterSpotPolicy: [aClusterPolicy({ spec: ofTeam('a') })],
        Namespace: [aNamespace('shop', { team: 'a' }), aNamespace('bank', { team: 'b' })],
        Pod: [aPod(), aPod({ namespace: 'bank' })],
      });
      const overriding = { ...ofTeam('a'), precedence: 'Overrides' as const };
      const edit = (generation: number, spec: object) => () =>
        put(world, 'ClusterSpotPolicy', aClusterPolicy({ generation, spec: { ...overriding, ...spec } }));
      expect(await told(advance, world, edit(2, {}))).toEqual(['base', 'web']);
      // From one namespace to the other: both have news.
      expect(await told(advance, world, edit(3, ofTeam('b')))).toEqual(['base', 'far', 'web']);
      const label = () => put(world, 'Namespace', aNamespace('shop', { team: 'b' }));
      expect(await told(advance, world, label)).toEqual(['base', 'web']);
      const own = () => put(world, 'SpotPolicy', aPolicy({ generation: 2, spec: { mode: 'Disabled' } }));
      expect(await told(advance, world, own)).toEqual(['web']);
    }),
  );

  it(
    'are nodes that turn out not to be virtual',
    onAClock(async (advance) => {
      const world = aWorld({ SpotPolicy: [aPolicy()], Pod: [aPod()] });
      const node = { metadata: { name: 'virtual-kubelet-cn-hangzhou-h' } };
      expect(await told(advance, world, () => put(world, 'Node', node))).toEqual(['web']);
    }),
  );

  it(
    'are a namespace that opts out',
    onAClock(async (advance) => {
      const world = aWorld({ SpotPolicy: [aPolicy()] });
      const optOut = aNamespace('shop', { 'spotpolicy.dev/inject': 'false' });
      expect(await told(advance, world, () => put(world, 'Namespace', optOut))).toEqual(['web']);
    }),
  );

  it(
    'are a source that cannot be read for some seconds, and that it can be read again',
    onAClock(async (advance) => {
      const world = aWorld({ SpotPolicy: [aPolicy()] });
      const fail = () =>
        world.apply('Job', { kind: 'failed', error: new Error('no right'), then: 'relist' }, Date.now());
      const failures = (): Change[] => Array.from({ length: failuresToTell }, fail).flat();
      expect(await told(advance, world, failures)).toEqual(['web']);
      const recovery = (): readonly Change[] => world.apply('Job', { kind: 'recovered' }, Date.now());
      expect(await told(advance, world, recovery)).toEqual(['web']);
    }),
  );

  it(
    'are pod templates, to a policy in DryRun that would write them, and nothing else about their workloads',
    onAClock(async (advance) => {
      const spec = { mode: 'DryRun', selector: {}, injection: { at: 'Workload' } } as const;
      const SpotPolicy = [aPolicy({ name: 'trial', spec }), aPolicy()];
      const world = aWorld({ SpotPolicy, Deployment: [aDeployment()] });
      const more = () => put(world, 'Deployment', aDeployment({ name: 'api' }));
      expect(await told(advance, world, more)).toEqual(['trial']);
      const relabelled = () =>
        put(world, 'Deployment', aDeployment({ labels: { 'spotpolicy.dev/inject': 'false' } }));
      expect(await told(advance, world, relabelled)).toEqual(['trial']);
      const { writes, tell } = lead(world);
      await advance(20_000);
      const reports = vi.spyOn(world, 'totals');
      tell(put(world, 'Deployment', aDeployment({ name: 'api', replicas: 3 })));
      await advance(20_000);
      expect(reports).not.toHaveBeenCalled();
      expect(writes).toEqual([]);
    }),
  );
});
