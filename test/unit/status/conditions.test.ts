import { describe, expect, it } from 'vitest';
import type { Condition } from '../../../operator/api/index.ts';
import {
  findConditions,
  type Finding,
  type Grounds,
  stalled,
  writeConditions,
} from '../../../operator/status/conditions.ts';
import { sumGoverned, type Governed } from '../../../operator/status/governed.ts';
import { settledCounts } from '../../builders/counts.ts';
import { apiTime } from '../../../operator/world/object.ts';
import type { Probe } from '../../../operator/world/objects.ts';
import type { SoundPolicy } from '../../../operator/world/policy.ts';
import { targetPatienceMs } from '../../../operator/status/targets.ts';
import { at } from '../../builders/pod.ts';
import { aPolicy, type PolicyWishes } from '../../builders/policy.ts';
import { aWorld, known } from '../../builders/world.ts';

const sound = (spec: PolicyWishes['spec'] = {}) =>
  known('SpotPolicy', aPolicy({ spec, generation: 3 })) as SoundPolicy;
const nobody: Governed = sumGoverned(settledCounts(aWorld()), sound());
const governed = (pods: Partial<Governed['pods']>, winners: string[] = []): Governed => ({
  ...nobody,
  pods: { ...nobody.pods, ...pods },
  winners,
});
const aProbe = (more: Partial<Probe> = {}): Probe => ({
  ...{ uid: 'p', namespace: 'shop', name: 'web', generation: 3 },
  ...{ reached: true, problem: '', atMs: at(0), failures: 0 },
  ...more,
});
const find = (
  grounds: Partial<Grounds> = {},
  spec: PolicyWishes['spec'] = {},
  before: Partial<Pick<SoundPolicy, 'status' | 'generation'>> = {},
  nowMs = at(0),
): Record<string, Finding> =>
  Object.fromEntries(
    findConditions(
      { ...sound(spec), ...before },
      {
        ...{
          governed: nobody,
          reach: 'Some',
          probe: aProbe(),
          contest: undefined,
          troubles: [],
          unseen: '',
          unwritable: undefined,
          counted: '',
          target: undefined,
          unreadable: '',
          forbidden: undefined,
        },
        ...grounds,
      },
      nowMs,
    ).map((finding) => [finding.type, finding]),
  );

describe('a policy in DryRun', () => {
  it('is Ready and not Programmed, whoever else governs its pods', () => {
    const { Programmed, Ready, Reconciling } = find(
      { governed: governed({}, ['other']) },
      { mode: 'DryRun' },
    );
    expect(Programmed).toMatchObject({ status: 'False', reason: 'DryRun' });
    expect(Ready).toMatchObject({ status: 'True', reason: 'DryRun' });
    expect(Reconciling).toBeUndefined();
  });
});

describe('a policy is Programmed', () => {
  it('once admission was reached and decides by this generation', () => {
    const { Accepted, Programmed, Ready, Reconciling } = find();
    expect(Accepted).toMatchObject({ status: 'True', reason: 'Accepted' });
    expect(Programmed).toMatchObject({ status: 'True', reason: 'Programmed' });
    expect(Ready).toMatchObject({ status: 'True', reason: 'Programmed' });
    expect(Reconciling).toBeUndefined();
  });

  it('not before, nor by an earlier generation, and says what stands in the way', () => {
    const problem = 'the API server does not reach admission yet';
    expect(find({ probe: undefined })['Programmed']).toMatchObject({
      status: 'False',
      reason: 'Pending',
      message: 'admission has not been asked yet',
    });
    expect(find({ probe: aProbe({ generation: 2 }) })['Programmed']?.reason).toBe('Pending');
    const { Programmed, Ready, Reconciling } = find({ probe: aProbe({ reached: false, problem }) });
    expect(Programmed).toMatchObject({ status: 'False', reason: 'Pending', message: problem });
    expect(Ready).toMatchObject({ status: 'False', reason: 'Pending' });
    expect(Reconciling).toMatchObject({ status: 'True', reason: 'Pending' });
  });

  it('not while another writer keeps changing the webhook configuration, and names both writers', () => {
    const writers = ['argocd-controller', 'spotpolicy spotpolicy-system/spotpolicy'];
    const { Programmed, Ready, Stalled } = find({ contest: { writers, losses: 3 } });
    expect(Programmed).toMatchObject({ status: 'False', reason: 'WebhookContested' });
    expect(Programmed?.message).toContain(`${writers.join(' and ')} write`);
    expect(Ready).toMatchObject({ status: 'False', reason: 'WebhookContested' });
    expect(Stalled?.status).toBe('True');
    expect(find({ contest: { writers: [], losses: 3 } })['Programmed']?.message).toContain('is deleted');
    expect(
      find({ contest: { writers, losses: 3 } }, { injection: { at: 'None' } })['Programmed'],
    ).toMatchObject({
      status: 'True',
    });
  });

  it('without asking anybody where it annotates nothing', () => {
    expect(find({ probe: undefined }, { injection: { at: 'None' } })['Programmed']?.status).toBe('True');
  });
});

