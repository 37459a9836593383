import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ensureToolchain, findBinaries } from '../../../hack/cluster/toolchain.ts';

const all = ['server', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubectl', 'kwok'];

const aDirectoryWith = async (names: readonly string[]): Promise<string> => {
  const directory = await mkdtemp(join(tmpdir(), 'binaries-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  for (const name of names) await writeFile(join(directory, name), '', { mode: 0o755 });
  return directory;
};

describe('findBinaries', () => {
  test("gives the path of each program, etcd's under the name that Go gives it", async () => {
    const directory = await aDirectoryWith(all);
    expect(await findBinaries(directory, 'X')).toMatchObject({
      etcd: join(directory, 'server'),
      kubeApiserver: join(directory, 'kube-apiserver'),
      kwok: join(directory, 'kwok'),
    });
  });

  test('prefers etcd by its own name', async () => {
    const directory = await aDirectoryWith([...all, 'etcd']);
    expect((await findBinaries(directory, 'X')).etcd).toBe(join(directory, 'etcd'));
  });

  test('names every program that is missing or cannot be executed', async () => {
    const directory = await aDirectoryWith(all.filter((name) => name !== 'server'));
    await chmod(join(directory, 'kwok'), 0o644);
    await expect(findBinaries(directory, 'X')).rejects.toThrow(
      `X, ${directory}: no executable etcd or server, kwok;`,
    );
  });
});

describe('ensureToolchain', () => {
  test('takes the directory that SPOTPOLICY_CLUSTER_BIN names and builds nothing', async () => {
    const directory = await aDirectoryWith(all);
    process.env.SPOTPOLICY_CLUSTER_BIN = directory;
    onTestFinished(() => {
      delete process.env.SPOTPOLICY_CLUSTER_BIN;
    });
    const said: string[] = [];
    const { kubectl } = await ensureToolchain({ log: (line) => said.push(line) });
    expect(kubectl).toBe(join(directory, 'kubectl'));
    expect(said).toEqual([]);
  });
});
