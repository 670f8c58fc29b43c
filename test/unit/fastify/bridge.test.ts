// The border to the core: how often it is crossed, and when a socket is not read.
import { describe, expect, it } from 'vitest';
import { INPUT_WINDOW_BYTES, SocketBridge, type StreamSide } from '../../../src/fastify/bridge.js';
import { Output, RECORD_HEADER_BYTES, outputRecords, type OutputRecord } from '../../../src/fastify/wire.js';

class CoreDouble {
  readonly batches: Buffer[] = [];
  readonly waiting: Buffer[] = [];

  receive(batch: Uint8Array): void {
    this.batches.push(Buffer.from(batch));
  }

  takeOutput(): Buffer | null {
    return this.waiting.shift() ?? null;
  }

  say(kind: number, stream: number, payload: Buffer): void {
    const record = Buffer.alloc(RECORD_HEADER_BYTES);
    record.writeUInt8(kind, 0);
    record.writeUInt32BE(stream, 1);
    record.writeUInt32BE(payload.length, 5);
    this.waiting.push(Buffer.concat([record, payload]));
  }
}

interface Seen extends StreamSide {
  readonly records: OutputRecord[];
  readonly pauses: boolean[];
  flushes: number;
}

function side(): Seen {
  const seen: Seen = {
    records: [],
    pauses: [],
    flushes: 0,
    output: (record) => void seen.records.push(record),
    pause: (paused) => void seen.pauses.push(paused),
    flushed: () => void (seen.flushes += 1),
  };
  return seen;
}

async function turn(): Promise<void> {
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
}

describe('the border to the core', () => {
  it('is crossed once for what all sockets received in one turn', async () => {
    const core = new CoreDouble();
    const bridge = new SocketBridge(core);
    const ids = [bridge.openSession(side()), bridge.openSession(side()), bridge.openRequest(side(), Buffer.from('GET /'))];
    for (let message = 0; message < 100; message += 1) bridge.data(ids[message % 2] ?? 0, Buffer.from([message]));
    await turn();
    expect(core.batches).toHaveLength(1);
    expect([...outputRecords(core.batches[0] ?? Buffer.alloc(0))]).toHaveLength(103);
    await turn();
    expect(core.batches).toHaveLength(1);
  });

  it('hands the output of one turn to its sockets, and tells each of them once that this was all', () => {
    const core = new CoreDouble();
    const bridge = new SocketBridge(core);
    const [a, b] = [side(), side()];
    const [idA, idB] = [bridge.openSession(a), bridge.openSession(b)];
    for (let index = 0; index < 10; index += 1) core.say(Output.data, index % 2 === 0 ? idA : idB, Buffer.from([index]));
    core.say(Output.data, 999, Buffer.from('nobody'));
    bridge.pump();
    expect([a.records.length, b.records.length, a.flushes, b.flushes]).toEqual([5, 5, 1, 1]);
  });

  it('does not read a socket whose input the core has not used, until half of it was', () => {
    const core = new CoreDouble();
    const bridge = new SocketBridge(core);
    const slow = side();
    const id = bridge.openSession(slow);
    const message = Buffer.alloc(INPUT_WINDOW_BYTES / 4 - RECORD_HEADER_BYTES);
    for (let index = 0; index < 4; index += 1) bridge.data(id, message);
    expect(slow.pauses).toEqual([]);
    bridge.data(id, message);
    expect(slow.pauses).toEqual([true]);
    const used = Buffer.alloc(4);
    used.writeUInt32BE(message.length + RECORD_HEADER_BYTES);
    for (let index = 0; index < 2; index += 1) core.say(Output.taken, id, used);
    bridge.pump();
    expect(slow.pauses).toEqual([true]);
    core.say(Output.taken, id, used);
    bridge.pump();
    expect(slow.pauses).toEqual([true, false]);
    bridge.gone(id);
    expect(bridge.open).toBe(0);
  });

  it('tells the core once per turn what a socket took', async () => {
    const core = new CoreDouble();
    const bridge = new SocketBridge(core);
    const id = bridge.openSession(side());
    await turn();
    for (let index = 0; index < 50; index += 1) bridge.taken(id, 10);
    await turn();
    expect(core.batches).toHaveLength(2);
    const records = [...outputRecords(core.batches[1] ?? Buffer.alloc(0))];
    expect(records.map(({ payload }) => payload.readUInt32BE(0))).toEqual([500]);
  });
});
