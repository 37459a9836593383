import type { TestProject } from 'vitest/node';
import { ensureToolchain } from '../../hack/cluster/toolchain.ts';
import { say } from '../../hack/say.ts';

/** Storms take a cluster of their own each, when everything else is over. */
export default async function setup(project: TestProject): Promise<void> {
  project.provide('binaries', await ensureToolchain({ log: say }));
}
