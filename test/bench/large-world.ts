// How a large cluster is kept in memory, led and counted: `node test/bench/large-world.ts relist 70000`, `… lead 100000` or
// `… count 100000`. It needs no control plane: lists and watches are made up here, and no call goes anywhere. The heap is limited as in the container
// with `--max-old-space-size=256 --max-semi-space-size=4`: Node takes half of the container's 512 MiB.
import { BehaviorSubject, merge, mergeMap, NEVER, Observable, throwError, timer } from 'rxjs';
import { run } from '../../operator/app.ts';
import { precedence } from '../../operator/policy/rules.ts';
import { listWatch, type ListPage, type WatchCalls } from '../../operator/runtime/list-watch.ts';
import { allKinds } from '../../operator/sources.ts';
import { Counts } from '../../operator/status/counts.ts';
import { reportOn } from '../../operator/status/report.ts';
import type { Change, Kind, Kinds } from '../../operator/world/view.ts';
import { World } from '../../operator/world/world.ts';
import { aPod, noonMs, ownedBy } from '../builders/pod.ts';
import { aClusterPolicy } from '../builders/policy.ts';
import { aDeployment } from '../builders/workloads.ts';
import { aNamespace, aReplicaSet, aVirtualNode, known } from '../builders/world.ts';

const [mode = '', size = ''] = process.argv.slice(2);
const podCount = Number(size);
const podsPerNamespace = 1_000;
const podsPerWorkload = 10;
const expired = new Error('too old');

const namespaceOf = (pod: number): string => `team-${Math.floor(pod / podsPerNamespace)}`;
const workloadOf = (pod: number): string => `web-${Math.floor(pod / podsPerWorkload)}`;

const aLargePod = (index: number, change = 0): Kinds['Pod'] =>
  known(
    'Pod',
    aPod({
      name: `${workloadOf(index)}-7d4b9c6f5-${index.toString(36).padStart(5, 'x')}`,
      namespace: namespaceOf(index),
      labels: {
        app: workloadOf(index),
        'app.kubernetes.io/instance': workloadOf(index),
        'app.kubernetes.io/managed-by': 'Helm',
        'app.kubernetes.io/version': `1.${index % 40}.${index % 7}`,
        'helm.sh/chart': `${workloadOf(index)}-2.${index % 9}.0`,
        'security.istio.io/tlsMode': 'istio',
        'service.istio.io/canonical-name': workloadOf(index),
        'topology.kubernetes.io/zone': `cn-hangzhou-${index % 5}`,
        'pod-template-hash': '7d4b9c6f5',
      },
      annotations: {
        'spotpolicy.dev/policy': 'ClusterSpotPolicy//base',
        'spotpolicy.dev/revision': '0123456789ab',
        'spotpolicy.dev/admission': `${index.toString(36).padStart(22, 'n')}.${noonMs}.${index.toString(16).padStart(43, 'h')}`,
        'k8s.aliyun.com/eci-use-specs': `2-${4 + (index % 4)}Gi,ecs.c7.large,ecs.g7.large`,
        'k8s.aliyun.com/eci-spot-price-limit': `0.${index % 1000}`,
        'k8s.aliyun.com/eci-request-id': index.toString(16).padStart(32, '0'),
        'k8s.aliyun.com/eci-instance-id': `eci-bp1${index.toString(36).padStart(17, '0')}`,
      },
      owner: ownedBy('ReplicaSet', `${workloadOf(index)}-7d4b9c6f5`, namespaceOf(index)),
      createdAtMs: noonMs,
      ready: change % 2 === 0,
    }),
  );

