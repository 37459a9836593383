import { describe, expect, it } from 'vitest';
import { type Case, type Look, look } from '../../../operator/interruption/look.ts';
import { markOf } from '../../../operator/interruption/mark.ts';
import type { Interruption } from '../../../operator/world/interruption.ts';
import { aRefusal, anInterruption, settingsOf } from '../../builders/interruption.ts';
import { aKnownPod, at, type PodWishes } from '../../builders/pod.ts';
import { aStanding } from '../../builders/standing.ts';
import type { BudgetFigures } from '../../builders/world.ts';

interface Wishes {
  readonly pod?: PodWishes;
  readonly budgets?: readonly BudgetFigures[];
  readonly warning?: string;
  readonly trustEvents?: boolean;
  readonly seconds?: number;
}

const late = { when: 'Late', because: 'it may use its time', charged: false } as const;
const noBudget: BudgetFigures = { allowed: 0, healthy: 9 };
const lookAt = (
  interruption: Partial<Interruption> = {},
  { pod = {}, budgets = [], warning, trustEvents = false, seconds = 1 }: Wishes = {},
): Look => {
  const seen: Case = {
    interruption: anInterruption(interruption),
    pod: aKnownPod(pod),
    standings: budgets.map((figures) => aStanding(figures)),
    successors: {
      candidates: [],
      credited: undefined,
      wanted: 1,
      serving: 0,
      workloadEnded: false,
      failure: undefined,
      indexFailed: undefined,
    },
    surge: undefined,
    warning,
    trustEvents,
  };
  return look(seen, at(seconds));
};

describe('a pod that is evicted at once', () => {
  it('is evicted with its own grace period', () => {
    const { next, effect } = lookAt();
    expect(effect).toEqual({ kind: 'Evict', graceSeconds: 30 });
    expect(next).toMatchObject({ phase: 'Evicting', call: 'Evict', message: 'its ReplicaSet recreates it' });
  });

  it('is evicted with what is left of it', () => {
    expect(lookAt({ onCondition: undefined }, { seconds: 160 }).effect).toEqual({
      kind: 'Evict',
      graceSeconds: 18,
    });
  });

  it('is left alone while a call is under way, and when it is over', () => {
    for (const busy of [{ call: 'Evict' }, { phase: 'Done' }] as const) {
      const { next, effect, againAtMs } = lookAt(busy);
      expect(effect).toBeUndefined();
      expect(againAtMs).toBeUndefined();
      expect(next).toEqual(anInterruption(busy));
    }
  });

  it('is noted with the budgets that select it', () => {
    expect(lookAt({}, { budgets: [{ name: 'a' }] }).next.budgets).toEqual(['shop/a']);
  });
});

describe('a pod whose loss ends its workload', () => {
  const warning = 'Job batch fails when it loses this pod: its backoffLimit of 0 is used up';
  const never = { when: 'Never', because: 'its policy says so', charged: false } as const;

  it('says so beforehand, whatever it waits for', () => {
    const said = (interruption: Partial<Interruption>, wishes: Wishes = {}) =>
      lookAt(interruption, { ...wishes, warning }).next;
    for (const next of [
      said({ plan: late }),
      said({ plan: never }),
      said({}, { budgets: [noBudget] }),
      said({}),
    ])
      expect(next.message).toMatch(
        /.+; Job batch fails when it loses this pod: its backoffLimit of 0 is used up$/,
      );
    expect(lookAt({ plan: late }).next.message).toBe('it may use its time');
  });
});

describe('a pod whose eviction was accepted', () => {
  it('is given ten seconds to show it', () => {
    const { next, effect, againAtMs } = lookAt({ evictedAtMs: at(1) }, { seconds: 10.9 });
    expect(effect).toBeUndefined();
    expect(next.phase).toBe('Terminating');
    expect(againAtMs).toBe(at(11));
  });

  it('is evicted again when it lives on', () => {
    expect(lookAt({ evictedAtMs: at(1) }, { seconds: 11 }).effect).toMatchObject({ kind: 'Evict' });
  });
});

