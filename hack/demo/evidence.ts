import type { Job } from 'kubernetes-types/batch/v1.js';
import type { Event, Pod } from 'kubernetes-types/core/v1.js';
import type { SpotPolicyObject } from '../../operator/api/index.ts';
import type { RestClient } from '../cluster/client.ts';
import type { Witnessed } from './watches.ts';

/** A pod that ECI was told to take back, as it was just before, and how that should end. */
export interface Doomed {
  readonly pod: Pod;
  readonly minutes: number;
  readonly outcome: 'Replaced' | 'Completed';
  /** When it should go: at once, once its replacement is Ready, or after it used the time it has left. */
  readonly leaves: 'AtOnce' | 'WhenReplaced' | 'Late';
}

/** Everything the demo is judged by. */
export interface Evidence {
  readonly doomed: readonly Doomed[];
  readonly witnessed: Witnessed;
  readonly policies: readonly SpotPolicyObject[];
  readonly pods: readonly Pod[];
  readonly jobs: readonly Job[];
  readonly events: readonly Event[];
}

/** Reads back from the cluster what the demo is judged by. */
export const readEvidence = async (
  admin: RestClient,
  namespaces: readonly string[],
  known: Pick<Evidence, 'doomed' | 'witnessed'>,
): Promise<Evidence> => {
  const list = async <T>(group: string, plural: string): Promise<T[]> =>
    (
      await Promise.all(
        namespaces.map((namespace) => admin.list<T>(`/${group}/namespaces/${namespace}/${plural}`)),
      )
    ).flat();
  const [policies, pods, jobs, events] = await Promise.all([
    list<SpotPolicyObject>('apis/spotpolicy.dev/v1alpha1', 'spotpolicies'),
    list<Pod>('api/v1', 'pods'),
    list<Job>('apis/batch/v1', 'jobs'),
    list<Event>('api/v1', 'events'),
  ]);
  return { ...known, policies, pods, jobs, events };
};
