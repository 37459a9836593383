import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { type Cluster, startCluster } from '../../hack/cluster/cluster.ts';
import { installOperator, type Replica, startReplica } from '../../hack/cluster/operator.ts';
import { ensureToolchain } from '../../hack/cluster/toolchain.ts';
import { say } from '../../hack/say.ts';
import { availability, carefulWorkloads, readyAfterSeconds } from './interruption/availability.ts';
import { type Findings, type Measurements, type Storms, verdictsOf } from './interruption/findings.ts';
import { footprint, growTo, preparePolicies } from './interruption/growth.ts';
import { latency } from './interruption/latency.ts';
import { textOf, writeReport } from './interruption/report.ts';
import { aScene, type Scene, standStill } from './interruption/scene.ts';
import { setBudgets, storm, type StormKind, stormWorkloads, type Way } from './interruption/storm.ts';
import { addBlockingBudgets, blockedWorkloads, unblock } from './interruption/unblock.ts';
import { callsAtOnce, parseConfig } from '../../operator/config.ts';
import { describeMachine } from './machine.ts';
import { turned } from './measure.ts';

const parts = ['storm', 'latency', 'unblock', 'availability', 'growth'] as const;
const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', default: parts.join(',') },
    sizes: { type: 'string' },
    connections: { type: 'string' },
  },
});
const wanted = flags.only.split(',');
const roundsPerWay = flags.quick ? 1 : 3;
const sizes = flags.sizes?.split(',').map(Number) ?? (flags.quick ? [100] : [100, 500, 1_000]);
const grown = flags.quick ? [200, 1_000] : [1_000, 5_000, 10_000];
const windowMinutes = flags.quick ? 1 : 3;
/** Evictions under way at once, of the operator and of the limit alike. */
const connections = Number(flags.connections ?? parseConfig([], {}).evictionConcurrency);
// For trials of another number only: the operator needs a few more for everything else.
const trial = [
  '--eviction-concurrency',
  String(connections),
  '--api-connections',
  String(callsAtOnce(connections) + 16),
];

const startedAtMs = performance.now();
const tell = (text: string): void =>
  say(`${Math.round((performance.now() - startedAtMs) / 1000)} s`.padStart(6) + `  ${text}`);

// A storm that is over in half a second says little by itself.
const roundsOf = (size: number): number =>
  flags.quick ? 1 : Math.max(roundsPerWay, Math.ceil(1_000 / size));

/** Each kind of storm, with the ways in which it is played and how often. */
const plans: readonly (StormKind & { readonly rounds: Readonly<Partial<Record<Way, number>>> })[] =
  sizes.flatMap((size) => [
    { size, budgets: false, still: true, rounds: { ours: roundsOf(size), limit: roundsOf(size) } },
    // One drain of 1,000 pods takes longer than the window.
    { size, budgets: false, still: false, rounds: { ours: 1, drain: 1 } },
    { size, budgets: true, still: false, rounds: { ours: roundsPerWay, limit: roundsPerWay } },
  ]);

const playStorms = async (scene: Scene): Promise<readonly Storms[]> => {
  const played: Storms[] = [];
  for (const { rounds: counts, ...kind } of plans) {
    await scene.pods(kind.size / stormWorkloads.length);
    if (kind.budgets) await setBudgets(scene, true);
    const rounds: Storms['rounds'] & Record<Way, unknown[]> = { ours: [], limit: [], drain: [] };
    for (let turn = 0; turn < Math.max(...Object.values(counts)); turn += 1) {
      for (const way of turned(['ours', 'limit', 'drain'] as const, turn)) {
        if (turn >= (counts[way] ?? 0)) continue;
        const result = await storm(scene, kind, way);
        rounds[way].push(result);
        tell(`storm ${JSON.stringify({ ...kind, way, ...result })}`);
      }
    }
    if (kind.budgets) await setBudgets(scene, false);
    played.push({ ...kind, rounds });
  }
  return played;
};

