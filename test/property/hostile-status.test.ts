import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { clusterSpotPolicy, objectSchema, spotPolicy } from '../../operator/api/crd.ts';
import type { SpotPolicyStatus } from '../../operator/api/status.ts';
import { settledCounts } from '../builders/counts.ts';
import { reportOn } from '../../operator/status/report.ts';
import type { World } from '../../operator/world/world.ts';
import { aRefusal, anInterruption } from '../builders/interruption.ts';
import { aPod, at, ownedBy } from '../builders/pod.ts';
import { aClusterPolicy, aPolicy } from '../builders/policy.ts';
import { schemaJudge } from '../builders/schema-judge.ts';
import { applied } from '../builders/template.ts';
import { aDeployment } from '../builders/workloads.ts';
import { aNamespace, aWorld } from '../builders/world.ts';

// What reaches the operator as text of others: long, longer than any bound, of characters outside the first plane (two
// units in JavaScript, one character for the API server), and half of such a character.
const hostile = fc.oneof(
  fc.constantFrom('', 'web', '💸', '\ud83d', '\u0000', '…'),
  fc
    .tuple(
      fc.constantFrom('x', '💸', '\ud83d', 'ü', 'a/b'),
      fc.constantFrom(252, 253, 254, 1_023, 1_024, 1_025, 32_768, 40_000),
    )
    .map(([unit, length]) => unit.repeat(length)),
  fc.string({ unit: 'binary', maxLength: 300 }),
);

/** Every place in which an object of others, or an answer of a server, has text that a status may repeat. */
const texts = fc.record({
  pod: hostile,
  kind: hostile,
  owner: hostile,
  apiVersion: hostile,
  uid: hostile,
  node: hostile,
  workload: hostile,
  label: hostile,
  annotation: hostile,
  answer: hostile,
  policy: hostile,
});
type Texts = typeof texts extends fc.Arbitrary<infer T> ? T : never;

const mode = fc.constantFrom('Enforce' as const, 'DryRun' as const, 'Disabled' as const);
const where = fc.constantFrom('Pod' as const, 'Workload' as const, 'None' as const);
type Spec = { readonly mode: 'Enforce' | 'DryRun' | 'Disabled'; readonly at: 'Pod' | 'Workload' | 'None' };

const conditionsOfOthers = (text: string): NonNullable<SpotPolicyStatus['conditions']> =>
  Array.from({ length: 16 }, (_, index) => ({
    ...{ type: `example.com/${index}`, status: 'True', reason: 'Any', message: text.slice(0, 100) },
    lastTransitionTime: '2026-03-01T12:00:00Z',
  }));

const hostileWorld = (text: Texts, { mode, at: place }: Spec): World => {
  const targetRefs = [{ group: 'apps', kind: 'Deployment', name: 'x'.repeat(253) }];
  const spec = { mode, selector: {}, injection: { at: place } } as const;
  const status = { conditions: conditionsOfOthers(text.answer) };
  const world = aWorld({
    SpotPolicy: [
      aPolicy({ spec, status }),
      aPolicy({ name: 'names', spec: { ...spec, selector: undefined, targetRefs } }),
      aPolicy({ name: 'wrong', spec: { ...spec, [text.label]: text.annotation, strategy: undefined } }),
      aPolicy({ name: `z${text.policy}`, spec }),
    ],
    ClusterSpotPolicy: [
      aClusterPolicy({
        spec: { ...spec, precedence: 'Overrides', selector: { matchLabels: { own: 'no' } } },
      }),
      aClusterPolicy({ name: 'defaults', spec }),
    ],
    Namespace: [aNamespace(), aNamespace(text.workload)],
    Pod: [text.pod, 'a', 'b'].map((name, index) =>
      aPod({
        name,
        uid: `${text.uid}${index}`,
        nodeName: text.node,
        labels: { [text.label]: text.annotation },
        annotations: { 'spotpolicy.dev/policy': text.annotation, 'spotpolicy.dev/reason': text.annotation },
        owner: {
          ...ownedBy('Any', text.owner),
          ...{ kind: `${text.kind}${index}`, apiVersion: `${text.apiVersion}/v1`, uid: text.uid },
        },
        reason: text.answer,
        message: text.answer,
      }),
    ),
    Deployment: [
      applied(
        aDeployment({ name: text.workload }),
        { annotations: { [text.label]: text.annotation } },
        text.owner,
      ),
    ],
  });
  tell(world, text);
  return world;
};

const tell = (world: World, text: Texts): void => {
  const workload = {
    ...{ group: text.apiVersion, kind: text.kind, namespace: 'shop', name: text.workload },
    uid: text.uid,
  };
  const refusal = aRefusal({ message: text.answer, forbidden: true });
  for (const policy of world.policies.all()) {
    const { uid, namespace, name, kind } = policy;
    const key = kind === 'SpotPolicy' ? `${kind}/${namespace}/${name}` : `${kind}/${name}`;
    world.recordProbe({
      ...{ uid, namespace, name, generation: 1, reached: false, atMs: at(0), failures: 1 },
      problem: text.answer,
    });
    world.recordTrouble(`of-${uid}`, {
      ...{ ...workload, uid: `of-${uid}`, policy: uid, reason: 'Refused', message: text.answer },
    });
    const { settings } = anInterruption();
    const record = { workload, nodeName: text.node, message: text.answer, refusal, unmarked: refusal };
    world.record(
      anInterruption({
        ...record,
        ...{ name: text.pod, uid: `${uid}${text.uid}`, settings: { ...settings, policy: key } },
        replacement: { uid: text.uid, name: text.pod, capacity: 'spot', readyAtMs: at(1) },
      }),
    );
  }
  for (let failures = 0; failures < 5; failures++)
    world.apply('Job', { kind: 'failed', error: new Error(text.answer), then: 'relist' }, at(0));
  world.judgeOwnerKind({
    ...{ group: text.apiVersion, kind: text.kind, standing: 'Failing', resource: text.owner },
    problem: text.answer,
  });
};

const judges = {
  SpotPolicy: schemaJudge(objectSchema(spotPolicy).properties.status, 'status'),
  ClusterSpotPolicy: schemaJudge(objectSchema(clusterSpotPolicy).properties.status, 'status'),
};

describe('a world of hostile texts', () => {
  test.prop([texts, fc.record({ mode, at: where })], { numRuns: 50 })(
    'has no policy whose status the API server would refuse, or store otherwise than it was written',
    (text, spec) => {
      const world = hostileWorld(text, spec);
      for (const policy of world.policies.all()) {
        const status = reportOn(settledCounts(world), policy, at(0)).whole();
        expect(judges[policy.kind](status)).toEqual({ structure: [], rules: [] });
        // Half a character does not survive UTF-8: the operator would find another status than it wrote, and write again.
        expect(JSON.parse(Buffer.from(JSON.stringify(status)).toString())).toEqual(status);
        expect(JSON.stringify(status).includes('\\ud83d"')).toBe(false);
        expect(Object.values(textsIn(status)).every((each) => each.isWellFormed())).toBe(true);
      }
    },
  );
});

const textsIn = (value: unknown): readonly string[] => {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
};
