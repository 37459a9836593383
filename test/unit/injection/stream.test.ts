import { NEVER, Subject } from 'rxjs';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  type InjectionDeps,
  type InjectionOutcome,
  injectionStream,
} from '../../../operator/injection/stream.ts';
import { precedence } from '../../../operator/policy/rules.ts';
import type { Change } from '../../../operator/world/view.ts';
import type { Policy } from '../../../operator/world/policy.ts';
import { World } from '../../../operator/world/world.ts';
import { onAClock } from '../../builders/clock.ts';
import { noonMs } from '../../builders/pod.ts';
import { aClusterPolicy, aPolicy } from '../../builders/policy.ts';
import { aNamespace, aWorld, drop, list, put } from '../../builders/world.ts';

interface Cluster {
  readonly outcomes: readonly InjectionOutcome[];
  readonly applied: readonly (readonly string[])[];
  readonly asked: readonly string[];
  readonly removals: () => number;
  readonly tell: (changes: readonly Change[]) => void;
}

/** The stream of a leader over a world, with calls that succeed unless a test says otherwise. */
const lead = (world: World, calls: Partial<InjectionDeps> = {}): Cluster => {
  const change$ = new Subject<Change>();
  const outcomes: InjectionOutcome[] = [];
  const applied: (readonly string[])[] = [];
  const asked: string[] = [];
  let removals = 0;
  const subscription = injectionStream(
    {
      world,
      nowMs: Date.now,
      random: () => 1,
      writer: 'spotpolicy shop-system/spotpolicy',
      endpoint$: NEVER,
      ...calls,
      apply: (coverage) => (signal) => {
        applied.push([...coverage.ignore, ...coverage.fail]);
        return calls.apply?.(coverage)(signal) ?? Promise.resolve(`version-${applied.length}`);
      },
      remove: (signal) => {
        removals += 1;
        return calls.remove?.(signal) ?? Promise.resolve();
      },
      probe: (policy, place) => (signal) => {
        const where = policy.kind === 'SpotPolicy' ? '' : ` in ${place}`;
        asked.push(`${policy.name}@${policy.generation}${where}`);
        return calls.probe?.(policy, place)(signal) ?? Promise.resolve(undefined);
      },
    },
    change$,
  ).subscribe((outcome) => outcomes.push(outcome));
  onTestFinished(() => subscription.unsubscribe());
  const tell = (changes: readonly Change[]): void => changes.forEach((change) => change$.next(change));
  return { outcomes, applied, asked, removals: () => removals, tell };
};

const kinds = ({ outcomes }: Cluster): string[] => outcomes.map(({ kind }) => kind);
const webhookAt = (resourceVersion: string) => ({ metadata: { name: 'spotpolicy', resourceVersion } });

