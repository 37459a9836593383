import { describe, expect, it } from 'vitest';
import { reportOn } from '../../../operator/status/report.ts';
import { settledCounts } from '../../builders/counts.ts';
import { describeFixed, describeUnseen, findTemplateTrouble } from '../../../operator/status/templates.ts';
import { isSound } from '../../../operator/world/policy.ts';
import type { TemplateTrouble } from '../../../operator/world/template.ts';
import { aPod, noonMs, ownedBy } from '../../builders/pod.ts';
import { aPolicy } from '../../builders/policy.ts';
import { aWorld, type Content } from '../../builders/world.ts';
import { aStatefulSet } from '../../builders/workloads.ts';

const trouble = (reason: TemplateTrouble['reason'], name = 'web', message = 'why'): TemplateTrouble => ({
  ...{ uid: name, namespace: 'shop', name, kind: 'Deployment', policy: 'p' },
  ...{ reason, message },
});

it('the gravest trouble is told, with what to do, and the others wait', () => {
  const conflict = trouble('FieldManagerConflict', 'web', 'conflict with "kubectl"');
  expect(findTemplateTrouble([trouble('Waiting', 'db'), conflict])).toEqual({
    reason: 'FieldManagerConflict',
    message:
      'pod templates not written: Deployment shop/web (conflict with "kubectl"); let the other manager give up these fields, or remove the workload from the policy',
  });
  expect(findTemplateTrouble([trouble('Forbidden')])?.message).toContain(
    'install the ClusterRole spotpolicy-operator-workload-templates',
  );
});

it('a template that waits makes the policy pending', () => {
  expect(findTemplateTrouble([trouble('Waiting')])).toEqual({
    reason: 'Pending',
    message: 'pod templates not written: Deployment shop/web (why)',
  });
});

it('of many the first three are named, and the rest counted', () => {
  const many = ['e', 'd', 'c', 'b', 'a'].map((name) => trouble('Waiting', name));
  expect(findTemplateTrouble(many)?.message).toMatch(
    /^[^/]*shop\/a [^/]*shop\/b [^/]*shop\/c [^/]*, 2 more$/,
  );
});

it('what is never touched is no trouble, but named', () => {
  expect(findTemplateTrouble([trouble('Fixed')])).toBeUndefined();
  expect(describeFixed([trouble('Fixed'), trouble('Waiting', 'db')])).toBe(
    'not touched: Deployment shop/web (why)',
  );
  expect(describeFixed([])).toBe('');
});

it('kinds whose templates may not be read are named with the role that opens them', () => {
  const world = aWorld({ SpotPolicy: [aPolicy({ spec: { injection: { at: 'Workload' } } })] });
  expect(describeUnseen(world)).toBe('');
  const forbidden = { standing: 'Forbidden', resource: '', problem: 'no' } as const;
  world.judgeOwnerKind({ group: 'argoproj.io', kind: 'CronWorkflow', ...forbidden });
  world.judgeOwnerKind({ group: 'argoproj.io', kind: 'WorkflowTemplate', ...forbidden });
  world.judgeOwnerKind({ group: 'serving.knative.dev', kind: 'Service', ...forbidden, standing: 'Absent' });
  expect(describeUnseen(world)).toBe(
    'not seen: WorkflowTemplate.argoproj.io, CronWorkflow.argoproj.io, which the operator may read only with the ClusterRole spotpolicy-operator-argoproj.io',
  );
  const [policy] = [...world.policies.all()].filter(isSound);
  const { conditions = [] } = policy ? reportOn(settledCounts(world), policy, noonMs).whole() : {};
  expect(conditions.find(({ type }) => type === 'Programmed')).toMatchObject({
    status: 'True',
    message: expect.stringContaining('not seen: WorkflowTemplate.argoproj.io'),
  });
});

describe('pods whose template is never written', () => {
  const spec = { selector: {}, injection: { at: 'Workload' } } as const;
  const programmedIn = (content: Content) => {
    const world = aWorld({ SpotPolicy: [aPolicy({ spec })], ...content });
    const [policy] = world.policies.all();
    if (!policy) throw new Error('there is a policy');
    const { conditions } = reportOn(settledCounts(world), policy, noonMs).whole();
    return conditions?.find(({ type }) => type === 'Programmed');
  };
  const old = aPod({ name: 'old-1', owner: ownedBy('ReplicationController', 'old') });
  const bare = aPod({ name: 'bare', owner: undefined });

  it('are named by their workloads, and make the policy Stalled where it has no others', () => {
    expect(programmedIn({ Pod: [old, bare] })).toMatchObject({
      ...{ status: 'False', reason: 'TemplatesNotWritable' },
      message:
        'templates of these are never written: ReplicationController shop/old, 1 pods without a workload; injection.at: Pod reaches them',
    });
  });

  it.each([
    ['with pods', 'web-1'],
    ['without pods', undefined],
  ])('are named beside a workload %s whose template can be written', (_, name) => {
    const Pod = [old, ...(name ? [aPod({ name, owner: ownedBy('StatefulSet', 'db') })] : [])];
    expect(programmedIn({ Pod, StatefulSet: [aStatefulSet()] })).toMatchObject({
      status: 'True',
      message: expect.stringMatching(
        /^pod templates have .*; templates of these .*Controller shop\/old; inj/,
      ),
    });
  });

  it.each(['CloneSet', 'ReplicationController'])('may be those of a %s', (kind) => {
    const Pod = [aPod({ owner: ownedBy(kind, 'web') })];
    expect(programmedIn({ Pod })?.message).toContain(`${kind} shop/web`);
  });

  it('are not told of where admission annotates', () => {
    const SpotPolicy = [aPolicy({ spec: { ...spec, injection: { at: 'None' } } })];
    expect(programmedIn({ Pod: [old], SpotPolicy })?.message).not.toContain('never written');
  });
});
