import { readdir, readFile } from 'node:fs/promises';

/** The ids of the living processes that belong to the cluster in a directory, by the mark in their environment. */
export const processesOf = async (clusterDirectory: string): Promise<number[]> => {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const marked = await Promise.all(
    pids.map(async (pid) => {
      // A zombie's environment is empty, and one that has just gone has none.
      const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
      return environment.split('\0').includes(`SPOTPOLICY_CLUSTER=${clusterDirectory}`);
    }),
  );
  return pids.filter((_, index) => marked[index]).map(Number);
};
