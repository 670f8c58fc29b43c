// Reads files, directories and processes piece by piece.
import { closeSync, openSync, readSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Sink } from './sink.js';

const PIECE_BYTES = 4 * 1024 * 1024;

/** Puts a whole file into a sink. */
export function searchFile(sink: Sink, path: string, part = path): void {
  const file = openSync(path, 'r');
  try {
    const piece = Buffer.alloc(PIECE_BYTES);
    for (let read = readSync(file, piece); read > 0; read = readSync(file, piece)) sink.push(piece.subarray(0, read), part);
  } finally {
    closeSync(file);
  }
}

/** Puts every file under a directory into a sink, and the names of all of them. */
export function searchDirectory(sink: Sink, directory: string): void {
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    sink.push(Buffer.from(`${name}\n`), 'names');
    const path = join(directory, name);
    if (statSync(path).isFile()) searchFile(sink, path);
  }
}
