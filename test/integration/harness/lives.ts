import { beforeAll, type ExpectStatic, test } from 'vitest';
import type { Cluster } from '../../../hack/cluster/cluster.ts';
import { startReplica } from '../../../hack/cluster/operator.ts';
import { anOwnCluster } from './operator.ts';

/** What a test does around the SIGKILL of the operator that it shares with the other tests of its file. */
export interface Life<State> {
  /** Under the first operator. */
  readonly before: (cluster: Cluster) => Promise<State>;
  /** Under the first operator too, after the `before` of every test: what sets a clock running. */
  readonly lastThing?: (state: State) => Promise<unknown>;
  /** The same, after the `lastThing` of every test: what must not have ended when the operator is killed. */
  readonly lastMoment?: (state: State) => Promise<unknown>;
  /** While no operator runs. */
  readonly meanwhile?: (state: State) => Promise<unknown>;
  /** Under the second operator. */
  readonly after: (state: State, expect: ExpectStatic) => Promise<void>;
}

interface Steps {
  readonly before: (cluster: Cluster) => Promise<unknown>;
  readonly lastThing: () => Promise<unknown>;
  readonly lastMoment: () => Promise<unknown>;
  readonly meanwhile: () => Promise<unknown>;
}

const lives: Steps[] = [];
// The second operator is to lead soon after the first was killed; less, and a busy machine makes it lose the lease.
const flags = ['--lease-seconds', '8', '--lease-renew-deadline-seconds', '6', '--lease-retry-seconds', '1'];
const setUpMs = 150_000;

/** Kills the operator once for all tests of the file that `survives` declares; called once, at the top of the file. */
export const killTheOperatorOnce = (): void => {
  beforeAll(async () => {
    const cluster = await anOwnCluster();
    const first = await startReplica(cluster, { flags });
    // What fails here fails the test it belongs to, and no other.
    await Promise.allSettled(lives.map(({ before }) => before(cluster)));
    await Promise.allSettled(lives.map(({ lastThing }) => lastThing()));
    await Promise.allSettled(lives.map(({ lastMoment }) => lastMoment()));
    await first.end('SIGKILL');
    await Promise.allSettled(lives.map(({ meanwhile }) => meanwhile()));
    await startReplica(cluster, { flags });
  }, setUpMs);
};

/** A test of what becomes of an interruption when the operator is killed and another one takes over. */
export const survives = <State>(name: string, life: Life<State>): void => {
  let state: Promise<State>;
  const then = (step: (known: State) => Promise<unknown> = async () => undefined): Promise<State> =>
    (state = state.then(async (known) => {
      await step(known);
      return known;
    }));
  lives.push({
    before: (cluster) => (state = life.before(cluster)),
    lastThing: () => then(life.lastThing),
    lastMoment: () => then(life.lastMoment),
    meanwhile: () => then(life.meanwhile),
  });
  // oxlint-disable-next-line vitest/valid-title -- the title is the caller's
  test.concurrent(name, async ({ expect }) => life.after(await state, expect));
};
