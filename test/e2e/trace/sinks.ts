// Every place where plaintext could turn up at the relay, each searched for canaries.
import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { CanarySearch } from '../../../src/verify/canary-search.ts';
import type { Scene } from './scene.ts';

export interface SinkResult {
  readonly sink: string;
  readonly bytes: number;
  readonly hits: number;
}

const PIECE_BYTES = 1024 * 1024;
const CONTROL_PATHS = ['/health', '/health/live', '/health/ready', '/version', '/regions', '/', '/no-such-page'];
const ADMIN_PATHS = ['/', '/status', '/no-such-page'];

/** Searches all sinks of a scene. The relay must still run. */
export async function searchSinks(scene: Scene): Promise<SinkResult[]> {
  const admin = `http://127.0.0.1:${scene.adminPort}`;
  const control = [...CONTROL_PATHS.map((path) => scene.httpOrigin + path), ...ADMIN_PATHS.map((path) => admin + path)];
  return [
    searchDirectory(scene.search, scene.dataDir),
    { sink: 'logs', bytes: scene.logStream.bytes, hits: scene.logStream.found.size },
    await searchAnswers('/metrics', scene.search, [`${admin}/metrics`]),
    await searchAnswers('control plane', scene.search, control),
    trafficResult(scene),
  ];
}

/** Bytes of a data directory that hold something: files without the zeros they end with. */
export function usedBytes(directory: string): number {
  return filesUnder(directory)
    .filter((path) => path.endsWith('.seg'))
    .reduce((sum, path) => sum + usedBytesOf(path), 0);
}

function searchDirectory(search: CanarySearch, directory: string): SinkResult {
  let bytes = 0;
  const found = new Set<number>();
  for (const path of filesUnder(directory)) {
    const stream = search.stream();
    eachPiece(path, (piece) => stream.push(piece));
    bytes += stream.bytes;
    for (const canary of stream.found) found.add(canary);
  }
  return { sink: 'data directory', bytes, hits: found.size };
}

async function searchAnswers(sink: string, search: CanarySearch, urls: readonly string[]): Promise<SinkResult> {
  const stream = search.stream();
  for (const url of urls) {
    const response = await fetch(url);
    const headers = [...response.headers].map(([name, value]) => `${name}: ${value}`).join('\n');
    stream.push(Buffer.from(`${headers}\n\n${await response.text()}\n`));
  }
  return { sink, bytes: stream.bytes, hits: stream.found.size };
}

function trafficResult(scene: Scene): SinkResult {
  const found = new Set<number>();
  let bytes = 0;
  for (const stream of scene.traffic.values()) {
    bytes += stream.bytes;
    for (const canary of stream.found) found.add(canary);
  }
  return { sink: 'traffic', bytes, hits: found.size };
}

function filesUnder(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => join(directory, name))
    .filter((path) => statSync(path).isFile());
}

function usedBytesOf(path: string): number {
  let used = 0;
  let read = 0;
  eachPiece(path, (piece) => {
    const last = piece.findLastIndex((byte) => byte !== 0);
    if (last >= 0) used = read + last + 1;
    read += piece.length;
  });
  return used;
}

function eachPiece(path: string, use: (piece: Uint8Array) => void): void {
  const file = openSync(path, 'r');
  try {
    const piece = Buffer.alloc(PIECE_BYTES);
    for (let read = readSync(file, piece); read > 0; read = readSync(file, piece)) use(Uint8Array.from(piece.subarray(0, read)));
  } finally {
    closeSync(file);
  }
}
