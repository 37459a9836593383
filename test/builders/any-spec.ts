import { fc } from '@fast-check/vitest';

const word = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?$/);
const labelKey = fc.oneof(
  word,
  fc.tuple(word, word).map(([prefix, name]) => `${prefix}.io/${name}`),
);
const sometimes = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

const requirement = fc.oneof(
  fc.record({
    key: labelKey,
    operator: fc.constantFrom('In', 'NotIn'),
    values: fc.array(word, { minLength: 1, maxLength: 3 }),
  }),
  fc.record({
    key: labelKey,
    operator: fc.constantFrom('Exists', 'DoesNotExist'),
    values: sometimes(fc.constant([])),
  }),
);

const selector = fc.record({
  matchLabels: sometimes(fc.dictionary(labelKey, word, { maxKeys: 4 })),
  matchExpressions: sometimes(fc.array(requirement, { maxLength: 3 })),
});

const targetRef = fc.record({
  group: fc.constantFrom('', 'apps', 'batch', 'serving.knative.dev'),
  kind: fc.constantFrom('Pod', 'Deployment', 'Job', 'Service'),
  name: word,
});

const price = fc
  .tuple(fc.nat({ max: 99 }), fc.integer({ min: 1, max: 999 }))
  .map(([whole, thousandths]) => `${whole}.${String(thousandths).padStart(3, '0')}`);

const instanceSpec = fc.oneof(
  word.map((family) => `ecs.${family}.large`),
  fc
    .tuple(fc.integer({ min: 1, max: 64 }), fc.integer({ min: 1, max: 512 }))
    .map(([vcpu, memory]) => `${vcpu}-${memory}Gi`),
);

const targetRefs = (minLength: number) => fc.array(targetRef, { minLength, maxLength: 3 });
const selection = fc.oneof(
  fc.record({ selector, targetRefs: sometimes(targetRefs(0)) }),
  fc.record({ targetRefs: targetRefs(1) }),
);

const mode = fc.constantFrom('AtCreation', 'Never');
const scheduling = { scheduling: sometimes(fc.constantFrom('AsIs', 'VirtualNode')) };
const injection = {
  existing: sometimes(fc.constantFrom('Keep', 'Overwrite')),
  whenUnavailable: sometimes(fc.constantFrom('Ignore', 'Fail')),
  ...scheduling,
};
const anywhere = {
  injection: sometimes(
    fc.oneof(
      fc.record({ at: sometimes(fc.constantFrom('Pod', 'None')), ...injection }),
      fc.record({ at: fc.constant('Workload'), existing: sometimes(fc.constant('Keep')), ...scheduling }),
    ),
  ),
};
const fallback = sometimes(fc.record({ mode: sometimes(mode) }));
const divided = {
  distribution: fc.record({
    onDemandBase: sometimes(fc.integer({ min: 0, max: 10_000 })),
    spotPercentage: sometimes(fc.integer({ min: 0, max: 100 })),
  }),
  injection: sometimes(fc.record({ at: sometimes(fc.constant('Pod')), ...injection })),
};
const limited = {
  strategy: fc.constant('SpotWithPriceLimit'),
  priceLimit: price,
  fallback: fc.record({ mode }),
};
const purchase = fc.oneof(
  fc.record({ strategy: fc.constant('SpotAsPriceGo'), fallback, ...anywhere }),
  fc.record({ strategy: fc.constant('SpotAsPriceGo'), fallback, ...divided }),
  fc.record({ ...limited, ...anywhere }),
  fc.record({ ...limited, ...divided }),
  fc.record({ strategy: fc.constant('NoSpot'), ...anywhere }),
  fc.record({ injection: fc.record({ at: fc.constant('None'), ...injection }), fallback }),
);

/** Specs that are right in every respect. */
const rightSpec = fc
  .tuple(
    selection,
    purchase,
    fc.record({
      mode: sometimes(fc.constantFrom('Enforce', 'DryRun', 'Disabled')),
      priority: sometimes(fc.integer({ min: -1000, max: 1000 })),
      durationHours: sometimes(fc.integer({ min: 0, max: 1 })),
      instanceSpecs: sometimes(fc.array(instanceSpec, { maxLength: 5 })),
      spark: sometimes(fc.record({ driver: sometimes(fc.constantFrom('OnDemand', 'Spot')) })),
      interruption: sometimes(
        fc.record({
          evictor: sometimes(fc.constantFrom('Operator', 'VirtualNode', 'None')),
          surge: sometimes(fc.constantFrom('AsDoomed', 'AsWorkload')),
          jobPods: sometimes(fc.constantFrom('AtDeadline', 'Immediately', 'Never')),
          onDeadline: sometimes(fc.constantFrom('Delete', 'Leave')),
          failedPods: sometimes(fc.constantFrom('Delete', 'Keep')),
          failedPodTTLSeconds: sometimes(fc.integer({ min: 0, max: 604_800 })),
        }),
      ),
    }),
  )
  // Through JSON, which drops what is undefined.
  .map((parts) => JSON.parse(JSON.stringify(Object.assign({}, ...parts))) as JsonObject);

type JsonObject = { [field: string]: Json };
type Json = string | number | boolean | Json[] | JsonObject;

