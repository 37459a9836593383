import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { Counts } from '../../operator/status/counts.ts';
import { tryOut } from '../../operator/status/dry-run.ts';
import { listWorkloads, sumGoverned } from '../../operator/status/governed.ts';
import { isSound, policyKey, type SoundPolicy } from '../../operator/world/policy.ts';
import type { World } from '../../operator/world/world.ts';
import { countAnew } from '../builders/counted-anew.ts';
import { settle } from '../builders/counts.ts';
import { noonMs } from '../builders/pod.ts';
import { aCluster, beginning, move } from './counted-cluster.ts';

/** One thing that happens, how long after the last, and how far the next look gets before the one after it. */
const happening = fc.record({
  move,
  // So long that it is forgotten who went.
  laterMs: fc.constantFrom(0, 0, 0, 3_700_000),
  steps: fc.constantFrom(0, 3, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY),
});

const soundIn = (world: World): readonly SoundPolicy[] => [...world.policies.all()].filter(isSound);

const kept = (counts: Counts, one: SoundPolicy) => {
  const { templates, ...governed } = sumGoverned(counts, one);
  const { templates: tried, ...dryRun } = tryOut(counts, one);
  const samples = tried?.samples.map((each) => `${each.namespace}/${each.name}/${each.kind}`);
  return {
    governed,
    workloads: listWorkloads(counts, one),
    ...(one.spec.injection.at === 'Workload' &&
      one.spec.mode === 'Enforce' && { governsTemplates: templates > 0 }),
    ...(one.spec.mode === 'DryRun' && {
      dryRun: { ...dryRun, ...(tried && { templates: { ...tried, samples } }) },
    }),
  };
};
const anew = (world: World, one: SoundPolicy) => {
  const { governsTemplates, dryRun, ...rest } = countAnew(world, one);
  return {
    ...rest,
    ...(one.spec.injection.at === 'Workload' && one.spec.mode === 'Enforce' && { governsTemplates }),
    ...(one.spec.mode === 'DryRun' && { dryRun }),
  };
};

describe('the counts of policies, kept in step with the world', () => {
  test.prop([beginning, fc.array(happening, { minLength: 1, maxLength: 40, size: 'max' })], {
    numRuns: 600,
  })('are those that are counted anew by going through everything, after any history', (spec, history) => {
    const world = aCluster(spec);
    const counts = new Counts(world);
    let nowMs = noonMs;
    for (const { move, laterMs, steps } of history) {
      nowMs += laterMs;
      for (const change of move(world, nowMs)) counts.note(change);
      const looks = soundIn(world).map((one) => counts.settle(one));
      // Looks that are under way together, and are given up.
      for (let step = 0; step < Math.min(steps, 5); step++) for (const look of looks) look.next();
      if (Number.isFinite(steps)) continue;
      settle(counts);
      for (const one of soundIn(world))
        expect([policyKey(one), kept(counts, one)]).toEqual([policyKey(one), anew(world, one)]);
    }
  });
});
