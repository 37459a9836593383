import type { Reporter, TestModule, TestRunEndReason } from 'vitest/node';

type Counts = { passed: number; failed: number; skipped: number };

/**
 * A reporter whose one line, `N passed, N failed, N skipped`, is the last of a run: alone, once, without colour, for
 * whoever reads logs by program. What makes a run fail without being a test counts as a failure of its own: a file that
 * cannot be loaded, a hook, an error that nobody handled, a run that never came to its tests.
 */
export const closingLine = (): Reporter => {
  let counts: Counts | undefined;
  return {
    onInit: () => {
      // At the very end, because what is torn down after the tests may print too.
      process.once('exit', (code) => {
        const told = counts ?? (code === 0 ? undefined : { passed: 0, failed: 1, skipped: 0 });
        if (told) console.log(`${told.passed} passed, ${told.failed} failed, ${told.skipped} skipped`);
      });
    },
    onTestRunEnd: (modules, unhandledErrors, reason) => {
      counts = countRun(modules, unhandledErrors.length, reason);
    },
  };
};

const countRun = (
  modules: readonly TestModule[],
  unhandledErrors: number,
  reason: TestRunEndReason,
): Counts => {
  const counts = { passed: 0, failed: unhandledErrors, skipped: 0 };
  for (const module of modules) {
    const groups = [module, ...module.children.allSuites()];
    counts.failed += groups.filter((group) => group.errors().length > 0).length;
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      counts[state === 'pending' ? 'skipped' : state] += 1;
    }
  }
  // A run that found no test, or was broken off, is no success either.
  return reason === 'passed' || counts.failed > 0 ? counts : { ...counts, failed: 1 };
};