const objects = <K extends Kind>(kind: K, size: number, make: (index: number) => Kinds[K]): Made<K> => ({
  kind,
  size,
  make,
});
interface Made<K extends Kind> {
  readonly kind: K;
  readonly size: number;
  readonly make: (index: number) => Kinds[K];
}
const workloads = Math.ceil(podCount / podsPerWorkload);
const where = (workload: number): { namespace: string } => ({
  namespace: namespaceOf(workload * podsPerWorkload),
});
const cluster: readonly Made<Kind>[] = [
  objects('Namespace', Math.ceil(podCount / podsPerNamespace), (index) =>
    known('Namespace', aNamespace(`team-${index}`)),
  ),
  objects('Node', 1, () => known('Node', aVirtualNode())),
  objects('ClusterSpotPolicy', 1, () => known('ClusterSpotPolicy', aClusterPolicy())),
  objects('Deployment', workloads, (index) => {
    const raw = aDeployment({ name: `web-${index}` });
    return known('Deployment', { ...raw, metadata: { ...raw.metadata, ...where(index) } });
  }),
  objects('ReplicaSet', workloads, (index) => {
    const { metadata, ...raw } = aReplicaSet(`web-${index}-7d4b9c6f5`, null);
    const owner = ownedBy('Deployment', `web-${index}`, where(index).namespace);
    return known('ReplicaSet', {
      ...raw,
      metadata: { ...metadata, ...where(index), ownerReferences: [owner] },
    });
  }),
  objects('Pod', podCount, (index) => aLargePod(index)),
];

/** A source whose list is made page by page, and whose first watch ends with 410 after `goneAfterMs`. */
const source =
  (made: Made<Kind>, goneAfterMs?: number) =>
  (world: World): Observable<Change> => {
    let watches = 0;
    const calls: WatchCalls<Kinds[Kind]> = {
      list: async ({ limit, continueToken = '0' }): Promise<ListPage<Kinds[Kind]>> => {
        await new Promise((resolve) => setImmediate(resolve));
        const first = Number(continueToken);
        const next = Math.min(made.size, first + limit);
        const items = Array.from({ length: next - first }, (_, index) => made.make(first + index));
        return { items, resourceVersion: '1', ...(next < made.size && { continueToken: `${next}` }) };
      },
      watch: () =>
        watches++ === 0 && goneAfterMs !== undefined
          ? timer(goneAfterMs).pipe(mergeMap(() => throwError(() => expired)))
          : NEVER,
    };
    return listWatch(calls, {
      expired: (error) => error === expired,
      pauseAfter: () => 100,
      watchSeconds: () => 600,
    }).pipe(mergeMap((watched) => world.apply(made.kind, watched, Date.now())));
  };
const empty = (kind: Kind): Made<Kind> => ({
  kind,
  size: 0,
  make: () => {
    throw new Error('empty');
  },
});
const sources = (goneAfterMs?: number) =>
  allKinds.map((kind) => {
    const made = cluster.find((each) => each.kind === kind) ?? empty(kind);
    return source(made, kind === 'Pod' ? goneAfterMs : undefined);
  });

const mib = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;

/** The longest that one turn of the event loop took, in milliseconds of processor time and of the clock. */
const meter = () => {
  let [cpu, clock] = [0, 0];
  let [cpuBefore, clockBefore] = [process.threadCpuUsage(), performance.now()];
  let running = true;
  const turn = (): void => {
    const spent = process.threadCpuUsage(cpuBefore);
    cpu = Math.max(cpu, (spent.user + spent.system) / 1_000);
    clock = Math.max(clock, performance.now() - clockBefore);
    [cpuBefore, clockBefore] = [process.threadCpuUsage(), performance.now()];
    if (running) setImmediate(turn);
  };
  setImmediate(turn);
  return {
    read: (): string => {
      const told = `longest turn ${cpu.toFixed(0)} ms of CPU (${clock.toFixed(0)} ms of clock)`;
      [cpu, clock] = [0, 0];
      return told;
    },
    stop: () => (running = false),
  };
};
const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await later(20);
};

