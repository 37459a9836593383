import type { Kube } from './kube.ts';

/**
 * A client whose writes are sent only while `holds` says so. One that comes later is never sent and never ends: whoever made
 * it is about to be stopped.
 *
 * A process that was paused for longer than its lease runs on as if no time had passed: timers that were due before the one
 * that ends its term come first. What they ask for may be what another leader has seen to.
 */
export const fenced = (kube: Kube, holds: () => boolean): Kube => {
  const inTerm = <T>(call: () => Promise<T>): Promise<T> => (holds() ? call() : new Promise(() => undefined));
  return {
    ...kube,
    create: (...to) => inTerm(() => kube.create(...to)),
    replace: (...to) => inTerm(() => kube.replace(...to)),
    patch: (...to) => inTerm(() => kube.patch(...to)),
    delete: (...to) => inTerm(() => kube.delete(...to)),
    evict: (...to) => inTerm(() => kube.evict(...to)),
  };
};
