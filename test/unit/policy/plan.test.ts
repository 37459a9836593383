import { describe, expect, it } from 'vitest';
import { type PlanInput, planEviction } from '../../../operator/policy/plan.ts';
import type { Plan, Settings } from '../../../operator/world/interruption.ts';
import { aWorkloadReference, settingsOf } from '../../builders/interruption.ts';

const plan = (
  owner: readonly [kind: string, group: string] | undefined,
  settings: Partial<Settings> = {},
  more: Partial<PlanInput> = {},
): Plan =>
  planEviction({
    chain: owner ? [aWorkloadReference(owner[0], 'owner', owner[1])] : [],
    settings: settingsOf(settings),
    ignoresDisruption: false,
    mirror: false,
    restarts: true,
    step: undefined,
    evictedByNode: false,
    ...more,
  });

type Row = [owner: [kind: string, group: string] | undefined, ...plans: Plan['when'][]];
const jobPods = ['AtDeadline', 'Immediately', 'Never'] as const;

describe('when a doomed pod is evicted', () => {
  it.each<Row>([
    [['ReplicaSet', 'apps'], 'AtOnce', 'AtOnce', 'AtOnce'],
    [['StatefulSet', 'apps'], 'AtOnce', 'AtOnce', 'AtOnce'],
    [['ReplicationController', ''], 'AtOnce', 'AtOnce', 'AtOnce'],
    [['CloneSet', 'apps.kruise.io'], 'AtOnce', 'AtOnce', 'AtOnce'],
    [['Anything', 'example.com'], 'AtOnce', 'AtOnce', 'AtOnce'],
    [['Pod', ''], 'AtOnce', 'AtOnce', 'AtOnce'],
    [['Job', 'batch'], 'Late', 'AtOnce', 'Never'],
    [['SparkApplication', 'sparkoperator.k8s.io'], 'Late', 'AtOnce', 'Never'],
    [undefined, 'Late', 'AtOnce', 'Never'],
    [['Workflow', 'argoproj.io'], 'Never', 'AtOnce', 'Never'],
    [['DaemonSet', 'apps'], 'Never', 'Never', 'Never'],
    [['Node', ''], 'Never', 'Never', 'Never'],
    [['Job', 'example.com'], 'AtOnce', 'AtOnce', 'AtOnce'],
  ])('%s: %s by default, %s with jobPods Immediately, %s with Never', (owner, ...whens) => {
    expect(jobPods.map((setting) => plan(owner, { jobPods: setting }).when)).toEqual(whens);
  });

  it('is late for pods that come to an end by themselves, whatever made them', () => {
    const ending = { restarts: false };
    for (const owner of [
      ['PyTorchJob', 'kubeflow.org'],
      ['Job', 'batch.volcano.sh'],
    ] as const) {
      expect(plan(owner, {}, ending)).toMatchObject({ when: 'Late', charged: false });
      expect(plan(owner, { jobPods: 'Immediately' }, ending).when).toBe('AtOnce');
      expect(plan(owner, { jobPods: 'Never' }, ending).when).toBe('Never');
    }
    expect(plan(['TaskRun', 'tekton.dev'], {}, ending).because).toBe(
      'its TaskRun lets it run to completion and may use the time it has left',
    );
    // Executors of Spark do not restart either, and their driver starts others.
    expect(plan(['Pod', ''], {}, ending).when).toBe('AtOnce');
  });

  it.each([
    [undefined, false, 'Never', 'what Argo retries of it is not known'],
    [null, false, 'Never', 'its template has no retryStrategy'],
    ['OnFailure', false, 'Never', 'Argo retries a pod that ECI released (retryPolicy OnFailure)'],
    ['Always', false, 'Never', 'Argo retries a pod that ECI released (retryPolicy Always)'],
    ['OnTransientError', false, 'Never', 'Argo does not retry a pod that has failed'],
    ['OnError', false, 'Late', 'Argo retries it only where it is evicted (retryPolicy OnError), and may use'],
    ['OnFailure', true, 'Late', 'Argo retries it, evicted or released (retryPolicy OnFailure), and may use'],
    ['Always', true, 'Late', 'Argo retries it, evicted or released (retryPolicy Always), and may use'],
    ['OnError', true, 'Never', 'Argo does not retry a pod that has failed'],
    [null, true, 'Never', 'its template has no retryStrategy'],
  ] as const)(
    'of a step that Argo retries by %s, and reads to the end (%s), is %s: %s',
    (retries, isReadToTheEnd, when, because) => {
      const step = { step: { retries, isReadToTheEnd }, restarts: false };
      const workflow = ['Workflow', 'argoproj.io'] as const;
      const planned = plan(workflow, {}, step);
      expect(planned.when).toBe(when);
      expect(planned.because).toContain(because);
      expect(plan(workflow, { jobPods: 'Immediately' }, step).when).toBe('AtOnce');
      expect(plan(workflow, { jobPods: 'Never' }, step).when).toBe('Never');
    },
  );

  it('says of a pod that is left to the reclaim when its node evicts it all the same', () => {
    const step = { retries: 'OnFailure', isReadToTheEnd: false } as const;
    const planned = plan(['Workflow', 'argoproj.io'], {}, { step, evictedByNode: true });
    expect(planned.when).toBe('Never');
    expect(planned.because).toContain('; its virtual node evicts it all the same (api-evict)');
  });

  it('is never where the policy leaves it to others', () => {
    for (const kind of ['ReplicaSet', 'Job'])
      expect(plan([kind, kind === 'Job' ? 'batch' : 'apps'], { evictor: 'None' }).when).toBe('Never');
  });

  it('is never for a static pod, whoever seems to own it', () => {
    expect(plan(['ReplicaSet', 'apps'], {}, { mirror: true }).when).toBe('Never');
  });

  it('is for its node to say where its user asked for that', () => {
    const evictedByNode = { evictedByNode: true };
    expect(plan(['ReplicaSet', 'apps'], {}, evictedByNode).when).toBe('ByNode');
    expect(plan(['Job', 'batch'], {}, evictedByNode).when).toBe('ByNode');
    expect(plan(['Job', 'batch'], { jobPods: 'Never' }, evictedByNode).when).toBe('Never');
    expect(plan(['DaemonSet', 'apps'], {}, evictedByNode).when).toBe('Never');
  });

  it('is for its node to say where the policy leaves it to that, but for pods that may use their time', () => {
    const evictor = { evictor: 'VirtualNode' } as const;
    const asked = plan(['ReplicaSet', 'apps'], evictor, { evictedByNode: true });
    expect(asked).toMatchObject({ when: 'ByNode', because: 'its virtual node evicts it (api-evict)' });
    expect(plan(['ReplicaSet', 'apps'], evictor)).toMatchObject({
      when: 'ByNode',
      because: expect.stringContaining('no api-evict'),
    });
    expect(plan(['Job', 'batch'], evictor).when).toBe('Late');
    expect(plan(['Job', 'batch'], { ...evictor, jobPods: 'Immediately' }).when).toBe('ByNode');
  });

  it('depends on the nearest controller, not on the top of the chain', () => {
    const chain = [aWorkloadReference('Job', 'j', 'batch'), aWorkloadReference('Deployment')];
    expect(plan(undefined, {}, { chain }).when).toBe('Late');
  });
});

describe('a plan', () => {
  it('knows a Job that a plain deletion would be charged to', () => {
    expect(plan(['Job', 'batch'], {}, { ignoresDisruption: true }).charged).toBe(true);
    expect(plan(['Job', 'batch']).charged).toBe(false);
    expect(plan(['ReplicaSet', 'apps'], {}, { ignoresDisruption: true }).charged).toBe(false);
  });

  it('says why', () => {
    expect(plan(['StatefulSet', 'apps']).because).toBe('its StatefulSet recreates it');
    expect(plan(undefined).because).toBe('no controller will recreate it and may use the time it has left');
    expect(plan(['Job', 'batch'], { jobPods: 'Never' }).because).toContain('jobPods: Never');
    expect(plan(['Job', 'batch'], { evictor: 'None' }).because).toContain('evictor: None');
  });
});
