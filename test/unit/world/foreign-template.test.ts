import { describe, expect, it } from 'vitest';
import type { ForeignTemplateKind } from '../../../operator/world/foreign-template.ts';
import { aForeign, type ForeignWishes, knownForeign } from '../../builders/foreign.ts';
import { ownedBy } from '../../builders/pod.ts';
import { applied } from '../../builders/template.ts';

const templateOf = (kind: ForeignTemplateKind, wishes: ForeignWishes = {}) =>
  knownForeign(aForeign(kind, wishes)).template;

describe('the record of a template of another system', () => {
  it.each([
    ['Service', { template: { metadata: { labels: { tier: 'front' } }, spec: {} } }],
    ['Rollout', { template: { metadata: { labels: { tier: 'front' } }, spec: {} } }],
    ['WorkflowTemplate', { entrypoint: 'main', podMetadata: { labels: { tier: 'front' } } }],
    ['CronWorkflow', { workflowSpec: { entrypoint: 'main', podMetadata: { labels: { tier: 'front' } } } }],
    ['SparkApplication', { executor: { labels: { tier: 'front' } } }],
  ] as const)('of a %s is where its system has it', (kind, spec) => {
    expect(templateOf(kind, { spec })?.labels).toMatchObject({ tier: 'front' });
  });

  it('has the labels that its system gives every pod', () => {
    expect(templateOf('Service')?.labels).toMatchObject({ 'serving.knative.dev/service': 'hello' });
    expect(templateOf('SparkApplication')?.labels).toMatchObject({ 'spark-role': 'executor' });
  });

  it('says which keys are ours by who applied them', () => {
    const written = applied(aForeign('CronWorkflow'), { annotations: { 'spotpolicy.dev/policy': 'x' } });
    const { template, ours } = knownForeign(written);
    expect(template?.owned.annotations).toEqual(['spotpolicy.dev/policy']);
    expect([ours, knownForeign(aForeign('CronWorkflow')).ours]).toEqual([true, false]);
  });

  it('is not there where only metadata was read, which tells all the same that something is ours', () => {
    const written = applied(aForeign('Service'), { annotations: { 'spotpolicy.dev/policy': 'x' } });
    expect(knownForeign(written, false)).toMatchObject({ template: undefined, ours: true });
  });
});

describe('a template of another system', () => {
  it.each(['Service', 'Rollout', 'WorkflowTemplate', 'CronWorkflow'] as const)(
    'of a %s may be written',
    (kind) => {
      expect(templateOf(kind)).toMatchObject({ fixed: undefined });
    },
  );

  it.each([
    [
      'Service',
      { spec: { template: { metadata: { name: 'hello-v1' }, spec: {} } } },
      /revision name.*hello-v1/,
    ],
    [
      'Service',
      { metadata: { ownerReferences: [ownedBy('InferenceService', 'bert')] } },
      /InferenceService bert/,
    ],
    ['WorkflowTemplate', { wholeSpec: true }, /its spec can only be written as a whole/],
    ['CronWorkflow', { wholeSpec: true }, /its spec can only be written as a whole/],
    ['Service', { metadata: { managedFields: [] } }, /its spec can only be written as a whole/],
    ['Workflow', {}, /not read again/],
    ['SparkApplication', {}, /runs it again/],
  ] as const)('of a %s with %j is left alone, for a reason', (kind, wishes, why) => {
    const { metadata, ...rest } = wishes as ForeignWishes;
    const raw = aForeign(kind, rest);
    const { template } = knownForeign({ ...raw, metadata: { ...raw.metadata, ...metadata } });
    expect(template?.fixed).toMatch(why);
  });

  it('of a Rollout that refers to a Deployment is that of the Deployment', () => {
    const workloadRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
    expect(templateOf('Rollout', { spec: { workloadRef } })).toBeUndefined();
  });

  it('of a Workflow that its CronWorkflow has made is that of the CronWorkflow', () => {
    const raw = aForeign('Workflow');
    const ownerReferences = [ownedBy('CronWorkflow', 'nightly')];
    expect(knownForeign({ ...raw, metadata: { ...raw.metadata, ownerReferences } }).template).toBeUndefined();
  });

  it.each([
    ['Workflow', { phase: 'Succeeded' }],
    ['Workflow', { phase: 'Error' }],
    ['SparkApplication', { applicationState: { state: 'COMPLETED' } }],
  ] as const)('of a %s that is over is nobody’s business', (kind, status) => {
    expect(templateOf(kind, { status })).toBeUndefined();
    expect(
      templateOf(kind, { status: { phase: 'Running', applicationState: { state: 'RUNNING' } } }),
    ).toBeDefined();
  });
});
