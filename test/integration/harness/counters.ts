import type { Replica } from '../../../hack/cluster/operator.ts';

/** A metric of a replica, summed over its labels; 0 while it has no sample. */
export const counterOf = async (replica: Pick<Replica, 'metrics'>, name: string): Promise<number> => {
  const lines = (await replica.metrics()).split('\n');
  const samples = lines.filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  return samples.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
};

/** How many admission requests a replica has answered. */
export const requestsOf = (replica: Pick<Replica, 'metrics'>): Promise<number> =>
  counterOf(replica, 'spot_admission_requests_total');
