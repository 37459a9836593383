import { Subject } from 'rxjs';
import { describe, expect, it, onTestFinished } from 'vitest';

import type { TemplateAnswer } from '../../../operator/injection/template-step.ts';
import { type TemplateOutcome, templateStream } from '../../../operator/injection/workload-stream.ts';
import type { Owned } from '../../../operator/policy/template-gift.ts';
import type { Change } from '../../../operator/world/view.ts';
import type { World } from '../../../operator/world/world.ts';
import { onAClock } from '../../builders/clock.ts';
import { aForeign, putForeign } from '../../builders/foreign.ts';
import { aClusterPolicy, aPolicy, type PolicyWishes } from '../../builders/policy.ts';
import { applied } from '../../builders/template.ts';
import { aDeployment, aStatefulSet } from '../../builders/workloads.ts';
import { aNamespace, aWorld, drop, put } from '../../builders/world.ts';

const duration = 'k8s.aliyun.com/eci-spot-duration';
const atWorkload = (spec: PolicyWishes['spec'] = {}, generation = 1) =>
  aPolicy({ generation, spec: { selector: {}, injection: { at: 'Workload' }, ...spec } });

interface Cluster {
  readonly outcomes: readonly TemplateOutcome[];
  /** Each write as `name duration`, the duration `-` where the template is released. */
  readonly writes: readonly string[];
  readonly tell: (changes: readonly Change[]) => void;
}

/** The stream of a leader over a world; what it writes comes back by the watch unless `answer` refuses it. */
const lead = (world: World, answer: () => TemplateAnswer = () => ({ kind: 'Written' })): Cluster => {
  const change$ = new Subject<Change>();
  const outcomes: TemplateOutcome[] = [];
  const writes: string[] = [];
  const tell = (changes: readonly Change[]): void => changes.forEach((change) => change$.next(change));
  const store = (kind: string, name: string, owned: Owned): void => {
    if (kind === 'Deployment') tell(put(world, 'Deployment', applied(aDeployment({ name }), owned)));
    if (kind === 'Service') tell(putForeign(world, applied(aForeign('Service', { name }), owned)));
    if (kind === 'StatefulSet') tell(put(world, 'StatefulSet', applied(aStatefulSet({ name }), owned)));
  };
  const subscription = templateStream(
    {
      world,
      nowMs: Date.now,
      // The longest of each pause.
      random: () => 1,
      writeTemplate:
        ({ kind, name }, owned) =>
        () => {
          writes.push(`${name} ${owned.annotations[duration] ?? '-'}`);
          const said = answer();
          if (said.kind === 'Written') store(kind, name, owned);
          return Promise.resolve(said);
        },
    },
    change$,
  ).subscribe((outcome) => outcomes.push(outcome));
  onTestFinished(() => subscription.unsubscribe());
  return { outcomes, writes, tell };
};

const troublesIn = (world: World): string[] =>
  [...world.templateTroubles.all()].map(({ name, reason }) => `${name} ${reason}`);

describe('the templates of a namespace', () => {
  it(
    'are written a second after the leader began, and after an edit, and are told of meanwhile',
    onAClock(async (advance) => {
      const world = aWorld({
        SpotPolicy: [atWorkload()],
        Deployment: [aDeployment()],
        StatefulSet: [aStatefulSet()],
      });
      const { writes, tell } = lead(world);
      expect(troublesIn(world)).toEqual(['web Waiting', 'db Waiting']);
      await advance(1_050);
      expect(writes).toEqual(['web 1', 'db 1']);
      expect(troublesIn(world)).toEqual([]);
      tell(put(world, 'SpotPolicy', atWorkload({ durationHours: 0 }, 2)));
      await advance(1_050);
      expect(writes.slice(2)).toEqual(['web 0', 'db 0']);
      await advance(600_000);
      expect(writes).toHaveLength(4);
    }),
  );

  it(
    'are released when the policy goes, and when their namespace opts out',
    onAClock(async (advance) => {
      const world = aWorld({ SpotPolicy: [atWorkload()], Deployment: [aDeployment()] });
      const { writes, tell } = lead(world);
      await advance(1_050);
      tell(put(world, 'Namespace', aNamespace('shop', { 'spotpolicy.dev/inject': 'false' })));
      await advance(1_050);
      tell(put(world, 'Namespace', aNamespace('shop')));
      await advance(1_050);
      tell(drop(world, 'SpotPolicy', atWorkload()));
      await advance(1_050);
      expect(writes).toEqual(['web 1', 'web -', 'web 1', 'web -']);
    }),
  );

  it(
    'are written by a policy of the cluster for as long as the namespace has its labels',
    onAClock(async (advance) => {
      const labels = { tier: 'shop' };
      const world = aWorld({ Deployment: [aDeployment()], Namespace: [aNamespace('shop', labels)] });
      const { writes, tell } = lead(world);
      const spec = { selector: {}, namespaceSelector: { matchLabels: labels } };
      tell(
        put(world, 'ClusterSpotPolicy', aClusterPolicy({ spec: { ...spec, injection: { at: 'Workload' } } })),
      );
      await advance(1_050);
      expect(writes).toEqual(['web 1']);
      tell(put(world, 'Namespace', aNamespace('shop')));
      await advance(1_050);
      expect(writes).toEqual(['web 1', 'web -']);
    }),
  );

  it(
    'are released when admission has taken over, as soon as it has',
    onAClock(async (advance) => {
      const world = aWorld({ SpotPolicy: [atWorkload()], Deployment: [aDeployment()] });
      const { writes, tell } = lead(world);
      await advance(1_050);
      tell(put(world, 'SpotPolicy', aPolicy({ generation: 2, spec: { selector: {} } })));
      await advance(60_000);
      expect(writes).toEqual(['web 1']);
      const { uid, namespace, name } = [...world.policies.all()][0] ?? { uid: '', namespace: '', name: '' };
      const probe = { uid, namespace, name, generation: 2, problem: '', atMs: Date.now(), failures: 0 };
      tell([world.recordProbe({ ...probe, reached: true })]);
      await advance(1_050);
      expect(writes).toEqual(['web 1', 'web -']);
    }),
  );

  it(
    'that went while no replica led are released by the next leader',
    onAClock(async (advance) => {
      const annotations = { [duration]: '1' };
      const world = aWorld({ Deployment: [applied(aDeployment(), { annotations })] });
      const { writes } = lead(world);
      await advance(1_050);
      expect(writes).toEqual(['web -']);
    }),
  );

  it(
    'of new workloads are written too, and nothing is remembered of one that goes',
    onAClock(async (advance) => {
      const world = aWorld({ SpotPolicy: [atWorkload()] });
      const { writes, tell } = lead(world);
      tell(put(world, 'Deployment', aDeployment()));
      tell(put(world, 'Deployment', aDeployment({ name: 'brief' })));
      await advance(50);
      expect(troublesIn(world)).toEqual(['web Waiting', 'brief Waiting']);
      tell(drop(world, 'Deployment', aDeployment({ name: 'brief' })));
      await advance(1_050);
      expect(writes).toEqual(['web 1']);
      expect(troublesIn(world)).toEqual([]);
    }),
  );
});