describe('a pod that is evicted late', () => {
  it('is marked first, then waits until its last eviction', () => {
    const { next, effect } = lookAt({ plan: late });
    expect(effect).toEqual({ kind: 'Mark', mark: markOf(anInterruption()) });
    expect(next).toMatchObject({ phase: 'Noticed', call: 'Mark' });
    expect(lookAt({ plan: late, marked: 'UnderWay' })).toEqual({
      next: anInterruption({ plan: late, marked: 'UnderWay', message: late.because }),
      againAtMs: at(140),
    });
  });

  it('is evicted then, with Leave as well', () => {
    const marked = { plan: late, marked: 'UnderWay' } as const;
    expect(lookAt(marked, { seconds: 139.9 }).effect).toBeUndefined();
    expect(lookAt(marked, { seconds: 140 }).effect).toEqual({ kind: 'Evict', graceSeconds: 30 });
    const leave = { ...marked, settings: settingsOf({ onDeadline: 'Leave' }) };
    expect(lookAt(leave, { seconds: 170 }).effect).toMatchObject({ kind: 'Evict' });
  });

  it('is evicted then, though its mark could not be written', () => {
    const unmarked = aRefusal({ of: 'Mark', atMs: at(139), notBeforeMs: at(149) });
    expect(lookAt({ plan: late, unmarked }, { seconds: 140 }).effect).toMatchObject({ kind: 'Evict' });
  });

  it('does not hammer an API server that cannot take the mark', () => {
    const { next, effect, againAtMs } = lookAt({
      plan: late,
      unmarked: aRefusal({ of: 'Mark', notBeforeMs: at(5) }),
    });
    expect(effect).toBeUndefined();
    expect(againAtMs).toBe(at(5));
    expect(next.phase).toBe('Noticed');
  });
});

describe('a pod that is left to the reclaim', () => {
  const never = { when: 'Never', because: 'a DaemonSet pod goes with its node', charged: false } as const;

  it('is marked and nothing else, to the end and a minute beyond', () => {
    expect(lookAt({ plan: never }).effect).toMatchObject({ kind: 'Mark' });
    for (const seconds of [1, 150, 239]) {
      const { next, effect, againAtMs } = lookAt({ plan: never, marked: 'UnderWay' }, { seconds });
      expect(effect).toBeUndefined();
      expect(againAtMs).toBe(at(240));
      expect(next.message).toBe('left to the reclaim: a DaemonSet pod goes with its node');
    }
  });
});

describe('a pod that its node evicts', () => {
  const byNode = { when: 'ByNode', because: 'its virtual node evicts it', charged: false } as const;

  it('is not evicted by us, only deleted when it is still there at the deadline', () => {
    const marked = { plan: byNode, marked: 'UnderWay' } as const;
    expect(lookAt(marked)).toMatchObject({ againAtMs: at(145) });
    expect(lookAt(marked).effect).toBeUndefined();
    expect(lookAt(marked, { seconds: 145 }).effect).toMatchObject({ kind: 'Delete' });
  });

  it('is left to the reclaim where nothing may force it', () => {
    const marked = { plan: byNode, marked: 'UnderWay', onCondition: undefined } as const;
    expect(lookAt(marked).againAtMs).toBe(at(240));
    expect(lookAt(marked, { seconds: 170 }).effect).toBeUndefined();
  });
});

