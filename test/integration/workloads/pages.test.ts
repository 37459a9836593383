import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod } from 'kubernetes-types/core/v1.js';
import { beforeAll, expect, test } from 'vitest';
import { aNamespace, sharedCluster, waitFor } from '../harness/cluster.ts';
import { pathTo } from '../harness/objects.ts';
import { define, foreignKinds } from './foreign-kinds.ts';

const cluster = await sharedCluster();
const { admin, kubectl } = cluster;
const pages = join(import.meta.dirname, '../../../docs/workloads');

/** The objects of a page as their reader copies them, the policy first. */
const examplesIn = async (page: string): Promise<readonly string[]> => {
  const text = await readFile(join(pages, page), 'utf8');
  return [...text.matchAll(/^```yaml\n(.*?)^```$/gms)].flatMap(([, yaml = '']) => yaml.split(/^---$/m));
};

const podsOf = async (namespace: string): Promise<readonly Pod[]> =>
  (await admin.get<{ items: Pod[] }>(pathTo('Pod', namespace))).items;

// Those of which the control plane makes pods; the page of a foreign kind has to be accepted.
const native: readonly string[] = ['deployment', 'statefulset', 'job', 'cronjob', 'other-controllers', 'pod'];
const names = (await readdir(pages))
  .map((page) => page.replace('.md', ''))
  .filter((name) => name !== 'README');

beforeAll(() => define(cluster, foreignKinds));

test.concurrent.for(names)('the example of the page %s works as it stands', async (name) => {
  const namespace = await aNamespace();
  const [policy = '', ...workload] = await examplesIn(`${name}.md`);
  const here = (args: readonly string[], stdin?: string) => kubectl(['-n', namespace, ...args], stdin);
  await here(['apply', '-f', '-'], policy);
  await here(['wait', 'spotpolicies', '--all', '--for=condition=Programmed', '--timeout=60s']);
  for (const object of workload) await here(['apply', '-f', '-'], object);
  if (name === 'cronjob') await here(['create', 'job', 'by-hand', '--from=cronjob/report']);
  if (!native.includes(name)) return;
  const pods = await waitFor(`the first pod of ${name}`, async () => {
    const found = await podsOf(namespace);
    return found.length > 0 && found;
  });
  for (const { metadata } of pods) {
    expect(metadata?.annotations).toHaveProperty(['k8s.aliyun.com/eci-spot-strategy']);
    expect(metadata?.labels).toMatchObject({ 'alibabacloud.com/eci': 'true' });
  }
});
