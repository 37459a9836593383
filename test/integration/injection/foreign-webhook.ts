import { createServer } from 'node:https';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import type { Pod } from 'kubernetes-types/core/v1.js';
import type { Cluster } from '../../../hack/cluster/cluster.ts';
import { loadAuthority } from '../../../hack/cluster/certificates.ts';
import { freePort } from '../../../hack/cluster/ports.ts';

/** Somebody else's mutating webhook. */
export interface ForeignWebhook {
  /** The pods as they came to it, in order. */
  readonly seen: readonly Pod[];
  stop(): Promise<void>;
}

interface Review {
  readonly request: { readonly uid: string; readonly object: Pod };
}

const collection = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';

/**
 * Starts a webhook that puts the label `foreign` on every pod of a namespace. The API server asks webhooks in the order of
 * their configurations' names, and this one never again in the same admission.
 */
export const startForeignWebhook = async (
  cluster: Cluster,
  { name, namespace }: { name: string; namespace: string },
): Promise<ForeignWebhook> => {
  const authority = await loadAuthority(cluster.directory);
  const certificate = await authority.issueServer('foreign', { dns: [], ip: ['127.0.0.1'] });
  const seen: Pod[] = [];
  const answer = ({ request: { uid, object } }: Review): object => {
    seen.push(object);
    const patch = [{ op: 'add', path: '/metadata/labels/foreign', value: name }];
    const response = { uid, allowed: true, patchType: 'JSONPatch', patch: btoa(JSON.stringify(patch)) };
    return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response };
  };
  const server = createServer(
    { cert: certificate.certificatePem, key: certificate.keyPem },
    (request, response) => {
      void text(request).then((body) => response.end(JSON.stringify(answer(JSON.parse(body) as Review))));
    },
  );
  const port = await freePort();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  await cluster.admin.post(collection, configuration(name, namespace, port, cluster.caCertificatePem));
  return {
    seen,
    stop: async () => {
      await cluster.admin.delete(`${collection}/${name}`);
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

const configuration = (name: string, namespace: string, port: number, authorityPem: string): object => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'MutatingWebhookConfiguration',
  metadata: { name },
  webhooks: [
    {
      name: 'foreign.example.com',
      admissionReviewVersions: ['v1'],
      clientConfig: { url: `https://127.0.0.1:${port}/`, caBundle: btoa(authorityPem) },
      rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
      failurePolicy: 'Fail',
      reinvocationPolicy: 'Never',
      sideEffects: 'None',
    },
  ],
});
