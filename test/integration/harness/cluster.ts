import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { accessTo, type Access, type ClusterData } from '../../../hack/cluster/access.ts';
import type { Binaries } from '../../../hack/cluster/toolchain.ts';
import { waitFor } from '../../../hack/cluster/wait-for.ts';
import { atEndOfFile } from './endings.ts';

export { waitFor };

declare module 'vitest' {
  interface ProvidedContext {
    binaries: Binaries;
    cluster: ClusterData;
  }
}

let shared: Promise<Access> | undefined;

/** The one cluster that all test files of a run share; a test that kills parts of a cluster starts its own. */
export const sharedCluster = (): Promise<Access> => (shared ??= accessTo(inject('cluster')));

/**
 * A namespace for one test, in which pods can be created, with labels of its own; after the last test of the file its
 * deletion is begun. `cluster` is another than the shared one.
 */
export const aNamespace = async (
  options: { labels?: Record<string, string>; cluster?: Pick<Access, 'admin'> } = {},
): Promise<string> => {
  const { admin } = options.cluster ?? (await sharedCluster());
  const name = `test-${randomBytes(4).toString('hex')}`;
  const metadata = { name, labels: options.labels ?? {} };
  await admin.post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata });
  // Own clusters end as a whole.
  if (options.cluster === undefined)
    atEndOfFile(() => admin.delete(`/api/v1/namespaces/${name}`).catch(() => {}));
  // Admission refuses pods until the controller manager has made it.
  const account = `/api/v1/namespaces/${name}/serviceaccounts/default`;
  await waitFor(`the default ServiceAccount of ${name}`, () => admin.get(account));
  return name;
};
