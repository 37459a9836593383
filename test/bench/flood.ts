import { randomUUID } from 'node:crypto';
import { loadavg } from 'node:os';
import { Agent, request } from 'undici';
import { readKubeconfig } from '../../hack/cluster/kubeconfig.ts';
import { type Replica, startReplica } from '../../hack/cluster/operator.ts';
import { say } from '../../hack/say.ts';
import { aFlood, torrents } from '../integration/harness/flood.ts';
import { bundleOf } from '../integration/harness/webhook-configuration.ts';
import { openConnections } from './connections.ts';
import { createPods } from './load.ts';
import { describeMachine } from './machine.ts';
import { formatted, runText, spread, tableOf, verdictsText, writeMeasured } from './markdown.ts';
import { aBenchCluster, addPolicies, deletePods } from './place.ts';
import { judged, quantile, summaryOf } from './statistics.ts';
import { creationsOf, problemOf, type Way } from './ways.ts';

// How long admission takes while clients of two addresses flood its port: pods created through the API server, which keeps
// its connections, and reviews over a new connection each. Rounds without and with the flood alternate.

const rounds = 5;
const creations = 400;
const clients = 10;
const pauseMs = 50;
const goalMs = 200;
const floodMs = 5_000;
const way: Way = { name: 'flooded', namespaces: ['flooded'], apps: 1, stamped: true };

const kinds = ['creation', 'kept', 'anew'] as const;
type Figures = Readonly<Record<(typeof kinds)[number], number[]>>;
const figures = { calm: aTable(), flooded: aTable() };
const failures: string[] = [];

function aTable(): { readonly p50Ms: Figures; readonly p99Ms: Figures } {
  const none = (): Figures => ({ creation: [], kept: [], anew: [] });
  return { p50Ms: none(), p99Ms: none() };
}

// A client that waits for longer than the API server would is a failure, not a reason to wait.
const connectionTo = (ca: string): Agent =>
  new Agent({
    connect: { ca, timeout: 10_000 },
    headersTimeout: 10_000,
    bodyTimeout: 10_000,
    connections: 1,
  });

/** The times of reviews, in milliseconds, until told to stop: over one connection that is kept, or over a new one each. */
const reviewOver = async (
  connection: 'kept' | 'anew',
  { webhookUrl }: Replica,
  { ca, body }: { readonly ca: string; readonly body: string },
  over: AbortSignal,
): Promise<number[]> => {
  const tookMs: number[] = [];
  let dispatcher = connectionTo(ca);
  while (!over.aborted) {
    const startMs = performance.now();
    const answer = await request(webhookUrl, {
      method: 'POST',
      dispatcher,
      headers: { 'content-type': 'application/json' },
      body,
    });
    await answer.body.text();
    tookMs.push(performance.now() - startMs);
    if (answer.statusCode !== 200) failures.push(`a review was answered ${answer.statusCode}`);
    if (connection === 'anew') {
      await dispatcher.close();
      dispatcher = connectionTo(ca);
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  await dispatcher.close();
  return tookMs;
};

const startedAtMs = performance.now();
const loadBefore = loadavg()[0] ?? 0;
const cluster = await aBenchCluster(way.namespaces);
const { admin } = cluster;
const connections = openConnections(await readKubeconfig(cluster.adminKubeconfigPath), clients);
try {
  const replica = await startReplica(cluster);
  await addPolicies(admin, [{ namespace: 'flooded', apps: 1 }]);
  const ca = await bundleOf(admin);
  const [sample] = creationsOf(way, 1);
  const asked = {
    uid: randomUUID(),
    ...{ operation: 'CREATE', namespace: 'flooded', object: JSON.parse(sample?.body ?? '') },
  };
  const review = JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: asked,
  });

  const measure = async ({ p50Ms, p99Ms }: ReturnType<typeof aTable>): Promise<void> => {
    const over = new AbortController();
    const asking = (['kept', 'anew'] as const).map((connection) =>
      reviewOver(connection, replica, { ca, body: review }, over.signal),
    );
    const created = await createPods(connections, creationsOf(way, creations), clients, problemOf(way));
    over.abort();
    const [kept = [], anew = []] = await Promise.all(asking);
    const tookMs: Figures = { creation: [...created.latenciesMs], kept, anew };
    for (const figure of kinds) {
      p50Ms[figure].push(quantile(tookMs[figure], 0.5));
      p99Ms[figure].push(quantile(tookMs[figure], 0.99));
    }
    failures.push(...created.failures);
    await deletePods(admin, way.namespaces, replica);
  };

  await measure(aTable());
  const poured = new Map<string, number>();
  for (let round = 1; round <= rounds; round += 1) {
    await measure(figures.calm);
    const flood = aFlood(replica, ['127.0.0.2', '127.0.0.3'], 'entirely');
    await new Promise((resolve) => setTimeout(resolve, floodMs));
    await measure(figures.flooded);
    for (const [torrent, count] of await flood.done())
      poured.set(torrent, (poured.get(torrent) ?? 0) + count);
    await flood.stop();
    say(`round ${round} of ${rounds}`);
  }
  const machine = describeMachine(loadBefore);
  const verdicts = [
    // As the API server asks: it keeps its connections.
    judged('P99 of admission beside a flood, ms', goalMs, figures.flooded.p99Ms.kept),
    judged('creations and reviews that failed or came back without their stamp', 0, [failures.length]),
  ];
  const cells = (figure: keyof Figures) =>
    (['calm', 'flooded'] as const).map((which) => {
      const { p50Ms, p99Ms } = figures[which];
      return `${spread(summaryOf(p50Ms[figure]), 1)} / ${spread(summaryOf(p99Ms[figure]), 1)}`;
    });
  const table = tableOf(
    ['P50 / P99, ms', 'calm', 'beside a flood'],
    [
      ['pod created through the API server', ...cells('creation')],
      ['review over a connection that is kept, as the API server asks', ...cells('kept')],
      ['review over a new connection', ...cells('anew')],
    ],
  );
  const counts = torrents.map((torrent) => `${torrent} ${poured.get(torrent) ?? 0}`).join(', ');
  const text = await formatted(`${runText(machine, (performance.now() - startedAtMs) / 1000)};
${rounds} rounds each. ${verdictsText(verdicts)}

${table}

What the flood did meanwhile: ${counts}.
${[...new Set(failures)].map((failure) => `- ${failure}`).join('\n')}
`);
  console.log(text);
  await writeMeasured({
    target: 'bench-flood',
    text,
    beside: { 'flood.json': { machine, figures, poured: Object.fromEntries(poured), failures, verdicts } },
  });
  await replica.end('SIGTERM');
  process.exitCode = verdicts.some(({ verdict }) => verdict === 'missed') ? 1 : 0;
} finally {
  await connections.close();
  await cluster.stop();
}
