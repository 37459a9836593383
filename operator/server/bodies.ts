import type { IncomingMessage } from 'node:http';
import { Door } from './door.ts';

/** The largest body that is read, and how many bytes of bodies are held together until they are answered. */
export interface BodyLimits {
  readonly mostOfOne: number;
  readonly mostTogether: number;
}

// Ten of the largest; an ordinary review has 5 KiB.
const usualLimits: BodyLimits = { mostOfOne: 3 * 1024 * 1024, mostTogether: 32 * 1024 * 1024 };
// Reading the JSON of a larger one takes the event loop longer than a hundred ordinary reviews.
const largeBytes = 256 * 1024;
// A body of 2.7 MiB takes 100 ms, and in each turn of the event loop one connection is taken in and one handshake begins. So
// large bodies may take a fifth of the time; the rest is left to everything else.
const restPerTook = 4;

/** A request as Hono's server takes it, which reads no further where the body is there. */
type Received = IncomingMessage & { rawBody?: Buffer };

/**
 * The bodies of requests while they are received and until they are answered.
 *
 * Where they exceed what may be held together, the largest of them is cut off: small reviews go through beside any number of
 * large ones. Large ones are answered one at a time, the addresses take turns, and after each there is a rest.
 */
export class Bodies {
  readonly #held = new Map<IncomingMessage, number>();
  readonly #limits: BodyLimits;
  readonly #large = new Door<() => void>();
  #isResting = false;
  #total = 0;

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
    if (body.length > largeBytes) await this.#turn(request.socket.remoteAddress ?? '');
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

  #turn(address: string): Promise<void> {
    return new Promise((answer) => {
      this.#large.wait(answer, address);
      if (!this.#isResting) this.#answerNext();
    });
  }

  #answerNext(): void {
    const answer = this.#large.take();
    this.#isResting = answer !== undefined;
    if (!answer) return;
    const begunMs = performance.now();
    answer();
    // By then it is answered, unless the answer waits for another replica.
    setImmediate(() => {
      const tookMs = performance.now() - begunMs;
      setTimeout(() => this.#answerNext(), tookMs * restPerTook).unref();
    });
  }
}
