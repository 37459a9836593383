import { BaseSequencer, type TestSpecification } from 'vitest/node';

// Measured on two cores, each 40 s or more: begun last, one of these would keep a run waiting for itself alone.
const long: readonly string[] = [
  'faults/api-server',
  'interruption/leaders',
  'cluster/ambient-kubeconfig',
  'interruption/calls',
  'policy/many-policies',
  'interruption/refusals',
  'faults/clock',
  'interruption/restart',
  'cluster/stages',
  'interruption/replace-first-restart',
  'injection/distribution-replicas',
  'injection/webhook',
  'interruption/clone-sets',
  'cluster/background',
  'interruption/replace-first-meanwhile',
  'interruption/evictor',
];

/** Begins a first run, of which no durations are remembered, with the files that take longest. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const found = long.findIndex((name) => moduleId.endsWith(`${name}.test.ts`));
      return found < 0 ? long.length : found;
    };
    // oxlint-disable-next-line unicorn/no-array-sort -- a method of vitest's sequencer
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}
