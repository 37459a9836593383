import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCluster, type Cluster } from './cluster/cluster.ts';
import { installOperator, startReplica } from './cluster/operator.ts';
import { ensureToolchain } from './cluster/toolchain.ts';
import { waitFor } from './cluster/wait-for.ts';
import { type Check, judge } from './demo/checks.ts';
import { type Doomed, readEvidence } from './demo/evidence.ts';
import { followReclaims } from './demo/follow.ts';
import { openScreen, styled } from './demo/screen.ts';
import { readableStatus } from './demo/status-text.ts';
import {
  announceReclaims,
  applyPolicies,
  chooseDoomed,
  createWorkloads,
  describeGifts,
  namespaces,
} from './demo/story.ts';
import type { Witnessed } from './demo/watches.ts';
import { say } from './say.ts';

// The status counts pods within ten seconds, and Events are written behind what they tell of.
const settleMs = 15_000;

const startedAtMs = performance.now();
const screen = openScreen();
const failure = Promise.withResolvers<never>();
let cluster: Cluster | undefined;
/** What is kept of a demo that failed. */
const remains = await mkdtemp(join(tmpdir(), 'spotpolicy-demo-'));

const heading = (text: string): void => screen.line(styled('bold', `\n${text}`));

const play = async (): Promise<boolean> => {
  screen.line(
    'A Kubernetes control plane of its own, a few reclaims, about 1.5 minutes; nothing of it stays behind.',
  );
  const binaries = await ensureToolchain({ log: say });

  heading('Starting a control plane with three virtual nodes, and the operator');
  cluster = await startCluster({ binaries, onFailure: (message) => failure.reject(new Error(message)) });
  screen.line(`${cluster.serverUrl} is ready after ${(cluster.startedInMs / 1000).toFixed(1)} s`);
  await installOperator(cluster);
  await startReplica(cluster, { logPath: join(remains, 'operator.log') });
  screen.line('the operator is ready; it acts as the ServiceAccount that dist/install.yaml gives it');

  heading('Applying hack/demo/policies.yaml, then hack/demo/workloads.yaml');
  await applyPolicies(cluster);
  screen.line('both policies are Programmed: new pods get what they ask for');
  const pods = await createWorkloads(cluster);
  screen.line(`${pods.length} pods are Ready and the budgets in force; admission gave them`);
  for (const gift of describeGifts(pods)) screen.line(`  ${gift}`);

  const doomed = chooseDoomed(pods);
  heading(`ECI takes back ${doomed.length} pods: seconds since the notice, pod, step, message`);
  const { admin } = cluster;
  const announce = () => announceReclaims(admin, doomed);
  const witnessed = await followReclaims(admin, { namespaces, doomed, announce }, screen);
  return conclude(cluster, doomed, witnessed);
};

const conclude = async (
  { admin, kubectl }: Cluster,
  doomed: readonly Doomed[],
  witnessed: Witnessed,
): Promise<boolean> => {
  const read = () => readEvidence(admin, namespaces, { doomed, witnessed });
  const settled = async () => judge(await read()).every(({ holds }) => holds);
  await waitFor('everything to be counted', settled, { timeoutMs: settleMs }).catch(() => {});
  const evidence = await read();

  heading('kubectl get spotpolicies -A');
  screen.line((await kubectl(['get', 'spotpolicies', '-A'])).stdout.trimEnd());
  const [services] = evidence.policies;
  if (services !== undefined) {
    const { namespace, name } = services.metadata;
    heading(`The status of ${namespace}/${name}, without UIDs and transition times`);
    screen.line(readableStatus(services.status ?? {}).trimEnd());
  }
  heading('Read back from the cluster');
  const checks = judge(evidence);
  for (const check of checks) screen.line(describeCheck(check));
  return checks.every(({ holds }) => holds);
};

const describeCheck = ({ claim, holds, seen }: Check): string => {
  const verdict = holds ? styled('green', 'ok    ') : styled('red', 'FAILED');
  return `${verdict}  ${holds ? '' : 'expected: '}${claim}\n        ${styled('dim', `${holds ? '' : 'seen: '}${seen}`)}`;
};

/** Writes down how the objects are, for whoever wants to know why the demo failed. */
const keepObjects = async ({ kubectl }: Cluster): Promise<void> => {
  const kinds = 'spotpolicies,pods,poddisruptionbudgets,jobs,events';
  const { stdout } = await kubectl(['get', kinds, '-A', '-o', 'yaml', '--request-timeout=10s']);
  await writeFile(join(remains, 'objects.yaml'), stdout);
};

const end = async (exitCode: number): Promise<never> => {
  await cluster?.stop();
  process.exit(exitCode);
};

const interrupted = new Promise<'interrupted'>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve('interrupted'));
});

try {
  const outcome = await Promise.race([play(), failure.promise, interrupted]);
  screen.footer('');
  if (outcome === 'interrupted') {
    screen.line('\nStopping: the cluster goes with the demo.');
    await rm(remains, { recursive: true });
    await end(130);
  }
  if (!outcome) throw new Error('not every pod was handled as it should be');
  const seconds = Math.round((performance.now() - startedAtMs) / 1000);
  heading(
    `Every pod was handled as it should be. This took ${seconds} s; make up gives you the same to play with.`,
  );
  await rm(remains, { recursive: true });
  await end(0);
} catch (error) {
  screen.line(styled('red', `\nThe demo failed: ${error instanceof Error ? error.message : String(error)}`));
  if (cluster === undefined) await rm(remains, { recursive: true });
  else {
    await keepObjects(cluster).catch(() => {});
    screen.line(`The operator's log and the objects as they were: ${remains}`);
  }
  await end(1);
}
