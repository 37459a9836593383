import type { Condition, SpotPolicyStatus } from '../api/index.ts';
import { isOlder } from '../world/object.ts';
import type { Policy } from '../world/policy.ts';
import { isSame } from '../world/same.ts';
import { changedParts, type Parts } from './changed-parts.ts';
import { conditionTypes } from './conditions.ts';
import { isUrgent } from './urgent.ts';

/** The status that this leader wrote last on a policy, the version of the policy that the write gave, and when. */
export interface Written {
  readonly status: SpotPolicyStatus;
  readonly resourceVersion: string;
  readonly atMs: number;
}

/** Who takes turns in writing the status of a policy, in field managers, sorted; empty where they left no trace. */
export interface StatusRivals {
  readonly writers: readonly string[];
}

/** What a write of changed parts means between this leader and another writer. */
export interface Turn {
  /** It changes back a part that another writer changed after this leader's last write. */
  readonly undoes: boolean;
  /** It tells something that this leader has not written yet and that cannot wait. */
  readonly isNews: boolean;
}

/** Judges the write of `parts`, which make the status that the policy shows into `status`. */
export const judgeTurn = (
  written: Written | undefined,
  policy: Pick<Policy, 'status' | 'resourceVersion'>,
  status: SpotPolicyStatus,
  parts: Parts<SpotPolicyStatus>,
): Turn => {
  // The watch may lag behind the answer to a write.
  if (!written || isOlder(policy.resourceVersion, written.resourceVersion))
    return { undoes: false, isNews: true };
  const [before, present, after] = [written.status, policy.status, status].map(ownGist);
  const names = Object.keys(parts) as (keyof SpotPolicyStatus)[];
  const undoes = names.some(
    (name) => !isSame(present?.[name], before?.[name]) && !isSame(present?.[name], after?.[name]),
  );
  const news = before && after && changedParts(before, after);
  return { undoes, isNews: news !== undefined && isUrgent(before, news) };
};

// Other controllers may keep conditions in the list, and a transition time follows from what the status said before.
const ownGist = (status: SpotPolicyStatus | undefined): SpotPolicyStatus | undefined =>
  status && {
    ...status,
    conditions: (status.conditions ?? []).filter(isOwn).map((each) => ({ ...each, lastTransitionTime: '' })),
  };

const isOwn = ({ type }: Condition): boolean => conditionTypes.includes(type);

/** The rivals by what the policy shows: this leader and the latest other writer of the status, by name. */
export const rivalsOf = ({ statusWriters }: Pick<Policy, 'statusWriters'>, own: string): StatusRivals => {
  const rival = statusWriters.find((writer) => writer !== own);
  // Sorted, so that two installations say the same.
  return { writers: rival === undefined ? [] : [own, rival].toSorted() };
};

/** What the summary of a policy says about rivals; empty without any. */
export const describeRivals = (rivals: StatusRivals | undefined): string => {
  if (!rivals) return '';
  const { writers } = rivals;
  const who = writers.length > 0 ? writers.join(' and ') : 'this operator and another writer';
  return `${who} write this status in turn, so it is out of date at times; let only one installation handle SpotPolicies, or stop the other writer`;
};
