import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Closers } from '../../../src/server/closers.js';
import { runUntilSignal } from '../../../src/server/lifecycle.js';

describe('runUntilSignal', () => {
  it('drains on the first signal, ends at once on the second, and takes its handlers away', async () => {
    const signals = new EventEmitter();
    const codes: number[] = [];
    let finish: () => void = () => undefined;
    const armedWith: number[] = [];
    const armed = (): void => void armedWith.push(signals.listenerCount('SIGTERM'), signals.listenerCount('SIGINT'));
    const stopped = new Promise<void>((resolve) => (finish = resolve));
    const run = runUntilSignal(() => stopped, { signals, exitNow: (code) => void codes.push(code), log: () => undefined, armed, reload: null });
    expect(armedWith).toEqual([1, 1]);
    signals.emit('SIGTERM');
    await Promise.resolve();
    expect(codes).toEqual([]);
    signals.emit('SIGINT');
    expect(codes).toEqual([130]);
    finish();
    await run;
    expect(signals.listenerCount('SIGTERM') + signals.listenerCount('SIGINT')).toBe(0);
  });

  it('reloads on SIGHUP, and goes on', async () => {
    const signals = new EventEmitter();
    let reloads = 0;
    let stops = 0;
    const run = runUntilSignal(async () => void (stops += 1), { signals, exitNow: () => undefined, log: () => undefined, armed: () => undefined, reload: () => void (reloads += 1) });
    signals.emit('SIGHUP');
    signals.emit('SIGHUP');
    expect([reloads, stops]).toEqual([2, 0]);
    signals.emit('SIGTERM');
    await run;
    expect(stops).toBe(1);
    expect(signals.listenerCount('SIGHUP')).toBe(0);
  });

  it('stops when its terminal is gone', async () => {
    const signals = new EventEmitter();
    const said: string[] = [];
    const run = runUntilSignal(async () => undefined, { signals, exitNow: () => undefined, log: (message) => void said.push(message), armed: () => undefined, reload: null });
    signals.emit('SIGHUP');
    await run;
    expect(said).toEqual(['SIGHUP: draining; once more to end at once']);
  });

  it('reports a failing stop', async () => {
    const signals = new EventEmitter();
    const run = runUntilSignal(() => Promise.reject(new Error('disk')), { signals, exitNow: () => undefined, log: () => undefined, armed: () => undefined, reload: null });
    signals.emit('SIGTERM');
    await expect(run).rejects.toThrow('disk');
  });
});

describe('Closers', () => {
  it('closes newest first, each once, and reports the first failure after all had their turn', async () => {
    const order: number[] = [];
    const closers = new Closers();
    for (const index of [1, 2, 3]) {
      closers.add(async () => {
        order.push(index);
        if (index > 1) throw new Error(`closer ${index}`);
      });
    }
    await expect(closers.closeAll()).rejects.toThrow('closer 3');
    await closers.closeAll();
    expect(order).toEqual([3, 2, 1]);
  });
});
