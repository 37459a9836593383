import { spawn } from 'node:child_process';
import { once } from 'node:events';

/**
 * A shell that outlives us and ends a cluster when its standard input does. That input is a pipe from this process, so it
 * ends with us in whatever way we end, SIGKILL included; and as an orderly stop takes the same path, it cannot rot.
 * Processes are found by a mark in their environment instead of by recorded pids: a recorded pid may belong to somebody
 * else by then, and one may have been started just before it could be recorded. Repeated until a look finds none, because
 * what a process forks while it is being killed carries the mark too.
 */
const script = `
cat > /dev/null
# The output decides and not the status: that says 2 as soon as any process cannot be read.
while marked=$(grep -lsF "SPOTPOLICY_CLUSTER=$1" /proc/[0-9]*/environ); [ -n "$marked" ]; do
  for environment in $marked; do
    process=\${environment#/proc/}
    kill -KILL "\${process%/environ}" 2> /dev/null
  done
  sleep 0.05
done
rm -rf -- "$1"
`;

/** Watches over one cluster. */
export type Reaper = {
  /** Ends every process that carries the cluster's mark and removes its directory; resolves when both are gone. */
  reap(): Promise<void>;
};

/** Starts the watch over the cluster in a directory: with this process end its marked processes and the directory. */
export const startReaper = (directory: string): Reaper => {
  const shell = spawn('/bin/sh', ['-c', script, 'spotpolicy-reaper', directory], {
    cwd: '/',
    // A session of its own: Ctrl-C in our terminal must not reach it.
    detached: true,
    env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  shell.unref();
  const ended = once(shell, 'exit');
  return {
    reap: async () => {
      shell.ref();
      shell.stdin.end();
      await ended;
    },
  };
};
