import { describe, expect, it } from 'vitest';
import { tellStep } from '../../../operator/observe/interruption-story.ts';
import type { Interruption } from '../../../operator/world/interruption.ts';
import { aRefusal, anInterruption, aWorkloadReference, settingsOf } from '../../builders/interruption.ts';
import { at } from '../../builders/pod.ts';

const tell = (after: Partial<Interruption>, before: Partial<Interruption> | undefined = {}) =>
  tellStep(before && anInterruption(before), anInterruption(after)).map(
    ({ type, reason, message }) => `${type} ${reason}: ${message}`,
  );
const refusal = aRefusal({ byBudget: true, message: 'needs 9, has 9', notBeforeMs: at(0) });
const replacement = { uid: 'u', name: 'web-2', capacity: 'on-demand', readyAtMs: undefined } as const;

describe('a step of an interruption tells', () => {
  it('that it was noticed, when ECI takes the instance and what is planned', () => {
    const settings = settingsOf({ replacement: 'AfterEviction' });
    expect(tellStep(undefined, anInterruption({ settings }))).toMatchObject([
      {
        type: 'Warning',
        reason: 'SpotReclaimNoticed',
        line: 'reclaim noticed',
        message:
          'ECI takes the instance back at 2026-03-01T12:03:00.000Z; it is evicted at once (its ReplicaSet recreates it)',
        details: { windowSeconds: 180, plan: 'AtOnce' },
      },
    ]);
  });

  it('that a replacement comes first where its policy and its workload let it', () => {
    const said = (more: Partial<Interruption>) => tellStep(undefined, anInterruption(more))[0]?.message;
    const settings = settingsOf({ replacement: 'BeforeEviction' });
    const first =
      /; it goes when its replacement is Ready, or at once where none can start first \(its ReplicaSet recreates it\)$/;
    const workload = (kind: string, group: string) => ({ workload: aWorkloadReference(kind, 'web', group) });
    expect(said({ settings, ...workload('Deployment', 'apps') })).toMatch(first);
    expect(said({ settings, ...workload('CloneSet', 'apps.kruise.io') })).toMatch(first);
    expect(said({ settings, ...workload('StatefulSet', 'apps') })).toContain('; it is evicted at once');
    const after = settingsOf({ replacement: 'AfterEviction' });
    expect(said({ settings: after, ...workload('Deployment', 'apps') })).toContain('; it is evicted at once');
  });

  it.each([
    ['Late', 'it is evicted late (why)'],
    ['Never', 'it is left to the reclaim (why)'],
    ['ByNode', 'why'],
  ] as const)('of a plan %s: %s', (when, text) => {
    const plan = { when, because: 'why', charged: false };
    expect(tellStep(undefined, anInterruption({ plan }))[0]?.message).toMatch(
      new RegExp(`; ${text.replace(/[()]/g, '\\$&')}$`),
    );
  });

  it('that it is blocked, in the words of the status', () => {
    expect(tell({ phase: 'Blocked', message: 'budget web allows none' })).toEqual([
      'Warning EvictionBlocked: budget web allows none',
    ]);
  });

  it('nothing of a block that a replaced pod only foresees, before a call was refused', () => {
    const detached = { origin: { name: 'web-abc', uid: 'u' }, atMs: at(0), ready: 1 };
    const blocked = { phase: 'Blocked', message: 'budget web allows none', detached } as const;
    expect(tell({ ...blocked, refusal: { ...refusal, attempts: 0, of: undefined } }, { detached })).toEqual(
      [],
    );
    expect(tell({ ...blocked, refusal }, { detached })).toEqual([
      'Warning EvictionBlocked: budget web allows none',
    ]);
  });

  it('that the pod was evicted', () => {
    expect(tell({ evictedAtMs: at(1) })).toEqual([
      'Normal PodEvicted: evicted before ECI takes the instance back',
    ]);
  });

  it('that it was deleted in spite of its budget, and not that it was evicted', () => {
    expect(tell({ evictedAtMs: at(1), forced: true, message: 'deadline reached' })).toEqual([
      'Warning DeadlineForced: deleted gracefully in spite of its budget: deadline reached',
    ]);
  });

  it('that the reclaim came first, and why where that is known', () => {
    expect(tell({ outcome: 'Missed' })).toEqual([
      'Warning ReclaimMissed: ECI took the instance before the pod was evicted',
    ]);
    expect(tell({ outcome: 'Missed', refusal })[0]).toContain(': needs 9, has 9');
    expect(tell({ outcome: 'LeftToReclaim' })).toEqual([]);
  });

  it('once that it stays terminating, as a warning', () => {
    const overdue = { overdue: true, message: 'still terminating' };
    expect(tell(overdue)).toEqual(['Warning TerminationOverdue: still terminating']);
    expect(tell(overdue, overdue)).toEqual([]);
  });

  it('that a workload has failed, as a warning', () => {
    const failed = { outcome: 'WorkloadFailed', message: 'Job batch has failed: no retry is left' } as const;
    expect(tell(failed)).toEqual([
      'Warning WorkloadFailed: lost to the reclaim: Job batch has failed: no retry is left',
    ]);
    expect(tell(failed, failed)).toEqual([]);
  });

  it('that its replacement is Ready, and on what', () => {
    expect(tell({ replacement })).toEqual([]);
    expect(tell({ replacement: { ...replacement, readyAtMs: at(9) } })).toEqual([
      'Normal ReplacementReady: replaced by web-2 on on-demand capacity',
    ]);
  });
});

describe('nothing is told twice', () => {
  it('while it stays as it is', () => {
    const blocked = { phase: 'Blocked', message: 'more healthy now' } as const;
    expect(tell(blocked, { ...blocked, message: 'before' })).toEqual([]);
    expect(tell({ evictedAtMs: at(9) }, { evictedAtMs: at(1) })).toEqual([]);
  });

  it('that an earlier leader told: what begins counted is known', () => {
    expect(tellStep(undefined, anInterruption({ counted: true, marked: 'UnderWay' }))).toEqual([]);
  });
});