describe('a policy that stands back is Ready and says why', () => {
  it.each([
    ['Disabled', {}, { mode: 'Disabled' }],
    ['Overridden', { governed: governed({}, ['winner']) }, {}],
  ] as const)('%s', (reason, grounds, spec) => {
    const { Programmed, Ready } = find(grounds, spec);
    expect(Programmed).toMatchObject({ status: 'False', reason });
    expect(Ready).toMatchObject({ status: 'True', reason });
  });

  it('and names the policies that win its pods', () => {
    expect(find({ governed: governed({}, ['a', 'b']) })['Programmed']?.message).toContain('a, b');
    expect(find({ governed: governed({ matched: 1 }, ['a']) })['Programmed']).toMatchObject({
      status: 'True',
      reason: 'PartiallyOverridden',
      message: expect.stringContaining('governed by a'),
    });
  });

  it('only where none of its pods is on spot', () => {
    const some = governed({ matched: 3, spot: 1, offVirtualNode: 2 });
    expect(find({ governed: some })['Programmed']?.reason).toBe('Programmed');
  });
});

describe('a policy that does not do what it asks for is not Ready, and Stalled where a person must act', () => {
  it.each([
    ['NamespaceOptedOut', { reach: 'OptedOut' }],
    ['NamespaceExcluded', { reach: 'Exempt' }],
    ['NotOnVirtualNode', { governed: governed({ matched: 2, offVirtualNode: 2 }) }],
  ] as const)('%s', (reason, grounds) => {
    const { Programmed, Ready, Stalled, Reconciling } = find(grounds);
    expect(Programmed).toMatchObject({ status: 'False', reason });
    expect(Ready).toMatchObject({ status: 'False', reason });
    expect(Stalled).toMatchObject({ status: 'True', reason });
    expect(Reconciling).toBeUndefined();
  });

  it('not Stalled while pods still wait for a node, which may be a virtual one', () => {
    const some = governed({ matched: 3, offVirtualNode: 2, pending: 1 });
    const { Ready, Reconciling, Stalled } = find({ governed: some });
    expect(Ready).toMatchObject({ status: 'False', reason: 'Pending' });
    expect(Reconciling?.message).toContain('2 pods run on ordinary nodes');
    expect(Stalled).toBeUndefined();
  });

  it.each([
    ['FieldManagerConflict', 'Stalled'],
    ['Forbidden', 'Stalled'],
    ['Refused', 'Reconciling'],
    ['Waiting', 'Reconciling'],
  ] as const)('a pod template that was not written for the reason %s makes it %s', (reason, type) => {
    const which = { uid: 'd', kind: 'Deployment', namespace: 'shop', name: 'web', policy: 'p' };
    const found = find({ troubles: [{ ...which, reason, message: 'no' }] });
    expect(found['Ready']?.status).toBe('False');
    expect(found[type]?.status).toBe('True');
    expect(Object.keys(found)).toHaveLength(4);
  });
});

