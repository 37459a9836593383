import type { Access } from '../../../hack/cluster/access.ts';
import { RestError } from '../../../hack/cluster/client.ts';
import { waitFor } from './cluster.ts';
import { create, pathTo } from './objects.ts';

// What a probe may ask for without disturbing what is tested.
const probed = { services: '0' };

/**
 * Creates a ResourceQuota over what `hard` names, and resolves when the API server refuses by it. Its status is not
 * enough: admission learns of it a moment later, and neither refuses nor counts what is created until then.
 */
export const aQuotaInForce = async (
  { admin, namespace }: Pick<Access, 'admin'> & { readonly namespace: string },
  name: string,
  hard: Readonly<Record<string, string>>,
): Promise<void> => {
  const spec = { hard: { ...hard, ...probed } };
  await create(admin, namespace, { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name }, spec });
  const probe = { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { ports: [{ port: 80 }] } };
  await waitFor(`quota ${name} to be in force`, async () => {
    try {
      await admin.post(`${pathTo('Service', namespace)}?dryRun=All`, probe);
      return false;
    } catch (error) {
      if (error instanceof RestError && error.status === 403 && error.message.includes('exceeded quota'))
        return true;
      throw error;
    }
  });
};
