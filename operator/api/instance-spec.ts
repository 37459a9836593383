import { z } from 'zod';
import { matching, obeying } from './rules.ts';

/** Memory sizes in GiB that ECI sells as spot, by vCPU; source: ECI's page on spot instances, both languages. */
export const spotSizes: readonly { readonly vcpu: number; readonly memoryGib: readonly number[] }[] = [
  { vcpu: 2, memoryGib: [2, 4, 8, 16] },
  { vcpu: 4, memoryGib: [4, 8, 16, 32] },
  { vcpu: 8, memoryGib: [8, 16, 32, 64] },
  { vcpu: 12, memoryGib: [12, 24, 48, 96] },
  { vcpu: 16, memoryGib: [16, 32, 64, 128] },
  { vcpu: 24, memoryGib: [24, 48, 96, 192] },
  { vcpu: 32, memoryGib: [32, 64, 128, 256] },
  { vcpu: 52, memoryGib: [96, 192, 384] },
  { vcpu: 64, memoryGib: [128, 256, 512] },
];

/** The least vCPU that ECI sells as spot by size; source: ECI's page on spot instances. */
export const minimumSpotVcpu = 2;

/** One entry of `k8s.aliyun.com/eci-use-specs`: an ECS type (`ecs.c6.large`) or a size (`2-4Gi`, vCPU and memory). */
export const instanceSpec = obeying(z.string().max(64), [
  matching(
    '^(ecs[.][a-z0-9-]+[.][a-z0-9-]+|[0-9]+([.][0-9]+)?-[0-9]+([.][0-9]+)?Gi)$',
    'must be an ECS type such as "ecs.c6.large" or a size such as "2-4Gi", which is 2 vCPU with 4 GiB of memory',
  ),
]).describe(
  'An ECS type, as "ecs.c6.large", or a size, as "2-4Gi": vCPU, a dash, memory in GiB. ECI charges a size as the ECS type that it picks for it.',
);
