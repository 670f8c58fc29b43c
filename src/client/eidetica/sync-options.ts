// What an app decides about the engine, with defaults and bounds.
import { ClientError } from '../client-error.js';
import { ATTEMPTS_MAX, BATCH_SIZE, CHECK_INTERVAL_SECS, PULL_INTERVAL_SECS, QUEUE_AGE_SECS, QUEUE_SIZE } from './limits.js';

/** When commits are sent. */
export interface SyncQueueOptions {
  /** Entries of a tree that wait for a peer at most before they are sent. */
  readonly maxQueueSize: number;
  /** Seconds the oldest of them waits at most. */
  readonly maxQueueAgeSecs: number;
  /** Entries in one request. */
  readonly batchSize: number;
}

/** How the worker looks after what is due. */
export interface SyncFlushOptions {
  /** Seconds between looks. */
  readonly checkIntervalSecs: number;
  /** Off: nothing is sent but by flush() and sync calls. */
  readonly enabled: boolean;
}

/** Both, and how stubborn the engine is. */
export interface EngineOptions {
  readonly queue: SyncQueueOptions;
  readonly flush: SyncFlushOptions;
  /** Seconds between pulls of every tree from its peers; 0 is never. */
  readonly pullIntervalSecs: number;
  /** Refusals in a row after which a peer is left alone, but for pulls, until something new is to be sent. */
  readonly attemptsMax: number;
  /** Refuses peers that do not prove themselves over a transcript. */
  readonly requireMutual: boolean;
  /** What peers call this device. */
  readonly displayName: string;
}

/** What is left out is the default. */
export interface GivenOptions {
  readonly queue?: Partial<SyncQueueOptions>;
  readonly flush?: Partial<SyncFlushOptions>;
  readonly pullIntervalSecs?: number;
  readonly attemptsMax?: number;
  readonly requireMutual?: boolean;
  readonly displayName?: string;
}

/** Checks what was given and fills in the rest. */
export function engineOptions({ queue, flush, ...given }: GivenOptions): EngineOptions {
  const options: EngineOptions = {
    queue: { maxQueueSize: QUEUE_SIZE, maxQueueAgeSecs: QUEUE_AGE_SECS, batchSize: BATCH_SIZE, ...queue },
    flush: { checkIntervalSecs: CHECK_INTERVAL_SECS, enabled: true, ...flush },
    pullIntervalSecs: PULL_INTERVAL_SECS,
    attemptsMax: ATTEMPTS_MAX,
    requireMutual: false,
    displayName: 'sealrelay client',
    ...given,
  };
  within('queue.maxQueueSize', options.queue.maxQueueSize, 1, 10_000);
  within('queue.maxQueueAgeSecs', options.queue.maxQueueAgeSecs, 0, 86_400);
  within('queue.batchSize', options.queue.batchSize, 1, 10_000);
  within('flush.checkIntervalSecs', options.flush.checkIntervalSecs, 0.01, 3600);
  within('pullIntervalSecs', options.pullIntervalSecs, 0, 86_400);
  within('attemptsMax', options.attemptsMax, 1, 1000);
  return options;
}

function within(name: string, value: number, min: number, max: number): void {
  if (!Number.isFinite(value) || value < min || value > max) throw new ClientError('bad_option', `${name} is between ${min} and ${max}`);
}