describe('the webhook configuration', () => {
  it(
    'is there for the namespaces of the policies, and not touched while there are none',
    onAClock(async (advance) => {
      const world = aWorld();
      const cluster = lead(world);
      await advance(60_000);
      expect(cluster.applied).toEqual([]);
      expect(cluster.removals()).toBe(0);
      cluster.tell(put(world, 'SpotPolicy', aPolicy()));
      await advance(50);
      expect(cluster.applied).toEqual([['shop']]);
      expect(cluster.outcomes).toContainEqual({
        room: 'injection',
        kind: 'applied',
        coverage: { ignore: ['shop'], fail: [] },
      });
    }),
  );

  it(
    'is widened and narrowed with them, and removed with the last one',
    onAClock(async (advance) => {
      const world = aWorld({ SpotPolicy: [aPolicy()] });
      const cluster = lead(world);
      await advance(50);
      cluster.tell(put(world, 'Webhook', webhookAt('version-1')));
      cluster.tell(put(world, 'SpotPolicy', aPolicy({ namespace: 'bank' })));
      await advance(50);
      cluster.tell(put(world, 'Webhook', webhookAt('version-2')));
      cluster.tell(drop(world, 'SpotPolicy', aPolicy()));
      await advance(50);
      expect(cluster.applied).toEqual([['shop'], ['bank', 'shop'], ['bank']]);
      cluster.tell(drop(world, 'SpotPolicy', aPolicy({ namespace: 'bank' })));
      await advance(50);
      expect(cluster.removals()).toBe(1);
      expect(kinds(cluster).at(-1)).toBe('removed');
    }),
  );

  it(
    'is left alone when its own write comes back, repaired when somebody edits or deletes it',
    onAClock(async (advance) => {
      const world = aWorld({ SpotPolicy: [aPolicy()] });
      const cluster = lead(world);
      await advance(50);
      cluster.tell(put(world, 'Webhook', webhookAt('version-1')));
      await advance(50);
      expect(cluster.applied).toHaveLength(1);
      cluster.tell(put(world, 'Webhook', webhookAt('edited')));
      await advance(50);
      expect(cluster.applied).toHaveLength(2);
      cluster.tell(put(world, 'Webhook', webhookAt('version-2')));
      cluster.tell(drop(world, 'Webhook', webhookAt('version-2')));
      await advance(50);
      expect(cluster.applied).toHaveLength(3);
    }),
  );

  it(
    'is not written anew for a status or a priority',
    onAClock(async (advance) => {
      const world = aWorld({ SpotPolicy: [aPolicy()] });
      const cluster = lead(world);
      await advance(50);
      cluster.tell(put(world, 'Webhook', webhookAt('version-1')));
      cluster.tell(put(world, 'SpotPolicy', aPolicy({ status: { observedGeneration: 1 } })));
      cluster.tell(put(world, 'SpotPolicy', aPolicy({ generation: 2, spec: { priority: 5 } })));
      await advance(1_000);
      expect(cluster.applied).toHaveLength(1);
    }),
  );

  it(
    'is written anew when the endpoint or its certificates change',
    onAClock(async (advance) => {
      const world = aWorld({ SpotPolicy: [aPolicy()] });
      const endpoint$ = new Subject<void>();
      const cluster = lead(world, { endpoint$ });
      await advance(50);
      cluster.tell(put(world, 'Webhook', webhookAt('version-1')));
      await advance(50);
      endpoint$.next();
      await advance(50);
      expect(cluster.applied).toHaveLength(2);
    }),
  );

  it(
    'that could not be written is tried again, less and less often',
    onAClock(async (advance) => {
      const world = aWorld({ SpotPolicy: [aPolicy()] });
      let broken = true;
      const apply = () => () => (broken ? Promise.reject(new Error('503')) : Promise.resolve('version-1'));
      const cluster = lead(world, { apply });
      await advance(50);
      const pauses = cluster.outcomes.flatMap((outcome) =>
        outcome.kind === 'failed' ? outcome.againInMs : [],
      );
      expect(pauses).toEqual([200]);
      await advance(60_000);
      expect(cluster.applied.length).toBeLessThan(20);
      broken = false;
      await advance(5_000);
      expect(kinds(cluster)).toContain('applied');
      const { length } = cluster.applied;
      cluster.tell(put(world, 'Webhook', webhookAt('version-1')));
      await advance(60_000);
      expect(cluster.applied).toHaveLength(length);
    }),
  );
});

describe('namespaces that come and go under a policy of the cluster', () => {
  const ofTeam = { namespaceSelector: { matchLabels: { team: 'a' } } };
  const team = (value: string) => ({ team: value });

  it(
    'are covered and probed as their labels change',
    onAClock(async (advance) => {
      const world = aWorld({
        ClusterSpotPolicy: [aClusterPolicy({ spec: ofTeam })],
        Namespace: [aNamespace('bank')],
      });
      const cluster = lead(world);
      await advance(50);
      expect(cluster.applied).toEqual([]);
      expect(cluster.asked).toEqual([]);
      cluster.tell(put(world, 'Namespace', aNamespace('shop', team('a'))));
      cluster.tell(put(world, 'Namespace', aNamespace('bank', team('a'))));
      await advance(50);
      expect(cluster.applied).toEqual([['bank', 'shop']]);
      expect(cluster.asked).toEqual(['base@1 in bank']);
      cluster.tell(put(world, 'Webhook', webhookAt('version-1')));
      cluster.tell(put(world, 'Namespace', aNamespace('bank', team('b'))));
      await advance(50);
      expect(cluster.applied.at(-1)).toEqual(['shop']);
      expect(cluster.asked.at(-1)).toBe('base@1 in shop');
      cluster.tell(drop(world, 'Namespace', aNamespace('shop', team('a'))));
      await advance(50);
      expect(cluster.removals()).toBe(1);
    }),
  );

  it(
    'are no news where a label changes that no policy asks for',
    onAClock(async (advance) => {
      const world = aWorld({
        ClusterSpotPolicy: [aClusterPolicy({ spec: ofTeam })],
        Namespace: [aNamespace('shop', team('a'))],
      });
      const cluster = lead(world);
      await advance(50);
      cluster.tell(put(world, 'Namespace', aNamespace('shop', { ...team('a'), other: 'x' })));
      await advance(1_000);
      expect(cluster.asked).toEqual(['base@1 in shop']);
      expect(cluster.applied).toHaveLength(1);
    }),
  );
});

