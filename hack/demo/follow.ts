import { filter, firstValueFrom, interval, tap, throwError, timeout } from 'rxjs';
import type { InterruptionEntry } from '../../operator/api/index.ts';
import type { RestClient } from '../cluster/client.ts';
import { waitFor } from '../cluster/wait-for.ts';
import type { Doomed } from './evidence.ts';
import { type Screen, styled } from './screen.ts';
import { conditionOf, type Step } from './timeline.ts';
import { watchWorld, type Witnessed } from './watches.ts';

// The longest window is 3 minutes, but its pods leave early; the others have one minute.
const patienceMs = 120_000;
const styles = { good: 'green', bad: 'red', plain: 'dim' } as const;

/** What is followed, and by whom it is announced once the watches stand. */
export interface Reclaims {
  readonly namespaces: readonly string[];
  readonly doomed: readonly Doomed[];
  announce(): Promise<void>;
}

/**
 * Lets ECI take pods back and shows what becomes of them, until the status says of each that it is Done. Rejects after
 * two minutes, naming those that are not.
 */
export const followReclaims = async (
  admin: RestClient,
  { namespaces, doomed, announce }: Reclaims,
  screen: Screen,
): Promise<Witnessed> => {
  const { steps$, witnessed } = watchWorld(admin, namespaces);
  const elapsed = clockFrom(witnessed, doomed);
  const show = (steps: readonly Step[]): void => {
    const now = elapsed();
    // Before the first notice the watches tell how the workloads stand.
    if (now !== undefined) for (const step of steps) screen.line(rowOf(now, step));
  };
  const waiting = (): string[] =>
    doomed.flatMap(({ pod }) => {
      const phase = entryOf(witnessed, pod.metadata?.uid)?.phase ?? 'no entry yet';
      return phase === 'Done' ? [] : [`${pod.metadata?.name} (${phase})`];
    });
  const tooLate = () =>
    throwError(() => new Error(`expected every reclaim to be Done; not so: ${waiting().join(', ')}`));

  const over = firstValueFrom(
    steps$.pipe(
      tap(show),
      filter(() => waiting().length === 0),
      timeout({ first: patienceMs, with: tooLate }),
    ),
  );
  const ticking = interval(1000).subscribe(() =>
    screen.footer(`${elapsed() ?? ''}  waiting for ${waiting().join(', ')}`),
  );
  try {
    await Promise.all([over, watchesStand(witnessed, doomed).then(announce)]);
  } finally {
    ticking.unsubscribe();
    screen.footer('');
  }
  return witnessed;
};

/** Tells the time since the first notice, by the notice's own timestamp; undefined before. */
const clockFrom = ({ pods }: Witnessed, doomed: readonly Doomed[]): (() => string | undefined) => {
  let noticedAtMs: number | undefined;
  return () => {
    for (const { pod } of doomed) {
      const now = pods.get(pod.metadata?.uid ?? '');
      const notice = now && conditionOf(now, 'ContainerInstanceExpired');
      if (notice?.lastTransitionTime) noticedAtMs ??= Date.parse(notice.lastTransitionTime);
    }
    return noticedAtMs === undefined
      ? undefined
      : `+${Math.max(0, Math.floor((Date.now() - noticedAtMs) / 1000))} s`.padStart(7);
  };
};

const rowOf = (elapsed: string, { pod, step, message, tone }: Step): string =>
  `${elapsed}  ${pod.padEnd(25)}  ${styled(styles[tone], step.padEnd(19))}  ${message}`;

const watchesStand = ({ pods, policies, budgets }: Witnessed, doomed: readonly Doomed[]): Promise<boolean> =>
  waitFor(
    'the watches to show the present state',
    () =>
      policies.size > 0 && budgets.size > 0 && doomed.every(({ pod }) => pods.has(pod.metadata?.uid ?? '')),
  );

/** What the status says about the pod of that UID. */
const entryOf = ({ policies }: Witnessed, podUid: string | undefined): InterruptionEntry | undefined =>
  [...policies.values()]
    .flatMap(({ status }) => status?.interruptions ?? [])
    .find(({ uid }) => uid === podUid);
