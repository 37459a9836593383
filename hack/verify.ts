import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

// Contents before and after, not git's view of them: new files count, and work in progress may be verified too.
const regenerated = `
sums() { find crds dist docs/reference -type f -exec sha256sum {} + | sort; }
before=$(sums) && node hack/update-crds.ts && node hack/update-manifests.ts && after=$(sums) || exit 1
test "$before" = "$after" || { printf '%s\\n' "$before" "$after" | sort | uniq -u | sed 's/^[^ ]* */changed: /' | uniq; exit 1; }`;

/** The checks by name: each a command that fails when something is wrong, and what to do then. */
const checks: readonly (readonly [name: string, advice: string, command: string])[] = [
  ['format', 'make format', 'prettier --check --log-level warn .'],
  ['types', 'see the messages above', 'tsc --noEmit'],
  ['lint', 'see the messages above', 'oxlint --deny-warnings'],
  ['unused code', 'delete it', 'knip'],
  ['generated files', 'make generate, then commit', regenerated],
];

const failed: string[] = [];
for (const [name, advice, command] of checks) {
  const startMs = performance.now();
  const outcome = await run('sh', ['-c', command], { maxBuffer: 64 * 1024 * 1024 }).then(
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
