import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { decideTemplate } from '../../operator/injection/template.ts';
import type { Owned } from '../../operator/policy/template-gift.ts';
import type { Workload } from '../../operator/world/objects.ts';
import type { Template } from '../../operator/world/template.ts';
import { aPolicy } from '../builders/policy.ts';
import { aDeployment } from '../builders/workloads.ts';
import { aWorld, known } from '../builders/world.ts';

type Values = Readonly<Record<string, string>>;

const annotations = fc.dictionary(
  fc.constantFrom(
    ...['spot-strategy', 'spot-price-limit', 'spot-duration', 'spot-fallback', 'use-specs', 'cpu'].map(
      (name) => `k8s.aliyun.com/eci-${name}`,
    ),
  ),
  fc.constantFrom('SpotAsPriceGo', 'SpotWithPriceLimit', '0', '0.25', 'true'),
);
const labels = fc.dictionary(
  fc.constantFrom('alibabacloud.com/eci', 'tier'),
  fc.constantFrom('true', 'front'),
);
const theirs = fc.record({ annotations, labels });

const spec = fc.record({
  selector: fc.constant({}),
  injection: fc.record({
    at: fc.constant('Workload' as const),
    scheduling: fc.constantFrom('AsIs' as const, 'VirtualNode' as const),
  }),
  durationHours: fc.constantFrom(0, 1),
  strategy: fc.constantFrom('SpotAsPriceGo' as const, 'NoSpot' as const),
});

const worldUnder = (...specs: object[]) => aWorld({ SpotPolicy: specs.map((spec) => aPolicy({ spec })) });
const web = known('Deployment', aDeployment());

/** The workload as its users wrote it. */
const written = (by: { annotations: Values; labels: Values }): Workload => ({
  ...web,
  template: {
    ...by,
    owned: { annotations: [], labels: [] },
    others: {},
    updated: [],
    fixed: undefined,
  },
});

const without = (values: Values, keys: readonly string[]): Values =>
  Object.fromEntries(Object.entries(values).filter(([key]) => !keys.includes(key)));

/** What the API server makes of an apply by a manager to whom nobody gives a field: ours anew, and the rest as it was. */
const apply = (workload: Workload, owned: Owned): Workload => {
  const before = workload.template as Template;
  const part = (name: 'annotations' | 'labels') => ({
    ...without(before[name], before.owned[name]),
    ...owned[name],
  });
  const keys = (values: Values) => Object.keys(values).toSorted();
  return {
    ...workload,
    template: {
      ...before,
      annotations: part('annotations'),
      labels: part('labels'),
      owned: { annotations: keys(owned.annotations), labels: keys(owned.labels) },
    },
  };
};

const settle = (workload: Workload, ...specs: object[]): Workload => {
  const decision = decideTemplate(worldUnder(...specs), workload);
  return decision.kind === 'Write' ? apply(workload, decision.owned) : workload;
};

describe('the template of a workload', () => {
  test.prop([theirs, spec])('is written once: nothing is left to do afterwards', (by, wishes) => {
    const after = settle(written(by), wishes);
    expect(after.template?.owned.annotations).not.toEqual([]);
    expect(decideTemplate(worldUnder(wishes), after)).toEqual({ kind: 'Nothing' });
  });

  test.prop([theirs, spec])('keeps every value that its users wrote', (by, wishes) => {
    const { template } = settle(written(by), wishes);
    expect(template).toMatchObject(by);
  });

  test.prop([theirs, fc.array(spec, { minLength: 1, maxLength: 4 })])(
    'is after any edits and a release what its users wrote, to the last key',
    (by, edits) => {
      const edited = edits.reduce<Workload>((workload, wishes) => settle(workload, wishes), written(by));
      expect(settle(edited)).toEqual(written(by));
    },
  );

  test.prop([theirs, spec, spec])(
    'is after an edit what it would be had the policy always been so',
    (by, one, other) => {
      const reasonless = ({ template }: Workload) =>
        without(template?.annotations ?? {}, ['spotpolicy.dev/reason']);
      const edited = settle(settle(written(by), one), other);
      expect(reasonless(edited)).toEqual(reasonless(settle(written(by), other)));
    },
  );
});
