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
    const run = runUntilSignal(() => stopped, { signals, exitNow: (code) => void codes.push(code), log: () => undefined, armed });
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

  it('reports a failing stop', async () => {
    const signals = new EventEmitter();
    const run = runUntilSignal(() => Promise.reject(new Error('disk')), { signals, exitNow: () => undefined, log: () => undefined, armed: () => undefined });
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
