import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The checks by name: each a command that fails when something is wrong, and what to do then. */
const checks: readonly (readonly [name: string, advice: string, command: string])[] = [
  ['format', 'make format', 'prettier --check --log-level warn .'],
  ['types', 'see the messages above', 'tsc --noEmit'],
  ['lint', 'see the messages above', 'oxlint --deny-warnings'],
  ['unused code', 'delete it', 'knip'],
  [
    'generated files',
    'make generate, then commit',
    // `git status`, because `git diff` overlooks new files.
    'before=$(git status --porcelain -- crds dist docs/reference) && node hack/update-crds.ts && node hack/update-manifests.ts && test "$before" = "$(git status --porcelain -- crds dist docs/reference)" && git diff --exit-code --stat -- crds dist docs/reference',
  ],
];

const failed: string[] = [];
for (const [name, advice, command] of checks) {
  const startMs = performance.now();
  const outcome = await run('bash', ['-c', command], { maxBuffer: 64 * 1024 * 1024 }).then(
    () => undefined,
    (error: { stdout: string; stderr: string }) => error,
  );
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  console.log(`${outcome ? 'failed' : 'ok    '}  ${name} (${seconds} s)`);
  if (outcome) {
    console.log(`${outcome.stdout}${outcome.stderr}`.trimEnd());
    failed.push(`${name}: ${advice}`);
  }
}
for (const line of failed) console.log(line);
process.exitCode = failed.length > 0 ? 1 : 0;
