import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { installation } from '../../cdk8s/operator-chart.ts';
import { type Manifest, manifests } from '../../cdk8s/manifests.ts';
import type { Access } from './access.ts';
import { freeze, thaw } from './freeze.ts';
import { freePort } from './ports.ts';
import { waitFor } from './wait-for.ts';
import { writeProgram } from './program.ts';

/** One replica of the operator, run under its own ServiceAccount. */
export interface Replica {
  readonly pid: number;
  readonly healthUrl: string;
  readonly webhookUrl: string;
  readonly logPath: string;
  /** Resolves once it has ended, be it by itself, with its exit code or the signal that ended it. */
  readonly ended: Promise<string>;
  /** Resolves once it has ended. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Freezes it; once this resolves, its connections stay open and it does nothing. */
  pause(): Promise<void>;
  /** Lets a paused one go on. */
  resume(): void;
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
  /** Flags for node itself. */
  readonly nodeFlags?: readonly string[];
}

const programIn = (directory: string): string => join(directory, 'spotpolicy.mjs');
// Usually 2 s; a machine that runs tests in parallel may take long to load the program.
const readyMs = 60_000;
const lastLines = 15;

/**
 * Applies what `dist/install.yaml` holds, but for the Deployment: the operator runs as a process of this machine, and its
 * program as the image has it is put into the cluster's directory.
 */
export const installOperator = async ({
  kubectl,
  directory,
}: Pick<Access, 'kubectl' | 'directory'>): Promise<void> => {
  await writeProgram(programIn(directory));
  const parts = manifests().filter(({ kind }) => kind !== 'Deployment');
  const list = (items: readonly Manifest[]): string =>
    JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
  await kubectl(['apply', '--server-side', '--field-manager=install', '-f', '-'], list(parts));
  const definitions = parts.filter(({ kind }) => kind === 'CustomResourceDefinition');
  const names = definitions.map(({ metadata }) => `crd/${metadata.name}`);
  await kubectl(['wait', '--for=condition=Established', ...names, '--timeout=30s']);
};

/** How to run a replica with node, and where it will answer. */
export interface ReplicaCommand {
  readonly args: readonly string[];
  readonly healthUrl: string;
  readonly webhookUrl: string;
}

/** The command of a replica under the operator's own ServiceAccount, with a new token and free ports. */
export const replicaCommand = async (
  access: Pick<Access, 'kubeconfigFor' | 'directory'>,
  { serverUrl, flags = [], nodeFlags = [] }: Omit<ReplicaOptions, 'logPath'> = {},
): Promise<ReplicaCommand> => {
  const identity = { namespace: installation.namespace, serviceAccount: installation.name };
  const kubeconfig = await access.kubeconfigFor(identity, serverUrl);
  const [admissionPort, healthPort] = [await freePort(), await freePort()];
  const webhookUrl = `https://127.0.0.1:${admissionPort}/mutate`;
  const args = [
    ...installation.nodeFlags,
    ...nodeFlags,
    programIn(access.directory),
    ...['--kubeconfig', kubeconfig],
    ...['--admission-host', '127.0.0.1', '--admission-port', String(admissionPort)],
    ...['--health-host', '127.0.0.1', '--health-port', String(healthPort)],
    ...['--webhook-url', webhookUrl],
    ...flags,
  ];
  return { args, webhookUrl, healthUrl: `http://127.0.0.1:${healthPort}` };
};

/** Starts a replica; resolves when it is ready. Where it is not in time it is ended, and the rejection shows its log. */
export const startReplica = async (access: Access, options: ReplicaOptions = {}): Promise<Replica> => {
  const { args, healthUrl, webhookUrl } = await replicaCommand(access, options);
  const logPath = options.logPath ?? join(access.directory, `operator-${new URL(webhookUrl).port}.log`);
  const log = await open(logPath, 'a');
  const child = spawn(process.execPath, args, {
    env: access.environment,
    stdio: ['ignore', log.fd, log.fd],
  });
  await log.close();
  const pid = child.pid ?? 0;
  const ended = once(child, 'exit').then(([code, signal]) => String(signal ?? code));
  try {
    await becomesReady(child, healthUrl);
  } catch (error) {
    child.kill('SIGKILL');
    // In words, because the log may be gone by the time somebody reads this.
    const tail = (await readFile(logPath, 'utf8')).trimEnd().split('\n').slice(-lastLines).join('\n');
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`${message}; the last lines of its log, ${logPath}:\n${tail}`, { cause: error });
  }
  return {
    pid,
    healthUrl,
    webhookUrl,
    logPath,
    ended,
    end: async (signal) => {
      child.kill(signal);
      await ended;
    },
    pause: () => freeze(pid),
    resume: () => thaw(pid),
    metrics: async () => (await fetch(`${healthUrl}/metrics`)).text(),
  };
};

const becomesReady = async (child: ChildProcess, healthUrl: string): Promise<void> => {
  const ended = new AbortController();
  child.once('exit', (code) =>
    ended.abort(new Error(`the operator ended with ${String(code)} before it was ready`)),
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
