import { describe, expect, it } from 'vitest';
import type { Sighting } from '../../../operator/world/sightings.ts';
import type { World } from '../../../operator/world/world.ts';
import { aPod, anExpiry, at, type PodWishes, uidOf } from '../../builders/pod.ts';
import { aWorld, drop, list, put } from '../../builders/world.ts';

const old: PodWishes = { createdAtMs: at(-3600) };
const uid = uidOf('Pod', 'web-1');
const expired = (since?: number): PodWishes => ({
  ...old,
  conditions: [anExpiry(since === undefined ? undefined : at(since))],
});
const created = (reason: string): PodWishes => ({
  ...old,
  conditions: [{ ...anExpiry(at(-3600)), type: 'ContainerInstanceCreated', reason }],
});

/** A world that listed the pod at noon without any condition. */
const aWatch = (): { world: World; see: (seconds: number, pod: PodWishes) => void } => {
  const world = aWorld({ Pod: [aPod(old)] }, at(0));
  return { world, see: (seconds, pod) => void put(world, 'Pod', aPod(pod), at(seconds)) };
};
const told = (sighting: Sighting | undefined) =>
  sighting && {
    at: (sighting.atMs - at(0)) / 1000,
    seen: (sighting.seenMs - at(0)) / 1000,
    witnessed: sighting.witnessed,
  };
const expiryIn = (world: World) => told(world.sightings.of(uid)?.expired);
const lose = (world: World, seconds: number, then: 'resume' | 'relist' = 'resume') =>
  world.apply('Pod', { kind: 'failed', error: 'cut', then }, at(seconds));

describe('a condition that appears on a pod which this world knew without it', () => {
  it('appeared at its transition time', () => {
    const { world, see } = aWatch();
    see(100, expired(98));
    expect(expiryIn(world)).toEqual({ at: 98, seen: 100, witnessed: true });
  });

  it('appeared now where its transition time is the creation of the pod, or is missing', () => {
    for (const since of [-3600, -60, undefined]) {
      const { world, see } = aWatch();
      see(100, expired(since));
      expect(expiryIn(world)).toEqual({ at: 100, seen: 100, witnessed: true });
    }
  });

  it('appeared now where its transition time is yet to come', () => {
    const { world, see } = aWatch();
    see(100, expired(130));
    expect(expiryIn(world)?.at).toBe(100);
  });

  it('appeared now, where the clock has jumped back since', () => {
    const { world, see } = aWatch();
    see(600, old);
    lose(world, 601);
    see(100, expired(98));
    expect(expiryIn(world)?.at).toBe(100);
  });

  it('appeared when the pod last came without it, where the pod changed while the platform was writing', () => {
    const { world, see } = aWatch();
    see(99.5, { ...old, annotations: { 'spotpolicy.dev/interruption': '{}' } });
    see(101, expired(95));
    expect(expiryIn(world)?.at).toBe(99.5);
  });

  it('keeps its time through repeats, however its transition time is rewritten', () => {
    const { world, see } = aWatch();
    see(100, expired(98));
    see(130, expired(98));
    see(160, expired(159));
    list(world, 'Pod', [aPod(expired(159))], at(170));
    expect(expiryIn(world)).toEqual({ at: 98, seen: 100, witnessed: true });
  });

  it('has a time of its own when it comes back', () => {
    const { world, see } = aWatch();
    see(100, expired(98));
    see(200, { ...old, conditions: [anExpiry(at(200), { status: 'False' })] });
    expect(expiryIn(world)).toBeUndefined();
    see(300, expired(299));
    expect(expiryIn(world)?.at).toBe(299);
  });
});

describe('after a gap of the watch', () => {
  it('a condition with a wrong time appeared when the watch was last heard', () => {
    const { world, see } = aWatch();
    put(world, 'Pod', aPod({ name: 'other' }), at(50));
    lose(world, 80);
    see(100, expired(-3600));
    expect(expiryIn(world)?.at).toBe(50);
  });

  it('so did one that a new list shows', () => {
    const { world } = aWatch();
    put(world, 'Pod', aPod({ name: 'other' }), at(50));
    lose(world, 80, 'relist');
    lose(world, 90, 'relist');
    list(world, 'Pod', [aPod(expired(-3600))], at(100));
    expect(expiryIn(world)).toEqual({ at: 50, seen: 100, witnessed: true });
  });

  it('its transition time counts where nothing speaks against it', () => {
    const { world, see } = aWatch();
    lose(world, 80);
    see(100, expired(85));
    expect(expiryIn(world)?.at).toBe(85);
  });

  it('a condition that comes a second later appeared now', () => {
    const { world, see } = aWatch();
    lose(world, 80);
    world.apply('Pod', { kind: 'recovered' }, at(90));
    see(92, expired(-3600));
    expect(expiryIn(world)?.at).toBe(92);
  });
});

describe('a condition that the pod already has when this world first sees it', () => {
  it('may have appeared at its transition time', () => {
    const world = aWorld({ Pod: [aPod(expired(-100))] }, at(0));
    expect(expiryIn(world)).toEqual({ at: -100, seen: 0, witnessed: false });
  });

  it('appeared now where it has none', () => {
    expect(expiryIn(aWorld({ Pod: [aPod(expired())] }, at(0)))?.at).toBe(0);
  });
});

describe('the reason SpotToBeReleased of ContainerInstanceCreated', () => {
  const reclaimedIn = (world: World) => told(world.sightings.of(uid)?.reclaimed);

  it('appeared when it was first seen, whatever the transition time of the condition', () => {
    const { world, see } = aWatch();
    see(10, created('AutoInstanceTypeMatch'));
    expect(reclaimedIn(world)).toBeUndefined();
    see(100, created('SpotToBeReleased'));
    see(130, created('SpotToBeReleased'));
    expect(reclaimedIn(world)).toEqual({ at: 100, seen: 100, witnessed: true });
    const listed = aWorld({ Pod: [aPod(created('SpotToBeReleased'))] }, at(0));
    expect(reclaimedIn(listed)).toEqual({ at: 0, seen: 0, witnessed: false });
  });

  it('appears anew after another reason', () => {
    const { world, see } = aWatch();
    see(100, created('SpotToBeReleased'));
    see(110, created('AutoInstanceTypeMatch'));
    see(120, created('SpotToBeReleased'));
    expect(reclaimedIn(world)?.at).toBe(120);
  });
});

describe('what is kept', () => {
  it('is one entry per pod with a spot strategy, which goes with the pod', () => {
    const plain = { name: 'plain', annotations: { 'k8s.aliyun.com/eci-spot-strategy': undefined } };
    const world = aWorld({ Pod: [aPod(old), aPod({ name: 'web-2' }), aPod(plain)] });
    expect(world.sightings.size).toBe(2);
    drop(world, 'Pod', aPod(old));
    expect(world.sightings.of(uid)).toBeUndefined();
    list(world, 'Pod', [aPod(plain)]);
    expect(world.sightings.size).toBe(0);
  });
});
