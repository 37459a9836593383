import { BaseSequencer, type TestSpecification } from 'vitest/node';

// Measured on two cores, each 40 s or more: begun last, one of these would keep a run waiting for itself alone.
const long: readonly string[] = [
  'faults/api-server',
  'cluster/ambient-kubeconfig',
  'interruption/leaders',
  'interruption/refusals',
  'injection/rotation',
  'interruption/restart',
  'injection/distribution-replicas',
  'interruption/calls',
  'cluster/stages',
  'interruption/replace-first-restart',
  'policy/many-policies',
  'cluster/background',
  'injection/fuzz',
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
