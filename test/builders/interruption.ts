import type {
  Interruption,
  Refusal,
  Settings,
  WorkloadReference,
} from '../../operator/world/interruption.ts';
import { at, noonMs, uidOf } from './pod.ts';

/** The Deployment `shop/web` as an interruption names it, or another workload of `apps`. */
export const aWorkloadReference = (kind = 'Deployment', name = 'web', group = 'apps'): WorkloadReference => ({
  group,
  kind,
  namespace: 'shop',
  name,
  uid: uidOf(kind, name),
});

/** A first eviction that failed at noon, to be repeated a second later. */
export const aRefusal = (more: Partial<Refusal> = {}): Refusal => ({
  of: 'Evict',
  atMs: noonMs,
  attempts: 1,
  byBudget: false,
  budgetVersions: {},
  message: 'no answer',
  pauseMs: 1_000,
  notBeforeMs: at(1),
  ...more,
});

/** The settings of policy `shop/web` with every default. */
export const settingsOf = (more: Partial<Settings> = {}): Settings => ({
  policy: 'SpotPolicy/shop/web',
  evictor: 'Operator',
  replacement: 'BeforeEviction',
  surge: 'AsDoomed',
  jobPods: 'AtDeadline',
  onDeadline: 'Delete',
  ...more,
});

/** The interruption of pod `shop/web-1`, noticed at noon by its condition, due in three minutes, nothing done yet. */
export const anInterruption = (more: Partial<Interruption> = {}): Interruption => ({
  uid: uidOf('Pod', more.name ?? 'web-1'),
  namespace: 'shop',
  name: 'web-1',
  nodeName: 'virtual-kubelet-cn-hangzhou-h',
  workload: aWorkloadReference(),
  settings: settingsOf(),
  plan: { when: 'AtOnce', because: 'its ReplicaSet recreates it', charged: false },
  noticedAtMs: noonMs,
  deadlineMs: at(180),
  length: 'Assumed',
  onCondition: { noticedAtMs: more.noticedAtMs ?? noonMs, deadlineMs: more.deadlineMs ?? at(180) },
  onEvent: undefined,
  counted: false,
  marked: undefined,
  call: undefined,
  detached: undefined,
  plainly: undefined,
  queue: undefined,
  budgets: [],
  refusal: undefined,
  unmarked: undefined,
  evictedAtMs: undefined,
  forced: false,
  ending: undefined,
  goneAtMs: undefined,
  replacement: undefined,
  outcome: undefined,
  phase: 'Noticed',
  message: '',
  ...more,
});
