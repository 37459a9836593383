import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Cluster } from '../../../hack/cluster/cluster.ts';
import type { Replica } from '../../../hack/cluster/operator.ts';
import { waitFor } from './cluster.ts';
import { counterOf } from './counters.ts';
import { startCandidate } from './two-replicas.ts';

/** A replica on a machine whose clock is wrong. */
export interface WrongReplica {
  readonly replica: Replica;
  /** Sets the clock of its machine to so many seconds ahead; resolves when the replica has noticed. */
  setClock(aheadSeconds: number): Promise<void>;
}

/** Starts a replica whose time of day is so many seconds ahead, negative for behind; resolves when it has noticed. */
export const startOnWrongClock = async (
  cluster: Cluster,
  identity: string,
  aheadSeconds: number,
): Promise<WrongReplica> => {
  const path = join(cluster.directory, `clock-of-${identity}`);
  await writeFile(path, String(aheadSeconds * 1000));
  const preload = new URL('wrong-date.ts', import.meta.url);
  preload.searchParams.set('file', pathToFileURL(path).pathname);
  const replica = await startCandidate(cluster, identity, { nodeFlags: ['--import', preload.href] });
  const isNoticed = (ahead: number): Promise<true> =>
    waitFor(`${identity} to know that its clock is ${ahead} s ahead`, async () => {
      const known = await counterOf(replica, 'spot_clock_offset_seconds');
      return Math.abs(known - ahead) < 5 || Promise.reject(new Error(`it says ${known}`));
    });
  await isNoticed(aheadSeconds);
  return {
    replica,
    setClock: async (ahead) => {
      await writeFile(path, String(ahead * 1000));
      process.kill(replica.pid, 'SIGUSR2');
      await isNoticed(ahead);
    },
  };
};