it(
  'a burst of edits makes the rules of each namespace once',
  onAClock(async (advance) => {
    let made = 0;
    const order = (policies: Iterable<Policy>) => {
      made += 1;
      return precedence.order(policies);
    };
    const world = new World({ ...precedence, order });
    const cluster = lead(world);
    await advance(50);
    made = 0;
    for (let index = 0; index < 500; index++)
      cluster.tell(put(world, 'SpotPolicy', aPolicy({ namespace: `ns-${index % 10}`, name: `p-${index}` })));
    await advance(1_000);
    expect(cluster.asked).toHaveLength(500);
    expect(cluster.applied).toHaveLength(1);
    expect(made).toBe(10);
  }),
);

describe('admission', () => {
  it(
    'is asked about every policy that annotates at creation, and about no other',
    onAClock(async (advance) => {
      const world = aWorld({
        SpotPolicy: [
          aPolicy(),
          aPolicy({ name: 'off', spec: { mode: 'Disabled' } }),
          aPolicy({ name: 'none', spec: { injection: { at: 'None' } } }),
          aPolicy({ name: 'invalid', spec: { strategy: undefined } }),
        ],
      });
      const cluster = lead(world);
      await advance(50);
      expect(cluster.asked).toEqual(['web@1']);
      expect([...world.probes.all()]).toMatchObject([
        { name: 'web', generation: 1, reached: true, failures: 0 },
      ]);
    }),
  );

  it(
    'is asked again about an edited policy, not about a written status',
    onAClock(async (advance) => {
      const world = aWorld({ SpotPolicy: [aPolicy()] });
      const cluster = lead(world);
      await advance(50);
      cluster.tell(put(world, 'SpotPolicy', aPolicy({ status: { observedGeneration: 1 } })));
      await advance(50);
      cluster.tell(put(world, 'SpotPolicy', aPolicy({ generation: 2 })));
      await advance(50);
      expect(cluster.asked).toEqual(['web@1', 'web@2']);
    }),
  );

  it(
    'is asked until it is reached, and once in five minutes afterwards',
    onAClock(async (advance) => {
      const world = aWorld({ SpotPolicy: [aPolicy()] });
      let problem: string | undefined = 'not there yet';
      const cluster = lead(world, { probe: () => () => Promise.resolve(problem) });
      await advance(50);
      expect([...world.probes.all()]).toMatchObject([{ reached: false, problem, failures: 1 }]);
      await advance(60_000);
      expect(cluster.asked.length).toBeGreaterThan(10);
      expect(cluster.asked.length).toBeLessThan(25);
      problem = undefined;
      await advance(5_000);
      expect([...world.probes.all()]).toMatchObject([{ reached: true, problem: '', failures: 0 }]);
      const { length } = cluster.asked;
      await advance(290_000);
      expect(cluster.asked).toHaveLength(length);
      await advance(15_000);
      expect(cluster.asked).toHaveLength(length + 1);
    }),
  );

  it(
    'that cannot be asked was not reached, for the reason of the error',
    onAClock(async (advance) => {
      const world = aWorld({ SpotPolicy: [aPolicy()] });
      lead(world, { probe: () => () => Promise.reject(new Error('no connection')) });
      await advance(50);
      expect([...world.probes.all()]).toMatchObject([{ reached: false, problem: 'no connection' }]);
    }),
  );

  it(
    'leaves no answer about a policy that went meanwhile',
    onAClock(async (advance) => {
      const world = aWorld({ SpotPolicy: [aPolicy()] });
      const answer = Promise.withResolvers<undefined>();
      const cluster = lead(world, { probe: () => () => answer.promise });
      await advance(50);
      cluster.tell(list(world, 'SpotPolicy', []));
      answer.resolve(undefined);
      await advance(50);
      expect(world.probes.size).toBe(0);
      expect(kinds(cluster)).not.toContain('probed');
    }),
  );

  const ending = (name: string) => ({
    metadata: { name, deletionTimestamp: '2026-01-01T00:00:00Z' },
    status: { phase: 'Terminating' },
  });
  const reached = (world: World) => [...world.probes.all()].map((probe) => probe.reached);

  it(
    'is asked in a namespace that is not terminating: the API server refuses every creation in one that is',
    onAClock(async (advance) => {
      const world = aWorld({
        ClusterSpotPolicy: [aClusterPolicy()],
        Namespace: [ending('a-preview'), aNamespace('shop')],
      });
      const probe: InjectionDeps['probe'] = (_, place) => () =>
        Promise.resolve(place === 'a-preview' ? 'the namespace is terminating' : undefined);
      const cluster = lead(world, { probe });
      await advance(50);
      expect(cluster.asked).toEqual(['base@1 in shop']);
      expect(reached(world)).toEqual([true]);
    }),
  );

  it(
    'is not asked where every namespace is terminating, since no pod can be created there',
    onAClock(async (advance) => {
      const world = aWorld({ ClusterSpotPolicy: [aClusterPolicy()], Namespace: [aNamespace('shop')] });
      const cluster = lead(world, { probe: () => () => Promise.resolve('not yet') });
      await advance(50);
      expect(reached(world)).toEqual([false]);
      cluster.tell(put(world, 'Namespace', ending('shop')));
      await advance(50);
      expect(reached(world)).toEqual([true]);
      const { length } = cluster.asked;
      await advance(60_000);
      expect(cluster.asked).toHaveLength(length);
    }),
  );

  it(
    'is asked once for each webhook of the configuration, and all of them must be reached',
    onAClock(async (advance) => {
      const strict = aPolicy({ namespace: 'vault', spec: { injection: { whenUnavailable: 'Fail' } } });
      const world = aWorld({
        ClusterSpotPolicy: [aClusterPolicy()],
        SpotPolicy: [strict],
        Namespace: [aNamespace('shop'), aNamespace('till'), aNamespace('vault')],
      });
      const probe: InjectionDeps['probe'] = (_, place) => () =>
        Promise.resolve(place === 'vault' ? 'its webhook is not called' : undefined);
      const cluster = lead(world, { probe });
      await advance(50);
      expect(cluster.asked.filter((asked) => asked.startsWith('base'))).toEqual([
        'base@1 in shop',
        'base@1 in vault',
      ]);
      expect([...world.probes.all()].find(({ name }) => name === 'base')).toMatchObject({
        reached: false,
        problem: 'its webhook is not called',
      });
    }),
  );

  it(
    'is asked in another namespace where one does not answer, and in every one in the end',
    onAClock(async (advance) => {
      const names = Array.from({ length: 12 }, (_, index) => `ns-${String(index).padStart(2, '0')}`);
      const world = aWorld({
        ClusterSpotPolicy: [aClusterPolicy()],
        Namespace: names.map((name) => aNamespace(name)),
      });
      const answering = new Set(['ns-11']);
      const probe: InjectionDeps['probe'] = (_, place) => () =>
        Promise.resolve(answering.has(place) ? undefined : 'another webhook refuses every eviction here');
      const cluster = lead(world, { probe });
      await advance(50);
      expect(cluster.asked).toEqual(['base@1 in ns-00', 'base@1 in ns-01', 'base@1 in ns-02']);
      expect(reached(world)).toEqual([false]);
      await advance(5_000);
      expect(reached(world)).toEqual([true]);
      expect(new Set(cluster.asked)).toEqual(new Set(names.map((name) => `base@1 in ${name}`)));
      // One that does not answer costs the verdict nothing while another one does.
      answering.add('ns-01');
      const { length } = cluster.asked;
      await advance(300_000);
      expect(cluster.asked.slice(length)).toEqual(['base@1 in ns-00', 'base@1 in ns-01']);
      expect(reached(world)).toEqual([true]);
    }),
  );
});