const relist = async (): Promise<void> => {
  const world = new World(precedence);
  let listings = 0;
  let podSteps = 0;
  let peak = 0;
  const sampling = setInterval(() => (peak = Math.max(peak, process.memoryUsage().heapUsed)), 5);
  const subscription = merge(...sources(2_000).map((each) => each(world))).subscribe((change) => {
    if (change.kind === 'Pod') podSteps++;
    if (change.kind === 'Synced' && change.of === 'Pod') {
      listings++;
      console.log(`list ${listings}: ${world.pods.size} pods, ${podSteps} steps, heap at most ${mib(peak)}`);
      podSteps = peak = 0;
    }
  });
  await until(() => listings === 2);
  subscription.unsubscribe();
  clearInterval(sampling);
  console.log(`resident at most ${mib(process.resourceUsage().maxRSS * 1024)}`);
};

const lead = async (): Promise<void> => {
  const world = new World(precedence);
  const leader$ = new BehaviorSubject(false);
  let writes = 0;
  const touch$ = new Observable<Change>((subscriber) => {
    let change = 0;
    const timerOf = setInterval(() => {
      if (!leader$.value) return;
      const object = aLargePod(change % podCount, ++change);
      for (const step of world.apply('Pod', { kind: 'changed', object }, Date.now())) subscriber.next(step);
    }, 20);
    return () => clearInterval(timerOf);
  });
  const subscription = run({
    world,
    nowMs: Date.now,
    random: Math.random,
    writer: 'spotpolicy',
    jumped$: NEVER,
    offsetMs$: NEVER,
    sources: [...sources(), () => touch$],
    leader$,
    defaultMinutes: 3,
    trustEvents: false,
    concurrency: 8,
    endpoint$: NEVER,
    perform: () => Promise.resolve({ kind: 'Done' }),
    removeLeftover: () => () => Promise.resolve(),
    apply: () => () => Promise.resolve('1'),
    remove: () => Promise.resolve(undefined),
    probe: () => () => Promise.resolve(undefined),
    writeTemplate: () => () => Promise.resolve({ kind: 'Written', resourceVersion: '' }),
    write: () => () => (writes++, Promise.resolve({ kind: 'Written', resourceVersion: '' })),
  }).subscribe();
  await until(() => allKinds.every((kind) => world.synced(kind)));
  await later(500);
  const { read, stop } = meter();
  await later(100);
  read();
  leader$.next(true);
  await until(() => writes > 0);
  await later(1_000);
  console.log(`new term: ${read()}`);
  await later(15_000);
  console.log(`status looks of 15 s: ${read()}, ${writes} writes`);
  stop();
  subscription.unsubscribe();
};

/** What `work` takes of processor time, in milliseconds. */
const spent = (work: () => void): string => {
  const before = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(before);
  return `${((user + system) / 1_000).toFixed(2)} ms of CPU`;
};

const count = async (): Promise<void> => {
  const world = new World(precedence);
  const subscription = merge(...sources().map((each) => each(world))).subscribe();
  await until(() => allKinds.every((kind) => world.synced(kind)));
  subscription.unsubscribe();
  const counts = new Counts(world);
  const [policy] = [...world.policies.all()];
  if (!policy) throw new Error('no policy');
  const settle = (): void => {
    for (const _ of counts.settle(policy));
  };
  const tell = (object: Kinds['Pod']): void => {
    for (const change of world.apply('Pod', { kind: 'changed', object }, Date.now())) counts.note(change);
  };
  const heap = process.memoryUsage().heapUsed;
  console.log(`first count of ${podCount} pods: ${spent(settle)}`);
  console.log(`heap grew by ${mib(process.memoryUsage().heapUsed - heap)}`);
  const looks = 1_000;
  const look = (index: number): void => {
    tell(aLargePod(index % podCount, index + 1));
    settle();
    reportOn(counts, policy, Date.now()).whole();
  };
  for (let index = 0; index < looks; index++) look(index);
  const all = spent(() => {
    for (let index = 0; index < looks; index++) look(index);
  });
  console.log(`${looks} changes of a pod, each with a look and a whole report: ${all}`);
};

const modes: Readonly<Record<string, () => Promise<void>>> = { relist, lead, count };
await modes[mode]?.();
process.exit(0);
