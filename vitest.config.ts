import { defineConfig } from 'vitest/config';

const suite = (name: string, options: object) => ({
  test: { name, include: [`test/${name}/**/*.test.ts`], environment: 'node' as const, ...options },
});

export default defineConfig({
  test: {
    reporters: ['default'],
    projects: [
      suite('unit', { testTimeout: 30_000 }),
      suite('property', { testTimeout: 60_000 }),
      suite('integration', {
        globalSetup: ['test/integration/global-setup.ts'],
        testTimeout: 180_000,
        hookTimeout: 60_000,
      }),
    ],
  },
});
