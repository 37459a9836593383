import { once } from 'node:events';
import { createServer } from 'node:https';
import { text } from 'node:stream/consumers';
import { loadAuthority } from '../../../hack/cluster/certificates.ts';
import type { Cluster } from '../../../hack/cluster/cluster.ts';
import { freePort } from '../../../hack/cluster/ports.ts';

/** Somebody else's webhook server, which the API server of a cluster trusts. */
export interface ReviewServer {
  /** What a webhook configuration says of it. */
  readonly clientConfig: { readonly url: string; readonly caBundle: string };
  close(): Promise<unknown>;
}

/** Starts a server that answers each AdmissionReview with what `answer` makes of its text. */
export const serveReviews = async (
  cluster: Pick<Cluster, 'directory' | 'caCertificatePem'>,
  name: string,
  answer: (body: string) => object,
): Promise<ReviewServer> => {
  const authority = await loadAuthority(cluster.directory);
  const certificate = await authority.issueServer(name, { dns: [], ip: ['127.0.0.1'] });
  const server = createServer(
    { cert: certificate.certificatePem, key: certificate.keyPem },
    (request, response) => {
      void text(request).then((body) => response.end(JSON.stringify(answer(body))));
    },
  );
  const port = await freePort();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    clientConfig: { url: `https://127.0.0.1:${port}/`, caBundle: btoa(cluster.caCertificatePem) },
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
};
