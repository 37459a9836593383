import type { Pod } from 'kubernetes-types/core/v1.js';
import type { Cluster } from '../../../hack/cluster/cluster.ts';
import { type ReviewServer, serveReviews } from '../harness/reviews.ts';

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
  const seen: Pod[] = [];
  const answer = (body: string): object => {
    const { uid, object } = (JSON.parse(body) as Review).request;
    seen.push(object);
    const patch = [{ op: 'add', path: '/metadata/labels/foreign', value: name }];
    const response = { uid, allowed: true, patchType: 'JSONPatch', patch: btoa(JSON.stringify(patch)) };
    return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response };
  };
  const server = await serveReviews(cluster, 'foreign', answer);
  await cluster.admin.post(collection, configuration(name, namespace, server));
  return {
    seen,
    stop: async () => {
      await cluster.admin.delete(`${collection}/${name}`);
      await server.close();
    },
  };
};

const configuration = (name: string, namespace: string, { clientConfig }: ReviewServer): object => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'MutatingWebhookConfiguration',
  metadata: { name },
  webhooks: [
    {
      name: 'foreign.example.com',
      admissionReviewVersions: ['v1'],
      clientConfig,
      rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
      failurePolicy: 'Fail',
      reinvocationPolicy: 'Never',
      sideEffects: 'None',
    },
  ],
});
