import { describe, expect, it } from 'vitest';
import { objectSchema, spotPolicy } from '../../../operator/api/crd.ts';
import { parseSpec } from '../../../operator/api/effective-spec.ts';
import { aSpec, type PolicyWishes } from '../../builders/policy.ts';
import { schemaJudge } from '../../builders/schema-judge.ts';

type Spec = PolicyWishes['spec'] | Record<string, unknown>;

const problemsOf = (spec: Spec) => {
  const parsed = parseSpec(aSpec(spec));
  return parsed.ok ? [] : parsed.problems;
};

const judge = schemaJudge(objectSchema(spotPolicy).properties.spec, 'spec');
const verdictOf = (spec: Spec) => judge(aSpec(spec));

const limited = (priceLimit: unknown) => ({
  strategy: 'SpotWithPriceLimit',
  priceLimit,
  fallback: { mode: 'Never' },
});
const expressions = (...matchExpressions: unknown[]) => ({ selector: { matchExpressions } });
const specs = (...instanceSpecs: string[]) => ({ instanceSpecs });
const target = { group: 'apps', kind: 'Deployment', name: 'web' };

const refused: readonly [why: string, spec: Spec, field: string, words: RegExp][] = [
  [
    'a policy that selects nothing',
    { selector: undefined },
    'spec.selector',
    /must select something.*targetRefs/,
  ],
  [
    'an empty list of targets alone',
    { selector: undefined, targetRefs: [] },
    'spec.selector',
    /must select something/,
  ],
  ['a missing strategy', { strategy: undefined }, 'spec.strategy', /SpotAsPriceGo.*injection\.at None/],
  [
    'a missing strategy with injection',
    { strategy: undefined, injection: { at: 'Pod' } },
    'spec.strategy',
    /choose/,
  ],
  ['an unknown strategy', { strategy: 'Spot' }, 'spec.strategy', /"Spot".*"SpotAsPriceGo"/],
  ['a missing price limit', limited(undefined), 'spec.priceLimit', /needs the highest price/],
  [
    'a superfluous price limit',
    { priceLimit: '0.25' },
    'spec.priceLimit',
    /0\.25 counts only with.*is SpotAsPriceGo/,
  ],
  [
    'a price limit without a strategy',
    { strategy: undefined, injection: { at: 'None' }, priceLimit: '0.25' },
    'spec.priceLimit',
    /strategy is not set/,
  ],
  ['a price of zero', limited('0'), 'spec.priceLimit', /"0": must be above 0/],
  ['a price of zero with decimals', limited('0.000'), 'spec.priceLimit', /above 0/],
  [
    'a price with four decimals',
    limited('0.1234'),
    'spec.priceLimit',
    /"0\.1234": must have at most 3 decimals/,
  ],
  [
    'a price with an exponent',
    limited('1e3'),
    'spec.priceLimit',
    /"1e3": must be a plain decimal.*no exponent/,
  ],
  ['a negative price', limited('-1'), 'spec.priceLimit', /no sign/],
  ['a price without digits before the dot', limited('.5'), 'spec.priceLimit', /plain decimal/],
  ['a price with a currency', limited('0.25 CNY'), 'spec.priceLimit', /no unit/],
  ['an empty price', limited(''), 'spec.priceLimit', /plain decimal/],
  ['a price that is not quoted', limited(0.25), 'spec.priceLimit', /0\.25: .*expected string/],
  ['a price longer than any', limited('1234567890.123'), 'spec.priceLimit', /12 characters/],
  [
    'a price limit with the fallback left open',
    { ...limited('0.25'), fallback: undefined },
    'spec.fallback.mode',
    /written out.*Never leaves it Pending/,
  ],
  [
    'a price limit with an empty fallback',
    { ...limited('0.25'), fallback: {} },
    'spec.fallback.mode',
    /written out/,
  ],
  [
    'a fallback with NoSpot',
    { strategy: 'NoSpot', fallback: { mode: 'Never' } },
    'spec.fallback',
    /nothing to fall back/,
  ],
  [
    'a distribution with NoSpot',
    { strategy: 'NoSpot', distribution: {} },
    'spec.distribution',
    /nothing to divide/,
  ],
  [
    'a distribution where nothing is injected',
    { injection: { at: 'None' }, distribution: { spotPercentage: 70 } },
    'spec.distribution',
    /injection\.at is None: use Pod/,
  ],
  [
    'a share of more than everything',
    { distribution: { spotPercentage: 101 } },
    'spec.distribution.spotPercentage',
    /100/,
  ],
  ['a negative base', { distribution: { onDemandBase: -1 } }, 'spec.distribution.onDemandBase', /0/],
  [
    'an instance type without its prefix',
    specs('c6.large'),
    'spec.instanceSpecs[0]',
    /"c6\.large": must be an ECS type/,
  ],
  ['a size without its unit', specs('2-4Gi', '2-4'), 'spec.instanceSpecs[1]', /2 vCPU with 4 GiB/],
  ['a size with blanks', specs('2 - 4Gi'), 'spec.instanceSpecs[0]', /must be an ECS type/],
  ['six instance specs', specs(...Array<string>(6).fill('2-4Gi')), 'spec.instanceSpecs', /5 items/],
  ['three hours of protection', { durationHours: 3 }, 'spec.durationHours', /3: .*<=1/],
  ['a priority out of bounds', { priority: 1001 }, 'spec.priority', /1001: .*<=1000/],
  ['a fraction as priority', { priority: 1.5 }, 'spec.priority', /1\.5: .*int/],
  ['an unknown mode', { mode: 'Observe' }, 'spec.mode', /"Observe".*"Enforce"/],
  ['injection elsewhere', { injection: { at: 'Node' } }, 'spec.injection.at', /"Pod"\|"Workload"\|"None"/],
  [
    'an evictor that there is not',
    { interruption: { evictor: 'Node' } },
    'spec.interruption.evictor',
    /"Operator"\|"VirtualNode"\|"None"/,
  ],
  [
    'a target without group',
    { targetRefs: [{ kind: 'Pod', name: 'a' }] },
    'spec.targetRefs[0].group',
    /expected string/,
  ],
  [
    'a target with a version',
    { targetRefs: [{ ...target, group: 'apps/v1' }] },
    'spec.targetRefs[0].group',
    /without its version/,
  ],
  [
    'a target without name',
    { targetRefs: [{ ...target, name: '' }] },
    'spec.targetRefs[0].name',
    /name of an object/,
  ],
  [
    'a target with a plural',
    { targetRefs: [{ ...target, kind: 'deployments.apps' }] },
    'spec.targetRefs[0].kind',
    /kind such as/,
  ],
  ['17 targets', { targetRefs: Array.from({ length: 17 }, () => target) }, 'spec.targetRefs', /16 items/],
  [
    'a label key with a blank',
    { selector: { matchLabels: { app: 'web', 'bad key': 'x' } } },
    'spec.selector.matchLabels',
    /"bad key" is not a label key/,
  ],
  [
    'a label value with a blank',
    { selector: { matchLabels: { app: 'a b' } } },
    'spec.selector.matchLabels.app',
    /"a b": must be a label value/,
  ],
  [
    '17 labels',
    {
      selector: {
        matchLabels: Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`l${index}`, ''])),
      },
    },
    'spec.selector.matchLabels',
    /at most 16 labels/,
  ],
  [
    'In without values',
    expressions({ key: 'a', operator: 'In' }),
    'spec.selector.matchExpressions[0].values',
    /In compares with a list/,
  ],
  [
    'NotIn with no value',
    expressions({ key: 'a', operator: 'NotIn', values: [] }),
    'spec.selector.matchExpressions[0].values',
    /NotIn compares/,
  ],
  [
    'Exists with values',
    expressions({ key: 'a', operator: 'Exists', values: ['b'] }),
    'spec.selector.matchExpressions[0].values',
    /remove the values/,
  ],
  [
    'an operator of nodes',
    expressions({ key: 'a', operator: 'Gt', values: ['1'] }),
    'spec.selector.matchExpressions[0].operator',
    /"Gt".*"In"/,
  ],
  [
    'a key whose name is too long',
    expressions({ key: 'x'.repeat(64), operator: 'Exists' }),
    'spec.selector.matchExpressions[0].key',
    /must be a label key/,
  ],
  [
    'a label whose name is too long',
    { selector: { matchLabels: { [`a/${'x'.repeat(64)}`]: '' } } },
    'spec.selector.matchLabels',
    /is not a label key/,
  ],
  [
    'a label whose prefix is too long',
    { selector: { matchLabels: { [`${'x'.repeat(254)}/a`]: '' } } },
    'spec.selector.matchLabels',
    /is not a label key/,
  ],
  [
    'a label value that is too long',
    { selector: { matchLabels: { a: 'x'.repeat(64) } } },
    'spec.selector.matchLabels.a',
    /63 characters/,
  ],
  [
    'a key whose prefix is too long',
    expressions({ key: `${'x'.repeat(254)}/a`, operator: 'Exists' }),
    'spec.selector.matchExpressions[0].key',
    /must be a label key/,
  ],
  [
    'a template whose fields would be taken from others',
    { injection: { at: 'Workload', existing: 'Overwrite' } },
    'spec.injection.existing',
    /takes no field of a template from whoever wrote it/,
  ],
];