const inRounds = async <W extends string, T>(
  ways: readonly W[],
  measure: (way: W) => Promise<T>,
): Promise<Record<W, T[]>> => {
  const found = Object.fromEntries(ways.map((way) => [way, [] as T[]])) as Record<W, T[]>;
  for (let turn = 0; turn < roundsPerWay; turn += 1)
    for (const way of turned(ways, turn)) found[way].push(await measure(way));
  return found;
};

const measureGrowth = async (cluster: Cluster, scene: Scene): Promise<Measurements['growth']> => {
  await preparePolicies(cluster);
  await standStill(cluster);
  const growth = [];
  let pods = 0;
  for (const count of grown) {
    await growTo(scene.connections, pods, count);
    pods = count;
    tell(`${count} pods are there`);
    const rounds = [];
    for (let turn = 0; turn < roundsPerWay; turn += 1) {
      rounds.push(await footprint(cluster, scene.connections, count));
      tell(`growth ${JSON.stringify(rounds.at(-1))}`);
    }
    growth.push(rounds);
  }
  return growth;
};

const measureAll = async (cluster: Cluster, replica: Replica): Promise<Measurements> => {
  const sceneOf = (namespace: string, workloads: readonly string[], annotations = {}): Promise<Scene> =>
    aScene(cluster, { namespace, workloads, connections, annotations });
  const storms = await sceneOf('storm', stormWorkloads);
  const has = (part: (typeof parts)[number]): boolean => wanted.includes(part);
  const played = has('storm') ? await playStorms(storms) : [];
  const each = (flags.quick ? 20 : 100) / stormWorkloads.length;
  const delays = has('latency')
    ? await inRounds(['ours', 'limit'] as const, (way) => latency(storms, way, each))
    : { ours: [], limit: [] };
  tell(`latency ${JSON.stringify(delays)}`);
  await storms.pods(0);
  const blocked = await sceneOf('blocked', blockedWorkloads);
  if (has('unblock')) await addBlockingBudgets(blocked);
  const freed = has('unblock')
    ? await inRounds(['ours', 'drain'] as const, (way) => unblock(blocked, way, replica))
    : { ours: [], drain: [] };
  tell(`unblock ${JSON.stringify(freed)}`);
  const told = { 'sim.spotpolicy.dev/ready-after': `${readyAfterSeconds}s` };
  const endured = has('availability')
    ? await availability(await sceneOf('careful', carefulWorkloads, told), windowMinutes)
    : undefined;
  tell(`availability ${JSON.stringify(endured)}`);
  await replica.end('SIGTERM');
  const growth = has('growth') ? await measureGrowth(cluster, storms) : [];
  return { storms: played, latency: delays, unblock: freed, availability: endured, growth };
};

const loadBefore = loadavg()[0] ?? 0;
const cluster = await startCluster({ binaries: await ensureToolchain({ log: say }) });
try {
  await installOperator(cluster);
  tell('a control plane and the operator run');
  const measurements = await measureAll(
    cluster,
    await startReplica(cluster, flags.connections === undefined ? {} : { flags: trial }),
  );
  const findings: Findings = {
    machine: describeMachine(loadBefore),
    seconds: Math.round((performance.now() - startedAtMs) / 1000),
    rounds: roundsPerWay,
    windowMinutes,
    measurements,
    verdicts: verdictsOf(measurements),
  };
  console.log(await textOf(findings));
  if (flags.quick || flags.sizes || flags.connections || wanted.length < parts.length)
    say('A part of a run tells whether the benchmark works, not how fast anything is: docs/ is unchanged.');
  else await writeReport(findings);
  process.exitCode = findings.verdicts.some(({ verdict }) => verdict === 'missed') ? 1 : 0;
} finally {
  await cluster.stop();
}
// Connections to an API server that is gone would keep this process.
process.exit();
