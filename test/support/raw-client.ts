// A client of the native protocol without any sealing or state machine: it speaks frames, so that tests can load the relay
// and check, byte for byte, what it acknowledged.
import { randomBytes } from 'node:crypto';
import { WebSocket } from 'ws';
import { createEd25519 } from '../../src/client/crypto/ed25519.ts';
import { deriveRootSecret, generateDeviceSecret, type DeviceSecret } from '../../src/client/crypto/keys.ts';
import { connectUrl, parseRelayAddress } from '../../src/protocol/address.ts';
import { encodeClientFrame } from '../../src/protocol/client-frame-codec.ts';
import type { ClientFrame, ProofFrame } from '../../src/protocol/client-frame.ts';
import { proofSigningBytes, transcript1, withoutSignature } from '../../src/protocol/handshake.ts';
import { hash, ZEROS } from '../../src/protocol/hash.ts';
import { decodeRelayFrame } from '../../src/protocol/relay-frame-codec.ts';
import type { RelayFrame, WelcomeFrame } from '../../src/protocol/relay-frame.ts';
import { encodeRoster, parseRoster, rosterSigningBytes, type DeviceRights, type RosterFields } from '../../src/protocol/roster.ts';
import { compareBytes } from '../../src/protocol/equal-bytes.ts';

const ed25519 = createEd25519();
const random = (length: number): Uint8Array => Uint8Array.from(randomBytes(length));

/** A space with devices of given rights, and the root-signed statement that makes it. */
export interface RawSpace {
  readonly id: Uint8Array;
  readonly root: DeviceSecret;
  readonly devices: readonly DeviceSecret[];
  readonly chain: readonly Uint8Array[];
  readonly keyring: Uint8Array;
}

/** Makes the keys and the first roster of a space. */
export async function makeRawSpace(rights: readonly DeviceRights[]): Promise<RawSpace> {
  const platform = await ed25519;
  const root = await deriveRootSecret(random(32), platform);
  const devices = await Promise.all(rights.map(() => generateDeviceSecret(random, platform)));
  // The relay checks the keyring's hash and nothing else.
  const keyring = random(64);
  const listed = devices.map((device, at) => ({ key: device.key, hpke: device.hpke, rights: rights[at] ?? 'read', notAfter: 0 }));
  const fields: RosterFields = {
    queueMode: false,
    space: root.key,
    version: 1,
    previous: ZEROS,
    keyEpoch: 1,
    keyringHash: hash(keyring),
    rootHpke: root.hpke,
    devices: listed.toSorted((left, right) => compareBytes(left.key, right.key)),
    former: [],
    signer: root.key,
  };
  const statement = encodeRoster(fields, await platform.sign(root.seed, rosterSigningBytes(fields)));
  return { id: root.key, root, devices, chain: [statement], keyring };
}

/** An open session: frames out, frames in. */
export class RawClient {
  readonly welcome: WelcomeFrame;
  readonly #socket: WebSocket;
  readonly #inbox: FrameInbox;

  private constructor(socket: WebSocket, inbox: FrameInbox, welcome: WelcomeFrame) {
    this.#socket = socket;
    this.#inbox = inbox;
    this.welcome = welcome;
  }

  /** Connects and passes the handshake. Rejects when the relay answers anything but a welcome. */
  static async open(address: string, space: RawSpace, device: DeviceSecret): Promise<RawClient> {
    const socket = new WebSocket(connectUrl(parseRelayAddress(address)), { perMessageDeflate: false });
    const inbox = new FrameInbox(socket);
    const hello: ClientFrame = {
      type: 'Hello',
      versions: [1],
      features: 0n,
      space: space.id,
      device: device.key,
      clientNonce: random(32),
      rosterVersion: 1,
      rosterHash: parseRoster(space.chain[0] ?? ZEROS).hash,
    };
    const helloBytes = encodeClientFrame(hello);
    await inbox.opened;
    socket.send(helloBytes);
    const challenge = await inbox.next();
    if (challenge.frame.type !== 'Challenge') throw new Error(`expected a challenge, got ${challenge.frame.type}`);
    socket.send(await proof(space, device, helloBytes, challenge.bytes));
    const answer = await inbox.next();
    if (answer.frame.type !== 'Welcome') throw new Error(`expected a welcome, got ${answer.frame.type}`);
    return new RawClient(socket, inbox, answer.frame);
  }

  send(frame: ClientFrame): void {
    this.#socket.send(encodeClientFrame(frame));
  }

  /** The next frame; rejects when the connection ends first. */
  async next(): Promise<RelayFrame> {
    return (await this.#inbox.next()).frame;
  }

  /** Pulls the whole log from the floor on, page by page. */
  async pullAll(): Promise<{ seq: number; device: Uint8Array; pushSeq: number; sealed: Uint8Array }[]> {
    const found: { seq: number; device: Uint8Array; pushSeq: number; sealed: Uint8Array }[] = [];
    for (let after = 0, more = true; more; ) {
      this.send({ type: 'Pull', request: 1, logEpoch: this.welcome.logEpoch, after, entriesMax: 1000, bytesMax: 1_000_000 });
      const frame = await this.next();
      if (frame.type === 'RosterUpdate' || frame.type === 'AckNotice') continue;
      if (frame.type !== 'Entries') throw new Error(`expected entries, got ${frame.type}`);
      frame.items.forEach((item, at) => {
        if (item.kind !== 'sealed') throw new Error('a pull gives sealed bytes');
        found.push({ seq: frame.firstSeq + at, device: item.device, pushSeq: item.pushSeq, sealed: item.sealed });
      });
      after = frame.firstSeq + frame.items.length - 1;
      more = frame.more && frame.items.length > 0;
    }
    return found;
  }

  close(): void {
    this.#socket.terminate();
  }
}

/** The Proof that answers a challenge, as bytes. */
export async function proof(space: RawSpace, device: DeviceSecret, hello: Uint8Array, challenge: Uint8Array): Promise<Uint8Array> {
  const unsigned: ProofFrame = { type: 'Proof', chain: space.chain, keyring: space.keyring, signature: new Uint8Array(64) };
  const t1 = transcript1(hello, challenge, withoutSignature(encodeClientFrame(unsigned)));
  const signature = await (await ed25519).sign(device.seed, proofSigningBytes(t1));
  return encodeClientFrame({ ...unsigned, signature });
}

interface Received {
  readonly frame: RelayFrame;
  readonly bytes: Uint8Array;
}

/** Frames in arrival order, until the connection ends. */
class FrameInbox {
  readonly opened: Promise<void>;
  readonly #waiting: { resolve: (received: Received) => void; reject: (error: Error) => void }[] = [];
  readonly #received: Received[] = [];
  #ended: Error | undefined;

  constructor(socket: WebSocket) {
    socket.binaryType = 'nodebuffer';
    this.opened = new Promise((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('close', () => reject(new Error('the connection was refused')));
    });
    this.opened.catch(() => undefined);
    socket.on('message', (data: Buffer) => this.#take({ frame: decodeRelayFrame(data), bytes: data }));
    socket.on('error', (error) => this.#end(error));
    socket.on('close', (code) => this.#end(new Error(`the connection ended (${code})`)));
  }

  next(): Promise<Received> {
    const received = this.#received.shift();
    if (received !== undefined) return Promise.resolve(received);
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  #take(received: Received): void {
    const waiter = this.#waiting.shift();
    if (waiter === undefined) this.#received.push(received);
    else waiter.resolve(received);
  }

  #end(error: Error): void {
    this.#ended ??= error;
    for (const waiter of this.#waiting.splice(0)) waiter.reject(this.#ended);
  }
}
