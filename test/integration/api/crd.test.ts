import { fc } from '@fast-check/vitest';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Cluster } from '../../../hack/cluster/cluster.ts';
import { RestError } from '../../../hack/cluster/client.ts';
import { objectSchema, policyKinds } from '../../../operator/api/crd.ts';
import { parseSpec } from '../../../operator/api/effective-spec.ts';
import { spotPolicyStatus } from '../../../operator/api/status.ts';
import type { SpotPolicyObject } from '../../../operator/api/spot-policy.ts';
import type { StructuralSchema } from '../../../operator/api/structural.ts';
import { anyClusterSpec, anySpec } from '../../builders/any-spec.ts';
import { aClusterPolicy, aPolicy, manifestOf, type PolicyWishes } from '../../builders/policy.ts';
import { wholeClusterStatus, wholeStatus } from '../../builders/status.ts';
import type { PolicyKindName } from '../../../operator/api/metadata.ts';
import { aNamespace, sharedCluster, waitFor } from '../harness/cluster.ts';
import { pathTo } from '../harness/objects.ts';
import { anOwnCluster } from '../harness/operator.ts';

const collection = (namespace: string): string =>
  `/apis/spotpolicy.dev/v1alpha1/namespaces/${namespace}/spotpolicies`;
const limited = (priceLimit?: string) => ({
  strategy: 'SpotWithPriceLimit' as const,
  priceLimit,
  fallback: { mode: 'Never' as const },
});

interface Cause {
  field: string;
  message: string;
}

/** What the API server has against an object of this spec; nothing is stored. */
const causesOf = async (spec: unknown, kind: PolicyKindName = 'SpotPolicy'): Promise<readonly Cause[]> => {
  const { admin } = await sharedCluster();
  const metadata = { name: 'web' };
  const manifest = { apiVersion: 'spotpolicy.dev/v1alpha1', kind, metadata, spec };
  try {
    await admin.post(`${pathTo(kind, 'default')}?dryRun=All`, manifest);
    return [];
  } catch (error) {
    if (!(error instanceof RestError) || error.status !== 422) throw error;
    return (error.body as { details: { causes: Cause[] } }).details.causes;
  }
};

const create = async (wishes: PolicyWishes & { namespace: string }): Promise<SpotPolicyObject> => {
  const { admin } = await sharedCluster();
  return admin.post<SpotPolicyObject>(collection(wishes.namespace), manifestOf(aPolicy(wishes)));
};

