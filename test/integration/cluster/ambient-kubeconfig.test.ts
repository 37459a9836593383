import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { describe, inject, test, type TestContext } from 'vitest';
import { anAmbientKubeconfig } from '../harness/ambient.ts';
import { waitFor } from '../harness/cluster.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..', '..', '..');
const hack = join(root, 'hack');
const demo = join(hack, 'demo');

/** The environment of a user who works with a cluster of their own. */
const aUser = async (context: TestContext) => {
  const ambient = await anAmbientKubeconfig(context);
  return { ambient, env: { ...process.env, KUBECONFIG: ambient.path, NO_COLOR: '1' } };
};

/** The foreground operator of a state directory, once it says that it serves. */
const runOperator = async (directory: string, env: NodeJS.ProcessEnv, { onTestFinished }: TestContext) => {
  const operator = spawn(process.execPath, [join(hack, 'operator.ts'), directory], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void operator.kill('SIGKILL'));
  const said: string[] = [];
  createInterface(operator.stdout).on('line', (line) => said.push(line));
  await waitFor('the operator to lead', () => said.some((line) => line.includes('"leading"')), {
    timeoutMs: 60_000,
  });
  return operator;
};

describe.concurrent('an ambient KUBECONFIG', () => {
  test('is recorded when a program does read it', async (context) => {
    const { ambient, env } = await aUser(context);
    const { kubectl } = inject('binaries');
    await run(kubectl, ['get', 'nodes', '--request-timeout=5s'], { env }).catch(() => {});
    context.expect(ambient.connections()).toBeGreaterThan(0);
  });

  test('is never touched by make up, what it says to type next, make operator and make down', async (context) => {
    const { expect } = context;
    const { ambient, env } = await aUser(context);
    const parent = await mkdtemp(join(tmpdir(), 'state-'));
    context.onTestFinished(() => rm(parent, { recursive: true, force: true }));
    const directory = join(parent, '.cluster');
    const node = (program: string, variables = {}) =>
      run(process.execPath, [join(hack, program), directory], { env: { ...env, ...variables } });
    context.onTestFinished(async () => void (await node('down.ts')));

    expect((await node('up.ts', { OPERATOR: '0' })).stderr).toMatch(/without the operator/);
    const operator = await runOperator(directory, env, context);
    const own = { ...env, KUBECONFIG: join(directory, 'kubeconfig') };
    const kubectl = (...args: string[]) => run(join(directory, 'bin', 'kubectl'), args, { env: own });
    await kubectl('apply', '-f', join(demo, 'policies.yaml'));
    await kubectl('wait', 'spotpolicies', '-A', '--all', '--for=condition=Programmed', '--timeout=30s');
    await kubectl('apply', '-f', join(demo, 'workloads.yaml'));
    await kubectl('rollout', 'status', 'deployment/web', '-n', 'shop', '--timeout=60s');
    const eci = ['reclaim', '--kubeconfig', own.KUBECONFIG, '-n', 'shop', '-l', 'app=web'];
    expect((await run(join(hack, 'eci'), eci, { env })).stdout.match(/released in 3 minutes/g)).toHaveLength(
      3,
    );
    await waitFor('the reclaims to be noticed', async () => {
      const { stdout } = await kubectl('get', 'spotpolicies', '-n', 'shop', '-o', 'yaml');
      return /noticed: 3/.test(stdout);
    });

    const ended = once(operator, 'exit');
    operator.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
    expect((await node('down.ts')).stderr).toMatch(/The cluster is gone/);
    await expect(node('operator.ts')).rejects.toThrow(/no cluster is up: .*make up OPERATOR=0/);
    expect(ambient.connections()).toBe(0);
  });

  test('is never touched by make demo, which handles every pod well and speaks in plain lines', async (context) => {
    const { expect } = context;
    const { ambient, env } = await aUser(context);
    const { stdout } = await run(process.execPath, [join(hack, 'demo.ts')], { env }).catch(
      // What it printed says why it failed.
      (error: { stdout: string; stderr: string }) => error,
    );
    expect(stdout).toMatch(/Every pod was handled as it should be/);
    expect(stdout).not.toMatch(/FAILED/);
    expect(stdout).not.toContain('\u001B');
    expect(ambient.connections()).toBe(0);
  });
});
