import { setTimeout } from 'node:timers/promises';
import { firstValueFrom, type Observable, ReplaySubject, share, Subject, takeUntil, tap } from 'rxjs';
import { admit, type Standing } from './admit.ts';
import { type Config, writerOf } from './config.ts';
import type { Kube } from './kube/kube.ts';
import { listWatchCalls, listWatchOptions } from './kube/list-watch-calls.ts';
import { resources } from './kube/resources.ts';
import type { KubeObject } from './kube/types.ts';
import type { Log } from './observe/log.ts';
import type { Metrics } from './observe/metrics.ts';
import { listWatch } from './runtime/list-watch.ts';
import { certificateSecret } from './server/certificate-secret.ts';
import { type Certificates, ensureCertificates } from './server/certificate-store.ts';
import { certificateSecretName } from './server/certificates.ts';
import type { ConnectionLimits } from './server/connections.ts';
import { health } from './server/health.ts';
import { type Closing, serveHttp, serveHttps } from './server/listen.ts';
import { type SeenSecret, secretChanges } from './server/secret-changes.ts';
import { certificateStream } from './server/stream.ts';
import { allKinds, waitingFor } from './sources.ts';
import { type RawObject, writersOf } from './world/object.ts';
import { policyKey } from './world/policy.ts';
import type { World } from './world/world.ts';

/** What the servers are made of. */
export interface ServeParts {
  readonly config: Config;
  readonly kube: Kube;
  readonly world: World;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly nowMs: () => number;
  /** `nowMs` has jumped. */
  readonly jumped$: Observable<unknown>;
  readonly random: () => number;
  readonly standing: Standing;
}

/** The servers as the rest of the program knows them. */
export interface Servers {
  /** Where HTTPS is served. */
  readonly admissionPort: number;
  /** Certificates that the API server is to trust, as they are now. */
  readonly bundlePem: () => string;
  /** Emits after each change of the certificates. */
  readonly certificates$: Observable<Certificates>;
  /** Says that it is not ready any more, and goes on answering. */
  readonly leave: () => void;
  /** Leaves, answers until nobody asks any more, then ends. */
  readonly close: () => Promise<void>;
}

// In a cluster the Service goes on sending requests until every node has heard that this replica is not ready.
const farewellMs = 3_000;
// Requests under way are over long before; whoever keeps a connection open longer is cut off.
const closeMs = 3_000;

// The kubelet asks over one connection at a time, Prometheus over one for each of its servers.
const healthLimits: ConnectionLimits = { most: 200, mostOfAddress: 100, unprovenMs: 5_000 };

/** Serves health at once, and admission as soon as there is a certificate to serve it with; resolves then. */
export const serve = async (parts: ServeParts): Promise<Servers> => {
  const { config, log, metrics } = parts;
  let current: Certificates | undefined;
  let stopping = false;
  const closed$ = new Subject<void>();
  const open: OpenConnections = {};
  const state = { certificates: () => current, isStopping: () => stopping, open };
  const closing = (server: Server) => (reason: Closing) => metrics.serverClosings.inc({ server, reason });
  const plain = await serveHttp(healthOf(parts, state), {
    host: config.healthHost,
    port: config.healthPort,
    limits: healthLimits,
    onClosing: closing('health'),
  });
  open.health = plain.connections;
  const certificates$ = certificatesOf(parts).pipe(
    tap((certificates) => {
      current = certificates;
      for (const note of certificates.notes) log.info({ note }, 'renewed certificates');
    }),
    takeUntil(closed$),
    // One watch of the Secret, whoever listens and when.
    share({ connector: () => new ReplaySubject(1), resetOnRefCountZero: false }),
  );
  const certificate = await firstValueFrom(certificates$);
  const bundlePem = (): string => current?.bundlePem ?? certificate.bundlePem;
  const admitting = admit(parts, { sealKey: () => current?.sealKey ?? certificate.sealKey, bundlePem });
  const secure = await serveHttps(
    admitting.app,
    {
      host: config.admissionHost,
      port: config.admissionPort,
      onClosing: closing('admission'),
      certificate,
    },
    (err) => log.debug({ err }, 'handshake failed'),
  );
  open.admission = secure.connections;
  certificates$.subscribe((renewed) => secure.setCertificate(renewed));
  log.info({ admissionPort: secure.port, healthPort: plain.port }, 'serving');
  let farewell: Promise<unknown> | undefined;
  const leave = (): void => {
    stopping = true;
    secure.drain();
    farewell ??= config.webhookUrl === undefined ? setTimeout(farewellMs) : Promise.resolve();
  };
  return {
    admissionPort: secure.port,
    bundlePem,
    certificates$,
    leave,
    close: async () => {
      leave();
      await farewell;
      closed$.next();
      await Promise.all([secure.close(closeMs), plain.close(closeMs), admitting.close()]);
    },
  };
};

