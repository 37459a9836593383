import type { Container, Pod as RawPod } from 'kubernetes-types/core/v1.js';
import { describe, expect, it } from 'vitest';
import { type WorkflowStep, workflowStepOf } from '../../../operator/world/workflow-step.ts';
import { aPod, ownedBy } from '../../builders/pod.ts';

const aContainer = (template?: string): Container => ({
  name: 'main',
  image: 'busybox',
  env: [{ name: 'OTHER' }, ...(template === undefined ? [] : [{ name: 'ARGO_TEMPLATE', value: template }])],
});
const aStep = (
  template?: string,
  more: Partial<RawPod['spec']> = {},
  owner = ownedBy('Workflow', 'etl'),
): RawPod => ({
  ...aPod({ owner }),
  spec: { containers: [aContainer(template)], ...more },
});
const retries = (retryStrategy: unknown): WorkflowStep['retries'] =>
  workflowStepOf(aStep(JSON.stringify({ name: 'main', retryStrategy })))?.retries;

describe('what Argo retries of a step', () => {
  it.each([
    [undefined, null],
    [{ retryPolicy: 'Sometimes' }, undefined],
    [{}, 'OnFailure'],
    [{ limit: '3' }, 'OnFailure'],
    [{ limit: 3, retryPolicy: 'OnError' }, 'OnError'],
    [{ retryPolicy: 'Always', expression: 'true' }, 'Always'],
    [{ expression: 'lastRetry.exitCode != 1' }, 'Always'],
  ])('with the retryStrategy %j is %s', (strategy, expected) => {
    expect(retries(strategy)).toBe(expected);
  });

  it('stands in whichever container has it', () => {
    const template = JSON.stringify({ retryStrategy: { retryPolicy: 'OnError' } });
    const step = aStep(undefined, { initContainers: [{ ...aContainer(template), name: 'init' }] });
    expect(workflowStepOf(step)?.retries).toBe('OnError');
  });

  it.each(['', 'null', '[', '{'])('is not known where its template is %j', (template) => {
    expect(workflowStepOf(aStep(template))?.retries).toBeUndefined();
  });

  it.each(['[]', '"text"', '{"retryStrategy":null}'])('is nothing where its template is %j', (template) => {
    expect(workflowStepOf(aStep(template))?.retries).toBeNull();
  });

  it('is not read from a template that is longer than any of Argo', () => {
    const template = JSON.stringify({
      retryStrategy: { retryPolicy: 'OnError' },
      script: 'x'.repeat(131_072),
    });
    expect(workflowStepOf(aStep(template))?.retries).toBeUndefined();
  });
});

it('a pod is read to the end that has the finalizer of Argo', () => {
  expect(workflowStepOf(aStep())).toEqual({ retries: undefined, isReadToTheEnd: false });
  const held = aStep();
  const metadata = { ...held.metadata, finalizers: ['other', 'workflows.argoproj.io/status'] };
  expect(workflowStepOf({ ...held, metadata })?.isReadToTheEnd).toBe(true);
});

it('a pod of anything but a Workflow of Argo runs no step', () => {
  expect(workflowStepOf(aStep('{}', {}, ownedBy('Job', 'etl')))).toBeUndefined();
  expect(
    workflowStepOf(aStep('{}', {}, { ...ownedBy('Workflow', 'etl'), apiVersion: 'example.com/v1' })),
  ).toBeUndefined();
});
