import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { findCluster } from '../../../operator/kube/credentials.ts';
import { resources } from '../../../operator/kube/resources.ts';
import { anHttpsServer, answer, kubeconfigOf } from './https-server.ts';

const aFile = async (text: string): Promise<string> => {
  const directory = await mkdtemp(join(tmpdir(), 'spotpolicy-kubeconfig-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const path = join(directory, 'config');
  await writeFile(path, text);
  return path;
};

describe('findCluster', () => {
  it('says which file cannot be read', () => {
    expect(() => findCluster({ kubeconfig: '/nowhere/config' })).toThrow(
      /^reading kubeconfig \/nowhere\/config: ENOENT/,
    );
  });

  it('does not quote a file that cannot be parsed', async () => {
    const kubeconfig = await aFile('users: [{token: hush-hush');
    expect(() => findCluster({ kubeconfig })).toThrow(
      `reading kubeconfig ${kubeconfig}: it is not a valid kubeconfig`,
    );
  });

  it('says which context is not there, and which are', async () => {
    const kubeconfig = await aFile(kubeconfigOf({ server: 'https://127.0.0.1' }, {}));
    expect(() => findCluster({ kubeconfig, context: 'there' })).toThrow(
      'using context "there": it, its cluster or its user is not in the kubeconfig; contexts there: here',
    );
  });

  it('refuses a proxy and a server that is no URL, naming them', async () => {
    const proxied = await aFile(
      kubeconfigOf({ server: 'https://127.0.0.1', 'proxy-url': 'http://proxy:3128' }, {}),
    );
    expect(() => findCluster({ kubeconfig: proxied })).toThrow(
      /proxy-url http:\/\/proxy:3128 is not supported/,
    );
    const odd = await aFile(kubeconfigOf({ server: 'here' }, {}));
    expect(() => findCluster({ kubeconfig: odd })).toThrow(/server "here" is not a URL/);
  });

  it('is fatal, and says what to do, outside a pod without a kubeconfig, whatever KUBECONFIG says', async () => {
    vi.stubEnv('KUBECONFIG', await aFile(kubeconfigOf({ server: 'https://127.0.0.1' }, {})));
    vi.stubEnv('KUBERNETES_SERVICE_HOST', undefined);
    onTestFinished(() => void vi.unstubAllEnvs());
    const problem = expect.objectContaining({
      code: 'fatal',
      message: expect.stringContaining('name a kubeconfig'),
    });
    expect(() => findCluster({})).toThrow(problem);
  });
});

describe('a kubeconfig that is written anew', () => {
  const server = 'https://127.0.0.1';
  const tokenIn = async ({ readCredentials }: ReturnType<typeof findCluster>): Promise<unknown> =>
    (await readCredentials()).headers['Authorization'];

  it('is read anew, and changes nothing while it cannot be used or names another API server', async () => {
    const kubeconfig = await aFile(kubeconfigOf({ server }, { token: 'one' }));
    const cluster = findCluster({ kubeconfig });
    expect(await tokenIn(cluster)).toBe('Bearer one');
    await writeFile(kubeconfig, kubeconfigOf({ server }, { token: 'second' }));
    expect(await tokenIn(cluster)).toBe('Bearer second');
    await writeFile(kubeconfig, 'users: [{token: third');
    expect(await tokenIn(cluster)).toBe('Bearer second');
    await rm(kubeconfig);
    expect(await tokenIn(cluster)).toBe('Bearer second');
    await writeFile(kubeconfig, kubeconfigOf({ server: 'https://elsewhere' }, { token: 'fourth' }));
    expect(await tokenIn(cluster)).toBe('Bearer second');
    await writeFile(kubeconfig, kubeconfigOf({ server }, { token: 'fifth' }));
    expect(await tokenIn(cluster)).toBe('Bearer fifth');
  });
});

describe('credentials', () => {
  const ref = { namespace: 'shop', name: 'web-1' };
  const pod = { metadata: ref };

  it('come from a command where the kubeconfig names one', async () => {
    const server = await anHttpsServer((_, response) => answer(response, 200, pod));
    const credential = {
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      status: { token: 't1' },
    };
    const exec = { apiVersion: credential.apiVersion, command: 'echo', args: [JSON.stringify(credential)] };
    const kube = await server.client({ exec });
    await kube.get(resources.pods, ref);
    expect(server.seen[0]?.headers.authorization).toBe('Bearer t1');
  });

  it('that a command does not give fail the call before it is sent, without quoting the command’s output', async () => {
    const server = await anHttpsServer((_, response) => answer(response, 200, pod));
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: 'echo', args: ['hush-hush'] };
    const kube = await server.client({ exec });
    const error = await kube.get(resources.pods, ref).catch((problem: unknown) => problem);
    expect(error).toMatchObject({
      reason: 'NotSent',
      message: 'getting pod shop/web-1: reading credentials: what came is not JSON',
    });
    expect(server.seen).toEqual([]);
  });

  it('of an authority that is not trusted fail the call before it is sent', async () => {
    const server = await anHttpsServer((_, response) => answer(response, 200, pod));
    const { createAuthority } = await import('../../../hack/cluster/certificates.ts');
    const kube = await server.client();
    await server.trust(await createAuthority());
    await expect(kube.get(resources.pods, ref)).rejects.toMatchObject({ reason: 'NotSent' });
    expect(server.seen).toEqual([]);
  });
});
