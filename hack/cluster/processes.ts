import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { clusterEnvironment } from './access.ts';
import { freeze, thaw } from './freeze.ts';

/** How to run one program of the control plane. */
export type Command = { name: string; program: string; args: readonly string[] };

/** One program of the control plane and the means to treat it badly. */
export type Component = {
  readonly name: string;
  /** The process id; undefined while it does not run. */
  pid(): number | undefined;
  /** Starts the program; nothing happens if it runs. */
  start(): Promise<void>;
  /** Sends SIGKILL, or another signal, and resolves when the process is gone. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Freezes the process; once this resolves, connections stay open and nothing answers. */
  pause(): Promise<void>;
  /** Lets a paused process go on. */
  resume(): void;
};

const lastLines = 15;
// These programs run for minutes and hold little: collecting garbage less often spares a small machine a fifth of its time.
const calm = { GOGC: '1000', GOMEMLIMIT: '1GiB' };

/**
 * A component whose process runs in the cluster's directory, carries its mark and logs to `<name>.log` there. When the
 * process ends without having been killed through here, `onFailure` hears how, with the last lines of the log.
 */
export const componentOf = (
  { name, program, args }: Command,
  directory: string,
  onFailure: (message: string) => void,
): Component => {
  const logPath = join(directory, `${name}.log`);
  let child: ChildProcess | undefined;
  let killed = false;

  const report = async (how: string): Promise<void> => {
    const tail = (await readFile(logPath, 'utf8')).trimEnd().split('\n').slice(-lastLines).join('\n');
    onFailure(`${name} ended (${how}); the last lines of its log:\n${tail}`);
  };

  const start = async (): Promise<void> => {
    if (child !== undefined) return;
    const log = await open(logPath, 'a');
    const started = spawn(program, [...args], {
      cwd: directory,
      env: { ...clusterEnvironment(directory), ...calm },
      // A session of its own: Ctrl-C in our terminal stops us, and we stop it.
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
    });
    started.unref();
    child = started;
    killed = false;
    started.once('exit', (code, how) => {
      child = undefined;
      // The log is gone when the cluster is being stopped.
      if (!killed) report(String(how ?? code)).catch(() => {});
    });
    await once(started, 'spawn');
    await log.close();
  };

  const running = (): number => {
    if (child?.pid === undefined) throw new Error(`pausing ${name}: it does not run, start() it first`);
    return child.pid;
  };

  return {
    name,
    pid: () => child?.pid,
    start,
    kill: async (which = 'SIGKILL') => {
      if (child === undefined) return;
      const gone = once(child, 'exit');
      // Somebody waits now, perhaps with nothing else that keeps this process alive.
      child.ref();
      killed = true;
      child.kill(which);
      await gone;
    },
    pause: async () => freeze(running()),
    resume: () => thaw(running()),
  };
};
