import type { Access } from '../../../hack/cluster/access.ts';

/** Requests of the Eviction API that an API server has answered since its start, dry runs left out. */
export interface Evictions {
  readonly accepted: number;
  readonly refused: number;
}

/** Reads what an API server counts of evictions, whoever asked for them. */
export const evictionsOf = async ({ admin }: Pick<Access, 'admin'>): Promise<Evictions> => {
  const metrics = String(await admin.get<unknown>('/metrics'));
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

/** How many admission reviews an API server let pass unanswered since its start, by whichever webhook. */
export const passedOver = async ({ admin }: Pick<Access, 'admin'>): Promise<number> =>
  String(await admin.get<unknown>('/metrics'))
    .split('\n')
    .filter((line) => line.startsWith('apiserver_admission_webhook_fail_open_count{'))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