describe('a pod that a budget blocks', () => {
  it('is marked, and says why it waits and what comes then', () => {
    const { next, effect } = lookAt({}, { budgets: [noBudget] });
    expect(effect).toMatchObject({ kind: 'Mark' });
    expect(next).toMatchObject({
      phase: 'Blocked',
      message:
        'budget web allows no disruption now: it has 9 healthy pods and needs 9; deleted gracefully at the deadline',
      refusal: { byBudget: true, budgetVersions: { 'shop/web': '1' } },
    });
  });

  it('is looked at again at the next poll, or when it has to be forced if that is sooner', () => {
    const marked = { marked: 'UnderWay' } as const;
    expect(lookAt(marked, { budgets: [noBudget] }).againAtMs).toBe(at(11));
    expect(lookAt(marked, { budgets: [noBudget], seconds: 140 }).againAtMs).toBe(at(145));
    const several = [{ name: 'a' }, { name: 'b' }];
    expect(lookAt(marked, { budgets: several }).againAtMs).toBe(at(145));
  });

  it('says what its deadline brings', () => {
    const message = (more: Partial<Interruption>) => lookAt(more, { budgets: [noBudget] }).next.message;
    expect(message({})).toContain('; deleted gracefully at the deadline');
    expect(message({ settings: settingsOf({ onDeadline: 'Leave' }) })).toContain(
      '; left to the reclaim at the deadline',
    );
    expect(message({ onCondition: undefined })).toContain('no ContainerInstanceExpired condition');
  });
});

