import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { startInBackground } from './cluster/background.ts';
import { ensureToolchain } from './cluster/toolchain.ts';
import { say } from './say.ts';

const root = join(import.meta.dirname, '..');
const [directory = join(root, '.cluster')] = process.argv.slice(2);

const startedAtMs = performance.now();
try {
  // Here and not in the background, where nobody would see what takes so long.
  await ensureToolchain({ log: say });
  const isNew = await startInBackground(directory, join(import.meta.dirname, 'keeper.ts'));
  const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(1);
  const hasOperator = existsSync(join(directory, 'operator.log'));
  const withIt = hasOperator ? 'with the operator' : 'without the operator (make operator runs it)';
  say(
    isNew
      ? `The cluster is ready after ${seconds} s, ${withIt}. It runs until make down.`
      : `The cluster is running already, ${withIt}.`,
  );
  const log = hasOperator
    ? `tail -f ${relative(process.cwd(), join(directory, 'operator.log'))}`
    : 'make operator';
  console.log(`
  export KUBECONFIG=${join(directory, 'kubeconfig')} PATH=${join(directory, 'bin')}:$PATH
  kubectl apply -f hack/demo/policies.yaml        # a policy for each of two namespaces
  kubectl wait spotpolicies -A --all --for=condition=Programmed
  kubectl apply -f hack/demo/workloads.yaml       # a Deployment, a StatefulSet, a Job, a CronJob
  kubectl get spotpolicies -A
  hack/eci reclaim -n shop -l app=web             # ECI wants its instances back; --help says more
  kubectl describe spotpolicy -n shop
  ${log}
  make down`);
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
