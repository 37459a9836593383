import { readKubeconfig } from '../../../hack/cluster/kubeconfig.ts';
import { openConnections } from '../connections.ts';

// The least that a process must do to know the pods and policies of a cluster: it lists them page by page, as the operator
// does, and keeps nothing. A process of its own, as new as the operator.

const pageLimit = 500;
const collections = ['/api/v1/pods', '/apis/spotpolicy.dev/v1alpha1/spotpolicies'];

const connections = openConnections(await readKubeconfig(process.argv[2] ?? ''), collections.length);
const startMs = performance.now();
await Promise.all(
  collections.map(async (collection) => {
    let token = '';
    do {
      const path = `${collection}?limit=${pageLimit}&continue=${encodeURIComponent(token)}`;
      const { text } = await connections.send({ method: 'GET', path });
      token = (JSON.parse(text) as { metadata: { continue?: string } }).metadata.continue ?? '';
    } while (token !== '');
  }),
);
process.send?.({ tookMs: performance.now() - startMs });
await connections.close();
process.disconnect();
