import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Closers } from '../../../src/server/closers.js';
import { runUntilSignal, type Run } from '../../../src/server/lifecycle.js';

/** A process, and what was said and done to it. */
class Scene {
  readonly signals = new EventEmitter();
  readonly codes: number[] = [];
  readonly done: string[] = [];
  readonly run: Run = { stop: async () => void this.done.push('stop'), reload: () => void this.done.push('reload'), ready: () => void this.done.push('ready') };

  start(start: (stopping: AbortSignal) => Promise<Run>, hangsUp = false): Promise<void> {
    return runUntilSignal(start, { signals: this.signals, exitNow: (code) => void this.codes.push(code), log: (message) => void this.done.push(message), hangsUp });
  }

  get handlers(): number {
    return ['SIGTERM', 'SIGINT', 'SIGHUP'].reduce((sum, name) => sum + this.signals.listenerCount(name), 0);
  }
}

/** Lets everything run that was settled. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('runUntilSignal', () => {
  it('drains on the first signal, ends at once on the second, and takes its handlers away', async () => {
    const scene = new Scene();
    let finish: () => void = () => undefined;
    const stopped = new Promise<void>((resolve) => (finish = resolve));
    const run = scene.start(async () => ({ ...scene.run, stop: () => stopped }));
    await settle();
    expect([scene.handlers, scene.done]).toEqual([3, ['ready']]);
    scene.signals.emit('SIGTERM');
    await settle();
    expect([scene.codes, scene.done.at(-1)]).toEqual([[], 'SIGTERM: draining; once more to end at once']);
    scene.signals.emit('SIGINT');
    expect(scene.codes).toEqual([130]);
    finish();
    await run;
    expect(scene.handlers).toBe(0);
  });

  it('stops what is still starting, in order, and never says that it is ready', async () => {
    const scene = new Scene();
    let begin: (run: Run) => void = () => undefined;
    const run = scene.start(() => new Promise((resolve) => (begin = resolve)));
    expect(scene.handlers).toBe(3);
    scene.signals.emit('SIGTERM');
    scene.signals.emit('SIGHUP');
    begin(scene.run);
    await run;
    expect(scene.done).toEqual(['SIGTERM: stopping before the start is done; once more to end at once', 'stop']);
    scene.signals.emit('SIGTERM');
    expect([scene.codes, scene.handlers]).toEqual([[], 0]);
  });

  it('takes a start that gave up because it was told to for an orderly end, and any other failure for one', async () => {
    const told = new Scene();
    const run = told.start(async (stopping) => {
      await settle();
      stopping.throwIfAborted();
      return told.run;
    });
    told.signals.emit('SIGINT');
    await run;
    expect(told.done).toEqual(['SIGINT: stopping before the start is done; once more to end at once']);
    const failing = new Scene();
    await expect(failing.start(() => Promise.reject(new Error('disk')))).rejects.toThrow('disk');
    expect(failing.handlers).toBe(0);
  });

  it('reloads on SIGHUP, and goes on', async () => {
    const scene = new Scene();
    const run = scene.start(async () => scene.run);
    scene.signals.emit('SIGHUP');
    await settle();
    scene.signals.emit('SIGHUP');
    scene.signals.emit('SIGHUP');
    expect(scene.done).toEqual(['ready', 'reload', 'reload']);
    scene.signals.emit('SIGTERM');
    await run;
    expect([scene.done.at(-1), scene.handlers]).toEqual(['stop', 0]);
  });

  it('stops when its terminal is gone, also while it starts', async () => {
    for (const isStarted of [true, false]) {
      const scene = new Scene();
      const run = scene.start(async () => ({ ...scene.run, reload: null }), true);
      if (isStarted) await settle();
      scene.signals.emit('SIGHUP');
      await run;
      expect(scene.done.at(-1)).toBe('stop');
    }
  });

  it('stops what was started when it cannot say that it is ready', async () => {
    const scene = new Scene();
    const ready = (): void => {
      throw new Error('nowhere to say it');
    };
    await expect(scene.start(async () => ({ ...scene.run, ready }))).rejects.toThrow('nowhere to say it');
    expect([scene.done, scene.handlers]).toEqual([['stop'], 0]);
  });

  it('reports a failing stop', async () => {
    const scene = new Scene();
    const run = scene.start(async () => ({ ...scene.run, stop: () => Promise.reject(new Error('disk')) }));
    scene.signals.emit('SIGTERM');
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
