import { describe, expect, test } from 'vitest';
import { admission } from '../../../operator/server/admission.ts';
import type { AdmissionParts, AdmissionRequest } from '../../../operator/server/admission.ts';

const aReview = (request: object = {}) => ({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: {
    uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
    kind: { group: '', version: 'v1', kind: 'Pod' },
    operation: 'CREATE',
    namespace: 'shop',
    userInfo: { username: 'admin' },
    object: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { generateName: 'web-', labels: { app: 'web' } },
      spec: {},
    },
    dryRun: false,
    ...request,
  },
});

const anApp = (review: AdmissionParts['review'], unready?: string) => {
  const observed: [string, number][] = [];
  const failures: unknown[] = [];
  let nowMs = 1_000;
  const app = admission({
    unready: () => unready,
    review: (request) => {
      nowMs += 7;
      return review(request);
    },
    nowMs: () => nowMs,
    observe: (result, durationMs) => observed.push([result, durationMs]),
    reportFailure: (error) => failures.push(error),
  });
  const post = (body: unknown, headers: Record<string, string> = {}) =>
    app.request('/mutate', {
      method: 'POST',
      headers,
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  return { app, post, observed, failures };
};

interface Answer {
  response: { uid: string; allowed: boolean; patch?: string };
}
const read = async (answer: Response) => (await answer.json()) as Answer;

const unchanged = { patch: [], warnings: [] };

describe('admission', () => {
  test('hands the review to the decision with the object as it was sent', async () => {
    const seen: AdmissionRequest[] = [];
    const { post } = anApp((request) => (seen.push(request), unchanged));
    await post(aReview());
    expect(seen).toEqual([aReview().request]);
  });

  test('answers with the patch, under the uid of the request', async () => {
    const patch = [{ op: 'add' as const, path: '/metadata/annotations', value: { 'k8s.aliyun.com/ä': 'ü' } }];
    const { post, observed } = anApp(() => ({ patch, warnings: ['careful'] }));
    const answer = await read(await post(aReview()));
    expect(answer).toMatchObject({
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      response: { uid: aReview().request.uid, allowed: true, patchType: 'JSONPatch', warnings: ['careful'] },
    });
    expect(JSON.parse(Buffer.from(answer.response.patch ?? '', 'base64').toString())).toEqual(patch);
    expect(observed).toEqual([['patched', 7]]);
  });

  test('sends no patch at all when there is nothing to change', async () => {
    const { post, observed } = anApp(() => unchanged);
    const { response } = await read(await post(aReview()));
    expect(response).toEqual({ uid: aReview().request.uid, allowed: true });
    expect(observed).toEqual([['unchanged', 7]]);
  });

  test('refuses in so many words where the decision says so', async () => {
    const { post } = anApp(() => ({ ...unchanged, refusal: 'seen' }));
    const { response } = await read(await post(aReview()));
    expect(response).toEqual({ uid: aReview().request.uid, allowed: false, status: { message: 'seen' } });
  });

  test('admits the object unchanged, with a warning, when the decision throws', async () => {
    const { post, observed, failures } = anApp(() => {
      throw new Error('no such policy');
    });
    const answer = await post(aReview());
    expect(answer.status).toBe(200);
    const { response } = await read(answer);
    expect(response).toEqual({
      uid: aReview().request.uid,
      allowed: true,
      warnings: [expect.stringContaining('could not decide')],
    });
    expect(failures).toEqual([new Error('no such policy')]);
    expect(observed).toEqual([['failed', 7]]);
  });

  test('leaves the verdict to the failure policy while nothing can be decided', async () => {
    const { post, observed } = anApp(() => unchanged, 'waiting for the first list of SpotPolicy');
    const answer = await post(aReview());
    expect(answer.status).toBe(503);
    expect(await answer.text()).toBe('waiting for the first list of SpotPolicy');
    expect(observed).toEqual([['unready', 0]]);
  });

  test.each([
    ['{', 'it is not JSON'],
    ['[]', 'the body: '],
    [{ ...aReview(), apiVersion: 'admission.k8s.io/v1beta1' }, 'apiVersion: '],
    [{ ...aReview(), request: undefined }, 'request: '],
    [aReview({ uid: '' }), 'request.uid: '],
    [aReview({ object: null }), 'request.object: '],
  ])('refuses %j with 400 and the reason', async (body, reason) => {
    const { post, observed } = anApp(() => unchanged);
    const answer = await post(body);
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain(reason);
    expect(observed.map(([result]) => result)).toEqual(['malformed']);
  });

  test.each([
    ['announced by its length', { 'content-length': String(4 * 1024 * 1024) }],
    ['sent in chunks', {}],
  ])('refuses a body over 3 MiB, %s', async (_, headers) => {
    const { post, observed } = anApp(() => unchanged);
    const answer = await post(aReview({ padding: 'x'.repeat(4 * 1024 * 1024) }), headers);
    expect(answer.status).toBe(413);
    expect(observed).toEqual([['malformed', 0]]);
  });

  const texts = (count: number, length: number): Record<string, string> =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 'x'.repeat(length)]));
  const aPodWith = (metadata: object) => aReview({ object: { metadata, spec: {} } });

  test.each([
    ['60,000 labels', { labels: texts(60_000, 35) }, 'request.object.metadata.labels exceeds 1572864 bytes'],
    [
      'annotations of 257 KiB',
      { annotations: texts(257, 1_024) },
      'request.object.metadata.annotations exceeds 262144 bytes',
    ],
  ])(
    'refuses a pod that could never be stored, with %s, and does not decide on it',
    async (_, metadata, reason) => {
      const { post, observed } = anApp(() => {
        throw new Error('decided');
      });
      const answer = await post(aPodWith(metadata));
      expect([answer.status, await answer.text()]).toEqual([413, expect.stringContaining(reason)]);
      expect(observed.map(([result]) => result)).toEqual(['malformed']);
    },
  );

  test('decides on a pod with as many labels and annotations as can be stored', async () => {
    const { post, observed } = anApp(() => unchanged);
    const most = { labels: texts(30_000, 40), annotations: texts(200, 1_024) };
    expect((await post(aPodWith(most))).status).toBe(200);
    expect(observed.map(([result]) => result)).toEqual(['unchanged']);
  });

  test('takes a body of 2 MiB', async () => {
    const { post } = anApp(() => unchanged);
    expect((await post(aReview({ padding: 'x'.repeat(2 * 1024 * 1024) }))).status).toBe(200);
  });

  test('knows no other path', async () => {
    const { app } = anApp(() => unchanged);
    expect((await app.request('/')).status).toBe(404);
    expect((await app.request('/mutate')).status).toBe(404);
  });
});
