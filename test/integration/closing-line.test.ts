import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'vitest';

const root = join(import.meta.dirname, '../..');
const passing = `test('a', () => {});`;

/** Runs vitest with the reporter over files of its own and gives the last line it printed. */
const lastLineOf = async (
  { onTestFinished }: TestContext,
  files: Record<string, string>,
  globalSetup?: string,
): Promise<string> => {
  const directory = await mkdtemp(join(tmpdir(), 'closing-line-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const write = (name: string, text: string) => writeFile(join(directory, name), text);
  await symlink(join(root, 'node_modules'), join(directory, 'node_modules'));
  const setup = globalSetup === undefined ? '' : `globalSetup: ['./setup.ts'],`;
  await write('setup.ts', globalSetup ?? '');
  await write(
    'vitest.config.ts',
    `import { closingLine } from '${join(root, 'test/closing-line.ts')}';
     export default { test: { ${setup} reporters: ['default', closingLine()] } };`,
  );
  const imports = `import { beforeAll, describe, expect, test } from 'vitest';`;
  for (const [name, text] of Object.entries(files)) await write(name, `${imports}\n${text}`);
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const env = { PATH: process.env.PATH, FORCE_COLOR: '1' };
  const output = await new Promise<string>((resolve) => {
    execFile(process.execPath, [vitest, 'run'], { cwd: directory, env }, (_error, stdout) => resolve(stdout));
  });
  return output.trimEnd().split('\n').at(-1) ?? '';
};

describe.concurrent('the closing line of a run', () => {
  test('counts tests by how they ended, in plain text', async (context) => {
    const line = await lastLineOf(context, {
      'one.test.ts': `${passing} test('b', () => {}); test.skip('c', () => {}); test.todo('d');`,
      'two.test.ts': `${passing} test('b', () => { expect(1).toBe(2); });`,
    });
    context.expect(line).toBe('3 passed, 1 failed, 2 skipped');
  });

  test('counts as failed what fails without being a test', async (context) => {
    const line = await lastLineOf(context, {
      'fine.test.ts': passing,
      'unloadable.test.ts': `throw new Error('no');`,
      'hook.test.ts': `describe('x', () => { beforeAll(() => { throw new Error('no'); }); ${passing} });`,
      'unhandled.test.ts': `test('a', () => { Promise.reject(new Error('nobody')); });`,
    });
    context.expect(line).toBe('2 passed, 3 failed, 1 skipped');
  });

  test('calls a run a failure that was refused, found no test or was broken off', async (context) => {
    const oneTest = { 'fine.test.ts': passing };
    const lines = await Promise.all([
      lastLineOf(context, oneTest, `export default () => { throw new Error('no cluster'); };`),
      lastLineOf(context, {}),
      lastLineOf(context, oneTest, `export default () => process.exit(3);`),
    ]);
    context.expect(lines).toEqual(lines.map(() => '0 passed, 1 failed, 0 skipped'));
  });

  test('comes after what is printed while the run is torn down', async (context) => {
    const talkative = `export default () => () => { console.log('torn down'); };`;
    const line = await lastLineOf(context, { 'fine.test.ts': passing }, talkative);
    context.expect(line).toBe('1 passed, 0 failed, 0 skipped');
  });
});
