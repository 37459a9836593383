import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'vitest';

/** A kubeconfig as a user may have it in KUBECONFIG, of a server that counts who connects to it and answers nobody. */
export interface AmbientKubeconfig {
  readonly path: string;
  connections(): number;
}

/** Makes one that lasts as long as the test. */
export const anAmbientKubeconfig = async ({ onTestFinished }: TestContext): Promise<AmbientKubeconfig> => {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const directory = await mkdtemp(join(tmpdir(), 'ambient-'));
  const path = join(directory, 'config');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'ambient',
    contexts: [{ name: 'ambient', context: { cluster: 'ambient', user: 'ambient' } }],
    clusters: [{ name: 'ambient', cluster: { server: `http://127.0.0.1:${port}` } }],
    users: [{ name: 'ambient', user: {} }],
  };
  await writeFile(path, JSON.stringify(config));
  onTestFinished(async () => {
    server.close();
    await rm(directory, { recursive: true });
  });
  return { path, connections: () => connections };
};
