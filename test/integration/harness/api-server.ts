import type { Access } from '../../../hack/cluster/access.ts';
import { counterOf } from './counters.ts';

/** Requests of the Eviction API that an API server has answered since its start, dry runs left out. */
export interface Evictions {
  readonly accepted: number;
  readonly refused: number;
}

const metricsOf = async (admin: Access['admin']): Promise<string> =>
  String(await admin.get<unknown>('/metrics'));

/** Reads what an API server counts of evictions, whoever asked for them. */
export const evictionsOf = async ({ admin }: Pick<Access, 'admin'>): Promise<Evictions> => {
  const metrics = await metricsOf(admin);
  const counted = { accepted: 0, refused: 0 };
  for (const line of metrics.split('\n')) {
    if (!line.startsWith('apiserver_request_total{') || !line.includes('subresource="eviction"')) continue;
    if (!line.includes('dry_run=""')) continue;
    const value = Number(line.slice(line.lastIndexOf(' ')));
    if (line.includes('code="201"')) counted.accepted += value;
    else counted.refused += value;
  }
  return counted;
};

/** Reads how many admission reviews an API server let pass unanswered since its start, by whichever webhook. */
export const passedOver = ({ admin }: Pick<Access, 'admin'>): Promise<number> =>
  counterOf({ metrics: () => metricsOf(admin) }, 'apiserver_admission_webhook_fail_open_count');

/**
 * Flags for an operator of tests that are not about the time that admission has: a busy machine may take longer than two seconds,
 * and the API server then creates a pod of which the operator is not told.
 */
export const unhurriedAdmission = ['--admission-timeout-seconds', '20'] as const;
