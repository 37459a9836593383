import { describe, expect, it } from 'vitest';
import { gateOf, isPaused, roomIn, type Standing, versionsOf } from '../../../operator/interruption/gate.ts';
import type { Refusal } from '../../../operator/world/interruption.ts';
import { aRefusal } from '../../builders/interruption.ts';
import { at } from '../../builders/pod.ts';
import type { BudgetFigures } from '../../builders/world.ts';
import { aStanding } from '../../builders/standing.ts';

const standing = (figures: BudgetFigures = {}, underWay = 0, ghosts = 0): Standing =>
  aStanding(figures, { underWay, ghosts });
const refused = (more: Partial<Refusal> = {}): Refusal =>
  aRefusal({
    ...{ byBudget: true, budgetVersions: { 'shop/web': '1' }, notBeforeMs: at(0) },
    message: 'the budget web needs 9 healthy pods and has 9 currently',
    ...more,
  });
const gate = (refusal: Refusal | undefined, standings: readonly Standing[], seconds = 0, ready = true) =>
  gateOf({ refusal, ready }, standings, at(seconds));

describe('before the API server was asked', () => {
  it('the gate is open where no budget selects the pod, or one has room', () => {
    expect(gate(undefined, [])).toEqual({ open: true });
    expect(gate(undefined, [standing()])).toEqual({ open: true });
  });

  it('a budget without room closes it, for ten seconds at most', () => {
    expect(gate(undefined, [standing({ allowed: 0, healthy: 9 })])).toMatchObject({
      open: false,
      message: 'budget web allows no disruption now: it has 9 healthy pods and needs 9',
      againAtMs: at(10),
      refusal: { attempts: 0, byBudget: true },
    });
  });

  it('evictions under way take up the room', () => {
    expect(gate(undefined, [standing({ allowed: 2 }, 1)])).toEqual({ open: true });
    expect(gate(undefined, [standing({ allowed: 2 }, 2)])).toMatchObject({
      open: false,
      message: expect.stringContaining('allows 2, taken by 2 under way'),
    });
  });

  it('no budget is asked for more than sixteen at once', () => {
    expect(gate(undefined, [standing({ allowed: 100 }, 15)])).toEqual({ open: true });
    expect(gate(undefined, [standing({ allowed: 100 }, 16)])).toMatchObject({ open: false });
  });

  it('a pod that is not Ready is asked for all the same: the API server may let it go', () => {
    expect(gate(undefined, [standing({ allowed: 0 })], 0, false)).toEqual({ open: true });
  });

  it('says at once that a budget cannot be computed, or is being computed', () => {
    expect(gate(undefined, [standing({ allowed: 0, failure: 'no scale' })])).toMatchObject({
      message: 'budget web cannot be computed: no scale',
    });
    expect(gate(undefined, [standing({ current: false })])).toMatchObject({
      message: 'budget web has changed and is being computed',
    });
  });

  it('two budgets close it for good, both by name', () => {
    expect(gate(undefined, [standing(), standing({ name: 'api' })])).toMatchObject({
      open: false,
      message: 'budgets web and api both select it, which the Eviction API refuses',
      againAtMs: Number.POSITIVE_INFINITY,
    });
  });

  it('and the pause after another call that failed counts all the same, and grows', () => {
    const two = [standing(), standing({ name: 'api' })];
    const failure = refused({ byBudget: false, attempts: 3, message: 'no answer', notBeforeMs: at(4) });
    expect(gate(failure, two, 3)).toMatchObject({ open: false, message: 'no answer', againAtMs: at(4) });
    expect(gate(failure, two, 4)).toMatchObject({
      ...{ open: false, againAtMs: Number.POSITIVE_INFINITY, refusal: { attempts: 3, byBudget: true } },
    });
  });
});

describe('pods that have ended and still count as healthy', () => {
  const inflated = standing({ allowed: 1, healthy: 10 }, 0, 1);

  it('are no room in a budget', () => {
    expect(roomIn(standing({ allowed: 3 }, 1, 1))).toBe(1);
    expect(gate(undefined, [inflated])).toMatchObject({
      open: false,
      message: expect.stringContaining('10 healthy pods, 1 of which ended and still show Ready, and needs 9'),
    });
  });

  it('close the gate for as long as they are there: the API server would let the last live pod go', () => {
    for (const refusal of [refused({ attempts: 0, of: undefined }), refused()])
      expect(gate(refusal, [inflated], 600)).toMatchObject({ open: false, againAtMs: at(610) });
    expect(gate(refused({ attempts: 0, of: undefined }), [standing({ allowed: 1 })], 600)).toEqual({
      open: true,
    });
  });

  it('matter to no pod that is not Ready, and to no budget without room besides', () => {
    expect(gate(refused({ attempts: 0, of: undefined }), [inflated], 10, false)).toEqual({ open: true });
    expect(gate(refused(), [standing({ allowed: 0 }, 0, 1)], 10)).toEqual({ open: true });
  });
});

