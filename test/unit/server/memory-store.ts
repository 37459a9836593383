import type { CertificateData } from '../../../operator/server/certificate-data.ts';
import type { CertificateStore } from '../../../operator/server/certificate-store.ts';

/** One Secret in memory that refuses stale writes as the API server does, and counts those it accepts. */
export const aMemoryStore = (initial?: CertificateData) => {
  let stored = initial === undefined ? undefined : { resourceVersion: '1', data: initial };
  let writes = 0;
  const write = (data: CertificateData): 'written' => {
    writes += 1;
    stored = { resourceVersion: String(writes + 1), data };
    return 'written';
  };
  const store: CertificateStore = {
    read: () => Promise.resolve(stored),
    create: (data) => Promise.resolve(stored === undefined ? write(data) : 'conflict'),
    replace: (version, data) =>
      Promise.resolve(stored?.resourceVersion === version ? write(data) : 'conflict'),
  };
  return { store, writes: () => writes, data: () => stored?.data };
};
