import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rolldown } from 'rolldown';

const main = join(import.meta.dirname, '../../operator/main.ts');
// Of client-node only KubeConfig is used. Its thousand generated models are 60 MiB in memory unless they may be left out,
// which its package does not say of itself.
const leftOutWhereUnused = /\/@kubernetes\/client-node\//;

const bundle = async (): Promise<string> => {
  await using program = await rolldown({
    input: main,
    platform: 'node',
    treeshake: { moduleSideEffects: [{ test: leftOutWhereUnused, sideEffects: false }] },
  });
  // Not minified: it is no smaller in memory, and a stack trace names what the source names.
  const { output } = await program.generate({ format: 'esm', codeSplitting: false });
  return output[0].code;
};

let bundled: Promise<string> | undefined;

/**
 * Writes the operator with all that it uses as one file, as its image has it: 1.6 s of processor time once in a process,
 * for a start in a third of one.
 */
export const writeProgram = async (path: string): Promise<void> => {
  bundled ??= bundle();
  await writeFile(path, await bundled);
};