describe('while a budget was foreseen to refuse', () => {
  const foreseen = refused({ attempts: 0, of: undefined });

  it('the gate opens as soon as there is room, at whatever version', () => {
    expect(gate(foreseen, [standing()], 1)).toEqual({ open: true });
    expect(gate(foreseen, [], 1)).toEqual({ open: true });
  });

  it('the message keeps up with the figures, and the refusal with its time', () => {
    expect(gate(foreseen, [standing({ allowed: 0, healthy: 8 })], 4)).toMatchObject({
      message: 'budget web allows no disruption now: it has 8 healthy pods and needs 9',
      againAtMs: at(10),
      refusal: { atMs: at(0) },
    });
  });

  it('the API server is asked after ten seconds in spite of the figures', () => {
    expect(gate(foreseen, [standing({ allowed: 0 })], 10)).toEqual({ open: true });
  });
});

describe('while a budget holds up other pods as well', () => {
  const tight = { allowed: 0 };
  const foreseen = refused({ attempts: 0, of: undefined });

  it('one of them asks for all: its refusal keeps the gate closed to the others for ten seconds', () => {
    const refusedAt4 = [aStanding(tight, { refusedAtMs: at(4) })];
    expect(gate(foreseen, refusedAt4, 10)).toMatchObject({ open: false, againAtMs: at(14) });
    expect(gate(foreseen, refusedAt4, 14)).toEqual({ open: true });
    expect(gate(refused(), refusedAt4, 10)).toMatchObject({ open: false, againAtMs: at(14) });
  });

  it('nobody else asks while one of them does', () => {
    expect(gate(foreseen, [aStanding(tight, { underWay: 1 })], 10)).toMatchObject({ againAtMs: at(20) });
  });

  it('a pod that is not Ready asks for itself', () => {
    const others = [aStanding(tight, { underWay: 1, refusedAtMs: at(9) })];
    expect(gate(foreseen, others, 10, false)).toEqual({ open: true });
  });

  it('room is for each of them at once', () => {
    expect(gate(foreseen, [aStanding({ allowed: 1 }, { refusedAtMs: at(4) })], 5)).toEqual({ open: true });
  });
});

describe('after a budget refused', () => {
  const tight = { allowed: 0, version: '2' };

  it('the gate opens with a newer version of it that has room', () => {
    expect(gate(refused(), [standing({ version: '2' })], 0.1)).toEqual({ open: true });
  });

  it('stays closed while it has none, in the words of the API server', () => {
    expect(gate(refused(), [standing(tight)], 1)).toMatchObject({
      open: false,
      message: refused().message,
      againAtMs: at(10),
    });
  });

  it('stays closed while a newer version is not computed, or its room is taken', () => {
    expect(gate(refused(), [standing({ version: '2', current: false })], 1)).toMatchObject({ open: false });
    expect(gate(refused(), [standing({ version: '2' }, 1)], 1)).toMatchObject({ open: false });
  });

  it('at a version that seems to have room it is asked again after a second, then less and less often', () => {
    expect(gate(refused(), [standing()], 0.9)).toMatchObject({ open: false, againAtMs: at(1) });
    expect(gate(refused(), [standing()], 1)).toEqual({ open: true });
    expect(gate(refused({ pauseMs: 4_000 }), [standing()], 1)).toMatchObject({ againAtMs: at(4) });
    expect(gate(refused({ pauseMs: 10_000 }), [standing()], 1)).toMatchObject({ againAtMs: at(10) });
  });

  it('opens when another set of budgets selects the pod', () => {
    expect(gate(refused(), [], 0.1)).toEqual({ open: true });
    expect(gate(refused(), [standing({ name: 'other' })], 0.1)).toEqual({ open: true });
  });

  it('waits as long as it was told to, whatever the budget says', () => {
    const told = refused({ notBeforeMs: at(3) });
    expect(gate(told, [standing({ version: '2' })], 2)).toMatchObject({ open: false, againAtMs: at(3) });
    expect(gate(told, [standing({ version: '2' })], 3)).toEqual({ open: true });
  });
});

it('after any other failure the gate opens when its pause is over', () => {
  const failure = refused({ byBudget: false, message: 'no answer', notBeforeMs: at(2) });
  expect(gate(failure, [standing()], 1)).toMatchObject({
    open: false,
    message: 'no answer',
    againAtMs: at(2),
  });
  expect(gate(failure, [standing()], 2)).toEqual({ open: true });
  expect(isPaused(failure, at(1))).toBe(true);
  expect(isPaused(failure, at(2))).toBe(false);
});

it('a call that failed for another reason opens no gate that a budget closes', () => {
  const failure = refused({ byBudget: false, attempts: 3, message: 'no answer', notBeforeMs: at(2) });
  const ghost = [standing({ allowed: 1, healthy: 10 }, 0, 1)];
  for (const budgets of [[standing({ allowed: 0 })], [standing({ allowed: 100 }, 16)], ghost])
    expect(gate(failure, budgets, 2)).toMatchObject({
      ...{ open: false, againAtMs: at(12), refusal: { of: undefined, attempts: 3, byBudget: true } },
    });
  expect(gate(failure, ghost, 2, false)).toEqual({ open: true });
});

it('the room in a budget is what it allows less what is under way, none while it is being computed', () => {
  expect(roomIn(standing({ allowed: 3 }, 1))).toBe(2);
  expect(roomIn(standing({ allowed: 3 }, 5))).toBe(0);
  expect(roomIn(standing({ allowed: 3, current: false }))).toBe(0);
});

it('versions are noted by the name of the budget', () => {
  expect(versionsOf([standing({ version: '7' }), standing({ name: 'api', version: '8' })])).toEqual({
    'shop/web': '7',
    'shop/api': '8',
  });
});
