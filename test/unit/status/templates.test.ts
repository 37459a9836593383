import { expect, it } from 'vitest';
import { reportOn } from '../../../operator/status/report.ts';
import { Members } from '../../../operator/status/members.ts';
import { describeFixed, describeUnseen, findTemplateTrouble } from '../../../operator/status/templates.ts';
import { isSound } from '../../../operator/world/policy.ts';
import type { TemplateTrouble } from '../../../operator/world/template.ts';
import { noonMs } from '../../builders/pod.ts';
import { aPolicy } from '../../builders/policy.ts';
import { aWorld } from '../../builders/world.ts';

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
  const { conditions = [] } = policy ? reportOn(new Members(world), policy, noonMs) : {};
  expect(conditions.find(({ type }) => type === 'Programmed')).toMatchObject({
    status: 'True',
    message: expect.stringContaining('not seen: WorkflowTemplate.argoproj.io'),
  });
});
