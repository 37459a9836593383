import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { Counts } from '../../operator/status/counts.ts';
import { failuresToTell, reportOn } from '../../operator/status/report.ts';
import { touchedBy } from '../../operator/status/touched.ts';
import { policyKey } from '../../operator/world/policy.ts';
import type { Change } from '../../operator/world/view.ts';
import type { World } from '../../operator/world/world.ts';
import { settle } from '../builders/counts.ts';
import { anInterruption, settingsOf } from '../builders/interruption.ts';
import { noonMs } from '../builders/pod.ts';
import { aPolicy } from '../builders/policy.ts';
import { put } from '../builders/world.ts';
import { aCluster, beginning, move, type Move, nodesListed, targets } from './counted-cluster.ts';

const policyNames = ['SpotPolicy/shop/a', 'SpotPolicy/shop/b', 'ClusterSpotPolicy/all'] as const;
const policyNamed = (world: World, name: string) =>
  [...world.policies.all()].find((each) => policyKey(each) === name);

const interruption = fc
  .tuple(fc.constantFrom(0, 1, 2), fc.constantFrom('Noticed' as const, 'Evicting' as const, 'Done' as const))
  .map(([of, phase]): Move => {
    const settings = settingsOf({ policy: policyNames[of] ?? '' });
    return (world) => [world.record(anInterruption({ name: `doomed-${of}`, settings, phase }))];
  });
const probe = fc
  .tuple(fc.constantFrom(...policyNames), fc.boolean())
  .map(([name, reached]): Move => (world) => {
    const policy = policyNamed(world, name);
    if (!policy) return [];
    const { uid, namespace, generation } = policy;
    const answer = { reached, problem: reached ? '' : 'no answer', failures: 0, atMs: noonMs };
    return [world.recordProbe({ uid, namespace, name: policy.name, generation, ...answer })];
  });
const contest = fc
  .constantFrom(undefined, { writers: ['another'], losses: 3 })
  .map((rival): Move => (world) => [world.contests.record(rival)]);
const meetTrouble =
  (name: string, reason: 'Refused' | 'Fixed' | undefined): Move =>
  (world) => {
    const { uid } = policyNamed(world, name) ?? {};
    if (uid === undefined) return [];
    const of = { uid: `template-of-${uid}`, namespace: 'shop', name: 'web', kind: 'Deployment', policy: uid };
    return [world.recordTrouble(of.uid, reason && { ...of, reason, message: 'no' })];
  };
const trouble = fc
  .tuple(fc.constantFrom(...policyNames), fc.constantFrom('Refused' as const, 'Fixed' as const, undefined))
  .map(([name, reason]) => meetTrouble(name, reason));
const ownerKind = fc
  .tuple(
    fc.constantFrom('CronWorkflow', 'Workflow'),
    fc.constantFrom('Readable' as const, 'Forbidden' as const, 'Absent' as const, 'Failing' as const),
  )
  .map(
    ([kind, standing]): Move =>
      (world) =>
        world.judgeOwnerKind({ group: 'argoproj.io', kind, standing, resource: kind, problem: 'no' }),
  );
const source = fc.constantFrom('failed', 'recovered').map(
  (what): Move =>
    (world, nowMs) =>
      what === 'recovered'
        ? world.apply('Job', { kind: 'recovered' }, nowMs)
        : Array.from({ length: failuresToTell }, () =>
            world.apply('Job', { kind: 'failed', error: new Error('no'), then: 'resume' }, nowMs),
          ).flat(),
);
const happening = fc.oneof(
  { weight: 3, arbitrary: move },
  { weight: 2, arbitrary: fc.oneof(interruption, probe, contest, trouble, ownerKind, source) },
);

// Two pods of one name are there only until a listing is complete.
const endNamesakes = (world: World): readonly Change[] =>
  [...world.pods.all()]
    .filter((pod) => world.pods.byName(pod.namespace, pod.name) !== pod)
    .flatMap((object) => world.apply('Pod', { kind: 'deleted', object }, noonMs));

describe('the status of policies', () => {
  test.prop([beginning, fc.array(happening, { minLength: 1, maxLength: 30, size: 'max' })], {
    numRuns: 150,
  })(
    'is looked at wherever a step of the world has changed it, in any history',
    (spec, history) => {
      const world = aCluster(spec);
      targets.forEach((targetRefs, index) =>
        put(world, 'SpotPolicy', aPolicy({ name: `names-${index}`, spec: { ...spec, targetRefs } })),
      );
      nodesListed(world, noonMs);
      const trial = { selector: {}, injection: { at: 'Workload' }, mode: 'DryRun' } as const;
      put(world, 'SpotPolicy', aPolicy({ name: 'trial', spec: trial }));
      for (const name of policyNames) meetTrouble(name, 'Refused')(world, noonMs);
      const counts = new Counts(world);
      const statuses = () => {
        settle(counts);
        const told = [...world.policies.all()].map(
          (policy) => [policy.uid, JSON.stringify(reportOn(counts, policy, noonMs).whole())] as const,
        );
        return new Map(told);
      };
      let before = statuses();
      for (const happens of history) {
        const changes = [...happens(world, noonMs), ...endNamesakes(world)];
        for (const change of changes) counts.note(change);
        const looked = new Set(changes.flatMap((change) => touchedBy(world, change)));
        const after = statuses();
        for (const [uid, status] of after)
          if (!looked.has(uid)) expect([uid, status]).toEqual([uid, before.get(uid)]);
        before = after;
      }
    },
    300_000,
  );
});
