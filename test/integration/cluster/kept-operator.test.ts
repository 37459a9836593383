import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { keepOperator } from '../../../hack/cluster/operator-keeper.ts';
import { waitFor } from '../harness/cluster.ts';
import { anOwnCluster } from '../harness/operator.ts';
import { processesOf } from '../harness/processes.ts';

/** The operators that run for a cluster, by process id. */
const operatorsOf = async (directory: string): Promise<number[]> => {
  const programs = await Promise.all(
    (await processesOf(directory)).map(async (pid) => {
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      return command.includes('spotpolicy.mjs') ? [pid] : [];
    }),
  );
  return programs.flat();
};

test('a kept operator that is killed is started again, which its log says, until it is told to stop', async () => {
  const cluster = await anOwnCluster();
  const logPath = join(cluster.directory, 'kept.log');
  const log = async () =>
    (await readFile(logPath, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { message: string; how?: string });
  const stop = await keepOperator(cluster, logPath);
  const [first = 0, ...others] = await operatorsOf(cluster.directory);
  expect(others).toEqual([]);

  process.kill(first, 'SIGKILL');
  await waitFor('a second one to serve', async () => {
    const served = (await log()).filter(({ message }) => message === 'serving');
    return served.length === 2;
  });
  expect(await log()).toContainEqual(
    expect.objectContaining({ message: 'operator ended and is started again', how: 'SIGKILL' }),
  );
  const [second = 0] = await operatorsOf(cluster.directory);
  expect(second).not.toBe(first);

  await stop();
  expect((await log()).at(-1)?.message).toBe('stopped');
  expect(await operatorsOf(cluster.directory)).toEqual([]);
});
