import { readKubeconfig } from '../../../hack/cluster/kubeconfig.ts';
import { resources } from '../../../operator/kube/resources.ts';
import { objectsPerPage } from '../../../operator/runtime/list-watch.ts';
import { forEach, openConnections } from '../connections.ts';

// The least that a process must do to know a cluster: it lists what the operator lists, all kinds at once and each page by
// page, parses it and keeps nothing. A process of its own, as new as the operator.

const collections = Object.values(resources)
  .filter(({ verbs, subresource }) => 'watch' in verbs && subresource === undefined)
  .map(({ group, version, plural }) =>
    group === '' ? `/api/${version}/${plural}` : `/apis/${group}/${version}/${plural}`,
  );

const connections = openConnections(await readKubeconfig(process.argv[2] ?? ''), collections.length);
const startMs = performance.now();
await forEach(
  collections,
  async (collection) => {
    let token = '';
    do {
      const path = `${collection}?limit=${objectsPerPage}&continue=${encodeURIComponent(token)}`;
      const { text } = await connections.send({ method: 'GET', path });
      token = (JSON.parse(text) as { metadata: { continue?: string } }).metadata.continue ?? '';
    } while (token !== '');
  },
  collections.length,
);
process.send?.({ tookMs: performance.now() - startMs });
await connections.close();
process.disconnect();
