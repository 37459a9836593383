import { mkdir, writeFile } from 'node:fs/promises';
import { stringify } from 'yaml';
import { manifests } from '../cdk8s/manifests.ts';

const target = new URL('../dist/install.yaml', import.meta.url);
const notice = '# Generated from cdk8s/ by hack/update-manifests.ts; edits are lost.\n';

await mkdir(new URL('.', target), { recursive: true });
const documents = manifests().map((manifest) =>
  stringify(manifest, { aliasDuplicateObjects: false, lineWidth: 0 }),
);
await writeFile(target, notice + documents.join('---\n'));
