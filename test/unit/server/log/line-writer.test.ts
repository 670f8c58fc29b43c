// A log whose place takes no lines: a pipe that nobody empties, a full disk, a reader that left.
import { spawnSync } from 'node:child_process';
import { closeSync, constants, existsSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LineWriter, WAITING_BYTES_MAX } from '../../../../src/server/log/line-writer.js';
import { openSink } from '../../../../src/server/log/sink.js';
import { LogRing } from '../../../../src/server/logging-ring.js';

const LINE_CHARS = 1000;
const FULL = '/dev/full';
const missing = (lines: number): string => `missing ${lines}\n`;

const line = (number: number): string => `${String(number).padEnd(LINE_CHARS - 1, '.')}\n`;
const numbersOf = (text: string): (number | string)[] => text.trimEnd().split('\n').map((row) => (row.startsWith('missing') ? row : Number.parseInt(row, 10)));

describe.skipIf(process.platform === 'win32')('a place that takes no lines', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'sealrelay-lines-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  /** A pipe, and what is in it. */
  function pipe(): { fd: number; readAll: () => string } {
    const path = join(dir, 'pipe');
    expect(spawnSync('mkfifo', [path]).status).toBe(0);
    const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    const readAll = (): string => {
      const pieces: Buffer[] = [];
      for (;;) {
        const piece = Buffer.alloc(65_536);
        try {
          pieces.push(piece.subarray(0, readSync(fd, piece)));
        } catch {
          return Buffer.concat(pieces).toString();
        }
      }
    };
    return { fd, readAll };
  }

  it('gets them whole and in order once it takes them again, and then is told how many are missing', async () => {
    const { fd, readAll } = pipe();
    const writer = new LineWriter({ place: fd, missing });
    const written = 2000;
    for (let number = 0; number < written; number += 1) writer.write(line(number));
    const lost = writer.lost();
    expect(lost).toBeGreaterThan(0);
    let text = '';
    while (!text.includes('missing')) {
      text += readAll();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    writer.write(line(written));
    await writer.close();
    text += readAll();
    closeSync(fd);
    const kept = written - lost;
    expect(numbersOf(text)).toEqual([...Array.from({ length: kept }, (_, number) => number), `missing ${lost}`, written]);
    // As much waited as may wait, and no more: the pipe itself holds 64 KiB.
    expect(kept * LINE_CHARS).toBeGreaterThan(WAITING_BYTES_MAX - LINE_CHARS);
    expect(kept * LINE_CHARS).toBeLessThan(WAITING_BYTES_MAX + 2 * 65_536);
    expect(writer.lost()).toBe(lost);
  });

  it.skipIf(!existsSync(FULL))('is a full disk too: no write throws, lines are counted, and a file opened anew gets what waited', async () => {
    const path = join(dir, 'relay.log');
    symlinkSync(FULL, path);
    const sink = openSink({ target: { kind: 'file', path }, format: 'json', isTerminal: false, colors: false, sendDatagram: () => false });
    const ring = new LogRing(sink);
    const count = WAITING_BYTES_MAX / LINE_CHARS + 10;
    for (let number = 0; number < count; number += 1) ring.write(line(number));
    const lost = ring.lost();
    expect(lost).toBeGreaterThan(0);
    rmSync(path);
    sink.reopen();
    await sink.close();
    const rows = readFileSync(path, 'utf8').trimEnd().split('\n');
    expect(rows).toHaveLength(Math.ceil(count) - lost + 1);
    expect(JSON.parse(rows.at(-1) ?? '')).toMatchObject({ level: 40, code: 'log_lines_lost', msg: expect.stringMatching(`^${lost} lines are missing here`) });
  });

  it('is no reason to wait at the end, and what was never written is counted', async () => {
    const path = join(dir, 'relay.log');
    symlinkSync(FULL, path);
    const writer = new LineWriter({ place: path, missing });
    writer.write(line(1));
    const begunMs = performance.now();
    await writer.close();
    expect(performance.now() - begunMs).toBeLessThan(500);
    expect(writer.lost()).toBe(1);
  });

  it('goes on in the old file, and says so, where the new one cannot be opened', async () => {
    const path = join(dir, 'log', 'relay.log');
    const sink = openSink({ target: { kind: 'file', path }, format: 'json', isTerminal: false, colors: false, sendDatagram: () => false });
    const kept = openSync(path, 'r');
    rmSync(join(dir, 'log'), { recursive: true });
    symlinkSync(join(dir, 'nowhere', 'log'), join(dir, 'log'));
    sink.reopen();
    await sink.close();
    const held = Buffer.alloc(1024);
    expect(JSON.parse(held.subarray(0, readSync(kept, held)).toString())).toMatchObject({ code: 'log_not_reopened', msg: expect.stringContaining('the old one is written on') });
    closeSync(kept);
  });

  it('that is gone for good costs nothing but the count', async () => {
    const { fd } = pipe();
    const [reading] = [openSync(join(dir, 'pipe'), constants.O_RDONLY | constants.O_NONBLOCK)];
    const writing = openSync(join(dir, 'pipe'), constants.O_WRONLY | constants.O_NONBLOCK);
    closeSync(reading);
    closeSync(fd);
    const writer = new LineWriter({ place: writing, missing });
    for (const number of [1, 2, 3]) writer.write(line(number));
    expect(writer.lost()).toBe(3);
    await writer.close();
    closeSync(writing);
  });
});
