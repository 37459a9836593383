import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { say } from '../say.ts';
import { accessTo, type Access, type ClusterData } from './access.ts';
import { startCluster, type Cluster } from './cluster.ts';
import { bindName, callHolder, endOf, withLock } from './lock.ts';
import { ensureToolchain } from './toolchain.ts';

/** Called once the cluster is ready, with the state directory; what it returns is called before the cluster stops. */
export type AfterStart = (cluster: Cluster, directory: string) => Promise<() => Promise<void>>;

/** What the keeper tells the process that started it. */
type Message = 'ready' | { failure: string };

// Where a kept cluster is, for other processes; written when it can be used.
const dataFile = 'cluster.json';

const keeperName = (directory: string): string => `keeper of ${resolve(directory)}`;

/**
 * Keeps a cluster until `stopInBackground` or a signal asks for its end, as the whole work of a process of its own. The
 * state directory holds a kubeconfig, the programs (`bin/`) and the components' logs (`logs/`), and goes with the cluster.
 */
export const keepCluster = async (directory: string, afterStart?: AfterStart): Promise<void> => {
  const door = await bindName(keeperName(directory));
  if (door === undefined)
    throw new Error(`${directory}: a cluster is kept there already; stop it with make down`);
  let ready = false;
  const asked = Promise.race([
    // The first word through the door asks for the end; merely opening it asks whether somebody is there.
    new Promise((end) => door.on('connection', (visitor) => visitor.on('error', () => {}).once('data', end))),
    once(process, 'SIGTERM'),
    once(process, 'SIGINT'),
    // Whoever started us has gone before it heard that we are ready.
    once(process, 'disconnect').then(([heard]) => (ready ? new Promise(() => {}) : heard)),
  ]);
  const cluster = await startCluster({ binaries: await ensureToolchain({ log: say }), onFailure: say });
  try {
    await fillStateDirectory(directory, cluster);
    const beforeStop = await afterStart?.(cluster, directory);
    ready = true;
    process.send?.('ready' satisfies Message);
    await asked;
    await beforeStop?.();
  } finally {
    await cluster.stop();
    await rm(directory, { recursive: true, force: true });
  }
};

/** Runs the work of a keeper process and ends the process with it, having told a failure to whoever started it. */
export const runKeeper = (work: Promise<void>): void => {
  work.then(
    () => process.exit(0),
    (error: unknown) => {
      const failure = error instanceof Error ? error.message : String(error);
      say(failure);
      if (process.connected) process.send?.({ failure } satisfies Message, () => process.exit(1));
      else process.exit(1);
    },
  );
};

const fillStateDirectory = async (directory: string, { data }: Cluster): Promise<void> => {
  const { adminKubeconfigPath, binaries } = data;
  await mkdir(join(directory, 'bin'));
  await Promise.all([
    writeFile(join(directory, 'kubeconfig'), await readFile(adminKubeconfigPath), { mode: 0o600 }),
    writeFile(join(directory, dataFile), JSON.stringify(data)),
    symlink(data.directory, join(directory, 'logs')),
    ...Object.values(binaries).map((path) => symlink(path, join(directory, 'bin', basename(path)))),
  ]);
};

/**
 * Starts a keeper program in the background with the state directory as its argument; resolves with true when its cluster
 * is ready, with false if one is kept there already; rejects with the keeper's own words.
 */
export const startInBackground = (directory: string, program: string): Promise<boolean> =>
  withLock(
    `start ${resolve(directory)}`,
    () => say('another start is under way; waiting for it'),
    async () => {
      const keeper = await callHolder(keeperName(directory));
      keeper?.destroy();
      if (keeper !== undefined) return false;
      // What a keeper that was killed has left; its cluster went with it.
      await rm(directory, { recursive: true, force: true });
      await mkdir(directory, { recursive: true });
      const log = await open(join(directory, 'cluster.log'), 'w');
      const child = fork(program, [directory], { detached: true, stdio: ['ignore', log.fd, log.fd, 'ipc'] });
      await log.close();
      const died = once(child, 'exit').then(([code]): Message => ({
        failure: `${program} ended with ${String(code)}`,
      }));
      const message = await Promise.race([once(child, 'message').then(([said]) => said as Message), died]);
      if (message !== 'ready') throw new Error(`starting a cluster in the background: ${message.failure}`);
      child.disconnect();
      child.unref();
      return true;
    },
  );

/** Opens the cluster kept in a state directory; undefined if none is kept there, or it is not ready yet. */
export const openInBackground = async (directory: string): Promise<Access | undefined> => {
  const keeper = await callHolder(keeperName(directory));
  keeper?.destroy();
  if (keeper === undefined) return undefined;
  const text = await readFile(join(directory, dataFile), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : accessTo(JSON.parse(text) as ClusterData);
};

/** Ends the cluster kept in a state directory; resolves when nothing of it is left, with whether there was one. */
export const stopInBackground = async (directory: string): Promise<boolean> => {
  const keeper = await callHolder(keeperName(directory));
  if (keeper !== undefined) {
    keeper.write('stop');
    // The keeper holds it until its own end, which is the last thing it does.
    await endOf(keeper);
  }
  await rm(directory, { recursive: true, force: true });
  return keeper !== undefined;
};
