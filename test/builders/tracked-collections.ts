import { runInNewContext } from 'node:vm';
import { setFlagsFromString } from 'node:v8';

/** How many entries the Maps and Sets of each line of the operator hold in all, by that line. */
export type Sizes = Readonly<Record<string, number>>;

interface Tracked {
  readonly line: string;
  readonly collection: WeakRef<{ readonly size: number }>;
}

const natives = { Map: globalThis.Map, Set: globalThis.Set };
const { setImmediate: realImmediate } = globalThis;

// A frame of the stack, as V8 hands it to `prepareStackTrace`.
const lineOf = (frames: readonly NodeJS.CallSite[]): string | undefined => {
  const [frame] = frames;
  const file = frame?.getFileName() ?? '';
  const at = file.lastIndexOf('/operator/');
  return at < 0 || file.includes('/node_modules/') || file.includes('/hack/')
    ? undefined
    : `${file.slice(at + 1)} in ${frame?.getTypeName() ?? ''} ${frame?.getFunctionName() ?? ''}`;
};

const callerOf = (constructor: abstract new (...args: never) => unknown): string | undefined => {
  const { prepareStackTrace, stackTraceLimit } = Error;
  const holder: { stack?: unknown } = {};
  Error.stackTraceLimit = 1;
  Error.prepareStackTrace = (_, frames) => ({ line: lineOf(frames) });
  Error.captureStackTrace(holder, constructor);
  const { line } = holder.stack as { line: string | undefined };
  Object.assign(Error, { prepareStackTrace, stackTraceLimit });
  return line;
};

/**
 * Follows every Map and Set that a line of the operator makes from now on, until `stop`. So one that is added to the
 * operator is followed without a word here.
 */
export const trackCollections = () => {
  const tracked: Tracked[] = [];
  const note = (collection: { readonly size: number }, line: string | undefined): void => {
    if (line !== undefined) tracked.push({ line, collection: new WeakRef(collection) });
  };
  class TrackedMap<K, V> extends natives.Map<K, V> {
    constructor(entries?: Iterable<readonly [K, V]> | null) {
      super(entries);
      note(this, callerOf(TrackedMap));
    }
  }
  class TrackedSet<T> extends natives.Set<T> {
    constructor(values?: Iterable<T> | null) {
      super(values);
      note(this, callerOf(TrackedSet));
    }
  }
  Object.assign(globalThis, { Map: TrackedMap, Set: TrackedSet });
  return {
    /** Looks away from all that was made before: it may be garbage that is not collected yet. */
    begin: (): void => void tracked.splice(0),
    /** The sizes of all that can still be reached. */
    sizes: async (): Promise<Sizes> => {
      // What ended in the turn before may still stand on the stack, or be held by a promise that settles.
      for (let turn = 0; turn < 3; turn += 1) await collectGarbage();
      const sizes: Record<string, number> = {};
      for (const { line, collection } of tracked) {
        const size = collection.deref()?.size ?? 0;
        if (size > 0) sizes[line] = (sizes[line] ?? 0) + size;
      }
      return sizes;
    },
    stop: (): void => void Object.assign(globalThis, natives),
  };
};

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Frees what nothing reaches any more; what was looked at in this turn of the event loop stays for it. */
const collectGarbage = async (): Promise<void> => {
  await new Promise((resolve) => {
    realImmediate(resolve);
  });
  collect();
};