describe('the templates of another system', () => {
  const hello = aForeign('Service');

  it(
    'are written and released like any other, and read whole for as long as that takes',
    onAClock(async (advance) => {
      const world = aWorld({ SpotPolicy: [atWorkload()] });
      const { writes, tell } = lead(world);
      tell(putForeign(world, hello));
      await advance(1_050);
      expect(writes).toEqual(['hello 1']);
      tell(drop(world, 'SpotPolicy', atWorkload()));
      expect(world.templated('Service').size).toBe(1);
      await advance(1_050);
      expect(writes).toEqual(['hello 1', 'hello -']);
      expect(world.templated('Service').size).toBe(0);
    }),
  );

  it(
    'leave no trouble behind when nobody reads them any more',
    onAClock(async (advance) => {
      const world = aWorld({ SpotPolicy: [atWorkload()] });
      const { tell } = lead(world, () => ({
        kind: 'Refused',
        reason: 'Forbidden',
        message: 'no',
        forGood: false,
      }));
      tell(putForeign(world, hello));
      tell(putForeign(world, aForeign('Workflow')));
      await advance(1_050);
      expect(troublesIn(world)).toEqual(['hello Forbidden', 'hello Fixed']);
      tell(put(world, 'SpotPolicy', aPolicy({ generation: 2, spec: { selector: {} } })));
      await advance(1_050);
      expect(troublesIn(world)).toEqual([]);
    }),
  );
});

describe('a template that cannot be written', () => {
  const refusal = (forGood: boolean): TemplateAnswer => ({
    kind: 'Refused',
    reason: forGood ? 'FieldManagerConflict' : 'Forbidden',
    message: 'no',
    forGood,
  });

  it(
    'for good is told, and tried again only after a change',
    onAClock(async (advance) => {
      const world = aWorld({ SpotPolicy: [atWorkload()], Deployment: [aDeployment()] });
      let answer = refusal(true);
      const { writes, outcomes, tell } = lead(world, () => answer);
      await advance(1_050);
      expect(troublesIn(world)).toEqual(['web FieldManagerConflict']);
      expect(outcomes).toContainEqual(expect.objectContaining({ kind: 'templated', answer }));
      tell(put(world, 'Deployment', aDeployment({ replicas: 5 })));
      await advance(86_400_000);
      expect(writes).toHaveLength(1);
      answer = { kind: 'Written' };
      tell(put(world, 'Deployment', aDeployment({ labels: { tier: 'front' } })));
      await advance(1_050);
      expect(writes).toHaveLength(2);
      expect(troublesIn(world)).toEqual([]);
    }),
  );

  it(
    'for now is tried again by itself, at most every five minutes',
    onAClock(async (advance) => {
      const world = aWorld({ SpotPolicy: [atWorkload()], Deployment: [aDeployment()] });
      let answer = refusal(false);
      const { writes } = lead(world, () => answer);
      await advance(3_600_000);
      expect(writes.length).toBeGreaterThan(12);
      expect(writes.length).toBeLessThan(25);
      answer = { kind: 'Written' };
      await advance(300_000);
      expect(troublesIn(world)).toEqual([]);
    }),
  );

  it(
    'is no longer told of when its policy has gone',
    onAClock(async (advance) => {
      const world = aWorld({ SpotPolicy: [atWorkload()], Deployment: [aDeployment()] });
      const { tell } = lead(world, () => refusal(true));
      await advance(1_050);
      tell(drop(world, 'SpotPolicy', atWorkload()));
      await advance(50);
      expect(troublesIn(world)).toEqual([]);
    }),
  );
});
