import { join } from 'node:path';
import { startInBackground } from './cluster/background.ts';
import { ensureToolchain } from './cluster/toolchain.ts';
import { say } from './say.ts';

const root = join(import.meta.dirname, '..');
const [directory = join(root, '.cluster')] = process.argv.slice(2);

try {
  // Here and not in the background, where nobody would see what takes so long.
  await ensureToolchain({ log: say });
  const readyInMs = await startInBackground(directory, join(import.meta.dirname, 'keeper.ts'));
  say(
    readyInMs === undefined
      ? 'The cluster is running already.'
      : `The cluster is ready after ${(readyInMs / 1000).toFixed(1)} s. It runs until make down.`,
  );
  console.log(`
  export KUBECONFIG=${join(directory, 'kubeconfig')} PATH=${join(directory, 'bin')}:$PATH
  kubectl get nodes
  hack/eci reclaim --help
  make down`);
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
