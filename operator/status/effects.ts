import type { Kube } from '../kube/kube.ts';
import { isConflict, isNotFound } from '../kube/errors.ts';
import { resources } from '../kube/resources.ts';
import type { Policy } from '../world/policy.ts';

const statuses = {
  SpotPolicy: resources.spotPolicyStatus,
  ClusterSpotPolicy: resources.clusterSpotPolicyStatus,
} as const;

/**
 * Applies a merge patch to the status of the policy as it was seen. Returns false when it has changed since, is gone, or
 * its name belongs to another one. Throws KubeError.
 */
export const writeStatus = async (
  kube: Kube,
  { kind, namespace, name, resourceVersion }: Policy,
  status: object,
  signal: AbortSignal,
): Promise<boolean> => {
  // Not the UID: on a status subresource the API server does not compare it. No two objects share a version.
  const body = { metadata: { resourceVersion }, status };
  try {
    await kube.patch(statuses[kind], { namespace, name }, { type: 'merge', body }, { signal });
    return true;
  } catch (error) {
    if (isNotFound(error) || isConflict(error)) return false;
    throw error;
  }
};
