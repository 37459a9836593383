import { defineConfig } from 'vitest/config';
import { closingLine } from './test/closing-line.ts';

const suite = (name: string, options: object) => ({
  test: { name, include: [`test/${name}/**/*.test.ts`], environment: 'node' as const, ...options },
});

export default defineConfig({
  test: {
    reporters: ['default', closingLine()],
    projects: [
      suite('unit', { testTimeout: 30_000 }),
      suite('property', { testTimeout: 60_000 }),
      suite('integration', {
        globalSetup: ['test/integration/global-setup.ts'],
        testTimeout: 180_000,
        hookTimeout: 180_000,
        // Most of these wait for clocks rather than compute.
        maxWorkers: 3,
      }),
    ],
  },
});
