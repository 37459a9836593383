import type { Identity } from '../world/object.ts';
import type { Probe } from '../world/objects.ts';
import type { Policy } from '../world/policy.ts';
import type { View } from '../world/view.ts';

// The webhook also covers `pods/eviction` for names that begin so. A dry-run eviction of a pod that cannot exist takes
// the way of a pod's creation up to the webhook, needs no right the operator lacks, and can never make a pod. No pod has a name
// with capitals, so every pod that there is can be evicted.
const prefix = 'SpotPolicy-Probe-';

/**
 * The CEL condition that keeps real evictions away from the webhook. A condition that fails to evaluate would skip the
 * webhook in silence, and for a pod the request has no `subResource` at all.
 */
export const probeCondition = `!has(request.subResource) || request.subResource != 'eviction' || request.name.startsWith('${prefix}')`;

/** The name to evict when asking whether admission knows `policy`; `nonce` tells one question from another. */
export const probeName = ({ uid }: Identity, nonce: string): string => `${prefix}${uid}.${nonce}`;

/** Whether a request is a question of the operator itself. */
export const isProbe = ({
  subResource,
  name,
}: {
  subResource?: string | undefined;
  name?: string | undefined;
}): boolean => subResource === 'eviction' && name?.startsWith(prefix) === true;

/** What the replica that was reached answers: the question and the generation of the policy that it admits by. */
export const answerProbe = (view: View, { name = '' }: { name?: string | undefined }): string => {
  const uid = name.slice(prefix.length).split('.')[0] ?? '';
  return answerText(name, view.policies.byUid(uid)?.generation ?? 0);
};

const answerText = (name: string, generation: number): string => `${name} knows generation ${generation}`;

/** The generation in the answer to `name`, or undefined when this is none: the webhook was not reached. */
export const generationIn = (answer: string, name: string): number | undefined => {
  const text = answer.slice(answer.indexOf(name) + name.length);
  const generation = answer.includes(name) ? /^ knows generation (\d+)/.exec(text)?.[1] : undefined;
  return generation === undefined ? undefined : Number(generation);
};

/** The record of one question about a policy; `failures` is how often in a row it failed before. */
export const probeOf = (
  { uid, namespace, name, generation }: Policy,
  problem: string | undefined,
  atMs: number,
  failures: number,
): Probe => {
  const reached = problem === undefined;
  return {
    ...{ uid, namespace, name, generation, atMs, reached },
    problem: problem ?? '',
    failures: reached ? 0 : failures + 1,
  };
};

// One namespace may have a problem of its own, such as a webhook that refuses every eviction there.
const mostTries = 3;

/** The places, at most three, in which to ask after so many failures, so that retries come round to each. */
export const turned = (places: readonly string[], failures: number): readonly string[] =>
  Array.from(
    { length: Math.min(mostTries, places.length) },
    (_, index) => places[(failures * mostTries + index) % places.length] ?? '',
  );
