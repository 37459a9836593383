import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import type { Cluster } from '../../hack/cluster/cluster.ts';
import { readKubeconfig } from '../../hack/cluster/kubeconfig.ts';
import { type Replica, startReplica } from '../../hack/cluster/operator.ts';
import { say } from '../../hack/say.ts';
import { aPatch, startLimit } from './limit.ts';
import { openConnections } from './connections.ts';
import { createPods } from './load.ts';
import { aRecord, measure, type Round, turned } from './measure.ts';
import { describeMachine } from './machine.ts';
import { aBenchCluster, addPolicies, deletePods } from './place.ts';
import { type Findings, findingsOf } from './findings.ts';
import { textOf, writeReport } from './report.ts';
import { soak } from './soak.ts';
import {
  creationsOf,
  everyNamespace,
  limit,
  noOperator,
  noPolicies,
  noWebhook,
  patched,
  problemOf,
  type Stage,
  stages,
  type Way,
} from './ways.ts';

const { values: flags } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });
const roundsPerWay = flags.quick ? 2 : 5;
const share = flags.quick ? 0.1 : 1;
const soakedPods = 20_000 * share;
/** How many clients create pods at a time, and how many pods they create in a round. */
const rounds: readonly Round[] = [
  { clients: 1, creations: 150 * share },
  { clients: 10, creations: 300 * share },
  { clients: 50, creations: 500 * share },
];

const startedAtMs = performance.now();
const tell = (text: string): void =>
  say(`${Math.round((performance.now() - startedAtMs) / 1000)} s`.padStart(6) + `  ${text}`);

const record = aRecord();
const loadBefore = loadavg()[0] ?? 0;
tell('starting a control plane; then only etcd, the API server and what is measured run');
const cluster = await aBenchCluster(everyNamespace);
const { admin } = cluster;
const connections = openConnections(await readKubeconfig(cluster.adminKubeconfigPath), 50);

const go = async (way: Way, round: Round, replica?: Replica): Promise<void> => {
  await measure(connections, record, way, round);
  await deletePods(admin, way.namespaces, replica);
};

/** A round that does not count: a process that has just started is slow. */
const warmUp = async (way: Way, replica?: Replica): Promise<void> => {
  await createPods(connections, creationsOf(way, 50), 10, problemOf(way));
  await deletePods(admin, way.namespaces, replica);
};

/** What an installation costs that governs nothing: round by round without the operator and with it. */
const compareWithoutPolicies = async (): Promise<void> => {
  for (let turn = 0; turn < roundsPerWay; turn += 1) {
    await warmUp(noOperator);
    for (const round of rounds) await go(noOperator, round);
    const replica = await startReplica(cluster);
    await warmUp(noPolicies, replica);
    for (const round of rounds) await go(noPolicies, round, replica);
    const asked = /^spot_admission_requests_total\{.*$/m.exec(await replica.metrics());
    if (asked) record.failures.push(`without a policy admission was asked: ${asked[0]}`);
    await replica.end('SIGTERM');
  }
};

const compareWithLimit = async ({ policies, ways }: Stage, replica: Replica): Promise<void> => {
  for (let turn = 0; turn < roundsPerWay; turn += 1) {
    for (const round of rounds) {
      const base = [noWebhook(policies), limit(policies), patched(policies)];
      for (const way of turned([...base, ...ways], turn)) await go(way, round, replica);
    }
    tell(`${policies} policies: round ${turn + 1} of ${roundsPerWay}`);
  }
};

const run = async ({ admin }: Cluster): Promise<Findings> => {
  await compareWithoutPolicies();
  tell('a cluster without policies is measured');
  const replica = await startReplica(cluster);
  const allowAll = await startLimit(admin, limit(1).namespaces);
  const patchAll = await startLimit(admin, patched(1).namespaces, aPatch);
  for (const stage of stages) {
    await addPolicies(admin, stage.added);
    await compareWithLimit(stage, replica);
  }
  const ways = stages.flatMap(({ ways: governed }) => governed);
  const memory = await soak({ connections, admin, record, replica }, ways.slice(-2), soakedPods);
  tell(`${soakedPods} more pods are created`);
  // A webhook that is passed over fails in silence, and this one leaves no stamp.
  const expected = stages.length * roundsPerWay * rounds.reduce((sum, { creations }) => sum + creations, 0);
  const answered = await allowAll.answered();
  if (answered !== expected) record.failures.push(`the limit answered ${answered} times, not ${expected}`);
  const findings = findingsOf(record, {
    stages,
    clients: rounds.map(({ clients }) => clients),
    memory,
    machine: describeMachine(loadBefore),
    roundsPerWay,
    seconds: Math.round((performance.now() - startedAtMs) / 1000),
  });
  allowAll.end();
  patchAll.end();
  await replica.end('SIGTERM');
  return findings;
};

try {
  const findings = await run(cluster);
  console.log(await textOf(findings));
  if (flags.quick)
    say('A quick run tells whether the benchmark works, not how fast anything is: docs/ is unchanged.');
  else await writeReport(findings);
  process.exitCode = findings.verdicts.some(({ verdict }) => verdict === 'missed') ? 1 : 0;
} finally {
  await connections.close();
  await cluster.stop();
}
