import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import pretty from 'pino-pretty';
import { openInBackground } from './cluster/background.ts';
import { installOperator, replicaCommand } from './cluster/operator.ts';
import { say } from './say.ts';

const [directory = join(import.meta.dirname, '..', '.cluster')] = process.argv.slice(2);

/** Runs the operator in the foreground until it ends; gives its exit code. */
const run = async (): Promise<number> => {
  const cluster = await openInBackground(directory);
  if (cluster === undefined)
    throw new Error('no cluster is up: start one without its own operator by make up OPERATOR=0');
  if (existsSync(join(directory, 'operator.log')))
    say('The operator of make up runs too; this one waits as its second replica until that one is gone.');
  await installOperator(cluster);
  const { args } = await replicaCommand(cluster);
  await cluster.admin.close();
  const child = spawn(process.execPath, args, {
    env: cluster.environment,
    stdio: ['ignore', process.stdout.isTTY ? 'pipe' : 'inherit', 'inherit'],
  });
  child.stdout?.pipe(pretty({ messageKey: 'message', ignore: 'replica,pid,hostname', singleLine: true }));
  // Ctrl-C reaches the operator by itself, a signal to us alone does not; either way it ends in order, and we after it.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  const [code, signal] = await once(child, 'exit');
  if (signal !== null) say(`The operator was ended by ${String(signal)}.`);
  return Number(code ?? 1);
};

try {
  process.exitCode = await run();
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
