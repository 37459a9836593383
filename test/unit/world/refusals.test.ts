import { expect, it } from 'vitest';
import type { Refusal } from '../../../operator/world/interruption.ts';
import { Refusals } from '../../../operator/world/refusals.ts';
import { aRefusal, anInterruption } from '../../builders/interruption.ts';
import { at } from '../../builders/pod.ts';
import { aComputedBudget, aWorld, drop, known } from '../../builders/world.ts';

const web = known('PodDisruptionBudget', aComputedBudget());
const api = known('PodDisruptionBudget', aComputedBudget({ name: 'api' }));
const refusedAt = (atMs: number, more: Partial<Refusal> = {}): Refusal =>
  aRefusal({ atMs, byBudget: true, budgetVersions: { 'shop/web': '1' }, notBeforeMs: atMs, ...more });

it('the last refusal of a budget is remembered, whichever pod it was of', () => {
  const refusals = new Refusals({ byName: () => web });
  expect(refusals.lastMs(web)).toBe(Number.NEGATIVE_INFINITY);
  refusals.note(refusedAt(at(5)));
  // The record of another pod, refused earlier, is written again.
  refusals.note(refusedAt(at(3)));
  expect([refusals.lastMs(web), refusals.lastMs(api)]).toEqual([at(5), Number.NEGATIVE_INFINITY]);
});

it('what was only foreseen, or came from somebody else, is no refusal of a budget', () => {
  const refusals = new Refusals({ byName: () => web });
  refusals.note(refusedAt(at(5), { of: undefined, attempts: 0 }));
  refusals.note(refusedAt(at(5), { byBudget: false }));
  expect(refusals.lastMs(web)).toBe(Number.NEGATIVE_INFINITY);
});

it('a budget that goes takes its refusals along, and so does a term', () => {
  const world = aWorld({ PodDisruptionBudget: [aComputedBudget(), aComputedBudget({ name: 'api' })] });
  const refusal = refusedAt(at(5), { budgetVersions: { 'shop/web': '1', 'shop/api': '1' } });
  world.record(anInterruption({ refusal }));
  drop(world, 'PodDisruptionBudget', aComputedBudget());
  // Something else is noted of the pod.
  world.record(anInterruption({ refusal, message: 'deadline reached' }));
  expect([world.refusals.lastMs(web), world.refusals.lastMs(api)]).toEqual([Number.NEGATIVE_INFINITY, at(5)]);
  world.endTerm();
  expect(world.refusals.lastMs(api)).toBe(Number.NEGATIVE_INFINITY);
});
