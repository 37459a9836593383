import { defineConfig } from 'vitest/config';
import { closingLine } from './test/closing-line.ts';
import { LongestFirst } from './test/longest-first.ts';

const suite = (name: string, options: object) => ({
  test: { name, include: [`test/${name}/**/*.test.ts`], environment: 'node' as const, ...options },
});

// Nothing here mocks a module, so the files of a worker can share what they import: most of the time otherwise.
const shared = { isolate: false };
const quick = { ...shared, maxWorkers: '100%' };

export default defineConfig({
  test: {
    reporters: ['default', closingLine()],
    sequence: { sequencer: LongestFirst },
    projects: [
      suite('unit', { testTimeout: 30_000, ...quick }),
      suite('property', { setupFiles: ['test/property/setup.ts'], testTimeout: 300_000, ...quick }),
      suite('integration', {
        ...shared,
        globalSetup: ['test/integration/global-setup.ts'],
        setupFiles: ['test/integration/harness/setup.ts'],
        testTimeout: 180_000,
        hookTimeout: 180_000,
        // With four, two cores are short of time: storms last longer than their pods have.
        maxWorkers: 3,
        sequence: { groupOrder: 1 },
      }),
      // Alone, after everything else: a storm of hundreds of pods takes both cores.
      suite('storm', {
        ...shared,
        globalSetup: ['test/storm/global-setup.ts'],
        setupFiles: ['test/integration/harness/setup.ts'],
        testTimeout: 300_000,
        hookTimeout: 180_000,
        maxWorkers: 1,
        sequence: { groupOrder: 2 },
      }),
    ],
  },
});
