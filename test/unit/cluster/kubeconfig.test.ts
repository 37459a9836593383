import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readKubeconfig, renderKubeconfig } from '../../../hack/cluster/kubeconfig.ts';

const kept = async (text: string): Promise<string> => {
  const directory = await mkdtemp(join(tmpdir(), 'kubeconfig-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const path = join(directory, 'config');
  await writeFile(path, text);
  return path;
};

const cluster = { user: 'admin', serverUrl: 'https://127.0.0.1:20001', caCertificatePem: 'CA' };

test('a kubeconfig is read as it was written', async () => {
  const credentials = { certificatePem: 'CERTIFICATE', keyPem: 'KEY' };
  expect(await readKubeconfig(await kept(renderKubeconfig({ ...cluster, credentials })))).toEqual({
    serverUrl: cluster.serverUrl,
    caCertificatePem: 'CA',
    credentials,
  });
});

test('a kubeconfig with other credentials is refused by its path and field', async () => {
  const path = await kept(renderKubeconfig({ ...cluster, credentials: { token: 'secret' } }));
  const refused = readKubeconfig(path);
  await expect(refused).rejects.toThrow(`${path}: not a kubeconfig of a cluster started here`);
  await expect(refused).rejects.toThrow(/client-certificate-data/);
  await expect(refused).rejects.not.toThrow(/secret/);
});
