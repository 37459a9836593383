/** The place of a pod that was admitted and has not been seen yet. */
export interface Reservation {
  /** The nonce of its admission stamp, by which the pod is known when it comes. */
  readonly nonce: string;
  readonly cohort: string;
  readonly spot: boolean;
  /** By the clock that the world is told its changes by, in milliseconds. */
  readonly atMs: number;
}

// The API server gives up on a request after 30 s (webhooks of others included), so later no pod comes of it.
const reservedMs = 30_000;

// A burst of a large cluster within half a minute; about 200 bytes each.
const mostReservations = 20_000;

// A reservation of the future is from before the clock jumped back. Apart from less than half a minute, it has expired, too.
const isOpen = (atMs: number, nowMs: number): boolean => Math.abs(nowMs - atMs) < reservedMs;

const nothing: ReadonlyMap<string, Reservation> = new Map<string, Reservation>();

/** Open reservations, oldest first. */
export class Reservations {
  readonly #byNonce = new Map<string, Reservation>();
  readonly #byCohort = new Map<string, Map<string, Reservation>>();

  get size(): number {
    return this.#byNonce.size;
  }

  /** The reservations of a cohort that may still become pods at `nowMs`, oldest first. */
  open(cohort: string, nowMs: number): readonly Reservation[] {
    const all = this.#byCohort.get(cohort) ?? nothing;
    return [...all.values()].filter(({ atMs }) => isOpen(atMs, nowMs));
  }

  /** Keeps a reservation; a second one for the same admission changes nothing. */
  add(reservation: Reservation): void {
    const { nonce, cohort } = reservation;
    if (this.#byNonce.has(nonce)) return;
    const [oldest] = this.#byNonce.keys();
    if (this.#byNonce.size >= mostReservations && oldest !== undefined) this.delete(oldest);
    this.#byNonce.set(nonce, reservation);
    const group = this.#byCohort.get(cohort);
    if (group) group.set(nonce, reservation);
    else this.#byCohort.set(cohort, new Map([[nonce, reservation]]));
  }

  /** The pod has come, or never will. */
  delete(nonce: string): void {
    const reservation = this.#byNonce.get(nonce);
    if (!reservation) return;
    this.#byNonce.delete(nonce);
    const group = this.#byCohort.get(reservation.cohort);
    group?.delete(nonce);
    if (group?.size === 0) this.#byCohort.delete(reservation.cohort);
  }

  /** Forgets those that have become no pod in time. */
  expire(nowMs: number): void {
    for (const { nonce, atMs } of this.#byNonce.values()) {
      if (isOpen(atMs, nowMs)) return;
      this.delete(nonce);
    }
  }
}
