// Which region a device is at: the order, the failures it takes to leave, the wait before a return, and regions that flap.
import { describe, expect, it } from 'vitest';
import { FAILOVER_FAILURES, FAILOVER_RETURN_MS_MAX } from '../../../../src/client/limits.js';
import { FailoverOrder } from '../../../../src/client/region/failover-order.js';

const RETURN_MS = 60_000;
const IDS = ['one', 'two', 'three'];

function ordered(): { order: FailoverOrder; well(...ids: string[]): void; down(...ids: string[]): void; at: { now: number } } {
  const order = new FailoverOrder(IDS, RETURN_MS);
  const at = { now: 0 };
  const well = (...ids: string[]): void => ids.forEach((id) => order.probed(id, true, at.now));
  const down = (...ids: string[]): void => ids.forEach((id) => Array.from({ length: FAILOVER_FAILURES }, () => order.probed(id, false, at.now)));
  return { order, well, down, at };
}

describe('the order of regions', () => {
  it('begins at the first that answers, and nowhere when none does', () => {
    const { order, well, down } = ordered();
    expect(order.first()).toBeNull();
    down('one');
    well('three', 'two');
    expect(order.first()).toBe('two');
  });

  it('leaves a region after several failures in a row, not after one, and not when nothing else answers', () => {
    const { order, well, down } = ordered();
    well(...IDS);
    order.probed('one', false, 0);
    expect([order.healthOf('one'), order.target('one', 0)]).toEqual(['failing', null]);
    well('one');
    order.probed('one', false, 0);
    expect(order.target('one', 0)).toBeNull();
    down('one');
    expect([order.healthOf('one'), order.target('one', 0)]).toEqual(['down', 'two']);
    down('two');
    expect(order.target('one', 0)).toBe('three');
    down('three');
    expect(order.target('one', 0)).toBeNull();
  });

  it('returns when an earlier region was well for the whole time, and begins to wait again when it failed once', () => {
    const { order, well, down, at } = ordered();
    down('one');
    well('two');
    order.moved('one', 'two', at.now);
    at.now = 1000;
    well('one');
    expect(order.target('two', 1000 + RETURN_MS - 1)).toBeNull();
    at.now = 1000 + RETURN_MS - 1;
    order.probed('one', false, at.now);
    at.now += 1;
    well('one');
    expect(order.target('two', at.now + RETURN_MS - 1)).toBeNull();
    expect(order.target('two', at.now + RETURN_MS)).toBe('one');
  });

  it('goes to the earliest that answers, without a wait, when the region in use dies', () => {
    const { order, well, down, at } = ordered();
    down('one');
    well('two', 'three');
    order.moved('one', 'two', at.now);
    well('one');
    down('two');
    expect(order.target('two', at.now)).toBe('one');
  });

  it('waits twice as long for a region that fails soon after each return, up to a limit, and forgets that when it held', () => {
    const { order, well, down, at } = ordered();
    well(...IDS);
    const waits: number[] = [];
    const failAndReturn = (heldMs: number): void => {
      at.now += heldMs;
      down('one');
      order.moved('one', 'two', at.now);
      well('one');
      at.now += order.returnMsOf('one');
      expect(order.target('two', at.now - 1)).toBeNull();
      expect(order.target('two', at.now)).toBe('one');
      waits.push(order.returnMsOf('one'));
      order.moved('two', 'one', at.now);
    };
    for (let flap = 0; flap < 8; flap += 1) failAndReturn(1000);
    expect(waits).toEqual([1, 2, 4, 8, 16, 30, 30, 30].map((minutes) => minutes * 60_000));
    expect(waits.at(-1)).toBe(FAILOVER_RETURN_MS_MAX);
    failAndReturn(2 * FAILOVER_RETURN_MS_MAX);
    expect(waits.at(-1)).toBe(RETURN_MS);
  });

  it('brings devices with the same list together, whatever order their probes end in', () => {
    const probes: [string, boolean][] = [['one', false], ['one', false], ['two', false], ['two', false], ['three', true]];
    const targets = [probes, probes.toReversed()].map((seen) => {
      const order = new FailoverOrder(IDS, RETURN_MS);
      for (const [id, isWell] of seen) order.probed(id, isWell, 0);
      return order.target('one', 0);
    });
    expect(targets).toEqual(['three', 'three']);
  });
});
