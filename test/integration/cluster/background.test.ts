import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readlink, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, inject, test, type TestContext } from 'vitest';
import { anAmbientKubeconfig } from '../harness/ambient.ts';
import { waitFor } from '../harness/cluster.ts';
import { processesOf } from '../harness/processes.ts';

const run = promisify(execFile);
const hack = join(import.meta.dirname, '..', '..', '..', 'hack');

const aStateDirectory = async ({ onTestFinished }: TestContext): Promise<string> => {
  const parent = await mkdtemp(join(tmpdir(), 'state-'));
  onTestFinished(() => rm(parent, { recursive: true, force: true }));
  return join(parent, '.cluster');
};

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

describe.concurrent('a cluster in the background', () => {
  test('comes up once, serves, takes reclaims and goes down without trace, whatever KUBECONFIG says', async (context) => {
    const { expect } = context;
    const directory = await aStateDirectory(context);
    const ambient = await anAmbientKubeconfig(context);
    const env = { ...process.env, KUBECONFIG: ambient.path, OPERATOR: '0' };
    const node = (program: string, ...args: string[]) =>
      run(process.execPath, [join(hack, program), ...args], { env });

    // Both at once: one starts it, the other waits and finds it running.
    const starts = await Promise.all([node('up.ts', directory), node('up.ts', directory)]);
    const said = starts.map(({ stderr }) => stderr).join('');
    expect(said).toMatch(/The cluster is ready after \d+\.\d s/);
    expect(said).toMatch(/The cluster is running already/);

    const kubectl = join(directory, 'bin', 'kubectl');
    const kubeconfig = join(directory, 'kubeconfig');
    const { stdout } = await run(kubectl, ['--kubeconfig', kubeconfig, 'get', 'nodes', '-o', 'name'], {
      env,
    });
    expect(stdout.trim().split('\n').length).toBe(3);
    await expect(
      run(join(hack, 'eci'), ['reclaim', '--kubeconfig', kubeconfig, 'nobody'], { env }),
    ).rejects.toThrow(/pods "nobody" not found/);

    const cluster = await readlink(join(directory, 'logs'));
    await node('down.ts', directory);
    expect(await processesOf(cluster)).toEqual([]);
    expect(await isThere(cluster)).toBe(false);
    expect(await isThere(directory)).toBe(false);
    expect((await node('down.ts', directory)).stderr).toMatch(/No cluster was running/);
    expect(ambient.connections()).toBe(0);
  });

  test('leaves nothing behind when the process that keeps it is killed', async (context) => {
    const { expect } = context;
    const directory = await aStateDirectory(context);
    await run('mkdir', [directory]);
    const keeper = fork(join(hack, 'keeper.ts'), [directory], {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    expect(await once(keeper, 'message')).toEqual(['ready', undefined]);
    const cluster = await readlink(join(directory, 'logs'));
    // The five of the control plane, and the operator.
    expect((await processesOf(cluster)).length).toBe(6);

    keeper.kill('SIGKILL');
    await waitFor('its processes to be gone', async () => (await processesOf(cluster)).length === 0, {
      timeoutMs: 10_000,
    });
    await waitFor('its directory to be gone', async () => !(await isThere(cluster)), { timeoutMs: 10_000 });
  });

  test('leaves nothing behind when the one who started it goes before it is ready', async (context) => {
    const { expect } = context;
    const directory = await aStateDirectory(context);
    await run('mkdir', [directory]);
    const keeper = fork(join(hack, 'keeper.ts'), [directory], {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    await once(keeper, 'spawn');
    keeper.disconnect();
    await once(keeper, 'exit');
    expect(await isThere(directory)).toBe(false);
  });

  test('that cannot start tells so in its own words', async (context) => {
    const { expect } = context;
    const directory = await aStateDirectory(context);
    const empty = await mkdtemp(join(tmpdir(), 'empty-'));
    context.onTestFinished(() => rm(empty, { recursive: true }));
    const env = { ...process.env, SPOTPOLICY_CLUSTER_BIN: empty };
    await expect(run(process.execPath, [join(hack, 'up.ts'), directory], { env })).rejects.toThrow(
      /SPOTPOLICY_CLUSTER_BIN, .*: no executable etcd or server, kube-apiserver, kube-controller-manager/,
    );
    expect(await isThere(directory)).toBe(false);
    expect(await readdir(inject('cluster').directory)).toContain('kwok.yaml');
  });
});
