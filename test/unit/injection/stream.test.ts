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
      expect(pauses).toEqual([100]);
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
});
