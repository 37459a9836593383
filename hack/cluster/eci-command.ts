import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { Pod } from 'kubernetes-types/core/v1.js';
import { openClient, type RestClient } from './client.ts';
import { readKubeconfig } from './kubeconfig.ts';
import { reclaim, refusal, type ReclaimOptions } from './reclaim.ts';

type Flags = ReclaimOptions & { namespace: string; selector?: string; kubeconfig: string };

const wholeMinutes = (text: string): number => {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('give a whole number of minutes, 1 or more');
  return Number(text);
};

const chosen = async (admin: RestClient, names: string[], { namespace, selector }: Flags): Promise<Pod[]> => {
  const pods = `/api/v1/namespaces/${namespace}/pods`;
  if (selector !== undefined) return admin.list<Pod>(`${pods}?labelSelector=${encodeURIComponent(selector)}`);
  return Promise.all(names.map((name) => admin.get<Pod>(`${pods}/${name}`)));
};

/** Pods asked for by name are all reclaimed or none is; of those a selector finds, the ones that cannot be are passed over. */
const run = async (names: string[], flags: Flags, command: Command): Promise<void> => {
  if ((flags.selector === undefined) === (names.length === 0))
    command.error('error: name one or more pods, or select them with -l, and not both');
  const admin = openClient(await readKubeconfig(flags.kubeconfig));
  try {
    const judged = (await chosen(admin, names, flags)).map((pod) => ({ pod, reason: refusal(pod) }));
    const doomed = judged.filter(({ reason }) => reason === undefined);
    const refused = judged.filter(({ reason }) => reason !== undefined);
    for (const { pod, reason } of refused)
      console.error(`pod ${pod.metadata?.name} is not reclaimed: ${reason}`);
    if (doomed.length === 0 || (flags.selector === undefined && refused.length > 0))
      command.error(`error: nothing was reclaimed in namespace ${flags.namespace}`);
    for (const { pod } of doomed) {
      await reclaim(admin, pod, flags);
      console.log(`pod ${pod.metadata?.name}: released in ${flags.minutes} minutes`);
    }
  } finally {
    await admin.close();
  }
};

const program = new Command('hack/eci').description("Plays ECI's part in a cluster started by make up.");
program
  .command('reclaim')
  .description(
    'Announces the reclaim of running spot pods: Event and condition now, BidFailed when the window is over.',
  )
  .argument('[pod...]', 'names of pods')
  .option('-n, --namespace <namespace>', 'their namespace', 'default')
  .option('-l, --selector <selector>', 'choose pods by label instead of by name')
  .option('--minutes <number>', 'the window, and the number in the text', wholeMinutes, 3)
  .addOption(
    new Option('--uid <of>', 'whose id the Event carries as involvedObject.uid')
      .choices(['pod', 'instance'])
      .default('pod'),
  )
  .option(
    '--kubeconfig <path>',
    'the cluster',
    join(import.meta.dirname, '..', '..', '.cluster', 'kubeconfig'),
  )
  .action(run);

await program.parseAsync().catch((error: unknown) => {
  console.error(`error: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
