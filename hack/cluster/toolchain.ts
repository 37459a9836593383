import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { constants } from 'node:fs';
import { access, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { withLock } from './lock.ts';
import { gatherFacts, goEnvironment, missingPrerequisites } from './prerequisites.ts';

const run = promisify(execFile);

/** The programs of the control plane, by path. */
export type Binaries = {
  etcd: string;
  kubeApiserver: string;
  kubeControllerManager: string;
  kubeScheduler: string;
  kubectl: string;
  kwok: string;
};

// The first name that is there counts: etcd's main package is called `server`, and so is what Go builds of it.
const programs: Record<keyof Binaries, readonly string[]> = {
  etcd: ['etcd', 'server'],
  kubeApiserver: ['kube-apiserver'],
  kubeControllerManager: ['kube-controller-manager'],
  kubeScheduler: ['kube-scheduler'],
  kubectl: ['kubectl'],
  kwok: ['kwok'],
};

const moduleDirectory = import.meta.dirname;
const version = 'k8s.io/component-base/version';
// Without the values the programs call themselves v0.0.0-master, and kubectl warns of the skew.
const linkerFlags = `-s -w -X ${version}.gitVersion=v1.36.3 -X ${version}.gitMajor=1 -X ${version}.gitMinor=36`;
const progressEveryMs = 15_000;

/**
 * The programs of the control plane: those in the directory that SPOTPOLICY_CLUSTER_BIN names, else those built before,
 * else built now, which takes 4-7 minutes the first time on 2 cores. Throws, naming them, when programs or prerequisites are missing.
 */
export const ensureToolchain = async ({ log }: { log: (line: string) => void }): Promise<Binaries> => {
  const own = process.env.SPOTPOLICY_CLUSTER_BIN;
  if (own !== undefined && own !== '') return findBinaries(own, 'SPOTPOLICY_CLUSTER_BIN');

  const root = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'spotpolicy', 'cluster');
  const directory = join(root, await cacheKey());
  const built = () => findBinaries(directory, 'the cache');
  if (await exists(directory)) return built();
  const onWait = () => log('another process is building the control plane; waiting for it');
  return withLock(directory, onWait, async () => {
    if (!(await exists(directory))) {
      await checkPrerequisites(root);
      await build(directory, log);
    }
    return built();
  });
};

/** The programs in a directory; throws, naming each that is missing or not executable and where the directory came from. */
export const findBinaries = async (directory: string, origin: string): Promise<Binaries> => {
  const missing: string[] = [];
  const found = async (key: keyof Binaries): Promise<string> => {
    for (const name of programs[key])
      if (await exists(join(directory, name), constants.X_OK)) return join(directory, name);
    missing.push(programs[key].join(' or '));
    return '';
  };
  const binaries: Binaries = {
    etcd: await found('etcd'),
    kubeApiserver: await found('kubeApiserver'),
    kubeControllerManager: await found('kubeControllerManager'),
    kubeScheduler: await found('kubeScheduler'),
    kubectl: await found('kubectl'),
    kwok: await found('kwok'),
  };
  if (missing.length > 0)
    throw new Error(
      `${origin}, ${directory}: no executable ${missing.join(', ')}; put them there, or remove the directory from ${origin} to have them built`,
    );
  return binaries;
};

const exists = (path: string, mode = constants.F_OK): Promise<boolean> =>
  access(path, mode).then(
    () => true,
    () => false,
  );

const cacheKey = async (): Promise<string> => {
  const hash = createHash('sha256');
  for (const name of ['go.mod', 'go.sum']) hash.update(await readFile(join(moduleDirectory, name)));
  // The Go that is installed, asked where no go.mod can send it to the network for another.
  const local = { cwd: '/', env: { ...process.env, GOTOOLCHAIN: 'local' } };
  const go = await run('go', ['version'], local).then(
    ({ stdout }) => stdout,
    () => 'no go', // found out properly before a build
  );
  return hash.update(`${go} ${process.platform} ${process.arch}`).digest('hex').slice(0, 16);
};

const checkPrerequisites = async (root: string): Promise<void> => {
  const missing = missingPrerequisites(await gatherFacts(moduleDirectory, root));
  if (missing.length > 0)
    throw new Error(
      `the control plane cannot be built here; missing:\n${missing.map((line) => `  - ${line}`).join('\n')}`,
    );
};

const build = async (directory: string, log: (line: string) => void): Promise<void> => {
  // Beside its place, so that the rename that publishes it is atomic: a directory there is always a complete one. What
  // a build that was killed has left is dropped; no other is under way, for we hold the lock.
  const draft = `${directory}.building`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { recursive: true });
  const startedAtMs = performance.now();
  const elapsed = () => `${Math.round((performance.now() - startedAtMs) / 1000)} s`;
  log(
    'building the control plane (etcd, Kubernetes 1.36.3, KWOK): 4-7 minutes the first time, later not at all',
  );
  try {
    const args = ['build', '-v', '-trimpath', '-ldflags', linkerFlags, '-o', `${draft}/`, 'tool'];
    const go = spawn('go', args, {
      cwd: moduleDirectory,
      env: goEnvironment(),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const lines: string[] = [];
    createInterface(go.stderr).on('line', (line) => lines.push(line));
    const progress = setInterval(
      () => log(`building the control plane: ${elapsed()}, ${lines.length} modules and packages done`),
      progressEveryMs,
    );
    const [code] = await once(go, 'close').finally(() => clearInterval(progress));
    if (code !== 0)
      throw new Error(
        `building the control plane: go build ended with ${String(code)}:\n${lines.slice(-15).join('\n')}`,
      );
    await rename(join(draft, 'server'), join(draft, 'etcd'));
    await rename(draft, directory);
    log(`built the control plane in ${elapsed()}: ${directory}`);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
};
