import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { capacityOf, DividedCluster, type ModelPod } from './divided-cluster.ts';

const distribution = fc.record({
  onDemandBase: fc.integer({ min: 0, max: 4 }),
  spotPercentage: fc.integer({ min: 0, max: 100 }),
});
const revision = fc.constantFrom('old', 'new');
const which = fc.nat({ max: 99 });

const isDivided = ({ onDemandBase, spotPercentage }: { onDemandBase: number; spotPercentage: number }) =>
  onDemandBase > 0 || spotPercentage < 100;

const pick = (pods: ReadonlyMap<string, ModelPod>, index: number): ModelPod | undefined =>
  [...pods.values()][index % Math.max(1, pods.size)];

const growth = fc.oneof(
  fc.record({ kind: fc.constant('scale' as const), revision, wanted: fc.integer({ min: 1, max: 30 }) }),
  { arbitrary: fc.record({ kind: fc.constant('admit' as const), revision }), weight: 5 },
  fc.record({ kind: fc.constant('dryRun' as const), revision }),
  fc.record({ kind: fc.constant('again' as const), which }),
  { arbitrary: fc.record({ kind: fc.constant('land' as const), which }), weight: 4 },
  fc.record({ kind: fc.constant('deliver' as const), count: fc.integer({ min: 1, max: 6 }) }),
);

const replica = fc.nat({ max: 1 });

describe.each([
  ['of one replica', 1],
  ['of two replicas, of which one leads and answers', 2],
])('admission %s', (_, replicas) => {
  test.prop([distribution, fc.array(fc.tuple(growth, replica), { minLength: 20, maxLength: 150 })], {
    numRuns: 100,
  })(
    'keeps the distribution exact while pods are only created, in any parallelism and however late the watch',
    async (asked, steps) => {
      const cluster = new DividedCluster(asked, replicas);
      const wanted = { old: 0, new: 0 };
      for (const [step, at] of steps) {
        if (step.kind === 'scale') {
          const name = step.revision;
          wanted[name] = Math.max(wanted[name], step.wanted);
          cluster.scale(name, wanted[name]);
        }
        if (step.kind === 'admit' && cluster.hasRoom(step.revision)) {
          const due = cluster.due(step.revision);
          expect(capacityOf((await cluster.admit(step.revision, at)).raw)).toBe(due);
          if (isDivided(asked)) expect(cluster.reserved(at, step.revision)).toBeGreaterThan(0);
        }
        if (step.kind === 'dryRun') {
          const before = cluster.reserved(at, step.revision);
          await cluster.admit(step.revision, at, true);
          expect(cluster.reserved(at, step.revision)).toBeLessThanOrEqual(before);
        }
        const pod = 'which' in step ? pick(cluster.underWay, step.which) : undefined;
        if (step.kind === 'again' && pod) expect(await cluster.admitAgain(pod, at)).toBe(0);
        if (step.kind === 'land' && pod) cluster.land(pod);
        if (step.kind === 'deliver') cluster.deliver(at, step.count);
      }
    },
  );
});

const life = fc.oneof(
  { arbitrary: growth, weight: 3 },
  fc.record({ kind: fc.constant('refuse' as const), which }),
  { arbitrary: fc.record({ kind: fc.constant('remove' as const), which }), weight: 2 },
  fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 5_000 }) }),
  fc.record({ kind: fc.constant('restart' as const) }),
);

describe('admission through the life of a workload', () => {
  test.prop([distribution, fc.array(life, { minLength: 20, maxLength: 150 })], { numRuns: 100 })(
    'decides by what is there and under way wherever the watch has told it all, and forgets what was refused',
    async (asked, steps) => {
      const cluster = new DividedCluster(asked, 1);
      for (const step of steps) {
        if (step.kind === 'scale') cluster.scale(step.revision, step.wanted);
        if (step.kind === 'admit' && cluster.hasRoom(step.revision)) {
          const due = cluster.due(step.revision);
          const informed = cluster.isCurrent(0) && !cluster.isInDoubt(step.revision);
          const { raw } = await cluster.admit(step.revision, 0);
          if (informed) expect(capacityOf(raw)).toBe(due);
        }
        const pod = 'which' in step ? pick(cluster.underWay, step.which) : undefined;
        if (step.kind === 'land' && pod) cluster.land(pod);
        if (step.kind === 'refuse' && pod) cluster.refuse(pod);
        const living = 'which' in step ? pick(cluster.living, step.which) : undefined;
        if (step.kind === 'remove' && living) cluster.remove(living);
        if (step.kind === 'deliver') cluster.deliver(0, step.count * 3);
        if (step.kind === 'wait') {
          // What is under way arrives within a second.
          for (const late of cluster.underWay.values()) cluster.land(late);
          cluster.nowMs += step.ms;
        }
        // Pods on their way are remembered by nobody then.
        if (step.kind === 'restart' && cluster.underWay.size === 0) cluster.restart(0);
      }
      cluster.deliver(0);
      cluster.nowMs += 30_000;
      expect(cluster.reserved(0, 'old') + cluster.reserved(0, 'new')).toBe(0);
    },
  );
});

describe('admission of two replicas of which the leader does not always answer', () => {
  const wire = fc.record({
    kind: fc.constant('wire' as const),
    state: fc.constantFrom('sound' as const, 'lost' as const, 'cut' as const),
  });
  const step = fc.oneof({ arbitrary: growth, weight: 6 }, wire);

  test.prop([distribution, fc.array(fc.tuple(step, replica), { minLength: 20, maxLength: 150 })])(
    'holds no place for a pod that is there, and comes nearer to the distribution with each pod once it answers',
    async (asked, steps) => {
      const cluster = new DividedCluster(asked, 2);
      for (const name of ['old', 'new']) cluster.scale(name, 200);
      for (const [step, at] of steps) {
        if (step.kind === 'wire') cluster.wire = step.state;
        if (step.kind === 'admit') await cluster.admit(step.revision, at);
        const pod = 'which' in step ? pick(cluster.underWay, step.which) : undefined;
        if (step.kind === 'land' && pod) cluster.land(pod);
        if (step.kind === 'deliver') cluster.deliver(at, step.count);
      }
      for (const pod of cluster.underWay.values()) cluster.land(pod);
      for (const at of [0, 1]) cluster.deliver(at);
      for (const at of [0, 1]) expect(cluster.reserved(at, 'old') + cluster.reserved(at, 'new')).toBe(0);
      cluster.wire = 'sound';
      for (const at of [0, 1, 1, 0]) {
        const due = cluster.due('old');
        expect(capacityOf((await cluster.admit('old', at)).raw)).toBe(due);
      }
    },
  );
});
