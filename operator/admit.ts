import { createHmac, randomBytes } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import type { Hono } from 'hono';
import type { Config } from './config.ts';
import { reviewPod } from './injection/review.ts';
import type { Log } from './observe/log.ts';
import type { Metrics } from './observe/metrics.ts';
import { admission } from './server/admission.ts';
import { peerClient, peerRoute } from './server/peer.ts';
import { parseShare, settleShare, shareFor, type ShareParts } from './shares.ts';
import { waitingFor } from './sources.ts';
import type { World } from './world/world.ts';

/** Who leads, as this replica knows; written by the election. */
export interface Standing {
  readonly leads: () => boolean;
  /** Host and port where the leader can be asked; undefined while nobody leads. */
  leader: string | undefined;
}

/** What admission is made of. */
export interface AdmitParts {
  readonly config: Config;
  readonly world: World;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly nowMs: () => number;
  readonly standing: Standing;
}

/** The secret that the replicas share through the Secret, and whom they trust, as they are now. */
export interface Trust {
  readonly sealKey: () => string;
  readonly bundlePem: () => string;
}

// What a pod waits for the leader at most, of the 2 s that the API server waits for us: longer than the leader itself waits
// for its world, and short enough to decide alone afterwards.
const leaderMs = 1_000;

/** Everything that is served by HTTPS: admission, and what the other replica asks while this one leads. */
export const admit = (parts: AdmitParts, trust: Trust): { readonly app: Hono; close(): Promise<void> } => {
  const { config, world, metrics, log, nowMs, standing } = parts;
  const sign = (text: string): string =>
    createHmac('sha256', trust.sealKey()).update(text).digest('base64url');
  const seal = { sign, nowMs };
  const servername = `${config.webhookService}.${config.operatorNamespace}.svc`;
  const leader = peerClient(servername, trust.bundlePem, seal);
  const local = { world, nowMs, pause: (ms: number) => setTimeout(ms) };
  const askLeader: ShareParts['askLeader'] = async (question) => {
    if (standing.leads() || standing.leader === undefined) return undefined;
    try {
      const share = parseShare(await leader.ask(standing.leader, question, leaderMs));
      metrics.leaderQuestions.inc({ result: 'answered' });
      return share;
    } catch (err) {
      metrics.leaderQuestions.inc({ result: 'unanswered' });
      log.debug({ err }, 'the leader does not answer');
      return undefined;
    }
  };
  const app = admission({
    unready: () => waitingFor(world),
    review: (request) => {
      const reviewed = reviewPod(world, request, {
        sign,
        nonce: () => randomBytes(9).toString('base64url'),
        nowMs: nowMs(),
      });
      return 'place' in reviewed
        ? settleShare(reviewed, { ...local, askLeader }, request.dryRun === true)
        : reviewed;
    },
    nowMs: () => performance.now(),
    observe: (result, durationMs) => {
      metrics.admissionRequests.inc({ result });
      metrics.admissionDuration.observe({ result }, durationMs / 1000);
    },
    reportFailure: (err, { namespace, name }) => log.error({ err, namespace, name }, 'admission failed'),
  });
  const answer = async (question: unknown) => (standing.leads() ? shareFor(question, local) : undefined);
  return { app: app.route('/', peerRoute(answer, seal)), close: () => leader.close() };
};

/** Where the other replica reaches this one, as host and port; undefined where nobody has said. */
export const addressOf = ({ podAddress, webhookUrl }: Config, port: number): string | undefined => {
  if (podAddress !== undefined) return `${isIPv6(podAddress) ? `[${podAddress}]` : podAddress}:${port}`;
  if (webhookUrl === undefined) return undefined;
  const { hostname, port: named } = new URL(webhookUrl);
  return `${hostname}:${named || 443}`;
};