describe('a policy that names a workload which is not there', () => {
  const target = { reason: 'TargetNotFound', message: 'there is no Deployment.apps named web' } as const;
  const statusAt = (status: Condition['status'], seconds: number, observedGeneration = 3) => ({
    status: {
      conditions: [
        { type: 'Accepted', status, ...target, observedGeneration, lastTransitionTime: apiTime(at(seconds)) },
      ],
    },
  });

  it('is Reconciling at first: the workload may come in the same sync', () => {
    const { Accepted, Ready, Reconciling, Stalled } = find({ target });
    expect(Accepted).toMatchObject({ status: 'Unknown', ...target });
    expect(Ready).toMatchObject({ status: 'False', ...target });
    expect(Reconciling).toMatchObject({ status: 'True', ...target });
    expect(Stalled).toBeUndefined();
  });

  it('is Stalled once it has waited too long, by what its condition says and not before', () => {
    const waited = (ms: number) => find({ target }, {}, statusAt('Unknown', 0), at(0) + ms);
    expect(waited(targetPatienceMs - 1)['Reconciling']?.status).toBe('True');
    const { Accepted, Stalled, Reconciling } = waited(targetPatienceMs);
    expect(Accepted).toMatchObject({ status: 'False', ...target });
    expect(Stalled).toMatchObject({ status: 'True', ...target });
    expect(Reconciling).toBeUndefined();
  });

  it('stays Stalled until the workload is there or its spec is edited', () => {
    expect(find({ target }, {}, statusAt('False', 0), at(1))['Stalled']?.status).toBe('True');
    expect(find({ target }, {}, statusAt('False', 0, 2), at(1))['Reconciling']?.status).toBe('True');
    expect(find({}, {}, statusAt('False', 0))['Ready']?.status).toBe('True');
  });

  it('is Stalled at once where waiting changes nothing: the operator may not read the kind', () => {
    const forbidden = { reason: 'TargetKindForbidden', message: 'no' } as const;
    const { Accepted, Stalled } = find({ target: forbidden });
    expect(Accepted).toMatchObject({ status: 'False', ...forbidden });
    expect(Stalled).toMatchObject({ status: 'True', ...forbidden });
  });
});

describe('pods that admission has missed', () => {
  const missed = governed({ matched: 3, uninjected: 3 });

  it('are told with their number in the message of Ready, which is True', () => {
    const { Programmed, Ready } = find({ governed: missed });
    expect(Programmed?.message).toBe('new pods get what the policy asks for');
    expect(Ready).toMatchObject({ status: 'True', reason: 'Programmed' });
    expect(Ready?.message).toMatch(/; 3 pods have nothing of what the policy asks for, .*restart/);
  });

  it('are not told where admission annotates nothing', () => {
    expect(find({ governed: missed }, { injection: { at: 'Workload' } })['Ready']?.message).not.toContain(
      '3 pods',
    );
  });
});

describe('a policy of the cluster', () => {
  it('is Programmed where no namespace has the labels, and says so', () => {
    const { Programmed, Ready } = find({ reach: 'None', probe: undefined });
    expect(Programmed).toMatchObject({ status: 'True', message: expect.stringContaining('no namespace') });
    expect(Ready?.status).toBe('True');
  });

  it('is not while the namespaces are unknown', () => {
    expect(find({ reach: 'Unknown' })['Programmed']).toMatchObject({ status: 'False', reason: 'Pending' });
  });

  it('names a few of those that win its pods, and how many there are', () => {
    const many = Array.from({ length: 300 }, (_, index) => `SpotPolicy/ns-${index}/web`);
    const { message = '' } = find({ governed: governed({}, many) })['Programmed'] ?? {};
    expect(message).toContain('SpotPolicy/ns-4/web and 295 more');
    expect(message).not.toContain('ns-5/');
  });
});

describe('policies between which only the name decides', () => {
  const tied = { ...governed({ matched: 1 }, ['a']), tiedWinners: ['a'] };

  it('are Conflicted, both, and name the winner', () => {
    const loser = find({ governed: tied });
    const words = expect.stringMatching(/^a wins pods .* give them different priorities$/);
    expect(loser['Accepted']).toMatchObject({ status: 'False', reason: 'Conflicted', message: words });
    expect(loser['Ready']).toMatchObject({ status: 'False', reason: 'Conflicted' });
    expect(loser['Stalled']).toMatchObject({ status: 'True', reason: 'Conflicted' });
    expect(loser['Programmed']).toMatchObject({ status: 'True', reason: 'PartiallyOverridden' });
    expect(loser['Reconciling']).toBeUndefined();
    const winner = find({ governed: { ...governed({ matched: 1 }), tiedLosers: ['b'] } });
    expect(winner['Accepted']).toMatchObject({
      status: 'False',
      reason: 'Conflicted',
      message: expect.stringMatching(/^this policy wins pods that b selects too/),
    });
    expect(winner['Programmed']).toMatchObject({ status: 'True', reason: 'Programmed' });
  });

  it('are told of in the plural where there are more', () => {
    const messageOf = (own: object) => find({ governed: { ...governed({}), ...own } })['Accepted']?.message;
    expect(messageOf({ tiedWinners: ['a', 'b'] })).toMatch(/^a, b win pods that this policy selects too/);
    expect(messageOf({ tiedLosers: ['j', 'k'] })).toMatch(/^this policy wins pods that j, k select too/);
  });

  it('are none where one of them is disabled', () => {
    expect(find({ governed: tied }, { mode: 'Disabled' })['Accepted']?.status).toBe('True');
  });
});

