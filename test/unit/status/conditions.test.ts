import { describe, expect, it } from 'vitest';
import type { Condition } from '../../../operator/api/index.ts';
import {
  findConditions,
  type Finding,
  type Grounds,
  stalled,
  writeConditions,
} from '../../../operator/status/conditions.ts';
import { countGoverned, type Governed } from '../../../operator/status/governed.ts';
import { Members } from '../../../operator/status/members.ts';
import { apiTime } from '../../../operator/world/object.ts';
import type { Probe } from '../../../operator/world/objects.ts';
import type { SoundPolicy } from '../../../operator/world/policy.ts';
import { at } from '../../builders/pod.ts';
import { aPolicy, type PolicyWishes } from '../../builders/policy.ts';
import { aWorld, known } from '../../builders/world.ts';

const sound = (spec: PolicyWishes['spec'] = {}) =>
  known('SpotPolicy', aPolicy({ spec, generation: 3 })) as SoundPolicy;
const nobody: Governed = countGoverned(new Members(aWorld()), sound());
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
const find = (grounds: Partial<Grounds> = {}, spec: PolicyWishes['spec'] = {}): Record<string, Finding> =>
  Object.fromEntries(
    findConditions(sound(spec), {
      ...{
        governed: nobody,
        reach: 'Some',
        probe: aProbe(),
        troubles: [],
        unseen: '',
        counted: '',
        target: undefined,
        unreadable: '',
        forbidden: undefined,
      },
      ...grounds,
    }).map((finding) => [finding.type, finding]),
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

  it('without asking anybody where it annotates nothing', () => {
    expect(find({ probe: undefined }, { injection: { at: 'None' } })['Programmed']?.status).toBe('True');
  });
});

describe('a policy that stands back is Ready and says why', () => {
  it.each([
    ['Disabled', {}, { mode: 'Disabled' }],
    ['Overridden', { governed: governed({}, ['winner']) }, {}],
    ['Overridden', { reach: 'OptedOut' }, {}],
    ['Overridden', { reach: 'Exempt' }, {}],
    ['NotOnVirtualNode', { governed: governed({ matched: 2, offVirtualNode: 2 }) }, {}],
  ] as const)('%s', (reason, grounds, spec) => {
    const { Programmed, Ready } = find(grounds, spec);
    expect(Programmed).toMatchObject({ status: 'False', reason });
    expect(Ready).toMatchObject({ status: 'True', reason });
  });

  it('naming whoever wins its pods', () => {
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

  it('says which of them evict nothing; the operator has done its part', () => {
    const { Programmed, Ready } = find(oldNodes, { interruption: { evictor: 'VirtualNode' } });
    expect(Programmed).toMatchObject({
      ...{ status: 'False', reason: 'VirtualNodeTooOld' },
      message: expect.stringContaining('of virtual-kubelet-a, virtual-kubelet-b is older than 2.11.0'),
    });
    expect(Ready).toMatchObject({ status: 'True', reason: 'VirtualNodeTooOld' });
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
  expect(Reconciling).toEqual({ ...Ready, type: 'Reconciling', status: 'True' });
  expect(Stalled).toBeUndefined();
});
