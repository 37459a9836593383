import { readFile } from 'node:fs/promises';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import type { KeyPair } from './certificates.ts';

/** How a client proves who it is: by a certificate of the cluster's authority or by a ServiceAccount's token. */
export type Credentials = KeyPair | { token: string };

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** A kubeconfig with one cluster, user and context, everything inline, as YAML. */
export const renderKubeconfig = (of: {
  user: string;
  serverUrl: string;
  caCertificatePem: string;
  credentials: Credentials;
}): string =>
  stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'spotpolicy',
    contexts: [{ name: 'spotpolicy', context: { cluster: 'spotpolicy', user: of.user } }],
    clusters: [
      {
        name: 'spotpolicy',
        cluster: { server: of.serverUrl, 'certificate-authority-data': base64(of.caCertificatePem) },
      },
    ],
    users: [
      {
        name: of.user,
        user:
          'token' in of.credentials
            ? { token: of.credentials.token }
            : {
                'client-certificate-data': base64(of.credentials.certificatePem),
                'client-key-data': base64(of.credentials.keyPem),
              },
      },
    ],
  });

const decoded = z.string().transform((text) => Buffer.from(text, 'base64').toString());
const schema = z.object({
  clusters: z.tuple([
    z.object({ cluster: z.object({ server: z.url(), 'certificate-authority-data': decoded }) }),
  ]),
  users: z.tuple([
    z.object({ user: z.object({ 'client-certificate-data': decoded, 'client-key-data': decoded }) }),
  ]),
});

/** What it takes to call an API server with a client certificate. */
export type Connection = { serverUrl: string; caCertificatePem: string; credentials: KeyPair };

/** Reads a kubeconfig as `renderKubeconfig` writes it for a client certificate; throws, naming the file, on any other. */
export const readKubeconfig = async (path: string): Promise<Connection> => {
  const result = schema.safeParse(parse(await readFile(path, 'utf8')));
  if (!result.success)
    throw new Error(
      `${path}: not a kubeconfig of a cluster started here (one server, one user with an inline client ` +
        `certificate): ${z.prettifyError(result.error)}`,
    );
  const [{ cluster }] = result.data.clusters;
  const [{ user }] = result.data.users;
  return {
    serverUrl: cluster.server,
    caCertificatePem: cluster['certificate-authority-data'],
    credentials: { certificatePem: user['client-certificate-data'], keyPem: user['client-key-data'] },
  };
};
