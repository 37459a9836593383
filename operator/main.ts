import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { finalize, firstValueFrom, type Observable, ReplaySubject, tap } from 'rxjs';
import manifest from '../package.json' with { type: 'json' };
import { addressOf, type Standing } from './admit.ts';
import { run } from './app.ts';
import { callsAtOnce, type Config, parseConfig, StartRefused } from './config.ts';
import { bindCalls } from './bind-calls.ts';
import { createKube } from './kube/client.ts';
import { KubeError } from './kube/errors.ts';
import { fenced } from './kube/fenced.ts';
import { leadership, leaseCalls } from './kube/lease.ts';
import { serverClock } from './kube/server-clock.ts';
import { createLog, type Log } from './observe/log.ts';
import { createMetrics } from './observe/metrics.ts';
import { narrate } from './observe/narrate.ts';
import { recordEvents } from './observe/record-events.ts';
import { withOwners } from './owner-source.ts';
import { precedence } from './policy/rules.ts';
import { serve } from './serve.ts';
import { sourcesOf } from './sources.ts';
import { World } from './world/world.ts';

const { random } = Math;
const elapsedMs = (): number => performance.now();

/** Runs the operator until it is told to stop; resolves when everything has ended in order. */
const operate = async (config: Config, log: Log, stop$: Observable<void>): Promise<void> => {
  const identity = config.identity ?? defaultIdentity;
  const metrics = createMetrics();
  const clock = serverClock({ elapsedMs, timeOfDayMs: Date.now });
  const { nowMs, jumped$, offsetMs$ } = clock;
  const kube = createKube({
    kubeconfig: config.kubeconfig,
    context: config.context,
    connections: config.apiConnections,
    version: manifest.version,
    onAnswer: (verb, status) => metrics.apiRequests.inc({ verb, code: String(status) }),
    clock,
  });
  offsetMs$.subscribe((offsetMs) => metrics.clockOffset.set(offsetMs / 1000));
  jumped$.subscribe((byMs) => {
    metrics.clockJumps.inc();
    log.warn({ byMs }, "moved the deciding clock to the API server's");
  });
  const world = new World(precedence, [
    'kube-system',
    config.operatorNamespace,
    ...config.excludedNamespaces,
  ]);
  const events = recordEvents(kube, {
    instance: identity,
    nowMs,
    suffix: () => randomBytes(8).toString('hex'),
    log,
    metrics,
  });
  // By the clock, not by what was told last: a process that was paused has not been told yet.
  let termEndsMs = Number.NEGATIVE_INFINITY;
  const leads = (): boolean => elapsedMs() < termEndsMs;
  const standing: Standing = { leads, leader: undefined };
  const servers = await Promise.race([
    serve({ config, kube, world, metrics, log, nowMs, jumped$, random, standing }),
    firstValueFrom(stop$),
  ]);
  if (!servers) return log.info('stopped before the API server could be reached');

  const electionEnded = Promise.withResolvers<void>();
  const leader$ = leadership(
    leaseCalls(
      kube,
      { namespace: config.operatorNamespace, name: config.leaseName },
      {
        own: addressOf(config, servers.admissionPort),
        onHolder: (leader) => Object.assign(standing, { leader }),
      },
    ),
    {
      identity,
      leaseDurationMs: config.leaseSeconds * 1000,
      renewDeadlineMs: config.leaseRenewDeadlineSeconds * 1000,
      retryMs: config.leaseRetrySeconds * 1000,
      elapsedMs,
      timeOfDayMs: nowMs,
      random,
      stop$,
      onTerm: (untilMs) => (termEndsMs = untilMs),
      onOther: () => world.endTerm(),
      onFailure: (err) => log.warn({ err }, 'lease not renewed'),
    },
  ).pipe(
    tap((isLeader) => {
      metrics.leader.set(isLeader ? 1 : 0);
      log.info({ leads: isLeader }, isLeader ? 'leading' : 'following');
    }),
    finalize(() => electionEnded.resolve()),
  );

  const flow$ = run({
    world,
    nowMs,
    random,
    jumped$,
    offsetMs$,
    sources: [
      withOwners(sourcesOf(kube, config.webhookConfigurationName, { random, nowMs }), { kube, random }),
    ],
    leader$,
    defaultMinutes: config.defaultWindowMinutes,
    trustEvents: config.trustReclaimEvents,
    concurrency: callsAtOnce(config.evictionConcurrency),
    ...bindCalls(fenced(kube, leads), config, world, nowMs, servers),
  });
  const self = { namespace: config.operatorNamespace, name: hostname() };
  const flow = flow$.subscribe({
    next: (outcome) => narrate({ log, metrics, events, world, nowMs, self }, outcome),
    error: (err: unknown) => {
      log.fatal({ err }, 'the flow ended');
      process.exit(1);
    },
  });

  await firstValueFrom(stop$);
  log.info('stopping');
  // Each step is bounded: with farewell and closing it comes to 20 seconds of the 30 that a pod has.
  servers.leave();
  // Another replica leads while this one still answers admission.
  if (world.synced('Pod'))
    await Promise.race([electionEnded.promise, after(config.leaseRetrySeconds * 1000 + 2_000)]);
  flow.unsubscribe();
  await Promise.race([events.settled(), after(longestSettlingMs)]);
  await servers.close();
  await kube.close();
  log.info('stopped');
};

const longestSettlingMs = 10_000;

const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms).unref());

const defaultIdentity = `${hostname()}_${process.pid}_${randomBytes(3).toString('hex')}`;

try {
  const config = parseConfig(process.argv.slice(2), process.env);
  const log = createLog(config.logLevel, config.identity ?? defaultIdentity);
  const stop$ = new ReplaySubject<void>(1);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop$.next());
  await operate(config, log, stop$);
  process.exit(0);
} catch (error) {
  if (!(error instanceof StartRefused) && !(error instanceof KubeError)) throw error;
  const { message } = error;
  const exitCode = error instanceof StartRefused ? error.exitCode : 1;
  (exitCode === 0 ? process.stdout : process.stderr).write(`${message}\n`);
  process.exitCode = exitCode;
}
