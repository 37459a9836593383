import type { SpotPolicyObject } from '../../../operator/api/spot-policy.ts';
import type { SpotPolicyStatus } from '../../../operator/api/status.ts';
import type { Access } from '../../../hack/cluster/access.ts';
import { waitFor } from '../harness/cluster.ts';
import { pathTo } from '../harness/objects.ts';

/** The condition of a policy as it is now; undefined where there is none. */
export const conditionIn = ({ status }: SpotPolicyObject, type: string) =>
  status?.conditions?.find((condition) => condition.type === type);

/** Merges `spec` into a policy and resolves with the policy once admission is known to decide by that edition. */
export const edit = async (
  admin: Access['admin'],
  { namespace, name = 'web' }: { namespace: string; name?: string },
  spec: object,
): Promise<SpotPolicyObject> => {
  const path = pathTo('SpotPolicy', namespace, name);
  const { metadata } = await admin.patch<SpotPolicyObject>(path, { spec });
  return waitFor(`generation ${metadata.generation} of policy ${name} to be Programmed`, async () => {
    const policy = await admin.get<SpotPolicyObject>(path);
    const programmed = conditionIn(policy, 'Programmed');
    return programmed?.status === 'True' && programmed.observedGeneration === metadata.generation && policy;
  });
};

/**
 * The status of a policy once it satisfies `holds`, written anew until then: counts of pods alone may take ten seconds, but a
 * generation that is not the present one is put right at once.
 */
export const freshStatus = (
  admin: Access['admin'],
  { namespace, name = 'web' }: { namespace: string; name?: string },
  holds: (counts: NonNullable<SpotPolicyStatus['pods']>) => boolean,
): Promise<SpotPolicyStatus> => {
  const path = pathTo('SpotPolicy', namespace, name);
  return waitFor(`the counts of policy ${name}`, async () => {
    await admin.patch(`${path}/status`, { status: { observedGeneration: 0 } });
    const status = await waitFor(`the status of policy ${name}`, async () => {
      const { status: written } = await admin.get<SpotPolicyObject>(path);
      return written?.observedGeneration !== 0 && written;
    });
    if (status.pods && holds(status.pods)) return status;
    throw new Error(JSON.stringify(status.pods));
  });
};
