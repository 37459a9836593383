/** How many connections a server keeps. */
export interface ConnectionLimits {
  /** Together; an idle one costs 63 KiB (measured with TLS on Node 24). */
  readonly most: number;
  /** From one address, so that one pod of a tenant leaves room for every API server. */
  readonly mostOfAddress: number;
  /** How long a connection may be open, or idle again, that has never had a request answered with success. */
  readonly unprovenMs: number;
}

/**
 * Places for a thousand: an API server keeps 25 idle connections (client-go, `idleConnsPerHost`) and opens as many as it has
 * requests under way, of which it takes 600 at once by default. An API server sends its first review at once.
 */
const usualLimits: ConnectionLimits = { most: 1_000, mostOfAddress: 500, unprovenMs: 5_000 };

// An answer may still be on its way out when the next request is read. Go never sends a request before it has read the
// answer to the last one, so more than these two is no API server.
const mostUnderWay = 2;

/** An address and how many places it has. */
interface Peer {
  readonly address: string;
  places: number;
}

interface Place {
  readonly peer: Peer;
  /** A request of it was answered with success: for admission, it has presented a review. */
  proven: boolean;
  underWay: number;
  /** When it was opened, or when it last began or ended a request. */
  usedMs: number;
}

/**
 * The connections of a server by key, and which of them goes when there is no place for another one.
 *
 * A proven connection with a request under way is never chosen: it may be an API server's, whose pod would be admitted without
 * its policy. Connections that never presented anything go first, then idle ones. Among equals the address with the most
 * connections gives way, so a newcomer is not pushed out before its handshake by a crowd of others. Of one address the longest
 * unused one goes: Go takes the idle connection that it used last, so this one is the least likely to be taken now.
 */
export class Connections<K> {
  readonly #places = new Map<K, Place>();
  readonly #peers = new Map<string, Peer>();
  readonly #limits: ConnectionLimits;

  constructor(limits: ConnectionLimits = usualLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#places.size;
  }

  keys(): Iterable<K> {
    return this.#places.keys();
  }

  /** Takes in a new connection. Returns the one that is to be closed for it: the new one itself where no other may go. */
  open(key: K, address: string, nowMs: number): K | undefined {
    const crowded = (this.#peers.get(address)?.places ?? 0) >= this.#limits.mostOfAddress;
    const leaver =
      crowded || this.size >= this.#limits.most
        ? (this.#leaver(crowded ? address : undefined) ?? key)
        : undefined;
    if (leaver === key) return key;
    if (leaver !== undefined) this.close(leaver);
    const peer = this.#peers.get(address) ?? { address, places: 0 };
    peer.places += 1;
    this.#peers.set(address, peer);
    this.#places.set(key, { peer, proven: false, underWay: 0, usedMs: nowMs });
    return leaver;
  }

  /** A request has begun. False where the connection has more of them under way than any client that waits for answers. */
  begin(key: K, nowMs: number): boolean {
    const place = this.#places.get(key);
    if (!place || place.underWay >= mostUnderWay) return false;
    place.underWay += 1;
    place.usedMs = nowMs;
    return true;
  }

  /** A request that had begun is over; `success` tells whether it was answered as requests of this server are. */
  end(key: K, success: boolean, nowMs: number): void {
    const place = this.#places.get(key);
    if (!place) return;
    place.underWay -= 1;
    place.usedMs = nowMs;
    if (success) place.proven = true;
  }

  close(key: K): void {
    const place = this.#places.get(key);
    if (!place) return;
    this.#places.delete(key);
    place.peer.places -= 1;
    if (place.peer.places === 0) this.#peers.delete(place.peer.address);
  }

  /** The connections whose time to present something has run out. */
  unused(nowMs: number): readonly K[] {
    return [...this.#places]
      .filter(([, { proven, underWay, usedMs }]) => {
        return !proven && underWay === 0 && nowMs - usedMs >= this.#limits.unprovenMs;
      })
      .map(([key]) => key);
  }

  // A thousand places are looked through in some microseconds, and only while there is no room.
  #leaver(address: string | undefined): K | undefined {
    let leaver: { readonly key: K; readonly place: Place; readonly rank: number } | undefined;
    for (const [key, place] of this.#places) {
      if (address !== undefined && place.peer.address !== address) continue;
      const rank = rankOf(place);
      if (rank === undefined) continue;
      if (!leaver || rank < leaver.rank || (rank === leaver.rank && goesBefore(place, leaver.place)))
        leaver = { key, place, rank };
    }
    return leaver?.key;
  }
}

const rankOf = ({ proven, underWay }: Place): number | undefined => {
  if (proven) return underWay > 0 ? undefined : 2;
  return underWay > 0 ? 1 : 0;
};

const goesBefore = (one: Place, other: Place): boolean =>
  one.peer.places === other.peer.places ? one.usedMs < other.usedMs : one.peer.places > other.peer.places;
