/**
 * What one answer says of the API server's clock: the number of milliseconds that, added to this machine's elapsed time,
 * gives the time of day, lies between the two.
 */
export interface Sighting {
  readonly leastMs: number;
  readonly mostMs: number;
}

/** What is known of time. Every number but `wallMs` is added to the elapsed time to give a time of day, in milliseconds. */
export interface Belief {
  /** What decisions go by. */
  readonly decidingMs: number;
  /** The API server's clock; undefined before its first answer. */
  readonly serverMs: number | undefined;
  /** This machine's time of day, less its elapsed time, when the last answer came: it changes when the clock is set. */
  readonly wallMs: number;
  /** The latest answers in a row that agree with one another and not with this belief. */
  readonly strays: readonly Sighting[];
}

/** Up to this offset this machine's own clock decides, in milliseconds. */
export const toleratedMs = 5_000;
// An answer that took longer to come tells too little.
const widestMs = 6_000;
// A proxy may answer with an old Date, and one of several API servers may have a clock of its own: as many answers in a row
// are no accident. The lease alone has two in two seconds.
const enoughStrays = 5;
// Two answers agree if what they leave open lies no further apart.
const agreeingMs = 1_000;

/** Before the first answer: this machine's own clock decides. */
export const beforeAnswers = (wallMs: number): Belief => ({
  decidingMs: wallMs,
  serverMs: undefined,
  wallMs,
  strays: [],
});

/**
 * What a `Date` header says; undefined for one that is no date. The header has whole seconds, cut off, and was written
 * between `sentMs` and `receivedMs`, both elapsed time of this machine.
 */
export const sightingOf = (header: unknown, sentMs: number, receivedMs: number): Sighting | undefined => {
  const serverMs = Date.parse(String(header));
  return Number.isNaN(serverMs)
    ? undefined
    : { leastMs: serverMs - receivedMs, mostMs: serverMs + 1_000 - sentMs };
};

/**
 * What is known after an answer.
 *
 * An answer that is more than `toleratedMs` away from what is known counts only as the fifth in a row. But the first answer
 * of all counts by itself, and so does the first after this machine's clock was set or the machine slept, when nothing else is
 * sure. Decisions go on by the time they went by until that is more than `toleratedMs` off, and from then on by the API
 * server's clock: so time never goes back and forth around the tolerance.
 */
export const afterAnswer = (before: Belief, sighting: Sighting, wallMs: number): Belief => {
  if (sighting.mostMs - sighting.leastMs > widestMs) return before;
  const { serverMs, decidingMs } = before;
  const agrees = [decidingMs, serverMs ?? decidingMs].every((ms) => distance(ms, sighting) <= toleratedMs);
  if (agrees) return { ...before, serverMs: moved(serverMs, sighting), wallMs, strays: [] };
  const sure = serverMs !== undefined && Math.abs(wallMs - before.wallMs) <= toleratedMs;
  const strays = row(before.strays, sighting);
  if (sure && strays.length < enoughStrays) return { ...before, wallMs, strays };
  const found = middle(sighting);
  const decides = Math.abs(decidingMs - found) > toleratedMs ? found : decidingMs;
  return { decidingMs: decides, serverMs: found, wallMs, strays: [] };
};

const distance = (ms: number, { leastMs, mostMs }: Sighting): number =>
  Math.max(0, leastMs - ms, ms - mostMs);

const middle = ({ leastMs, mostMs }: Sighting): number => (leastMs + mostMs) / 2;

const row = (strays: readonly Sighting[], sighting: Sighting): readonly Sighting[] =>
  strays.every(
    ({ leastMs, mostMs }) =>
      leastMs - sighting.mostMs <= agreeingMs && sighting.leastMs - mostMs <= agreeingMs,
  )
    ? [...strays, sighting]
    : [sighting];

// A clock that is a little off is moved to the nearer end of what the answer allows: whatever the phase of the second in
// which answers come, they soon agree.
const moved = (serverMs: number | undefined, sighting: Sighting): number =>
  serverMs === undefined ? middle(sighting) : Math.min(Math.max(serverMs, sighting.leastMs), sighting.mostMs);
