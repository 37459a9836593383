import { setTimeout as pause } from 'node:timers/promises';
import { type FaultProxy, startFaultProxy } from '../../../hack/cluster/fault-proxy.ts';
import type { RequestClass } from '../../../hack/cluster/request-class.ts';
import { waitFor } from './cluster.ts';
import { atEndOfFile } from './endings.ts';
import type { Herd } from './herd.ts';

/** A replica's way to the API server, which notes what the replica asks for although it knows better. */
export interface Witness {
  readonly proxy: FaultProxy;
  /**
   * The pods of a herd that the replica asked to remove although it had read that they were going. Asking for one whose
   * deletion it has not read yet is harmless.
   */
  readonly askedAgain: readonly string[];
  /** Resolves once the replica has read of its pods up to a version: a watch that is cut is resumed from what was read. */
  hasRead(version: number): Promise<unknown>;
}

const patience = { timeoutMs: 60_000 };
const steadyMs = 2_000;

/** Starts a fault proxy with a witness of what happens to the pods of a herd, once there is one; it ends with the file. */
export const aWitness = async (
  cluster: Parameters<typeof startFaultProxy>[0],
  herd: () => Pick<Herd, 'goingSince'> | undefined,
): Promise<Witness> => {
  const askedAgain: string[] = [];
  const isKnownToGo = (name: string): boolean =>
    (herd()?.goingSince(name) ?? Infinity) <= proxy.watchedFrom('pods');
  const proxy = await startFaultProxy(cluster, {
    onRequest: (request) => {
      const { name = '' } = request;
      if (isRemoval(request) && isKnownToGo(name)) askedAgain.push(name);
    },
  });
  atEndOfFile(() => proxy.stop());
  return {
    proxy,
    askedAgain,
    hasRead: (version) =>
      waitFor(`the replica to have read version ${version}`, () => reads(proxy, version), patience),
  };
};

const isRemoval = ({ verb, resource }: RequestClass): boolean =>
  resource === 'pods/eviction' || (resource === 'pods' && verb === 'delete');

const reads = async (proxy: FaultProxy, version: number): Promise<boolean> => {
  const opened = (): number => proxy.counts().get('watch pods') ?? 0;
  const before = opened();
  proxy.cutWatches('pods');
  await waitFor('the watch to be resumed', () => opened() > before, patience);
  if (proxy.watchedFrom('pods') >= version) return true;
  // A watch that is cut again at once brings nothing.
  await pause(steadyMs);
  return false;
};
