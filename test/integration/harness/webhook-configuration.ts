import type { MutatingWebhookConfiguration } from 'kubernetes-types/admissionregistration/v1.js';
import type { Access } from '../../../hack/cluster/access.ts';
import { RestError } from '../../../hack/cluster/client.ts';

const collection = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';

/** The path of the configuration that the operator owns. */
export const webhookPath = `${collection}/spotpolicy`;

/** The configuration that the operator owns, undefined where there is none. */
export const readWebhook = async (
  admin: Access['admin'],
): Promise<MutatingWebhookConfiguration | undefined> => {
  try {
    return await admin.get<MutatingWebhookConfiguration>(webhookPath);
  } catch (error) {
    if (error instanceof RestError && error.status === 404) return undefined;
    throw error;
  }
};

/** The namespaces whose pods the API server sends to admission; none without a configuration. */
export const sentNamespaces = async (admin: Access['admin']): Promise<readonly string[]> => {
  const expressions = (await readWebhook(admin))?.webhooks?.[0]?.namespaceSelector?.matchExpressions ?? [];
  return expressions.find(({ key }) => key === 'kubernetes.io/metadata.name')?.values ?? [];
};

/** The certificates, PEM, by which the API server trusts admission. */
export const bundleOf = async (admin: Access['admin']): Promise<string> => {
  const bundle = (await readWebhook(admin))?.webhooks?.[0]?.clientConfig.caBundle;
  if (bundle === undefined) throw new Error('there is no webhook configuration with a caBundle yet');
  return Buffer.from(bundle, 'base64').toString();
};
