import { once } from 'node:events';
import { createServer } from 'node:https';
import { text } from 'node:stream/consumers';
import { loadAuthority } from '../../../hack/cluster/certificates.ts';
import type { Cluster } from '../../../hack/cluster/cluster.ts';
import { freePort } from '../../../hack/cluster/ports.ts';

/** Somebody else's validating webhook, which denies every eviction in a namespace until it is told to allow them. */
export interface DenyingWebhook {
  /** How many evictions it was asked about. */
  asked(): number;
  allow(): void;
  stop(): Promise<void>;
}

const collection = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';

/** Starts the webhook; it denies with `message`. */
export const startDenyingWebhook = async (
  cluster: Cluster,
  { namespace, message }: { namespace: string; message: string },
): Promise<DenyingWebhook> => {
  const authority = await loadAuthority(cluster.directory);
  const certificate = await authority.issueServer('denying', { dns: [], ip: ['127.0.0.1'] });
  let asked = 0;
  let allowed = false;
  const answer = (body: string): object => {
    asked += 1;
    const { request } = JSON.parse(body) as { request: { uid: string } };
    const response = { uid: request.uid, allowed, ...(!allowed && { status: { message } }) };
    return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response };
  };
  const server = createServer(
    { cert: certificate.certificatePem, key: certificate.keyPem },
    (request, response) => {
      void text(request).then((body) => response.end(JSON.stringify(answer(body))));
    },
  );
  const port = await freePort();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  await cluster.admin.post(collection, configuration(namespace, port, cluster.caCertificatePem));
  return {
    asked: () => asked,
    allow: () => {
      allowed = true;
    },
    stop: async () => {
      await cluster.admin.delete(`${collection}/${namespace}`);
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

const configuration = (namespace: string, port: number, authorityPem: string): object => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingWebhookConfiguration',
  metadata: { name: namespace },
  webhooks: [
    {
      name: 'evictions.example.com',
      admissionReviewVersions: ['v1'],
      clientConfig: { url: `https://127.0.0.1:${port}/`, caBundle: btoa(authorityPem) },
      rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods/eviction'] }],
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
      failurePolicy: 'Fail',
      sideEffects: 'None',
    },
  ],
});
