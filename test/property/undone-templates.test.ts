import { fc, test } from '@fast-check/vitest';
import type { ManagedFieldsEntry } from 'kubernetes-types/meta/v1.js';
import { describe, expect } from 'vitest';
import { decideTemplate, type TemplateDecision } from '../../operator/injection/template.ts';
import type { Workload } from '../../operator/world/objects.ts';
import { templateManager } from '../../operator/world/template.ts';
import { aPolicy, type PolicyWishes } from '../builders/policy.ts';
import { aDeployment } from '../builders/workloads.ts';
import { aWorld, known } from '../builders/world.ts';

type Part = 'annotations' | 'labels';
type Values = Readonly<Record<string, string>>;
/** A field of the template and who owns it, as the API server keeps it. */
interface Field {
  readonly part: Part;
  readonly value: string;
  readonly managers: readonly string[];
}
type Fields = ReadonlyMap<string, Field>;

/** A Deployment: its template, the values that its users wrote there, and the templates of its past. */
interface Life {
  readonly fields: Fields;
  readonly users: ReadonlyMap<string, string>;
  readonly past: readonly { readonly fields: Fields; readonly users: ReadonlyMap<string, string> }[];
}

const partsOf = (fields: Fields, part: Part): Values =>
  Object.fromEntries(
    [...fields].flatMap(([key, field]) => (field.part === part ? [[key, field.value]] : [])),
  );

const entryOf = (fields: Fields, manager: string): ManagedFieldsEntry => {
  const held = (part: Part): object =>
    Object.fromEntries(
      [...fields]
        .filter(([, field]) => field.part === part && field.managers.includes(manager))
        .map(([key]) => [`f:${key}`, {}]),
    );
  const metadata = Object.fromEntries(
    (['annotations', 'labels'] as const).flatMap((part) => {
      const keys = held(part);
      return Object.keys(keys).length > 0 ? [[`f:${part}`, keys]] : [];
    }),
  );
  return {
    ...{ manager, operation: manager === templateManager ? 'Apply' : 'Update', apiVersion: 'apps/v1' },
    fieldsV1: { 'f:spec': { 'f:template': { 'f:metadata': metadata } } },
  };
};

/** The world's record of the Deployment, trimmed by the operator's own code. */
const recordOf = ({ fields }: Life): Workload => {
  const raw = aDeployment();
  const managers = [...new Set([...fields.values()].flatMap((field) => field.managers))];
  const template = {
    ...raw.spec?.template,
    metadata: {
      annotations: partsOf(fields, 'annotations'),
      labels: { app: 'web', ...partsOf(fields, 'labels') },
    },
  };
  return known('Deployment', {
    ...raw,
    metadata: { ...raw.metadata, managedFields: managers.map((manager) => entryOf(fields, manager)) },
    spec: { selector: {}, ...raw.spec, template },
  });
};

/** What the API server makes of the write that a decision asks for; throws where it would answer with a conflict. */
const write = (fields: Fields, { owned, recovery }: Extract<TemplateDecision, { kind: 'Write' }>): Fields => {
  const after = new Map(fields);
  const wanted = new Map<string, { part: Part; value: string }>();
  for (const part of ['annotations', 'labels'] as const)
    for (const [key, value] of Object.entries(owned[part])) wanted.set(key, { part, value });
  for (const [key, field] of fields) {
    if (!field.managers.includes(templateManager) || wanted.has(key)) continue;
    const managers = field.managers.filter((manager) => manager !== templateManager);
    if (managers.length > 0) after.set(key, { ...field, managers });
    else after.delete(key);
  }
  for (const [key, { part, value }] of wanted) {
    const field = fields.get(key);
    const others = (field?.managers ?? []).filter((manager) => manager !== templateManager);
    const isSame = field === undefined || field.value === value;
    if (!isSame && others.length > 0 && recovery?.force !== true) throw new Error(`conflict on ${key}`);
    after.set(key, { part, value, managers: [...(isSame ? others : []), templateManager] });
  }
  for (const values of Object.values(recovery?.removed ?? {})) {
    for (const [key, value] of Object.entries(values as Values)) {
      if (after.get(key)?.value !== value) throw new Error(`${key} is not what it was`);
      after.delete(key);
    }
  }
  return after;
};

const limit = 'k8s.aliyun.com/eci-spot-price-limit';
const duration = 'k8s.aliyun.com/eci-spot-duration';
const specs = 'k8s.aliyun.com/eci-use-specs';

