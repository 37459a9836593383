import { mkdir, writeFile } from 'node:fs/promises';
import { stringify } from 'yaml';
import { type Manifest, manifests, workloadRights, workloadTemplates } from '../cdk8s/manifests.ts';
import { foreignGroups } from '../cdk8s/workload-rights.ts';

const directory = new URL('../dist/', import.meta.url);
const notice = '# Generated from cdk8s/ by hack/update-manifests.ts; edits are lost.\n';

const files: Readonly<Record<string, readonly Manifest[]>> = {
  'install.yaml': manifests(),
  'workload-templates.yaml': workloadTemplates(),
  ...Object.fromEntries(foreignGroups.map((group) => [`rights/${group}.yaml`, workloadRights(group)])),
};

await mkdir(new URL('rights/', directory), { recursive: true });
for (const [name, objects] of Object.entries(files)) {
  const documents = objects.map((object) =>
    stringify(object, { aliasDuplicateObjects: false, lineWidth: 0 }),
  );
  await writeFile(new URL(name, directory), notice + documents.join('---\n'));
}
