import { describe, expect, it } from 'vitest';
import { addressOf, admit } from '../../operator/admit.ts';
import { parseConfig } from '../../operator/config.ts';
import { createLog } from '../../operator/observe/log.ts';
import { createMetrics } from '../../operator/observe/metrics.ts';
import { precedence } from '../../operator/policy/rules.ts';
import { World } from '../../operator/world/world.ts';
import { noonMs } from '../builders/pod.ts';
import { aPolicy } from '../builders/policy.ts';
import { aNamespace, aWorld, put } from '../builders/world.ts';

const address = (...flags: string[]) => addressOf(parseConfig(flags, {}), 8443);

const admissionOf = (world: World, nowMs: () => number) =>
  admit(
    {
      world,
      config: parseConfig([], {}),
      metrics: createMetrics(),
      log: createLog('silent', 'spotpolicy-1'),
      nowMs,
      standing: { leads: () => false, leader: undefined },
    },
    { sealKey: () => '', bundlePem: () => '' },
  );

describe('where the other replica reaches this one', () => {
  it('is the address of the pod at the port of admission', () => {
    expect(address('--pod-address', '10.0.0.7')).toBe('10.0.0.7:8443');
    expect(address('--pod-address', 'fd00::7')).toBe('[fd00::7]:8443');
  });

  it('is the host of the webhook URL where there is no such address', () => {
    expect(address('--webhook-url', 'https://127.0.0.1:9443/mutate')).toBe('127.0.0.1:9443');
    expect(address('--webhook-url', 'https://hooks.example/mutate')).toBe('hooks.example:443');
  });

  it('is unknown where nobody has said', () => {
    expect(address()).toBeUndefined();
  });
});

it('decides about no pod before it knows policies, namespaces and pods: the failure policy does', async ({
  onTestFinished,
}) => {
  const world = new World(precedence);
  const admission = admissionOf(world, () => 0);
  onTestFinished(() => admission.close());
  const ask = () => admission.app.request('/mutate', { method: 'POST', body: '{}' });
  for (const kind of ['Pod', 'Namespace', 'SpotPolicy', 'ClusterSpotPolicy'] as const) {
    const answer = await ask();
    expect([answer.status, await answer.text()]).toEqual([503, expect.stringContaining(kind)]);
    world.apply(kind, { kind: 'synced' }, Date.now());
  }
  expect((await ask()).status).toBe(400);
});

it('keeps the place of an admitted pod while the world goes on', async ({ onTestFinished }) => {
  const distribution = { onDemandBase: 1, spotPercentage: 100 };
  const world = aWorld({ SpotPolicy: [aPolicy({ spec: { distribution } })] });
  const admission = admissionOf(world, () => noonMs);
  onTestFinished(() => admission.close());
  const capacityOf = async (uid: string): Promise<string> => {
    const object = { metadata: { generateName: 'web-', namespace: 'shop', labels: { app: 'web' } } };
    const request = { uid, operation: 'CREATE', namespace: 'shop', object };
    const body = JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request });
    const answer = await admission.app.request('/mutate', { method: 'POST', body });
    const { response } = (await answer.json()) as { response: { patch?: string } };
    return /"(on-demand|spot)"/.exec(atob(response.patch ?? ''))?.[1] ?? 'none';
  };
  const first = await capacityOf('first');
  put(world, 'Namespace', aNamespace('other'), noonMs);
  expect([first, await capacityOf('second')]).toEqual(['on-demand', 'spot']);
});
