import { cpus, loadavg, release, totalmem } from 'node:os';

/** Where a benchmark ran; the load is the machine's over a minute, before and after. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
  readonly loadBefore: number;
  readonly loadAfter: number;
  readonly date: string;
}

/** This machine, with the load that it had when the run began. */
export const describeMachine = (loadBefore: number): Machine => ({
  processor: cpus()[0]?.model.trim() ?? 'unknown',
  cores: cpus().length,
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  kernel: release(),
  node: process.version,
  loadBefore,
  loadAfter: loadavg()[0] ?? 0,
  date: new Date().toISOString().slice(0, 10),
});
