import { fc } from '@fast-check/vitest';
import { eciAnnotations, optOutLabel, ourAnnotations, ourLabels } from '../../operator/api/keys.ts';

type Values = Record<string, string>;

const name = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/);
const qualified = fc
  .tuple(fc.constantFrom('', 'example.com/', 'k8s.aliyun.com/', 'spotpolicy.dev/'), name)
  .map(([prefix, last]) => prefix + last);
// Every object inherits something under these names.
const inherited = fc.constantFrom('constructor', 'toString', 'valueOf', 'hasOwnProperty');
const labelValue = fc.stringMatching(/^([A-Za-z0-9]([A-Za-z0-9_.-]{0,20}[A-Za-z0-9])?)?$/);
const anyText = fc.oneof(fc.string({ maxLength: 30 }), fc.string({ unit: 'binary', maxLength: 30 }));

const someOf = (values: Record<string, fc.Arbitrary<string>>): fc.Arbitrary<Values> =>
  fc.record(values, { requiredKeys: [] }) as fc.Arbitrary<Values>;

const ourForgedLabels = someOf({
  app: fc.constantFrom('web', 'api'),
  [ourLabels.capacity]: fc.constantFrom('spot', 'on-demand', 'mine'),
  [optOutLabel]: fc.constantFrom('false', 'true', ''),
  'pod-template-hash': fc.constantFrom('abc', ''),
});
const theirLabels = fc.dictionary(fc.oneof(qualified, inherited), labelValue, { maxKeys: 5 });
const labels = fc.tuple(theirLabels, ourForgedLabels).map(([own, ours]): Values => ({ ...own, ...ours }));

const forged = someOf(Object.fromEntries(Object.values(ourAnnotations).map((key) => [key, anyText])));
const eci = someOf(Object.fromEntries(Object.values(eciAnnotations).map((key) => [key, anyText])));
const written = fc.dictionary(fc.oneof(qualified, inherited), anyText, { maxKeys: 5 });
const aHundred = fc
  .array(anyText, { minLength: 100, maxLength: 120 })
  .map((texts): Values =>
    Object.fromEntries(texts.map((text, index) => [`example.com/note-${index}`, text])),
  );
// An object may hold 256 KiB of annotations; a pod that is just within must stay within.
const upToTheBrim = fc
  .integer({ min: 0, max: 800 })
  .map((left): Values => ({ note: 'x'.repeat(256 * 1024 - 'note'.length - left) }));
const annotations = fc
  .tuple(
    fc.oneof(
      { weight: 60, arbitrary: written },
      { weight: 5, arbitrary: aHundred },
      { weight: 2, arbitrary: upToTheBrim },
    ),
    eci,
    forged,
  )
  .map(([own, theirs, ours]): Values => ({ ...theirs, ...ours, ...own }));

const owner = fc.record({
  apiVersion: fc.constantFrom('apps/v1', 'batch/v1', 'v1', 'argoproj.io/v1alpha1', 'a/b/c'),
  kind: fc.constantFrom('ReplicaSet', 'Job', 'Pod', 'DaemonSet', 'Node', 'Workflow', 'constructor'),
  name: fc.oneof(name, fc.constantFrom('web-abc', 'nightly-29000000')),
  uid: fc.uuid(),
  controller: fc.boolean(),
});
const metadata = fc.record(
  { name, generateName: name, labels, annotations, ownerReferences: fc.array(owner, { maxLength: 2 }) },
  { requiredKeys: [] },
);

/** The metadata of pods as an API server would take them, with whatever users and forgers write there. */
export const aValidPod = metadata.map((given) => ({
  apiVersion: 'v1' as const,
  kind: 'Pod' as const,
  metadata: given,
  spec: { containers: [{ name: 'main', image: 'example/main:1' }] },
}));

const otherKinds = fc
  .tuple(fc.constantFrom('Deployment', 'ConfigMap', 'Namespace', 'Eviction', ''), metadata)
  .map(([kind, given]) => ({ apiVersion: 'v1', kind, metadata: given, data: {} }));
const spoiltPod = fc
  .tuple(
    aValidPod,
    fc.constantFrom('metadata', 'labels', 'annotations', 'ownerReferences', 'name'),
    fc.jsonValue(),
  )
  .map(([pod, field, value]): object =>
    field === 'metadata'
      ? { ...pod, metadata: value }
      : { ...pod, metadata: { ...pod.metadata, [field]: value } },
  );

/** A pod as far as admission is concerned. */
interface AnyPod {
  readonly metadata?: { readonly labels?: Values; readonly annotations?: Values };
}

/** A review as the text of a request's body, and the object in it where that is a valid pod. */
export interface AnyReview {
  readonly body: string;
  readonly pod?: AnyPod;
}

/** Reviews: valid ones of pods in one of the namespaces, and others that no API server would send. */
export const anyReview = (namespaces: readonly string[]): fc.Arbitrary<AnyReview> => {
  const requestOf = (object: fc.Arbitrary<unknown>) =>
    fc.record(
      {
        uid: fc.uuid(),
        kind: fc.constant({ group: '', version: 'v1', kind: 'Pod' }),
        resource: fc.constant({ group: '', version: 'v1', resource: 'pods' }),
        operation: fc.constantFrom('CREATE', 'CREATE', 'CREATE', 'UPDATE', 'DELETE'),
        namespace: fc.constantFrom(...namespaces),
        name: fc.oneof(name, fc.constant('SpotPolicy-Probe-x.y')),
        subResource: fc.constantFrom('', '', '', 'eviction', 'status'),
        dryRun: fc.boolean(),
        object,
      },
      { requiredKeys: ['uid', 'operation', 'object', 'namespace'] },
    );
  const reviewOf = (request: unknown) => ({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request,
  });
  const valid = requestOf(aValidPod).map((request): AnyReview => ({
    body: JSON.stringify(reviewOf(request)),
    pod: request.object as AnyPod,
  }));
  const odd = requestOf(fc.oneof(otherKinds, spoiltPod, fc.jsonValue())).map((request): AnyReview => ({
    body: JSON.stringify(reviewOf(request)),
  }));
  const spoilt = fc
    .tuple(
      requestOf(aValidPod),
      fc.constantFrom('uid', 'operation', 'namespace', 'name', 'kind'),
      fc.jsonValue(),
    )
    .map(([request, field, value]): AnyReview => ({
      body: JSON.stringify(reviewOf({ ...request, [field]: value })),
    }));
  const truncated = fc
    .tuple(valid, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }))
    .map(([{ body }, share]): AnyReview => ({ body: body.slice(0, Math.floor(body.length * share)) }));
  const foreign = fc.oneof(fc.json(), anyText).map((body): AnyReview => ({ body }));
  const huge = valid.map(({ body }): AnyReview => ({ body: body.padEnd(4 * 1024 * 1024) }));
  return fc.oneof(
    { weight: 600, arbitrary: valid },
    { weight: 150, arbitrary: odd },
    { weight: 100, arbitrary: spoilt },
    { weight: 100, arbitrary: truncated },
    { weight: 50, arbitrary: foreign },
    { weight: 1, arbitrary: huge },
  );
};
