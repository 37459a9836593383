import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { presentedBy } from '../../operator/server/client-hello.ts';
import { Door } from '../../operator/server/door.ts';

const address = fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4');
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('wait' as const), address }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('take' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('leave' as const), which: fc.nat() }) },
);

interface Waiting {
  readonly address: string;
  readonly since: number;
}

describe('the door of a server', () => {
  test.prop([fc.array(step, { maxLength: 200, size: 'max' })], { numRuns: 100 })(
    'lets each address in once before another one has its second turn, and of one address the first',
    (steps) => {
      const door = new Door<Waiting>();
      const waiting = new Set<Waiting>();
      // How many others went since an address has something that waits.
      const passedBy = new Map<string, string[]>();
      const forget = (item: Waiting): void => {
        waiting.delete(item);
        if (![...waiting].some((other) => other.address === item.address)) passedBy.delete(item.address);
      };
      steps.forEach((move, since) => {
        if (move.kind === 'wait') {
          const item = { address: move.address, since };
          door.wait(item, item.address);
          waiting.add(item);
          if (!passedBy.has(item.address)) passedBy.set(item.address, []);
        } else if (move.kind === 'leave') {
          const item = [...waiting][move.which % Math.max(1, waiting.size)];
          if (!item) return;
          door.leave(item, item.address);
          forget(item);
        } else {
          const taken = door.take();
          expect(taken === undefined).toBe(waiting.size === 0);
          if (!taken) return;
          const siblings = [...waiting].filter((other) => other.address === taken.address);
          expect(taken).toBe(siblings[0]);
          for (const [other, passed] of passedBy) if (other !== taken.address) passed.push(taken.address);
          passedBy.set(taken.address, []);
          forget(taken);
          for (const passed of passedBy.values()) expect(new Set(passed).size).toBe(passed.length);
        }
        expect(door.isEmpty).toBe(waiting.size === 0);
      });
    },
  );

  const aHello = fc.uint8Array({ minLength: 0, maxLength: 3_000 }).map((body) => {
    const length = body.length + 4;
    const header = [22, 3, 1, length >> 8, length & 255, 1, 0, body.length >> 8, body.length & 255];
    return Uint8Array.from([...header, ...body]);
  });

  test.prop([aHello, fc.uint8Array({ maxLength: 20 }), fc.nat()])(
    'knows a ClientHello once all of it is there, whatever follows',
    (hello, more, cut) => {
      expect(presentedBy(hello.subarray(0, cut % hello.length))).toBe('part');
      expect(presentedBy(Uint8Array.from([...hello, ...more]))).toBe('hello');
    },
  );

  test.prop([aHello, fc.integer({ min: 1, max: 4_000 })])(
    'knows a ClientHello that goes on in another record by its first bytes',
    (hello, missing) => {
      const longer = Uint8Array.from(hello);
      const bytes = hello.length - 9 + missing;
      longer.set([bytes >> 8, bytes & 255], 7);
      expect(presentedBy(longer.subarray(0, 9))).toBe('other');
    },
  );

  test.prop([fc.uint8Array({ minLength: 1 }).filter(([first]) => first !== 22)])(
    'knows anything else by its first byte',
    (bytes) => {
      expect(presentedBy(bytes)).toBe('other');
    },
  );
});
