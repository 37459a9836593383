import { expect, it } from 'vitest';
import { fenced } from '../../../operator/kube/fenced.ts';
import { resources } from '../../../operator/kube/resources.ts';
import { anHttpsServer, answer } from './https-server.ts';

const ref = { namespace: 'shop', name: 'web-1' };
const pod = { metadata: { ...ref, uid: 'u' } };

it('a write is sent only in the term of the leader, and whoever reads is always answered', async () => {
  const server = await anHttpsServer((_, response) => answer(response, 200, pod));
  let leads = true;
  const kube = fenced(await server.client(), () => leads);
  const writes = () => [
    kube.create(resources.events, pod, { namespace: 'shop' }),
    kube.patch(resources.podStatus, ref, { type: 'merge', body: {} }),
    kube.delete(resources.pods, ref),
    kube.evict(ref, { uid: 'u' }),
  ];
  await Promise.all(writes());
  const methods = (): readonly string[] => server.seen.map(({ method = '' }) => method);
  expect(methods().toSorted()).toEqual(['DELETE', 'PATCH', 'POST', 'POST']);
  leads = false;
  const ended: unknown[] = [];
  for (const write of writes())
    void write.then(
      () => ended.push('done'),
      (error: unknown) => ended.push(error),
    );
  await kube.get(resources.pods, ref);
  expect([ended, methods().slice(4)]).toEqual([[], ['GET']]);
});