it('what cannot be read is told beside the rest', () => {
  expect(find({ unreadable: 'Job cannot be read: forbidden' })['Ready']?.message).toBe(
    'new pods get what the policy asks for; Job cannot be read: forbidden',
  );
});

it('a spec that cannot be understood is not accepted, with every problem by its field', () => {
  const findings = stalled(known('SpotPolicy', aPolicy({ spec: { strategy: undefined, priority: 5000 } })));
  expect(findings.map(({ type, status, reason }) => `${type}=${status} ${reason}`)).toEqual([
    'Accepted=False Invalid',
    'Programmed=False Invalid',
    'Ready=False Invalid',
    'Stalled=True Invalid',
  ]);
  expect(findings[0]?.message).toMatch(/spec\.priority.*; spec\.strategy|spec\.strategy.*; spec\.priority/);
});

describe('a written condition', () => {
  const finding: Finding = { type: 'Ready', status: 'True', reason: 'Programmed', message: 'yes' };
  const before: Condition = {
    ...finding,
    reason: 'Pending',
    observedGeneration: 1,
    lastTransitionTime: apiTime(at(-60)),
  };

  it('keeps its transition time while its status stays, whatever else changes', () => {
    expect(writeConditions([before], [finding], 3, at(0))).toEqual([
      { ...finding, observedGeneration: 3, lastTransitionTime: apiTime(at(-60)) },
    ]);
  });

  it('has a new one when its status changes, or when nobody has observed it before', () => {
    const time = (earlier: Condition[]) =>
      writeConditions(earlier, [finding], 3, at(0))[0]?.lastTransitionTime;
    const { observedGeneration: _, ...unseen } = before;
    expect(time([{ ...before, status: 'False' }])).toBe(apiTime(at(0)));
    expect(time([unseen])).toBe(apiTime(at(0)));
    expect(time([])).toBe(apiTime(at(0)));
  });

  it('goes when it is no longer found; those of others stay', () => {
    const others: Condition = { ...before, type: 'example.com/Audited' };
    const reconciling: Condition = { ...before, type: 'Reconciling' };
    expect(writeConditions([reconciling, others], [finding], 3, at(0)).map(({ type }) => type)).toEqual([
      'Ready',
      'example.com/Audited',
    ]);
  });
});

describe('a policy that leaves evictions to virtual nodes', () => {
  const oldNodes = {
    governed: { ...governed({ spot: 2 }), oldNodes: ['virtual-kubelet-a', 'virtual-kubelet-b'] },
  };

  it('is Stalled over nodes that evict nothing, and says which', () => {
    const { Programmed, Ready, Stalled } = find(oldNodes, { interruption: { evictor: 'VirtualNode' } });
    expect(Programmed).toMatchObject({
      ...{ status: 'False', reason: 'VirtualNodeTooOld' },
      message: expect.stringContaining('of virtual-kubelet-a, virtual-kubelet-b is older than 2.11.0'),
    });
    expect(Ready).toMatchObject({ status: 'False', reason: 'VirtualNodeTooOld' });
    expect(Stalled?.status).toBe('True');
  });

  it('is the only one that they concern', () => {
    expect(find(oldNodes).Programmed).toMatchObject({ status: 'True', reason: 'Programmed' });
  });
});

it('a policy is Ready, and says which pods make budgets too generous', () => {
  const { Ready } = find({ counted: 'pods still show Ready: web-1' });
  expect(Ready).toMatchObject({
    status: 'True',
    message: expect.stringMatching(/; pods still show Ready: web-1$/),
  });
});

it('a missing right is what stands between a policy that is Programmed and Ready', () => {
  const forbidden = 'the operator may not create pods/eviction: no';
  const { Programmed, Ready, Reconciling, Stalled } = find({ forbidden });
  expect(Programmed?.status).toBe('True');
  expect(Ready).toEqual({ type: 'Ready', status: 'False', reason: 'Forbidden', message: forbidden });
  expect(Stalled).toEqual({ ...Ready, type: 'Stalled', status: 'True' });
  expect(Reconciling).toBeUndefined();
});
