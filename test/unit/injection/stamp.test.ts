import { describe, expect, it } from 'vitest';
import { isStamped, stampOf } from '../../../operator/injection/stamp.ts';
import { aStamping } from '../../builders/admission.ts';
import { aKnownPod, at, ownedBy } from '../../builders/pod.ts';

const pod = aKnownPod();
const stamps = {
  'spotpolicy.dev/policy': 'SpotPolicy/shop/web',
  'spotpolicy.dev/revision': '0123456789ab',
  'spotpolicy.dev/reason': 'Policy',
  'spotpolicy.dev/capacity': 'spot',
};
const stamped = { ...stamps, 'spotpolicy.dev/admission': stampOf(pod, stamps, aStamping()) };
const admission = (text: string) => ({ ...stamps, 'spotpolicy.dev/admission': text });

describe('a stamp', () => {
  it('is recognised by whoever has the secret, another replica too', () => {
    expect(isStamped(pod, stamped, aStamping({ nonce: 'other' }))).toBe(true);
    expect(isStamped(pod, stamped, aStamping({ secret: 'another' }))).toBe(false);
  });

  it('is valid for half a minute', () => {
    expect(isStamped(pod, stamped, aStamping({ nowMs: at(29.999) }))).toBe(true);
    expect(isStamped(pod, stamped, aStamping({ nowMs: at(30) }))).toBe(false);
  });

  it('of one pod is worth nothing on a pod of another owner or namespace', () => {
    const sibling = aKnownPod({ name: 'web-2' });
    expect(isStamped(sibling, stamped, aStamping())).toBe(true);
    for (const other of [
      { owner: ownedBy('ReplicaSet', 'other') },
      { owner: undefined },
      { namespace: 'bank' },
    ])
      expect(isStamped(aKnownPod(other), stamped, aStamping())).toBe(false);
  });

  it.each(Object.keys(stamps))('no longer fits when %s has been changed or removed', (key) => {
    expect(isStamped(pod, { ...stamped, [key]: 'forged' }, aStamping())).toBe(false);
    const { [key as keyof typeof stamped]: _, ...rest } = stamped;
    expect(isStamped(pod, rest as typeof stamped, aStamping())).toBe(false);
  });

  it('cannot be made to last longer', () => {
    const [nonce, , signature] = stamped['spotpolicy.dev/admission'].split('.');
    const later = (at(3600) + 30_000).toString(36);
    expect(isStamped(pod, admission(`${nonce}.${later}.${signature}`), aStamping({ nowMs: at(60) }))).toBe(
      false,
    );
  });

  it.each(['', '.', '..', 'a.b', 'a.zzzzzzzz.', '.zzzzzzzz.x', 'a.!.x', 'nonsense'])(
    'is not the text %j',
    (text) => {
      expect(isStamped(pod, admission(text), aStamping())).toBe(false);
    },
  );

  it('is not on a pod without one', () => {
    expect(isStamped(pod, stamps, aStamping())).toBe(false);
  });
});
