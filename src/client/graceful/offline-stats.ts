// What waits while the relay is off, counted by type and device.
import type { Queued } from './change-queue.js';

export interface MockStats {
  total_changes: number;
  by_type: Record<string, number>;
  by_device: Record<string, number>;
}

export function offlineStats(waiting: readonly Queued[]): MockStats {
  const stats: MockStats = { total_changes: waiting.length, by_type: {}, by_device: {} };
  for (const { label } of waiting) {
    const { type, device } = label ?? { type: 'unknown', device: 'unknown' };
    stats.by_type[type] = (stats.by_type[type] ?? 0) + 1;
    stats.by_device[device] = (stats.by_device[device] ?? 0) + 1;
  }
  return stats;
}
