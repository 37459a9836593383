import { join } from 'node:path';
import { stopInBackground } from './cluster/background.ts';
import { say } from './say.ts';

const [directory = join(import.meta.dirname, '..', '.cluster')] = process.argv.slice(2);
say((await stopInBackground(directory)) ? 'The cluster is gone.' : 'No cluster was running.');