it.each(policyKinds)(
  'the definition of $names.kind is accepted, structural and within the cost budget of its rules',
  async ({ names }) => {
    const { admin } = await sharedCluster();
    const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${names.plural}.spotpolicy.dev`;
    const { status } = await admin.get<{ status: { conditions: { type: string; status: string }[] } }>(path);
    const conditions = Object.fromEntries(status.conditions.map(({ type, status: value }) => [type, value]));
    expect(conditions).toEqual({ NamesAccepted: 'True', Established: 'True' });
  },
);

describe('the API server refuses, with the field and what to do about it,', () => {
  it.each<[why: string, spec: PolicyWishes['spec'], field: string, words: RegExp]>([
    ['a missing price limit', limited(), 'spec.priceLimit', /needs the highest price/],
    [
      'a superfluous one',
      { priceLimit: '0.25' },
      'spec.priceLimit',
      /0\.25 counts only .* strategy is SpotAsPriceGo/,
    ],
    ['a price of zero', limited('0'), 'spec.priceLimit', /"0": must be above 0/],
    [
      'a price with four decimals',
      limited('0.1234'),
      'spec.priceLimit',
      /"0\.1234": must have at most 3 decimals/,
    ],
    ['a price with an exponent', limited('1e3'), 'spec.priceLimit', /"1e3": .*no exponent/],
    ['a negative price', limited('-1'), 'spec.priceLimit', /"-1": .*no sign/],
    [
      'a limit with the fallback left open',
      { ...limited('1'), fallback: {} },
      'spec.fallback.mode',
      /written out/,
    ],
    ['a policy without selector', { selector: undefined }, 'spec.selector', /must select something/],
    [
      'a label key with a blank',
      { selector: { matchLabels: { 'a b': '' } } },
      'spec.selector.matchLabels',
      /"a b" is not/,
    ],
    [
      'an unknown strategy',
      { strategy: 'Spot' as 'NoSpot' },
      'spec.strategy',
      /"Spot": supported values: "SpotAsPriceGo"/,
    ],
    [
      'a bad instance spec',
      { instanceSpecs: ['c6.large'] },
      'spec.instanceSpecs[0]',
      /"c6\.large": must be an ECS type/,
    ],
    ['six instance specs', { instanceSpecs: Array(6).fill('2-4Gi') }, 'spec.instanceSpecs', /at most 5/],
  ])('%s', async (_, spec, field, words) => {
    const causes = await causesOf(aPolicy({ spec }).spec);
    expect(causes).toContainEqual(expect.objectContaining({ field, message: expect.stringMatching(words) }));
  });
});

it('the API server and the operator accept the same specs', async () => {
  const agree = fc.asyncProperty(anySpec, async (spec) => {
    const causes = await causesOf(spec);
    expect({ ok: causes.length === 0, causes }).toMatchObject({ ok: parseSpec(spec).ok });
  });
  await fc.assert(agree, { numRuns: 400 });
});

it('so they do of policies of the cluster', async () => {
  const agree = fc.asyncProperty(anyClusterSpec, async (spec) => {
    const causes = await causesOf(spec, 'ClusterSpotPolicy');
    const { ok } = parseSpec(spec, 'ClusterSpotPolicy');
    expect({ ok: causes.length === 0, causes }).toMatchObject({ ok });
  });
  await fc.assert(agree, { numRuns: 200 });
});

it.each([
  ['namespaceSelector', /Required value/],
  ['selector', /where \{\} takes every pod/],
])('a policy of the cluster without %s is refused', async (field, words) => {
  const causes = await causesOf(aClusterPolicy({ spec: { [field]: undefined } }).spec, 'ClusterSpotPolicy');
  const message = expect.stringMatching(words);
  expect(causes).toContainEqual(expect.objectContaining({ field: `spec.${field}`, message }));
});

describe('a fresh policy', () => {
  it('shows that the operator has yet to look at it', async () => {
    const { status } = await create({ namespace: await aNamespace() });
    expect(status).toEqual(spotPolicyStatus.parse(undefined));
    expect(status?.conditions?.map(({ type, status: value }) => `${type}=${value}`)).toEqual([
      'Ready=Unknown',
      'Reconciling=True',
    ]);
  });

  it('is stored with the defaults of the objects that are there, and no others', async () => {
    const { spec } = await create({ namespace: await aNamespace(), spec: { interruption: {} } });
    expect(spec).toEqual({
      ...aPolicy().spec,
      ...{ mode: 'Enforce', priority: 0, durationHours: 1 },
      interruption: {
        evictor: 'Operator',
        surge: 'AsDoomed',
        jobPods: 'AtDeadline',
        onDeadline: 'Delete',
        failedPods: 'Delete',
      },
    });
  });
});

describe('where no operator writes the status', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await anOwnCluster();
  });
  const createHere = (wishes: PolicyWishes): Promise<SpotPolicyObject> =>
    cluster.admin.post(collection('default'), manifestOf(aPolicy({ ...wishes, namespace: 'default' })));

  const aClusterPolicyHere = async (): Promise<{ name: string }> => {
    const { metadata, ...policy } = aClusterPolicy();
    await cluster.admin.post(pathTo('ClusterSpotPolicy', ''), {
      ...policy,
      metadata: { name: metadata.name },
    });
    return metadata;
  };

  it('a status with every field is stored as written', async () => {
    await createHere({});
    const path = `${collection('default')}/web/status`;
    const { status } = await cluster.admin.patch<SpotPolicyObject>(path, { status: wholeStatus });
    expect(status).toEqual(wholeStatus);
  });

  it('so is one of a policy of the cluster', async () => {
    const { name } = await aClusterPolicyHere();
    const path = `${pathTo('ClusterSpotPolicy', '', name)}/status`;
    const { status } = await cluster.admin.patch<SpotPolicyObject>(path, { status: wholeClusterStatus });
    expect(status).toEqual(wholeClusterStatus);
  });

  it('kubectl shows the columns of a policy within 110 characters', async () => {
    const { admin, kubectl } = cluster;
    const namespace = await aNamespace({ cluster });
    const manifest = manifestOf(aPolicy({ namespace, name: 'checkout', spec: limited('0.25') }));
    await admin.post(collection(namespace), manifest);
    await admin.patch(`${collection(namespace)}/checkout/status`, { status: wholeStatus });
    const table = async (...options: string[]): Promise<string[]> =>
      (await kubectl(['get', 'spp', '-n', namespace, ...options])).stdout.trimEnd().split('\n');

    const lines = await table();
    expect(lines[0]?.split(/ +/)).toEqual([
      'NAME',
      'STRATEGY',
      'SPOT',
      'ON-DEMAND',
      'PENDING',
      'INTERRUPTING',
      'READY',
      'REASON',
      'AGE',
    ]);
    expect(lines[1]).toMatch(
      /^checkout +SpotWithPriceLimit +10000 +2000 +345 +3 +True +PartiallyOverridden +\d+s$/,
    );
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(110);

    const category = await kubectl(['get', 'spot', '-n', namespace]);
    expect(category.stdout).toContain('checkout');

    const [header, row] = await table('-o', 'wide');
    expect(header).toMatch(/AGE +MODE +PRICE +FALLBACK +OUTDATED +UNINJECTED +REVISION$/);
    expect(row).toMatch(/Enforce +0\.25 +Never +1 +2 +0123456789ab$/);
  });
});

describe('kubectl', () => {
  it.each(policyKinds)('explains every field of the spec of $names.kind', async (kind) => {
    const { kubectl } = await sharedCluster();
    const { spec } = objectSchema(kind).properties;
    const { singular } = kind.names;
    // The API server publishes the schema of a new definition a moment after it serves the objects.
    const { stdout: outline } = await waitFor('the published schema', () =>
      kubectl(['explain', `${singular}.spec`, '--recursive']),
    );
    const listed = outline.match(/^ +\w+\t</gm) ?? [];
    expect(listed).toHaveLength(objectsIn(spec, 'spec').flatMap(({ fields }) => fields).length);

    for (const { path, fields } of objectsIn(spec, 'spec')) {
      const { stdout } = await kubectl(['explain', `${singular}.${path}`]);
      const text = stdout.replaceAll(/\s+/g, ' ');
      expect(text).not.toContain('<no description>');
      for (const { description } of fields) expect(text).toContain(description);
    }
  });

  it.each<[what: string, spec: PolicyWishes['spec'], words: RegExp | undefined]>([
    [
      'a limit with a fallback at creation',
      { ...limited('0.25'), fallback: { mode: 'AtCreation' } },
      /priceLimit: 0\.25 is no cap/,
    ],
    ['sizes below 2 vCPU', { instanceSpecs: ['1.5-2Gi', '2-4Gi'] }, /below 2 vCPU.* 1\.5-2Gi$/m],
    [
      'a size of too little memory',
      { instanceSpecs: ['4-2Gi'] },
      /larger size.*: 4-2Gi \(probably to 4-4Gi\)$/m,
    ],
    ['a size between two', { instanceSpecs: ['3-6Gi'] }, /3-6Gi \(probably to 4-8Gi\)$/m],
    ['a size of much memory', { instanceSpecs: ['2-32Gi'] }, /2-32Gi \(probably to 4-32Gi\)$/m],
    [
      'several such sizes',
      { instanceSpecs: ['52-64Gi', '65-1Gi'] },
      /\(probably to 52-96Gi\), 65-1Gi \(none is that large\)$/m,
    ],
    [
      'a time for failed pods that are kept',
      { interruption: { failedPods: 'Keep', failedPodTTLSeconds: 3600 } },
      /failedPodTTLSeconds: 3600 means nothing/,
    ],
    [
      'a replacement before an eviction that the virtual node makes',
      { interruption: { evictor: 'VirtualNode', replacement: 'BeforeEviction' } },
      /replacement: BeforeEviction means nothing/,
    ],
    [
      'a share of which rounding leaves nothing to a single pod',
      { distribution: { spotPercentage: 90 } },
      /spotPercentage: 90 is rounded down for each workload: one of fewer than 2 pods/,
    ],
    [
      'a small share',
      { distribution: { spotPercentage: 33, onDemandBase: 1 } },
      /one of fewer than 4 pods above onDemandBase has none on spot/,
    ],
    ['nothing, where all or none is on spot', { distribution: { spotPercentage: 0 } }, undefined],
    ['nothing, where virtual nodes evict', { interruption: { evictor: 'VirtualNode' } }, undefined],
    ['nothing, where failed pods are kept', { interruption: { failedPods: 'Keep' } }, undefined],
    [
      'nothing, where nothing is odd',
      {
        interruption: { failedPodTTLSeconds: 60 },
        instanceSpecs: ['2.0-4.0Gi', 'ecs.c6.large'],
        ...limited('0.25'),
      },
      undefined,
    ],
  ])('warns of %s', async (_, spec, words) => {
    const { kubectl } = await sharedCluster();
    const manifest = JSON.stringify(manifestOf(aPolicy({ namespace: 'default', spec })));
    const warningsOf = async (text: string) =>
      (await kubectl(['create', '--dry-run=server', '-f', '-'], text)).stderr;
    // The API server takes a moment to follow the policy that warns; once it does, silence means something.
    const odd = JSON.stringify(
      manifestOf(aPolicy({ namespace: 'default', spec: { instanceSpecs: ['1-1Gi'] } })),
    );
    await waitFor('a warning that is sure to come', async () => (await warningsOf(odd)) !== '');
    const warnings = await warningsOf(manifest);
    if (words) expect(warnings).toMatch(words);
    else expect(warnings).toBe('');
  });
});

interface ExplainedObject {
  path: string;
  fields: StructuralSchema[];
}

/** The objects of a schema that have fields, as kubectl explain addresses them: through lists, and not through maps. */
const objectsIn = (node: StructuralSchema, path: string): ExplainedObject[] => {
  if (node.items) return objectsIn(node.items, path);
  const entries = Object.entries(node.properties ?? {});
  if (entries.length === 0) return [];
  const fields = entries.map(([, field]) => field);
  return [{ path, fields }, ...entries.flatMap(([name, field]) => objectsIn(field, `${path}.${name}`))];
};
