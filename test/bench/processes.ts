import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { quantile } from './statistics.ts';

const residentMiB = async (pid: number): Promise<number> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
};

/** The resident memory of a process at rest, in MiB: the median of two seconds. */
export const restingMiB = async (pid: number): Promise<number> => {
  // The collector runs when it sees fit, so one look may fall before it and the next after.
  const looks: number[] = [];
  for (let look = 0; look < 11; look += 1) {
    looks.push(await residentMiB(pid));
    await pause(200);
  }
  return quantile(looks, 0.5);
};

// Linux counts processor time in ticks of a hundredth of a second, whatever the machine.
const tickMs = 10;

/** The processor time that a process has used so far, in milliseconds, to a hundredth of a second. */
export const processorMs = async (pid: number): Promise<number> => {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The name of the program, in brackets, may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * tickMs;
};

const idleShare = async (forMs: number): Promise<number> => {
  const read = async (): Promise<readonly number[]> =>
    (await readFile('/proc/stat', 'utf8')).split('\n', 1)[0]?.trim().split(/\s+/).slice(1).map(Number) ?? [];
  const before = await read();
  await pause(forMs);
  const spent = (await read()).map((ticks, index) => ticks - (before[index] ?? 0));
  return ((spent[3] ?? 0) + (spent[4] ?? 0)) / spent.reduce((sum, ticks) => sum + ticks, 0);
};

/** Resolves when what went before has died down: the machine idles half its time, or so many milliseconds are over. */
export const calm = async (mostMs: number): Promise<void> => {
  const untilMs = performance.now() + mostMs;
  while (performance.now() < untilMs && (await idleShare(300)) < 0.5);
};
