import { type Stats, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { RequestOptions } from 'node:https';
import type { ConnectionOptions } from 'node:tls';
import { KubeConfig } from '@kubernetes/client-node';
import { KubeError } from './errors.ts';

/** Which cluster to talk to; without a kubeconfig the one that this process runs in, as its ServiceAccount. */
export interface ClusterChoice {
  readonly kubeconfig?: string | undefined;
  /** A context of the kubeconfig; its current one by default. */
  readonly context?: string | undefined;
}

/** What one request needs to be trusted; read anew for each, as tokens and certificates are replaced on disk. */
export interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: Pick<ConnectionOptions, 'ca' | 'cert' | 'key' | 'rejectUnauthorized' | 'servername'>;
}

/** Where the API server is and how to be let in. */
export interface Cluster {
  readonly url: URL;
  readCredentials(): Promise<Credentials>;
}

const fatal = (message: string): KubeError => new KubeError(message, { code: 'fatal', reason: 'Kubeconfig' });

// What a parser complains of can quote the file, and the file holds keys: only what the system says is passed on.
const systemSays = (error: unknown): string =>
  error instanceof Error && 'code' in error ? error.message : 'it is not a valid kubeconfig';

const load = ({ kubeconfig, context }: ClusterChoice): KubeConfig => {
  const config = new KubeConfig();
  if (kubeconfig === undefined) {
    if (process.env['KUBERNETES_SERVICE_HOST'] === undefined)
      throw fatal(
        'finding the cluster: KUBERNETES_SERVICE_HOST is not set, so this is no pod; name a kubeconfig',
      );
    config.loadFromCluster();
    return config;
  }
  try {
    config.loadFromFile(kubeconfig);
  } catch (error) {
    throw fatal(`reading kubeconfig ${kubeconfig}: ${systemSays(error)}`);
  }
  if (context !== undefined) config.setCurrentContext(context);
  return config;
};

/**
 * Finds the cluster by its kubeconfig, or from inside a pod. The environment's KUBECONFIG is never looked at. A kubeconfig that
 * is written anew is read anew, for the user in it; one that cannot be used then changes nothing.
 *
 * Throws a fatal KubeError that names the file, context or field when that cannot be used.
 */
export const findCluster = (choice: ClusterChoice): Cluster => {
  const found = usable(choice);
  const { kubeconfig } = choice;
  let { config } = found;
  let version = kubeconfig === undefined ? '' : versionOf(statSync(kubeconfig, { throwIfNoEntry: false }));
  const renew = async (path: string): Promise<void> => {
    const now = versionOf(await stat(path).catch(() => undefined));
    if (now === '' || now === version) return;
    version = now;
    try {
      const renewed = usable(choice);
      if (renewed.url.href === found.url.href) ({ config } = renewed);
    } catch {
      // Half of it may be written: what comes then is another version.
    }
  };
  return {
    url: found.url,
    readCredentials: async () => {
      if (kubeconfig !== undefined) await renew(kubeconfig);
      return credentialsOf(config);
    },
  };
};

const versionOf = (file: Stats | undefined): string =>
  file === undefined ? '' : `${file.ino}/${file.size}/${file.mtimeMs}`;

const usable = (choice: ClusterChoice): { readonly config: KubeConfig; readonly url: URL } => {
  const config = load(choice);
  const cluster = config.getCurrentCluster();
  const wanted = config.getCurrentContext();
  if (!cluster || !config.getCurrentUser()) {
    const known = config.getContexts().map(({ name }) => name);
    throw fatal(
      `using context "${wanted}": it, its cluster or its user is not in the kubeconfig; contexts there: ${known.join(', ')}`,
    );
  }
  if (cluster.proxyUrl)
    throw fatal(
      `using context "${wanted}": proxy-url ${cluster.proxyUrl} is not supported; remove it from the cluster`,
    );
  if (!URL.canParse(cluster.server))
    throw fatal(
      `using context "${wanted}": server "${cluster.server}" is not a URL; correct it in the kubeconfig`,
    );
  return { config, url: new URL(cluster.server) };
};

const credentialsOf = async (config: KubeConfig): Promise<Credentials> => {
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  const { ca, cert, key, rejectUnauthorized, servername } = options;
  const tls = Object.entries({ ca, cert, key, rejectUnauthorized, servername });
  return {
    headers: { ...(options.headers as Record<string, string>) },
    tls: Object.fromEntries(tls.filter(([, value]) => value !== undefined)),
  };
};