const price = fc.constantFrom('0.25', '0.30', '0.35');
type Spec = NonNullable<PolicyWishes['spec']>;
const spec: fc.Arbitrary<Spec> = fc.oneof(
  price.map(
    (priceLimit) => ({ strategy: 'SpotWithPriceLimit', priceLimit, fallback: { mode: 'Never' } }) as const,
  ),
  fc.constantFrom<Spec[]>(
    { strategy: 'SpotAsPriceGo' },
    { strategy: 'SpotAsPriceGo', instanceSpecs: ['2-4Gi'] },
    { strategy: 'SpotAsPriceGo', durationHours: 0 },
    { strategy: 'NoSpot' },
    {
      strategy: 'SpotAsPriceGo',
      injection: { at: 'Workload', scheduling: 'VirtualNode' },
    },
  ),
);

type Op =
  | { readonly op: 'policy'; readonly spec: NonNullable<PolicyWishes['spec']> | undefined }
  | { readonly op: 'user'; readonly key: string; readonly value: string | undefined; readonly by: string }
  | { readonly op: 'undo'; readonly to: number };

// No value of users is one that a policy gives: nobody could tell them apart then.
const op: fc.Arbitrary<Op> = fc.oneof(
  fc.record({ op: fc.constant('policy' as const), spec }),
  fc.record({
    op: fc.constant('user' as const),
    key: fc.constantFrom(limit, duration, specs),
    value: fc.constantFrom('9', '8', undefined),
    by: fc.constantFrom('kubectl-edit', 'helm', 'kubectl'),
  }),
  fc.record({ op: fc.constant('undo' as const), to: fc.nat(9) }),
);

const settled = (life: Life, wishes: PolicyWishes['spec']): Life => {
  const policies =
    wishes === undefined
      ? []
      : [aPolicy({ spec: { selector: {}, injection: { at: 'Workload' }, ...wishes } })];
  const world = aWorld({ SpotPolicy: policies });
  let { fields } = life;
  for (let look = 0; look < 3; look += 1) {
    const decision = decideTemplate(world, recordOf({ ...life, fields }));
    if (decision.kind !== 'Write')
      return { ...life, fields, past: [...life.past, { fields, users: life.users }] };
    fields = write(fields, decision);
  }
  throw new Error(
    `the template is written for ever: ${JSON.stringify([...fields])} ${JSON.stringify(recordOf({ ...life, fields }).template)}`,
  );
};

const byUser = (life: Life, { key, value, by }: Extract<Op, { op: 'user' }>): Life => {
  const fields = new Map(life.fields);
  const users = new Map(life.users);
  if (value === undefined) {
    // Users take away what they wrote, and let ours be.
    if (!users.has(key)) return life;
    fields.delete(key);
    users.delete(key);
  } else if (fields.get(key)?.value !== value) {
    fields.set(key, { part: 'annotations', value, managers: [by] });
    users.set(key, value);
  }
  return { ...life, fields, users };
};

// A whole template of the past: what is other than in the present one changes hands, and nothing else does.
const undone = (life: Life, to: number): Life => {
  const target = life.past[to % Math.max(1, life.past.length)];
  if (!target) return life;
  const fields = new Map<string, Field>();
  for (const [key, { part, value }] of target.fields) {
    const present = life.fields.get(key);
    fields.set(key, present?.value === value ? present : { part, value, managers: ['kubectl'] });
  }
  return { ...life, fields, users: target.users };
};

const remarks = ['spotpolicy.dev/reason', 'spotpolicy.dev/last-applied'];
const telling = ({ fields }: Life): Values =>
  Object.fromEntries(
    [...fields].flatMap(([key, { value }]) => (remarks.includes(key) ? [] : [[key, value]])),
  );

describe('a template that is edited, governed and rolled back in any order', () => {
  test.prop([spec, fc.array(op, { maxLength: 12 })], { numRuns: 60 })(
    'is what its users wrote and its policy asks for today, without a conflict and without end of writing',
    (first, ops) => {
      let wishes: PolicyWishes['spec'] = first;
      let life = settled({ fields: new Map(), users: new Map(), past: [] }, wishes);
      for (const each of ops) {
        if (each.op === 'policy') wishes = each.spec;
        else life = each.op === 'user' ? byUser(life, each) : undone(life, each.to);
        life = settled(life, wishes);
        const fresh = new Map(
          [...life.users].map(([key, value]) => [
            key,
            { part: 'annotations' as const, value, managers: ['user'] },
          ]),
        );
        const anew = settled({ fields: fresh, users: life.users, past: [] }, wishes);
        expect(telling(life)).toEqual(telling(anew));
      }
      // Without its policy nothing of ours is left, whoever has brought it back.
      expect(telling(settled(life, undefined))).toEqual(Object.fromEntries(life.users));
    },
  );
});
