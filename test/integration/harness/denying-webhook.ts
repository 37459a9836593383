import type { Cluster } from '../../../hack/cluster/cluster.ts';
import { type ReviewServer, serveReviews } from './reviews.ts';

/** Somebody else's validating webhook, which denies every eviction in a namespace until it is told to allow them. */
export interface DenyingWebhook {
  /** How many evictions it was asked about. */
  asked(): number;
  allow(): void;
  stop(): Promise<void>;
}

const collection = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';

/** Starts the webhook; it denies with `message`, and with 429: drain tools try that again. */
export const startDenyingWebhook = async (
  cluster: Cluster,
  { namespace, message }: { namespace: string; message: string },
): Promise<DenyingWebhook> => {
  let asked = 0;
  let allowed = false;
  const answer = (body: string): object => {
    asked += 1;
    const { request } = JSON.parse(body) as { request: { uid: string } };
    const response = { uid: request.uid, allowed, ...(!allowed && { status: { code: 429, message } }) };
    return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response };
  };
  const server = await serveReviews(cluster, 'denying', answer);
  await cluster.admin.post(collection, configuration(namespace, server));
  return {
    asked: () => asked,
    allow: () => {
      allowed = true;
    },
    stop: async () => {
      await cluster.admin.delete(`${collection}/${namespace}`);
      await server.close();
    },
  };
};

const configuration = (namespace: string, { clientConfig }: ReviewServer): object => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingWebhookConfiguration',
  metadata: { name: namespace },
  webhooks: [
    {
      name: 'evictions.example.com',
      admissionReviewVersions: ['v1'],
      clientConfig,
      rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods/eviction'] }],
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
      failurePolicy: 'Fail',
      sideEffects: 'None',
    },
  ],
});
