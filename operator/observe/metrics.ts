import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

// The API server gives up on admission after 2 s, so beyond that every answer is the same.
const admissionBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2];
// ECI warns 3 minutes ahead unless the notice says otherwise; most evictions should fall far below.
const evictionBuckets = [0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 30, 60, 90, 120, 150, 180, 300];

/** Every metric of this program in a registry of its own, with the process's default metrics; nothing is global. */
export const createMetrics = () => {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });

  const counter = <L extends string = never>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Counter<L>({ name, help, labelNames, registers });
  const gauge = <L extends string = never>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Gauge<L>({ name, help, labelNames, registers });
  const histogram = <L extends string = never>(
    name: string,
    help: string,
    buckets: number[],
    labelNames: readonly L[] = [],
  ) => new Histogram<L>({ name, help, buckets, labelNames, registers });

  return {
    registry,
    admissionRequests: counter(
      'spot_admission_requests_total',
      'Admission requests by result: patched, unchanged, failed (admitted unchanged), malformed (refused with 400 or 413), unready (503 before the first lists).',
      ['result'],
    ),
    admissionDuration: histogram(
      'spot_admission_duration_seconds',
      'Time to answer an admission request by result: patched, unchanged, failed, malformed, unready.',
      admissionBuckets,
      ['result'],
    ),
    injectionWebhookLosses: counter(
      'spot_injection_webhook_losses_total',
      'Writes of the webhook configuration that another writer had made necessary.',
    ),
    injectionTemplates: counter(
      'spot_injection_templates_total',
      'Applies to pod templates of workloads by result: written, FieldManagerConflict, Forbidden, Refused.',
      ['result'],
    ),
    serverConnections: gauge('spot_server_connections', 'Open connections by server: admission, health.', [
      'server',
    ]),
    serverClosings: counter(
      'spot_server_connections_closed_total',
      'Connections closed before their client did, by server and reason: crowded (the one that made room for another), refused (the new one, as every other was in use), unused (it presented nothing), pipelined (it did not wait for answers).',
      ['server', 'reason'],
    ),
    leaderQuestions: counter(
      'spot_distribution_leader_questions_total',
      'Pods whose share of a distribution this replica asked the leader for by result: answered, unanswered (it decided by itself).',
      ['result'],
    ),
    interruptionNotices: counter(
      'spot_interruption_notices_total',
      "Reclaim notices by signal: event, condition. A pod's notice counts once for each signal.",
      ['signal'],
    ),
    interruptionEvictions: counter(
      'spot_interruption_evictions_total',
      'Calls that remove an interrupted pod by result, the answer of the API server as the operator classified it.',
      ['result'],
    ),
    interruptionNoticeToEviction: histogram(
      'spot_interruption_notice_to_eviction_seconds',
      "Time from the notice's own timestamp to the accepted eviction.",
      evictionBuckets,
    ),
    interruptionOutcomes: counter(
      'spot_interruption_outcomes_total',
      'Interruptions that ended, by outcome as in the status of the policy.',
      ['outcome'],
    ),
    interruptionFailedPods: counter(
      'spot_interruption_failed_pods_total',
      'Calls that remove the object of a pod that ECI has taken, by result: removed, failed.',
      ['result'],
    ),
    dryRunPods: gauge(
      'spot_dry_run_pods',
      'Pods that a policy in mode DryRun would govern, by policy; the first 100 policies.',
      ['policy'],
    ),
    worldObjects: gauge('spot_world_objects', 'Objects held in memory by kind.', ['kind']),
    worldSynced: gauge(
      'spot_world_synced',
      '1 once the first list of a source is complete, else 0, by source.',
      ['source'],
    ),
    worldWatchRestarts: counter(
      'spot_world_watch_restarts_total',
      'Watches and lists that failed, by source and by reason: resume (from the last version), relist (from scratch).',
      ['source', 'reason'],
    ),
    apiRequests: counter(
      'spot_api_requests_total',
      'Calls to the API server by verb and HTTP code, 0 for none.',
      ['verb', 'code'],
    ),
    statusPatches: counter(
      'spot_status_patches_total',
      "Patches of a policy's status by result: written, failed.",
      ['result'],
    ),
    statusLosses: counter(
      'spot_status_losses_total',
      "Patches of a policy's status that another writer had made necessary.",
    ),
    eventsDropped: counter(
      'spot_observe_events_dropped_total',
      'Kubernetes Events that were not recorded by reason: overflow (too many waited), failed (the API server refused).',
      ['reason'],
    ),
    leader: gauge('spot_leader', '1 while this replica holds the lease, else 0.'),
    clockOffset: gauge(
      'spot_clock_offset_seconds',
      "This machine's clock minus the API server's, from the Date header, to a second. Beyond 5 s the API server's clock decides.",
    ),
    clockJumps: counter(
      'spot_clock_jumps_total',
      'Times that the clock which decides was moved to that of the API server, by more than 5 s each.',
    ),
  };
};

/** The metrics as `createMetrics` returns them, by what they measure. */
export type Metrics = ReturnType<typeof createMetrics>;
