import { mkdir, writeFile } from 'node:fs/promises';
import { format, resolveConfig } from 'prettier';
import { stringify } from 'yaml';
import { customResourceDefinition, policyKinds } from '../operator/api/crd.ts';
import { referencePage } from '../operator/api/reference.ts';
import { warningsPolicy } from '../operator/api/warnings.ts';

const notice = 'Generated from operator/api by hack/update-crds.ts; edits are lost.';
const root = new URL('../', import.meta.url);

const yaml = (documents: readonly object[]): string =>
  `# ${notice}\n${documents.map((document) => `---\n${stringify(document, { aliasDuplicateObjects: false, lineWidth: 0 })}`).join('')}`;

const files: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    policyKinds.flatMap((kind) => [
      [`crds/${kind.names.plural}.yaml`, yaml([customResourceDefinition(kind)])],
      [`docs/reference/${kind.names.singular}.md`, `<!-- ${notice} -->\n\n${referencePage(kind)}`],
    ]),
  ),
  'crds/warnings.yaml': yaml(warningsPolicy()),
};

for (const [path, content] of Object.entries(files)) {
  const file = new URL(path, root);
  const options = await resolveConfig(file);
  await mkdir(new URL('.', file), { recursive: true });
  // Formatted here, so that checking the format of the whole repository never disagrees with the generator.
  await writeFile(file, await format(content, { ...options, filepath: file.pathname }));
}
