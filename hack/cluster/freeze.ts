import { readdir, readFile } from 'node:fs/promises';
import { waitFor } from './wait-for.ts';

/**
 * Sends SIGSTOP to a process of this machine and resolves once every thread of it has stopped. The kernel stops a thread
 * when it next gives that thread the processor, so on a busy machine the others go on for a while, and may still answer.
 * Throws if there is no such process.
 */
export const freeze = async (pid: number): Promise<void> => {
  process.kill(pid, 'SIGSTOP');
  await waitFor(
    `every thread of process ${pid} to stop`,
    async () => (await runningThreads(pid)).length === 0,
  );
};

/** Lets a frozen process go on. */
export const thaw = (pid: number): void => void process.kill(pid, 'SIGCONT');

const runningThreads = async (pid: number): Promise<string[]> => {
  const threads = await readdir(`/proc/${pid}/task`);
  const states = await Promise.all(threads.map((thread) => stateOf(`/proc/${pid}/task/${thread}/stat`)));
  return threads.filter((_, index) => states[index] !== 'T');
};

// The state is the letter after the program's name, which stands in parentheses and may itself hold some.
const stateOf = async (path: string): Promise<string | undefined> => {
  const text = await readFile(path, 'utf8');
  return text.slice(text.lastIndexOf(')') + 1).trim()[0];
};
