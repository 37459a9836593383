import { isConflict, isNotFound } from '../kube/errors.ts';
import type { Kube } from '../kube/kube.ts';
import { resources } from '../kube/resources.ts';
import type { KubeObject } from '../kube/types.ts';
import type { CertificateData } from './certificate-data.ts';
import type { CertificateStore } from './certificate-store.ts';
import { certificateSecretName as name } from './certificates.ts';

/** The store in the Secret of the operator's own namespace, written as `fieldManager`. Throws KubeError for anything but a lost race. */
export const certificateSecret = (kube: Kube, namespace: string, fieldManager: string): CertificateStore => {
  const { secrets } = resources;
  const body = (data: CertificateData, resourceVersion?: string) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace, ...(resourceVersion !== undefined && { resourceVersion }) },
    data: recode(data, (text) => Buffer.from(text).toString('base64')),
  });
  return {
    read: async () => {
      try {
        const secret = await kube.get<KubeObject & { data?: CertificateData }>(secrets, { namespace, name });
        const data = recode(secret.data ?? {}, (text) => Buffer.from(text, 'base64').toString());
        return { resourceVersion: secret.metadata.resourceVersion, data };
      } catch (error) {
        if (isNotFound(error)) return undefined;
        throw error;
      }
    },
    create: (data) => orConflict(kube.create(secrets, body(data), { namespace, fieldManager })),
    replace: (resourceVersion, data) =>
      orConflict(kube.replace(secrets, { namespace, name }, body(data, resourceVersion), { fieldManager })),
  };
};

const recode = (data: CertificateData, code: (text: string) => string): CertificateData =>
  Object.fromEntries(Object.entries(data).map(([key, text]) => [key, code(text)]));

const orConflict = async (write: Promise<unknown>): Promise<'written' | 'conflict'> => {
  try {
    await write;
    return 'written';
  } catch (error) {
    if (isConflict(error) || isNotFound(error)) return 'conflict';
    throw error;
  }
};