describe('a spec is refused, with its field and what to do about it, for', () => {
  it.each(refused)('%s', (_, spec, field, words) => {
    expect(problemsOf(spec)).toEqual([{ field, message: expect.stringMatching(words) }]);
  });
});

describe('the generated schema refuses', () => {
  it.each(refused)('%s', (_, spec) => {
    const { structure, rules } = verdictOf(spec);
    expect(structure.length > 0 || rules.length === 1).toBe(true);
  });
});

const accepted: readonly [what: string, spec: Spec][] = [
  ['a selector that takes everything', { selector: {} }],
  [
    'targets without a selector',
    { selector: undefined, targetRefs: [{ group: '', kind: 'Pod', name: 'a.b' }] },
  ],
  ['no strategy where nothing is injected', { strategy: undefined, injection: { at: 'None' } }],
  ['templates of workloads', { injection: { at: 'Workload', scheduling: 'VirtualNode' } }],
  ['a limit of a thousandth', limited('0.001')],
  ['a limit with its zeros', limited('0.250')],
  ['NoSpot', { strategy: 'NoSpot' }],
  ['the bounds of a distribution', { distribution: { onDemandBase: 10_000, spotPercentage: 0 } }],
  ['both kinds of instance specs', specs('ecs.t5-c1m2.large', '2-4Gi', '1.5-3.5Gi')],
  [
    'a label key with a prefix, and an empty value',
    { selector: { matchLabels: { 'example.com/Tier_1': '' } } },
  ],
  [
    'a label key of the greatest length',
    expressions({ key: `${'x'.repeat(253)}/${'y'.repeat(63)}`, operator: 'Exists' }),
  ],
  [
    'an expression that asks for the key alone',
    expressions({ key: 'a', operator: 'DoesNotExist', values: [] }),
  ],
];

it.each(accepted)('a spec is accepted with %s', (_, spec) => {
  expect(problemsOf(spec)).toEqual([]);
  expect(verdictOf(spec)).toEqual({ structure: [], rules: [] });
});

it('every problem of a spec is told at once', () => {
  const fields = problemsOf({ strategy: 'SpotWithPriceLimit', priceLimit: '-1', selector: undefined }).map(
    ({ field }) => field,
  );
  expect(fields.toSorted()).toEqual(['spec.fallback.mode', 'spec.priceLimit', 'spec.selector']);
});

it.each([undefined, null, 'x', []])('a spec that is no object is refused and not thrown at (%j)', (spec) => {
  expect(parseSpec(spec)).toEqual({
    ok: false,
    problems: [{ field: 'spec', message: expect.stringMatching(/object/) }],
  });
});
