import { describe, expect, it, vi } from 'vitest';
import { handedSocket, serviceManager } from '../../../src/server/lifecycle/service-manager.js';

describe('the service manager', () => {
  it('is told when the relay is ready and when it stops, and its watchdog is fed in between', () => {
    vi.useFakeTimers();
    try {
      const said: string[] = [];
      const env = { NOTIFY_SOCKET: '@notify', WATCHDOG_USEC: '2000000' };
      const manager = serviceManager({ env, pid: 7, sendDatagram: (path, payload) => said.push(`${path} ${String(payload)}`) > 0 });
      manager.ready('listening');
      vi.advanceTimersByTime(2500);
      manager.stopping();
      manager.close();
      vi.advanceTimersByTime(5000);
      expect(said).toEqual(['@notify READY=1\nSTATUS=listening\nMAINPID=7', '@notify WATCHDOG=1', '@notify WATCHDOG=1', '@notify STOPPING=1\nSTATUS=draining']);
    } finally {
      vi.useRealTimers();
    }
  });

  it('is told nothing when it did not ask, nor is the watchdog of another process fed', () => {
    vi.useFakeTimers();
    try {
      const said: string[] = [];
      const sendDatagram = (path: string): boolean => said.push(path) > 0;
      serviceManager({ env: {}, pid: 7, sendDatagram }).ready('x');
      const manager = serviceManager({ env: { NOTIFY_SOCKET: '/n', WATCHDOG_USEC: '1000', WATCHDOG_PID: '8' }, pid: 7, sendDatagram });
      manager.ready('x');
      vi.advanceTimersByTime(100);
      expect(said).toEqual(['/n']);
    } finally {
      vi.useRealTimers();
    }
  });

  it('hands over one socket, to the process it was meant for', () => {
    expect(handedSocket({ LISTEN_PID: '7', LISTEN_FDS: '1' }, 7)).toBe(3);
    for (const env of [{}, { LISTEN_PID: '8', LISTEN_FDS: '1' }, { LISTEN_PID: '7', LISTEN_FDS: '2' }]) expect(handedSocket(env, 7)).toBeNull();
  });
});
