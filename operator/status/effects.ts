import type { SpotPolicyStatus } from '../api/index.ts';
import type { Kube } from '../kube/kube.ts';
import { isConflict, isNotFound, isUnacceptable } from '../kube/errors.ts';
import { resources } from '../kube/resources.ts';
import type { Policy } from '../world/policy.ts';
import type { WriteAnswer } from './attempts.ts';
import type { Parts } from './changed-parts.ts';

const statuses = {
  SpotPolicy: resources.spotPolicyStatus,
  ClusterSpotPolicy: resources.clusterSpotPolicyStatus,
} as const;

/**
 * Writes parts of the status of the policy as `fieldManager`, however it was edited meanwhile. Answers `Stale` when it is gone, its name
 * belongs to another one, or its status is not as it was seen, and `Refused` when the API server does not accept the
 * status (422) or an object of that size (413). Throws KubeError otherwise.
 */
export const writeStatus = async (
  kube: Kube,
  { kind, namespace, name, uid, status }: Policy,
  parts: Parts<SpotPolicyStatus>,
  fieldManager: string,
  signal: AbortSignal,
): Promise<WriteAnswer> => {
  // Not on condition of the version: whoever edits a policy all the time would keep it from ever having a status. And
  // not as a merge patch: on a status subresource the API server does not compare the UID that one names.
  const body = [
    { op: 'test', path: '/metadata/uid', value: uid },
    ...(status ? [] : [{ op: 'add', path: '/status', value: {} }]),
    // Others may have conditions of their own in the list, which is written as a whole.
    ...(parts.conditions && status?.conditions
      ? [{ op: 'test', path: '/status/conditions', value: status.conditions }]
      : []),
    ...Object.entries(parts).map(([part, value]) =>
      value === null
        ? { op: 'remove', path: `/status/${part}` }
        : { op: 'add', path: `/status/${part}`, value },
    ),
  ];
  try {
    const options = { fieldManager, signal };
    const { metadata } = await kube.patch(
      statuses[kind],
      { namespace, name },
      { type: 'json', body },
      options,
    );
    return { kind: 'Written', resourceVersion: metadata.resourceVersion };
  } catch (error) {
    if (isNotFound(error) || isConflict(error)) return { kind: 'Stale' };
    if (isUnacceptable(error)) return { kind: 'Refused', message: error.message };
    throw error;
  }
};
