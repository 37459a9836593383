import { Environment } from '@marcbachmann/cel-js';
import { describe, expect, it } from 'vitest';
import {
  coveredNamespaces,
  webhookConfiguration,
  type WebhookInputs,
} from '../../../operator/injection/webhook.ts';
import { ownedBy } from '../../builders/pod.ts';
import { aClusterPolicy, aPolicy } from '../../builders/policy.ts';
import { aNamespace, aWorld } from '../../builders/world.ts';

const inputs: WebhookInputs = {
  name: 'spotpolicy',
  endpoint: { service: { namespace: 'spot-system', name: 'spotpolicy' } },
  bundlePem: 'PEM',
  operatorNamespace: 'spot-system',
  owner: { apiVersion: 'v1', kind: 'Namespace', name: 'spot-system', uid: 'ns' },
};
const configuration = (more: Partial<WebhookInputs> = {}, namespaces = ['bank', 'shop']) =>
  webhookConfiguration(namespaces, { ...inputs, ...more });
const [webhook] = configuration().webhooks;

describe('the namespaces that admission covers', () => {
  const covered = (...policies: ReturnType<typeof aPolicy>[]): readonly string[] =>
    coveredNamespaces(aWorld({ SpotPolicy: policies }), 'spot-system');

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
        aNamespace('spot-system'),
      ],
    });
    expect(coveredNamespaces(world, 'spot-system')).toEqual(['shop']);
  });

  it('never include the operator’s own, nor kube-system', () => {
    expect(covered(aPolicy({ namespace: 'spot-system' }), aPolicy({ namespace: 'kube-system' }))).toEqual([]);
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
    const { controller: _, ...owner } = ownedBy('DaemonSet', 'agent');
    expect(holds(owner)).toBe(true);
  });
});
