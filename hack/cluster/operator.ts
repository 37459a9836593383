import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { installation } from '../../cdk8s/operator-chart.ts';
import { type Manifest, manifests } from '../../cdk8s/manifests.ts';
import type { Access } from './access.ts';
import { freePort } from './ports.ts';
import { waitFor } from './wait-for.ts';

/** One replica of the operator, run from source under its own ServiceAccount. */
export interface Replica {
  readonly pid: number;
  readonly healthUrl: string;
  readonly webhookUrl: string;
  readonly logPath: string;
  /** Resolves once it has ended. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void;
  /** Its metrics as Prometheus text. */
  metrics(): Promise<string>;
}

/** How a replica is started. */
export interface ReplicaOptions {
  /** Where its log goes; a file of the cluster's directory by default. */
  readonly logPath?: string;
  /** Another way to the API server, such as a proxy. */
  readonly serverUrl?: string;
  readonly flags?: readonly string[];
}

const main = join(import.meta.dirname, '../../operator/main.ts');
const readyMs = 30_000;

/** Applies what `dist/install.yaml` holds, but for the Deployment: the operator runs as a process of this machine. */
export const installOperator = async ({ kubectl }: Pick<Access, 'kubectl'>): Promise<void> => {
  const parts = manifests().filter(({ kind }) => kind !== 'Deployment');
  const list = (items: readonly Manifest[]): string =>
    JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
  await kubectl(['apply', '--server-side', '--field-manager=install', '-f', '-'], list(parts));
  await kubectl(['wait', '--for=condition=Established', 'crd/spotpolicies.spotpolicy.dev', '--timeout=30s']);
};

/** Starts a replica; resolves when it is ready, rejects with the end of its log when it is not in time. */
export const startReplica = async (access: Access, options: ReplicaOptions = {}): Promise<Replica> => {
  const identity = { namespace: installation.namespace, serviceAccount: installation.name };
  const kubeconfig = await access.kubeconfigFor(identity, options.serverUrl);
  const [admissionPort, healthPort] = [await freePort(), await freePort()];
  const logPath = options.logPath ?? join(access.directory, `operator-${admissionPort}.log`);
  const webhookUrl = `https://127.0.0.1:${admissionPort}/mutate`;
  const healthUrl = `http://127.0.0.1:${healthPort}`;
  const log = await open(logPath, 'a');
  const child = spawn(
    process.execPath,
    [
      main,
      ...['--kubeconfig', kubeconfig],
      ...['--admission-host', '127.0.0.1', '--admission-port', String(admissionPort)],
      ...['--health-host', '127.0.0.1', '--health-port', String(healthPort)],
      ...['--webhook-url', webhookUrl],
      ...(options.flags ?? []),
    ],
    { env: access.environment, stdio: ['ignore', log.fd, log.fd] },
  );
  await log.close();
  await becomesReady(child, healthUrl, logPath);
  return {
    pid: child.pid ?? 0,
    healthUrl,
    webhookUrl,
    logPath,
    end: async (signal) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill(signal);
      await once(child, 'exit');
    },
    signal: (signal) => void child.kill(signal),
    metrics: async () => (await fetch(`${healthUrl}/metrics`)).text(),
  };
};

const becomesReady = async (child: ChildProcess, healthUrl: string, logPath: string): Promise<void> => {
  const ended = new AbortController();
  child.once('exit', (code) =>
    ended.abort(new Error(`the operator ended with ${String(code)} before it was ready; see ${logPath}`)),
  );
  await waitFor(
    'the operator to be ready',
    async () => {
      const answer = await fetch(`${healthUrl}/readyz`);
      return answer.ok || Promise.reject(new Error(await answer.text()));
    },
    { timeoutMs: readyMs, signal: ended.signal },
  );
};
