import type { OwnerReference } from 'kubernetes-types/meta/v1.d.ts';
import { createPatch, type Operation } from 'rfc6902';
import { isBoundToNode } from '../policy/owners.ts';
import { governingPolicy } from '../policy/rules.ts';
import { controllerOf } from '../world/object.ts';
import type { View } from '../world/view.ts';
import { fit, type Values } from './annotations.ts';
import { type Incoming, inject } from './inject.ts';
import { answerProbe, isProbe } from './probe.ts';
import type { Stamping } from './stamp.ts';

/** The part of an admission request that the decision reads. */
export interface PodRequest {
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly subResource?: string | undefined;
  /** A pod as the API server decoded it, so its metadata has the right types. */
  readonly object: { readonly metadata?: PodMetadata };
}

interface PodMetadata {
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

const unchanged: PodAnswer = { patch: [], warnings: [] };
// Refused for what we gave it, the pod would have been better off without.
const tooMany = 'spotpolicy left this pod as it is: its annotations and ours would exceed 256 KiB together';

/** What to do with a pod that is being created. Reads memory only. */
export const reviewPod = (view: View, request: PodRequest, stamping: Stamping): PodAnswer => {
  if (isProbe(request)) return { ...unchanged, refusal: answerProbe(view, request) };
  if (request.subResource) return unchanged;
  const metadata = request.object.metadata ?? {};
  const pod: Incoming = {
    namespace: request.namespace ?? '',
    labels: metadata.labels ?? {},
    annotations: metadata.annotations ?? {},
    controller: controllerOf(metadata.ownerReferences),
  };
  if (isBoundToNode(pod)) return unchanged;
  const policy = governingPolicy(view, pod);
  if (!policy || policy.spec.injection.at === 'None') return unchanged;
  const { annotations, labels } = inject(pod, policy, stamping);
  if (!fit(annotations)) return { ...unchanged, warnings: [tooMany] };
  const before = { metadata: { labels: metadata.labels, annotations: metadata.annotations } };
  return { patch: createPatch(before, { metadata: { labels, annotations } }), warnings: [] };
};
