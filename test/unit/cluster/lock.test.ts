import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { withLock } from '../../../hack/cluster/lock.ts';

const lockModule = join(import.meta.dirname, '..', '..', '..', 'hack', 'cluster', 'lock.ts');

/** Another process that holds the lock until it is killed. */
const aHolder = async (name: string) => {
  const program = `
    import { withLock } from ${JSON.stringify(lockModule)};
    await withLock(${JSON.stringify(name)}, () => {}, () => new Promise(() => console.log('held')));
  `;
  const holder = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void holder.kill('SIGKILL'));
  await once(holder.stdout, 'data');
  return holder;
};

describe('withLock', () => {
  test('gives what the work gives and lets the next one in, after success and after failure', async () => {
    const name = randomUUID();
    const waited = () => expect.unreachable();
    expect(await withLock(name, waited, async () => 1)).toBe(1);
    await expect(withLock(name, waited, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    expect(await withLock(name, waited, async () => 2)).toBe(2);
  });

  test('never lets two do their work at once, and tells each waiter once', async () => {
    const name = randomUUID();
    let working = 0;
    let most = 0;
    let waits = 0;
    const one = () =>
      withLock(
        name,
        () => (waits += 1),
        async () => {
          most = Math.max(most, (working += 1));
          await new Promise(setImmediate);
          working -= 1;
        },
      );
    await Promise.all(Array.from({ length: 8 }, one));
    expect(most).toBe(1);
    expect(waits).toBe(7);
  });

  test('is free as soon as its holder is killed', async () => {
    const name = randomUUID();
    const holder = await aHolder(name);
    const waiting = Promise.withResolvers<void>();
    const done = withLock(name, waiting.resolve, async () => 'mine');
    await waiting.promise;
    holder.kill('SIGKILL');
    expect(await done).toBe('mine');
  });
});
