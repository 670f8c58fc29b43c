// Acks of the space's other devices: what makes a write `seen`, what lets the outbox forget, and the gossip that shows a fork.
import { verifyAck } from '../../protocol/ack.js';
import { equalBytes } from '../../protocol/equal-bytes.js';
import { toHex } from '../../protocol/hex.js';
import type { AckNoticeFrame } from '../../protocol/relay-frame.js';
import { deviceOf } from '../../protocol/roster.js';
import { finding } from '../misbehaviour.js';
import type { SpaceContext } from './space-context.js';

interface DeviceAck {
  readonly notice: AckNoticeFrame;
  /** Whether its head was compared with the own one. */
  compared: boolean;
}

export class AckNotices {
  readonly #context: SpaceContext;
  readonly #acks = new Map<string, DeviceAck>();
  readonly #heardAt = new Map<string, number>();

  constructor(context: SpaceContext) {
    this.#context = context;
  }

  /** `relayEpoch` is that of the welcome: acks of it may come before the log reset that leads there was followed. */
  async take(notice: AckNoticeFrame, raw: Uint8Array, relayEpoch: number): Promise<void> {
    const { roster, identity, ed25519, log, device, environment } = this.#context;
    if (roster.known === undefined || deviceOf(roster.known, notice.device) === undefined || equalBytes(notice.device, device.key)) return;
    if (!(await verifyAck(identity, notice.device, notice, ed25519))) {
      this.#context.report(finding('protocol_violation', 'an ack that its device did not sign', { frames: [raw] }));
      return;
    }
    if (notice.logEpoch > Math.max(log.logEpoch, relayEpoch)) this.#context.report(finding('fork', 'a device acked a later log epoch', { frames: [raw], accuser: notice.device }));
    if (notice.logEpoch !== log.logEpoch) return;
    const name = toHex(notice.device);
    this.#heardAt.set(name, environment.now());
    if ((this.#acks.get(name)?.notice.size ?? -1) >= notice.size) return;
    this.#acks.set(name, { notice, compared: false });
    for (const found of log.claim({ ...notice, frame: raw })) this.#context.report(found);
    this.settle();
  }

  /** The fold moved: compares the acks it has reached. */
  settle(): void {
    const { log, writes, events } = this.#context;
    for (const [name, ack] of this.#acks) {
      if (ack.compared || ack.notice.size > log.size) continue;
      const head = log.headAt(ack.notice.size);
      if (head === undefined || !equalBytes(head, ack.notice.head)) continue;
      ack.compared = true;
      writes.acked(ack.notice.device, ack.notice.size);
      events.emit('ack', { device: name, size: ack.notice.size });
    }
  }

  /** Acks of an ended log epoch say nothing any more. */
  clear(): void {
    this.#acks.clear();
  }

  /** The size that this device and every other live one holds. A device silent for longer than the lease is not waited for. */
  heldByAll(deviceLeaseMs: number): number {
    const { roster, device, environment, marks } = this.#context;
    let size = marks.acked.size;
    for (const { key } of roster.known?.devices ?? []) {
      if (equalBytes(key, device.key)) continue;
      const name = toHex(key);
      const heardAt = this.#heardAt.get(name) ?? environment.now();
      this.#heardAt.set(name, heardAt);
      if (environment.now() - heardAt > deviceLeaseMs) continue;
      const ack = this.#acks.get(name);
      size = Math.min(size, ack?.compared === true ? ack.notice.size : 0);
    }
    return size;
  }
}
