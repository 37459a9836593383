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

/** The steps of a page in its order, as its reader takes them: objects to apply, and commands. */
const stepsOf = async (
  page: string,
): Promise<readonly { readonly kind: string; readonly text: string }[]> => {
  const text = await readFile(join(pages, page), 'utf8');
  const blocks = [...text.matchAll(/^```(yaml|sh)\n(.*?)^```$/gms)];
  return blocks.map(([, kind = '', block = '']) => ({ kind, text: block }));
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
  const steps = await stepsOf(`${name}.md`);
  const here = (args: readonly string[], stdin?: string) => kubectl(['-n', namespace, ...args], stdin);
  expect(steps.map(({ kind }) => kind)).toEqual(['yaml', 'sh', 'yaml']);
  for (const { kind, text } of steps) {
    if (kind === 'yaml') await here(['apply', '-f', '-'], text);
    else await here(text.trim().replace('kubectl ', '').split(' '));
  }
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
