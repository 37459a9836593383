import { Environment } from '@marcbachmann/cel-js';
import { describe, expect, it } from 'vitest';
import { coverageOf, webhookConfiguration, type WebhookInputs } from '../../../operator/injection/webhook.ts';
import { ownedBy } from '../../builders/pod.ts';
import { aClusterPolicy, aPolicy } from '../../builders/policy.ts';
import { aNamespace, aWorld } from '../../builders/world.ts';

const inputs: WebhookInputs = {
  name: 'spotpolicy',
  endpoint: { service: { namespace: 'spot-system', name: 'spotpolicy' } },
  bundlePem: 'PEM',
  timeoutSeconds: 2,
  owner: { apiVersion: 'v1', kind: 'Namespace', name: 'spot-system', uid: 'ns' },
};
const configuration = (more: Partial<WebhookInputs> = {}, fail: readonly string[] = []) =>
  webhookConfiguration({ ignore: ['bank', 'shop'], fail }, { ...inputs, ...more });
const [webhook] = configuration().webhooks;

describe('the namespaces that admission covers', () => {
  const covered = (...policies: ReturnType<typeof aPolicy>[]): readonly string[] =>
    coverageOf(aWorld({ SpotPolicy: policies })).ignore;

  it('are those with a policy that annotates at creation, sorted, each once', () => {
    expect(covered(aPolicy(), aPolicy({ name: 'too' }), aPolicy({ namespace: 'bank' }))).toEqual([
      'bank',
      'shop',
    ]);
  });

  it('are none where a policy is disabled, invalid or annotates nothing', () => {
    expect(
      covered(
        aPolicy({ spec: { mode: 'Disabled' } }),
        aPolicy({ namespace: 'bank', spec: { strategy: undefined } }),
        aPolicy({ namespace: 'depot', spec: { injection: { at: 'None' } } }),
      ),
    ).toEqual([]);
  });

  it('are those that a policy of the cluster takes, less the exempt and those that opt out', () => {
    const world = aWorld({
      ClusterSpotPolicy: [aClusterPolicy()],
      Namespace: [
        aNamespace('shop'),
        aNamespace('bank', { 'spotpolicy.dev/inject': 'false' }),
        aNamespace('kube-system'),
      ],
    });
    expect(coverageOf(world)).toEqual({ ignore: ['shop'], fail: [] });
  });

  it('never include an excluded one, as kube-system is', () => {
    expect(covered(aPolicy({ namespace: 'kube-system' }))).toEqual([]);
  });

  it('are told apart by whether any policy there wants pods refused while admission is away', () => {
    const strict = { injection: { whenUnavailable: 'Fail' } } as const;
    const policies = [
      aPolicy(),
      aPolicy({ name: 'strict', spec: strict }),
      aPolicy({ namespace: 'bank' }),
      aPolicy({ namespace: 'depot', spec: { ...strict, mode: 'DryRun' } }),
    ];
    expect(coverageOf(aWorld({ SpotPolicy: policies }))).toEqual({ ignore: ['bank'], fail: ['shop'] });
  });
});

describe('the webhook configuration', () => {
  it('selects these namespaces by the name that nobody can change, less those opted out', () => {
    expect(webhook?.namespaceSelector.matchExpressions).toEqual([
      { key: 'kubernetes.io/metadata.name', operator: 'In', values: ['bank', 'shop'] },
      { key: 'spotpolicy.dev/inject', operator: 'NotIn', values: ['false'] },
    ]);
  });

  it('is never in the way: it is ignored when it fails, within two seconds, and asked again', () => {
    expect(webhook).toMatchObject({
      failurePolicy: 'Ignore',
      timeoutSeconds: 2,
      reinvocationPolicy: 'IfNeeded',
      sideEffects: 'NoneOnDryRun',
    });
    expect(webhook).not.toHaveProperty('objectSelector');
  });

  it('refuses pods of the namespaces that ask for it, by an entry of their own whose name says so', () => {
    const [first, second, ...more] = configuration({}, ['vault']).webhooks;
    expect([first?.failurePolicy, more]).toEqual(['Ignore', []]);
    expect(second).toMatchObject({ name: 'required.pods.spotpolicy.dev', failurePolicy: 'Fail' });
    expect(second?.namespaceSelector.matchExpressions[0]?.values).toEqual(['vault']);
    expect(second?.matchConditions).toEqual(first?.matchConditions);
  });

  it('reaches the Service inside the cluster, a URL from outside', () => {
    expect(webhook?.clientConfig).toEqual({
      service: { namespace: 'spot-system', name: 'spotpolicy', path: '/mutate', port: 443 },
      caBundle: btoa('PEM'),
    });
    const url = 'https://192.0.2.1:9443/mutate';
    expect(configuration({ endpoint: { url } }).webhooks[0]?.clientConfig).toEqual({
      url,
      caBundle: btoa('PEM'),
    });
  });

  it('goes with the operator’s namespace, where that is known', () => {
    expect(configuration().metadata.ownerReferences).toEqual([inputs.owner]);
    expect(configuration({ owner: undefined }).metadata).not.toHaveProperty('ownerReferences');
  });
});

describe('its condition on owners', () => {
  const expression = webhook?.matchConditions.find(({ name }) => name === 'not-bound-to-a-node')?.expression;
  const environment = new Environment({ unlistedVariablesAreDyn: true });
  const holds = (...ownerReferences: object[]): unknown =>
    environment.evaluate(expression ?? '', { object: { metadata: { ownerReferences } } });

  it('holds for bare pods and for those of a workload', () => {
    expect(environment.evaluate(expression ?? '', { object: { metadata: {} } })).toBe(true);
    expect(holds(ownedBy('ReplicaSet', 'web-abc'))).toBe(true);
  });

  it('does not hold for pods that a DaemonSet or a node controls', () => {
    expect(holds(ownedBy('DaemonSet', 'agent'))).toBe(false);
    expect(holds(ownedBy('Node', 'n1'))).toBe(false);
    expect(holds({ ...ownedBy('DaemonSet', 'agent'), apiVersion: 'apps.kruise.io/v1alpha1' })).toBe(false);
    const { controller: _, ...owner } = ownedBy('DaemonSet', 'agent');
    expect(holds(owner)).toBe(true);
  });

  it('holds for pods of another kind of the same name', () => {
    expect(holds({ ...ownedBy('Node', 'n1'), apiVersion: 'chain.example.com/v1' })).toBe(true);
    expect(holds({ ...ownedBy('DaemonSet', 'agent'), apiVersion: 'example.com/v1' })).toBe(true);
  });
});