type Server = 'admission' | 'health';
type OpenConnections = { [S in Server]?: () => number };

interface ServingState {
  /** How many connections each server has open, once it serves. */
  readonly open: OpenConnections;
  readonly certificates: () => Certificates | undefined;
  readonly isStopping: () => boolean;
}

const certificatesOf = ({
  config,
  kube,
  log,
  nowMs,
  jumped$,
  random,
}: ServeParts): Observable<Certificates> => {
  const namespace = config.operatorNamespace;
  const own = writerOf(config);
  const store = certificateSecret(kube, namespace, own);
  let writers: readonly string[] = [];
  const lifetimes = {
    authorityMs: config.caLifetimeHours * 3_600_000,
    servingMs: config.servingLifetimeHours * 3_600_000,
    overlapMs: config.caOverlapMinutes * 60_000,
  };
  const secret = listWatchCalls(kube, resources.secrets, {
    namespace,
    fieldSelector: `metadata.name=${certificateSecretName}`,
    metadataOnly: true,
    managedFields: true,
    trim: (secret: KubeObject & RawObject): SeenSecret => ({
      resourceVersion: secret.metadata.resourceVersion,
      writers: writersOf(secret),
    }),
  });
  return certificateStream({
    ensure: () => ensureCertificates(store, lifetimes, namesOf(config), nowMs),
    changed$: secretChanges(listWatch(secret, listWatchOptions(random))).pipe(
      tap((seen) => (writers = seen?.writers ?? [])),
    ),
    jumped$,
    nowMs,
    random,
    onFailure: (err) => log.warn({ err }, 'certificates not ready'),
    onLoss: (loss) => {
      const rival = writers.find((writer) => writer !== own);
      log.warn({ ...loss, rival, secret: `${namespace}/${certificateSecretName}` }, contestedSecret);
    },
  });
};

const contestedSecret =
  'another writer keeps changing the Secret of the certificates, which is written less and less often; find it and stop it, or give each installation a namespace of its own';

/** The names and addresses by which the API server may reach admission, as a certificate has them. */
export const namesOf = ({
  webhookUrl,
  webhookService,
  operatorNamespace,
}: Pick<Config, 'webhookUrl' | 'webhookService' | 'operatorNamespace'>): readonly string[] => [
  `${webhookService}.${operatorNamespace}.svc`,
  // A URL has the address of IPv6 in brackets, a certificate has not.
  ...(webhookUrl === undefined ? [] : [new URL(webhookUrl).hostname.replace(/^\[(.*)\]$/, '$1')]),
];

const healthOf = ({ world, metrics, nowMs }: ServeParts, { certificates, isStopping, open }: ServingState) =>
  health({
    checks: {
      running: () => (isStopping() ? 'it is stopping' : undefined),
      synced: () => waitingFor(world),
      certificate: () =>
        (certificates()?.notAfterMs ?? 0) > nowMs() ? undefined : 'there is no valid serving certificate',
    },
    metrics: {
      contentType: metrics.registry.contentType,
      render: () => {
        setDryRuns(world, metrics);
        for (const [server, count] of Object.entries(open))
          metrics.serverConnections.set({ server }, count());
        for (const kind of allKinds) metrics.worldObjects.set({ kind }, world.size(kind));
        return metrics.registry.metrics();
      },
    },
  });

const mostDryRuns = 100;

const setDryRuns = (world: World, { dryRunPods }: Metrics): void => {
  dryRunPods.reset();
  const tried = [...world.policies.all()].filter(({ spec }) => spec?.mode === 'DryRun');
  for (const policy of tried.slice(0, mostDryRuns))
    dryRunPods.set({ policy: policyKey(policy) }, policy.status?.dryRun?.pods ?? 0);
};