describe('a webhook configuration that another writer keeps changing', () => {
  /** Two installations that were given one name: each makes the one object what it wants. */
  const installations = (count: number) => {
    let version = 0;
    let content = '';
    let writes = 0;
    const manager = (index: number) => `spotpolicy ns-${index}/spotpolicy`;
    const written: string[] = [];
    const clusters: { readonly world: World; readonly cluster: Cluster }[] = [];
    const webhook = () => ({
      metadata: {
        ...webhookAt(String(version)).metadata,
        managedFields: written.map((name, index) => ({
          manager: name,
          operation: 'Update',
          time: new Date(noonMs + index * 1_000).toISOString(),
        })),
      },
    });
    const write = async (index: number, coverage: object): Promise<string> => {
      const wanted = `${index} ${JSON.stringify(coverage)}`;
      if (wanted === content) return String(version);
      content = wanted;
      version += 1;
      writes += 1;
      written.splice(0, written.length, ...written.filter((name) => name !== manager(index)), manager(index));
      for (const { world, cluster } of clusters) cluster.tell(put(world, 'Webhook', webhook()));
      return String(version);
    };
    for (let index = 0; index < count; index += 1) {
      const world = aWorld({ SpotPolicy: [aPolicy()] });
      const apply: InjectionDeps['apply'] = (coverage) => () => write(index, coverage);
      clusters.push({ world, cluster: lead(world, { apply, writer: manager(index) }) });
    }
    return { clusters, writes: () => writes, webhook };
  };

  it(
    'is written less and less often, and both installations name the two of them in the same words',
    onAClock(async (advance) => {
      const { clusters, writes } = installations(2);
      await advance(3_600_000);
      expect(writes()).toBeLessThan(60);
      const [one, other] = clusters.map(({ world }) => world.contests.current);
      expect(one?.writers).toEqual(['spotpolicy ns-0/spotpolicy', 'spotpolicy ns-1/spotpolicy']);
      expect(other?.writers).toEqual(one?.writers);
      const losses = clusters.flatMap(({ cluster }) =>
        cluster.outcomes.flatMap((outcome) => (outcome.kind === 'lost' ? outcome.againInMs : [])),
      );
      expect(Math.max(...losses)).toBe(300_000);
    }),
  );

  it(
    'is repaired at once after the first two changes by others, and after a day without one again',
    onAClock(async (advance) => {
      const world = aWorld({ SpotPolicy: [aPolicy()] });
      const cluster = lead(world);
      await advance(50);
      const edited = async (version: string) => {
        cluster.tell(put(world, 'Webhook', webhookAt(version)));
        await advance(100);
      };
      await edited('a');
      await edited('b');
      expect(cluster.applied).toHaveLength(3);
      expect(world.contests.current).toBeUndefined();
      await edited('c');
      expect(cluster.applied).toHaveLength(3);
      await advance(2_000);
      expect(cluster.applied).toHaveLength(4);
      expect(world.contests.current).toMatchObject({ losses: 3 });
      cluster.tell(put(world, 'Webhook', webhookAt('version-4')));
      await advance(86_400_000);
      expect(world.contests.current).toBeUndefined();
      expect(kinds(cluster)).toContain('settled');
      await edited('d');
      expect(cluster.applied).toHaveLength(5);
    }),
  );

  it(
    'still follows an edit of a policy at once',
    onAClock(async (advance) => {
      const { clusters } = installations(2);
      await advance(600_000);
      const [first] = clusters;
      if (!first) throw new Error('there is no installation');
      const { length } = first.cluster.applied;
      first.cluster.tell(put(first.world, 'SpotPolicy', aPolicy({ namespace: 'bank' })));
      await advance(100);
      expect(first.cluster.applied.slice(length)).toEqual([['bank', 'shop']]);
    }),
  );

  it(
    'is no contest where the other writer changes nothing that is ours, nor where an older version comes late',
    onAClock(async (advance) => {
      const world = aWorld({ SpotPolicy: [aPolicy()] });
      let version = '10';
      const cluster = lead(world, { apply: () => () => Promise.resolve(version) });
      await advance(50);
      cluster.tell(put(world, 'Webhook', webhookAt('9')));
      await advance(100);
      expect(cluster.applied).toHaveLength(1);
      for (const next of ['11', '12', '13', '14', '15']) {
        // A patch that changes nothing gets the version that is there.
        version = next;
        cluster.tell(put(world, 'Webhook', webhookAt(next)));
        await advance(100);
      }
      expect(cluster.applied).toHaveLength(6);
      expect(world.contests.current).toBeUndefined();
      expect(kinds(cluster)).not.toContain('lost');
    }),
  );

  it(
    'counts one that is taken away each time as well',
    onAClock(async (advance) => {
      const world = aWorld({ SpotPolicy: [aPolicy()] });
      const cluster: Cluster = lead(world, {
        apply: () => async () => {
          const version = `made-${cluster.applied.length}`;
          queueMicrotask(() => {
            cluster.tell(put(world, 'Webhook', webhookAt(version)));
            cluster.tell(drop(world, 'Webhook', webhookAt(version)));
          });
          return version;
        },
      });
      await advance(3_600_000);
      expect(cluster.applied.length).toBeLessThan(30);
      expect(world.contests.current).toMatchObject({ writers: [] });
    }),
  );
});
