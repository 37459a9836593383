import type { PodSpec } from 'kubernetes-types/core/v1.d.ts';
import type { OwnerReference } from 'kubernetes-types/meta/v1.d.ts';
import type { Operation } from 'rfc6902';
import { ourAnnotations } from '../api/keys.ts';
import { divides, indexOf, type Share } from '../policy/distribution.ts';
import { isBoundToNode } from '../policy/owners.ts';
import { governingPolicy } from '../policy/rules.ts';
import { cohortOf, nonceOf } from '../world/cohort.ts';
import { controllerOf } from '../world/object.ts';
import { restarts } from '../world/pod.ts';
import { policyKey } from '../world/policy.ts';
import type { View } from '../world/view.ts';
import { fit, type Values } from '../policy/gift.ts';
import { chosenCapacity, type Incoming, inject, isRepeated, specFor } from './inject.ts';
import { type Place, placeByIndex, placeIn, type Question } from './place.ts';
import { patchOf } from './patch.ts';
import { answerProbe, isProbe } from './probe.ts';
import type { Stamping } from './stamp.ts';

/** The part of an admission request that the decision reads. */
export interface PodRequest {
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly subResource?: string | undefined;
  /** A pod as the API server decoded it, so its metadata has the right types. */
  readonly object: { readonly metadata?: PodMetadata; readonly spec?: Pick<PodSpec, 'restartPolicy'> };
}

interface PodMetadata {
  readonly name?: string;
  readonly labels?: Values;
  readonly annotations?: Values;
  readonly ownerReferences?: OwnerReference[];
}

/** A patch (empty: the pod stays as it is, byte for byte), or the refusal that a probe asks for. */
export interface PodAnswer {
  readonly patch: readonly Operation[];
  readonly warnings: readonly string[];
  readonly refusal?: string;
}

/** A pod whose policy divides its pods: it is answered once its share is known. */
export interface Undecided {
  /** What the world says at `nowMs`; asked again it may say something else. */
  readonly place: (nowMs: number) => Place;
  /** What to reserve the place for; undefined where no other pod changes the answer. */
  readonly question: Question | undefined;
  readonly answer: (share: Share) => PodAnswer;
}

const unchanged: PodAnswer = { patch: [], warnings: [] };
// Refused for what we gave it, the pod would have been better off without.
const tooMany = 'spotpolicy left this pod as it is: its annotations and ours would exceed 256 KiB together';

/** What to do with a pod that is being created, at once or after its share is known. Reads memory only. */
export const reviewPod = (view: View, request: PodRequest, stamping: Stamping): PodAnswer | Undecided => {
  if (isProbe(request)) return { ...unchanged, refusal: answerProbe(view, request) };
  if (request.subResource) return unchanged;
  const metadata = request.object.metadata ?? {};
  const pod: Incoming = {
    namespace: request.namespace ?? '',
    labels: metadata.labels ?? {},
    annotations: metadata.annotations ?? {},
    controller: controllerOf({ ...metadata, namespace: request.namespace ?? '' }),
    restarts: restarts(request.object.spec),
  };
  if (isBoundToNode(pod)) return unchanged;
  const policy = governingPolicy(view, pod);
  // With Workload the pod has it from its template, and where nobody may write that, the status says so.
  if (policy?.spec.injection.at !== 'Pod') return unchanged;
  const answer = (arrived: Incoming, made: Stamping, share?: Share): PodAnswer => {
    const { annotations, labels } = inject(arrived, policy, made, share);
    // The edits apply to the pod as it came, with what the decision set aside.
    if (!fit(metadata.annotations ?? {}, annotations)) return { ...unchanged, warnings: [tooMany] };
    const patch = [
      ...patchOf('labels', metadata.labels, labels),
      ...patchOf('annotations', metadata.annotations, annotations),
    ];
    return { patch, warnings: [] };
  };
  if (!divides(specFor(pod, policy))) return answer(pod, stamping);
  const again = isRepeated(pod, stamping);
  const cohort = cohortOf(pod, policyKey(policy));
  if (again && !isSeen(view, cohort, nonceOf(pod.annotations))) return answer(pod, stamping);
  // A manifest that was copied within half a minute comes with stamps that are still good, and is another pod.
  const fresh = again ? { ...pod, annotations: withoutAdmission(pod.annotations) } : pod;
  const nonce = stamping.nonce();
  const numbered = { ...fresh, name: request.name || (metadata.name ?? '') };
  const { distribution } = policy.spec;
  const kept = chosenCapacity(fresh, policy);
  const question = { nonce, cohort, controller: pod.controller, distribution, kept };
  const byIndex = indexOf(view, numbered) !== undefined;
  return {
    place: (nowMs) => (byIndex ? placeByIndex(view, numbered, distribution) : placeIn(view, question, nowMs)),
    question: byIndex ? undefined : question,
    answer: (share) => answer(fresh, { ...stamping, nonce: () => nonce }, share),
  };
};

const isSeen = (view: View, cohort: string, nonce: string | undefined): boolean =>
  [...view.pods.group('cohort', cohort)].some(({ annotations }) => nonceOf(annotations) === nonce);

const withoutAdmission = ({ [ourAnnotations.admission]: _, ...rest }: Values): Values => rest;
