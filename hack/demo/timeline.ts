import type { Pod } from 'kubernetes-types/core/v1.js';
import type { InterruptionEntry, SpotPolicyObject } from '../../operator/api/index.ts';

/** One thing that happened to a pod, as the cluster shows it. */
export interface Step {
  readonly pod: string;
  readonly step: string;
  readonly message: string;
  readonly tone: 'good' | 'bad' | 'plain';
}

/** What a new version of a policy's status tells that the one before did not: phases entered, and how they ended. */
export const stepsOfPolicy = (before: SpotPolicyObject | undefined, after: SpotPolicyObject): Step[] => {
  const known = new Map((before?.status?.interruptions ?? []).map((entry) => [entry.uid, entry]));
  return (
    (after.status?.interruptions ?? [])
      .filter(({ uid, phase }) => known.get(uid)?.phase !== phase)
      // Noticed and not looked at yet: the next version says what is made of it.
      .filter(({ phase, message }) => phase !== 'Noticed' || message)
      .map((entry) => ({
        pod: `${after.metadata.namespace}/${entry.pod}`,
        step: entry.phase === 'Done' ? (entry.outcome ?? 'Done') : entry.phase,
        message: entry.message ?? '',
        tone: toneOf(entry),
      }))
  );
};

const toneOf = ({ phase, outcome }: InterruptionEntry): Step['tone'] => {
  if (phase === 'Blocked') return 'bad';
  if (phase !== 'Done') return 'plain';
  return outcome === 'Replaced' || outcome === 'Completed' || outcome === 'NotNeeded' ? 'good' : 'bad';
};

/** What a new version of a pod tells that the one before did not; `after` is undefined when the object went. */
export const stepsOfPod = (before: Pod | undefined, after: Pod | undefined): Step[] => {
  const { metadata, spec } = after ?? before ?? {};
  const say = (step: string, message: string, tone: Step['tone'] = 'plain'): Step => ({
    pod: `${metadata?.namespace}/${metadata?.name}`,
    step,
    message,
    tone,
  });
  if (after === undefined) return [say('Gone', 'its object is gone')];
  const became = (holds: (pod: Pod) => boolean): boolean => holds(after) && !(before && holds(before));
  return [
    ...(became(isWarned)
      ? [say('Warned', conditionOf(after, 'ContainerInstanceExpired')?.message ?? '')]
      : []),
    ...(became(isReady) ? [say('Ready', `runs on ${spec?.nodeName}`)] : []),
    ...(became(isFinished) ? [say('Succeeded', 'its containers have finished')] : []),
    ...(became(isReleased) ? [say('BidFailed', 'ECI took its instance', 'bad')] : []),
  ];
};

/** The condition of a pod of that type. */
export const conditionOf = ({ status }: Pod, type: string) =>
  status?.conditions?.find((condition) => condition.type === type);

/** Running, Ready and not being deleted. */
export const isReady = (pod: Pod): boolean =>
  pod.status?.phase === 'Running' &&
  pod.metadata?.deletionTimestamp === undefined &&
  conditionOf(pod, 'Ready')?.status === 'True';

/** Whether ECI took the instance while the pod still ran. */
export const isReleased = ({ status }: Pod): boolean => status?.reason === 'BidFailed';

const isFinished = ({ status }: Pod): boolean => status?.phase === 'Succeeded';

const isWarned = (pod: Pod): boolean => conditionOf(pod, 'ContainerInstanceExpired') !== undefined;
