import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeProgram } from './cluster/program.ts';
import { say } from './say.ts';

const directory = join(import.meta.dirname, '../build');

await mkdir(directory, { recursive: true });
await writeProgram(join(directory, 'spotpolicy.mjs'));
say('build/spotpolicy.mjs: the operator, for Node 24; nothing else is needed beside it.');
