import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Operation } from 'rfc6902';
import type { RestClient } from '../../hack/cluster/client.ts';
import { webhookConfiguration } from '../../operator/injection/webhook.ts';
import type { ServerCertificate } from '../../operator/server/listen.ts';
import { issueAuthority, issueServing } from '../../operator/server/x509.ts';

/** What the server is told: its certificate, and the patch to answer with. */
export interface LimitParts extends ServerCertificate {
  readonly patch: readonly Operation[] | undefined;
}

/** A webhook that admits everything. */
export interface Limit {
  /** How many reviews it has answered. */
  answered(): Promise<number>;
  end(): void;
}

const host = '127.0.0.1';
const lifetimeMs = 24 * 3_600_000;

/** A patch like ours, for pods that have labels and annotations. */
export const aPatch: readonly Operation[] = [
  ...Object.entries({
    'k8s.aliyun.com~1eci-spot-strategy': 'SpotAsPriceGo',
    'k8s.aliyun.com~1eci-spot-duration': '1',
    'k8s.aliyun.com~1eci-spot-fallback': 'true',
    'spotpolicy.dev~1policy': 'SpotPolicy/patched/policy-0',
    'spotpolicy.dev~1revision': '0123456789ab',
    'spotpolicy.dev~1reason': 'Policy',
    'spotpolicy.dev~1admission': `${'n'.repeat(12)}.${'e'.repeat(8)}.${'s'.repeat(43)}`,
  }).map(([key, value]) => ({ op: 'add' as const, path: `/metadata/annotations/${key}`, value })),
  { op: 'add', path: '/metadata/labels/spotpolicy.dev~1capacity', value: 'spot' },
];

/**
 * Starts a webhook for the pods of some namespaces that admits everything, with a patch where one is given. Its certificate
 * is of our own kind and its webhook configuration of our own shape.
 */
export const startLimit = async (
  admin: RestClient,
  namespaces: readonly string[],
  patch?: readonly Operation[],
): Promise<Limit> => {
  const nowMs = Date.now();
  const authority = await issueAuthority(nowMs, lifetimeMs);
  const { certificatePem, keyPem } = await issueServing(authority, [host], nowMs, lifetimeMs);
  const child = fork(join(import.meta.dirname, 'limit-server.ts'));
  const ask = async <T>(question: object): Promise<T> => {
    const answer = once(child, 'message');
    child.send(question);
    return ((await answer) as [T])[0];
  };
  const { port } = await ask<{ port: number }>({ certificatePem, keyPem, patch });
  const configuration = webhookConfiguration(
    { ignore: namespaces, fail: [] },
    {
      name: `limit-${namespaces.join('-')}`,
      endpoint: { url: `https://${host}:${port}/mutate` },
      bundlePem: authority.certificatePem,
      timeoutSeconds: 2,
      owner: undefined,
    },
  );
  await admin.post('/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations', configuration);
  return {
    answered: async () => (await ask<{ answered: number }>({})).answered,
    end: () => void child.kill(),
  };
};