// What people write by mistake, and the edges of every bound. No null: the API server reads it as an absent field before
// anything is checked, so no stored policy has one.
const general: readonly Json[] = [
  ...[
    '',
    ' ',
    'a\n',
    'ü',
    '💸',
    'Web',
    'web_1',
    'a/b/c',
    'a..b',
    '/a',
    '0',
    'None',
    'Keep',
    'Exists',
    'NotIn',
  ],
  ...[63, 64, 253, 254, 317, 318].map((length) => 'x'.repeat(length)),
  ...[253, 254].flatMap((length) => [`${'x'.repeat(length)}/a`, `a/${'x'.repeat(length - 190)}`]),
  ...[-1, 0, 1, 2, 1.5, true, [], {}, ['x'], { x: 'y' }, { mode: 'Never' }],
];
const byField: Readonly<Record<string, readonly Json[]>> = {
  priceLimit: ['', '0.25 CNY', ...'0 0.000 00.1 1e3 -1 .5 1. 0.1234 12345678.123 123456789.123'.split(' ')],
  instanceSpecs: ['2 - 4Gi', ...'2-4 2-4GiB 1.5-3Gi ecs.c6 ecs.C6.large ecs.c6.large,2-4Gi'.split(' ')],
  strategy: ['SpotAsPriceGo', 'SpotWithPriceLimit', 'NoSpot', 'spotAsPriceGo'],
  at: ['Pod', 'Workload', 'None', 'Template'],
  existing: ['Keep', 'Overwrite'],
  operator: ['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt'],
  priority: [-1001, -1000, 1000, 1001, 2 ** 31],
  onDemandBase: [-1, 0, 0.5, 10_000, 10_001, '3'],
  spotPercentage: [-1, 0, 33.3, 100, 101, '70%'],
};

type Mistake = (parent: Json[] | JsonObject, at: string, value: Json) => void;

const put: Mistake = (parent, at, value) => Object.assign(parent, { [at]: value });
const drop: Mistake = (parent, at) => {
  if (Array.isArray(parent)) parent.splice(Number(at), 1);
  else delete parent[at];
};
const rename: Mistake = (parent, at, value) => {
  if (Array.isArray(parent)) return;
  const entry = parent[at];
  delete parent[at];
  if (entry !== undefined) Object.assign(parent, { [String(value)]: entry });
};
const multiply: Mistake = (parent, at) => {
  const entry = Array.isArray(parent) ? parent[Number(at)] : parent[at];
  if (!Array.isArray(entry)) return;
  while (entry.length > 0 && entry.length < 33) entry.push(...structuredClone(entry));
};

interface Place {
  parent: Json[] | JsonObject;
  at: string;
  /** The nearest name above, as items of a list have none. */
  field: string;
}

const placesIn = (parent: Json, above = ''): Place[] =>
  typeof parent !== 'object'
    ? []
    : Object.entries(parent).flatMap(([at, entry]) => {
        const field = Array.isArray(parent) ? above : at;
        return [{ parent, at, field }, ...placesIn(entry, field)];
      });

const mistaken = (right: fc.Arbitrary<JsonObject>) =>
  fc
    .tuple(right, fc.constantFrom(put, put, drop, rename, multiply), fc.nat(), fc.nat())
    .map(([right, make, where, what]) => {
      const spec = structuredClone(right);
      const places = placesIn(spec);
      const place = places[where % places.length];
      if (!place) return spec;
      const values = what % 3 === 0 ? general : (byField[place.field] ?? general);
      make(place.parent, place.at, structuredClone(values[what % values.length] ?? ''));
      return spec;
    });

/** Specs in which one field comes from another spec, or is missing as it is there: right alone, wrong together. */
const mixed = (right: fc.Arbitrary<JsonObject>) =>
  fc
    .tuple(
      right,
      right,
      fc.constantFrom(
        'selector',
        'strategy',
        'priceLimit',
        'fallback',
        'distribution',
        'injection',
        'namespaceSelector',
      ),
    )
    .map(([spec, other, field]): Json => {
      const { [field]: _, ...rest } = spec;
      const taken = other[field];
      return taken === undefined ? rest : { ...rest, [field]: taken };
    });

const specsLike = (right: fc.Arbitrary<JsonObject>): fc.Arbitrary<Json> =>
  fc.oneof(right, { arbitrary: mistaken(right), weight: 3 }, { arbitrary: mixed(right), weight: 2 });

const rightClusterSpec = fc
  .tuple(rightSpec, selector, selector, sometimes(fc.constantFrom('Defaults', 'Overrides')))
  .map(([{ targetRefs: _, ...spec }, pods, namespaceSelector, precedence]) => {
    const scope = { selector: pods, namespaceSelector, precedence };
    return JSON.parse(JSON.stringify({ ...spec, ...scope })) as JsonObject;
  });

/** Specs as users write them: some right, some with one mistake, some with fields that may not go together. */
export const anySpec: fc.Arbitrary<Json> = specsLike(rightSpec);

/** Specs of a policy of the cluster, likewise. */
export const anyClusterSpec: fc.Arbitrary<Json> = specsLike(rightClusterSpec);
