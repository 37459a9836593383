import type { IncomingMessage } from 'node:http';

/** The largest body that is read, and how many bytes of bodies are held together until they are answered. */
export interface BodyLimits {
  readonly mostOfOne: number;
  readonly mostTogether: number;
}

// Ten of the largest; an ordinary review has 5 KiB.
const usualLimits: BodyLimits = { mostOfOne: 3 * 1024 * 1024, mostTogether: 32 * 1024 * 1024 };
// Reading the JSON of a larger one takes the event loop longer than a hundred ordinary reviews.
const largeBytes = 256 * 1024;

/** A request as Hono's server takes it, which reads no further where the body is there. */
type Received = IncomingMessage & { rawBody?: Buffer };

/**
 * The bodies of requests while they are received and until they are answered.
 *
 * Where they exceed what may be held together, the largest of them is cut off: small reviews go through beside any number of
 * large ones. Large ones are answered one in each turn of the event loop.
 */
export class Bodies {
  readonly #held = new Map<IncomingMessage, number>();
  readonly #limits: BodyLimits;
  #total = 0;
  #lastTurn: Promise<void> = Promise.resolve();

  constructor(limits: BodyLimits = usualLimits) {
    this.#limits = limits;
  }

  /**
   * Reads the body of a request and puts it where Hono's server looks for it; one that is too long is read up to the first byte
   * too many. Resolves with true once it may be answered, and with false when its client has gone or was cut off.
   */
  async receive(request: Received): Promise<boolean> {
    const announced = Number(request.headers['content-length'] ?? 0);
    // Whoever answers refuses it by its length alone.
    if (announced > this.#limits.mostOfOne) return true;
    const chunks = await this.#read(request);
    if (!chunks) return false;
    const body = chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
    request.rawBody = body;
    if (body.length > largeBytes) await this.#turn();
    return !request.socket.destroyed;
  }

  /** The request is answered, or its client has gone. */
  release(request: IncomingMessage): void {
    this.#total -= this.#held.get(request) ?? 0;
    this.#held.delete(request);
  }

  #read(request: IncomingMessage): Promise<Buffer[] | undefined> {
    return new Promise((resolve) => {
      const chunks: Buffer[] = [];
      let length = 0;
      request.on('data', (chunk: Buffer) => {
        if (length > this.#limits.mostOfOne) return;
        chunks.push(chunk);
        length += chunk.length;
        this.#hold(request, chunk.length);
        if (length > this.#limits.mostOfOne) resolve(chunks);
      });
      request.once('end', () => resolve(chunks));
      request.once('close', () => resolve(undefined));
      request.once('error', () => resolve(undefined));
    });
  }

  #hold(request: IncomingMessage, bytes: number): void {
    this.#held.set(request, (this.#held.get(request) ?? 0) + bytes);
    this.#total += bytes;
    while (this.#total > this.#limits.mostTogether) {
      const [largest] = [...this.#held].toSorted(([, one], [, other]) => other - one);
      if (!largest) return;
      this.release(largest[0]);
      largest[0].socket.destroy();
    }
  }

  // Of the callbacks that wait for the end of a turn, those added meanwhile run a turn later.
  #turn(): Promise<void> {
    this.#lastTurn = this.#lastTurn.then(() => new Promise((resolve) => setImmediate(resolve)));
    return this.#lastTurn;
  }
}
