import type { WebhookContest } from './objects.ts';
import type { Change } from './view.ts';

/** Another writer that keeps changing the webhook configuration, as this term knows it. */
export class Contests {
  #current: WebhookContest | undefined;

  /** Undefined while there is none. */
  get current(): WebhookContest | undefined {
    return this.#current;
  }

  /** Keeps who else writes the configuration, or that no other does any more. */
  record(after: WebhookContest | undefined): Extract<Change, { kind: 'Contest' }> {
    const before = this.#current;
    this.#current = after;
    return { kind: 'Contest', before, after };
  }
}
