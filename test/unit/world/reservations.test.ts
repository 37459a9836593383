import { expect, it } from 'vitest';
import { Reservations } from '../../../operator/world/reservations.ts';
import { at } from '../../builders/pod.ts';

const reservation = (nonce: string, atMs = at(0), cohort = 'web') => ({ nonce, cohort, spot: true, atMs });
const nonces = (reservations: Reservations, nowMs = at(1), cohort = 'web') =>
  reservations.open(cohort, nowMs).map(({ nonce }) => nonce);

it('a reservation is open for half a minute, in its cohort only', () => {
  const reservations = new Reservations();
  reservations.add(reservation('a'));
  reservations.add(reservation('b', at(5)));
  expect(nonces(reservations)).toEqual(['a', 'b']);
  expect(nonces(reservations, at(1), 'api')).toEqual([]);
  expect(nonces(reservations, at(29.999))).toEqual(['a', 'b']);
  expect(nonces(reservations, at(30))).toEqual(['b']);
});

it('a reservation from before the clock jumped back has expired', () => {
  const reservations = new Reservations();
  reservations.add(reservation('a', at(600)));
  expect(nonces(reservations, at(0))).toEqual([]);
  reservations.expire(at(0));
  expect(reservations.size).toBe(0);
});

it('a second reservation for the same admission changes nothing', () => {
  const reservations = new Reservations();
  reservations.add(reservation('a'));
  reservations.add({ ...reservation('a', at(10)), spot: false });
  expect(reservations.open('web', at(11))).toEqual([reservation('a')]);
});

it('what is given up is gone, and its cohort with the last of it', () => {
  const reservations = new Reservations();
  reservations.add(reservation('a'));
  reservations.delete('a');
  reservations.delete('never');
  expect(nonces(reservations)).toEqual([]);
  expect(reservations.size).toBe(0);
});

it('what has expired is forgotten, and of too many the oldest', () => {
  const reservations = new Reservations();
  reservations.add(reservation('expired', at(-31)));
  reservations.add(reservation('a'));
  reservations.expire(at(0));
  expect(reservations.size).toBe(1);
  for (let index = 0; index < 20_000; index += 1) reservations.add(reservation(`more${index}`, at(1)));
  expect(reservations.size).toBe(20_000);
  expect(nonces(reservations)[0]).toBe('more0');
});
