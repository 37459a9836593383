import type { Kube } from '../kube/kube.ts';
import { isConflict, isNotFound } from '../kube/errors.ts';
import { resources } from '../kube/resources.ts';
import type { Identity } from '../world/object.ts';

/**
 * Applies a merge patch to the status of a policy. Returns false when the policy is gone or its name belongs to another one.
 * Throws KubeError.
 */
export const writeStatus = async (
  kube: Kube,
  { namespace, name, uid }: Identity,
  status: object,
  signal: AbortSignal,
): Promise<boolean> => {
  // A merge patch that names the UID fails with a conflict when the name belongs to another policy.
  const body = { metadata: { uid }, status };
  try {
    await kube.patch(resources.spotPolicyStatus, { namespace, name }, { type: 'merge', body }, { signal });
    return true;
  } catch (error) {
    if (isNotFound(error) || isConflict(error)) return false;
    throw error;
  }
};