describe('at the moment of force', () => {
  const blocked = { marked: 'UnderWay', refusal: aRefusal({ byBudget: true, notBeforeMs: at(0) }) } as const;
  const atForce: Wishes = { budgets: [noBudget], seconds: 145 };

  it('a blocked pod is deleted gracefully, not a moment before', () => {
    expect(lookAt(blocked, { ...atForce, seconds: 144.9 }).effect?.kind).not.toBe('Delete');
    const { next, effect } = lookAt(blocked, atForce);
    expect(effect).toEqual({ kind: 'Delete', graceSeconds: 30, pretendDisruption: false });
    expect(next).toMatchObject({ call: 'Delete', message: 'deadline reached while no answer' });
  });

  it('the grace of a pod that asks for more than there is does not break its budget in the first second', () => {
    const pod = { graceSeconds: 3600 };
    expect(lookAt(blocked, { ...atForce, pod, seconds: 84.9 }).effect?.kind).not.toBe('Delete');
    expect(lookAt(blocked, { ...atForce, pod, seconds: 85 }).effect).toMatchObject({
      kind: 'Delete',
      graceSeconds: 93,
    });
  });

  it('never with Leave', () => {
    const leave = { ...blocked, settings: settingsOf({ onDeadline: 'Leave' }) };
    expect(lookAt(leave, atForce).effect?.kind).not.toBe('Delete');
  });

  it('never on an Event alone, which anybody may write, unless the installation trusts Events', () => {
    const window = { noticedAtMs: at(0), deadlineMs: at(180) };
    const byEvent = { ...blocked, onCondition: undefined, onEvent: window };
    expect(lookAt(byEvent, { ...atForce, seconds: 239 }).effect?.kind).not.toBe('Delete');
    expect(lookAt(byEvent, { ...atForce, trustEvents: true }).effect).toMatchObject({ kind: 'Delete' });
  });

  it('never on a mark alone, not even where the installation trusts Events', () => {
    const byMark = { ...blocked, onCondition: undefined, onEvent: undefined };
    expect(lookAt(byMark, { ...atForce, trustEvents: true }).effect?.kind).not.toBe('Delete');
  });

  it('an Event that names an earlier deadline changes neither the moment nor the grace period', () => {
    const hurried = { ...blocked, noticedAtMs: at(60), deadlineMs: at(62) };
    const window = { noticedAtMs: at(0), deadlineMs: at(180) };
    const both = { ...hurried, onCondition: window, onEvent: { noticedAtMs: at(60), deadlineMs: at(62) } };
    expect(lookAt(both, { ...atForce, seconds: 100 }).effect?.kind).not.toBe('Delete');
    const nearly = { ...both, deadlineMs: at(90) };
    expect(lookAt(nearly, { ...atForce, seconds: 144.9 }).effect?.kind).not.toBe('Delete');
    expect(lookAt(nearly, atForce).effect).toMatchObject({ kind: 'Delete', graceSeconds: 30 });
  });

  it('a Job that ignores disruptions is told that this is one', () => {
    const job = { ...blocked, plan: { ...late, charged: true } };
    expect(lookAt(job, atForce).effect).toMatchObject({ pretendDisruption: true });
  });

  it('the pause after another call does not hold the deletion up, whenever that failed', () => {
    for (const of of ['Evict', 'Mark'] as const)
      for (const failed of [144, 146]) {
        const refusal = aRefusal({ of, atMs: at(failed), notBeforeMs: at(154) });
        expect(lookAt({ marked: 'UnderWay', refusal }, { seconds: 146 }).effect).toMatchObject({
          kind: 'Delete',
        });
      }
  });

  it('a call that was made before is given up, but not where nothing is deleted', () => {
    expect(lookAt({}, { seconds: 100 }).againAtMs).toBe(at(145));
    expect(lookAt({ plan: late }, { seconds: 100 })).toMatchObject({
      ...{ effect: { kind: 'Mark' }, againAtMs: at(140) },
    });
    const leave = { settings: settingsOf({ onDeadline: 'Leave' }) };
    expect(lookAt(leave, { seconds: 100 }).againAtMs).toBeUndefined();
    expect(lookAt({ marked: 'UnderWay' }, { seconds: 145 })).toMatchObject({
      effect: { kind: 'Delete' },
    });
    expect(lookAt({ marked: 'UnderWay' }, { seconds: 145 }).againAtMs).toBeUndefined();
  });

  it('somebody looks then, however long a pause would be', () => {
    const refusal = aRefusal({ atMs: at(144), notBeforeMs: at(174) });
    expect(lookAt({ marked: 'UnderWay', refusal }, { seconds: 144 }).againAtMs).toBe(at(145));
  });

  it('a Job that could not be told is deleted all the same by the next try', () => {
    const charged = { ...blocked, plan: { ...late, charged: true } };
    const refusal = aRefusal({ of: 'Delete', atMs: at(146), notBeforeMs: at(147) });
    expect(lookAt({ ...charged, refusal }, { seconds: 147 }).effect).toMatchObject({
      ...{ kind: 'Delete', pretendDisruption: false },
    });
  });

  it('the pause after a failed deletion does', () => {
    const refusal = aRefusal({ of: 'Delete', atMs: at(146), notBeforeMs: at(147) });
    const { next, effect, againAtMs } = lookAt({ marked: 'UnderWay', refusal }, { seconds: 146.5 });
    expect(effect).toBeUndefined();
    expect(againAtMs).toBe(at(147));
    expect(next).toMatchObject({ phase: 'Blocked', message: 'no answer' });
    expect(lookAt({ refusal }, { seconds: 147 }).effect).toMatchObject({ kind: 'Delete' });
  });
});

describe('a pod that ECI did not take', () => {
  it('is left alone a minute after its deadline, and its interruption is over', () => {
    const blocked = { marked: 'UnderWay' } as const;
    expect(lookAt(blocked, { budgets: [noBudget], seconds: 239.9 }).next.phase).not.toBe('Done');
    const { next, effect } = lookAt(blocked, { budgets: [noBudget], seconds: 240 });
    expect(effect).toBeUndefined();
    expect(next).toMatchObject({ phase: 'Done', outcome: 'NotReclaimed' });
  });

  it('goes all the same where it is detached, with its own grace period', () => {
    const origin = { name: 'web-abc', uid: 'uid' };
    const detached = { detached: { origin, atMs: at(1), ready: 1 }, onCondition: undefined };
    expect(lookAt(detached, { seconds: 300 }).effect).toEqual({ kind: 'Evict', graceSeconds: 30 });
  });
});
