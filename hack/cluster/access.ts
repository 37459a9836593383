import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadAuthority } from './certificates.ts';
import { openClient, type RestClient } from './client.ts';
import { readKubeconfig, renderKubeconfig, type Credentials } from './kubeconfig.ts';
import type { Binaries } from './toolchain.ts';

/** Where a cluster is, as plain data: it can be handed to another process, which opens it with `accessTo`. */
export type ClusterData = {
  directory: string;
  serverUrl: string;
  caCertificatePem: string;
  adminKubeconfigPath: string;
  binaries: Binaries;
};

/** Who a kubeconfig speaks for: an existing ServiceAccount, by token, or any user and groups, by certificate. */
export type Identity =
  { namespace: string; serviceAccount: string } | { user: string; groups?: readonly string[] };

/** What a program printed and how it ended. */
export type Ended = { stdout: string; stderr: string; exitCode: number };

/** A cluster one can talk to. */
export type Access = ClusterData & {
  /** The API server as cluster administrator. */
  readonly admin: RestClient;
  /** Runs kubectl as cluster administrator; rejects with its stderr when it ends with another code than 0. */
  kubectl(args: readonly string[], stdin?: string): Promise<Ended>;
  /** Writes a kubeconfig for an identity and gives its path; `serverUrl` may be a proxy's that has a certificate of this cluster. */
  kubeconfigFor(identity: Identity, serverUrl?: string): Promise<string>;
  /** What a child process should have in its environment: the mark by which it ends with the cluster, and no KUBECONFIG. */
  readonly environment: NodeJS.ProcessEnv;
};

// Longer than any test or demo; `make up` hands the operator a new one each time it starts.
const tokenLifetimeSeconds = 7 * 24 * 3600;

/** The environment by which the reaper knows a cluster's processes; an ambient KUBECONFIG is never passed on. */
export const clusterEnvironment = (directory: string): NodeJS.ProcessEnv => {
  const { KUBECONFIG: _ambient, ...rest } = process.env;
  return { ...rest, SPOTPOLICY_CLUSTER: directory };
};

/** Opens a running cluster; nothing is started or stopped. */
export const accessTo = async (data: ClusterData): Promise<Access> => {
  const admin = openClient(await readKubeconfig(data.adminKubeconfigPath));
  const environment = clusterEnvironment(data.directory);

  const kubectl = (args: readonly string[], stdin?: string): Promise<Ended> =>
    new Promise((resolve, reject) => {
      const own = [
        '--kubeconfig',
        data.adminKubeconfigPath,
        '--cache-dir',
        join(data.directory, 'kubectl-cache'),
      ];
      const options = { env: environment, maxBuffer: 64 * 1024 * 1024 };
      const child = execFile(data.binaries.kubectl, [...own, ...args], options, (error, stdout, stderr) => {
        if (error === null) resolve({ stdout, stderr, exitCode: 0 });
        else
          reject(
            new Error(`running kubectl ${args.join(' ')}: ${stderr || error.message}`, { cause: error }),
          );
      });
      child.stdin?.end(stdin ?? '');
    });

  const credentialsOf = async (identity: Identity): Promise<Credentials> => {
    if ('user' in identity) {
      const authority = await loadAuthority(data.directory);
      return authority.issueClient({ commonName: identity.user, organisations: identity.groups ?? [] });
    }
    const { status } = await admin.post<{ status: { token: string } }>(
      `/api/v1/namespaces/${identity.namespace}/serviceaccounts/${identity.serviceAccount}/token`,
      { spec: { expirationSeconds: tokenLifetimeSeconds } },
    );
    return status;
  };

  const kubeconfigFor = async (identity: Identity, serverUrl = data.serverUrl): Promise<string> => {
    const user = 'user' in identity ? identity.user : identity.serviceAccount;
    const credentials = await credentialsOf(identity);
    const parent = join(data.directory, 'kubeconfigs');
    await mkdir(parent, { recursive: true });
    const path = join(await mkdtemp(join(parent, 'of-')), 'kubeconfig');
    const text = renderKubeconfig({ user, serverUrl, caCertificatePem: data.caCertificatePem, credentials });
    await writeFile(path, text, { mode: 0o600 });
    return path;
  };

  return { ...data, admin, kubectl, kubeconfigFor, environment };
};
