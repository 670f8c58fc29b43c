// A relay that lies to a device that pairs: it knows the mailbox (the first three words), sits between the two, or shows the new device less than there is.
import { afterEach, describe, expect, test } from 'vitest';
import { systemRandom } from '../../../src/client/crypto/platform.js';
import { joinSpaceWith } from '../../../src/client/pairing/join-space.js';
import { JoinExchange, OfferExchange } from '../../../src/client/pairing/exchange.js';
import type { ExchangeStep } from '../../../src/client/pairing/exchange.js';
import { Mailbox } from '../../../src/client/pairing/mailbox.js';
import type { PairingMessage } from '../../../src/client/pairing/messages.js';
import { parseCode } from '../../../src/client/pairing/pairing-code.js';
import { PairingOffer } from '../../../src/client/pairing/pairing-offer.js';
import type { Misbehaviour } from '../../../src/client/misbehaviour.js';
import type { Space } from '../../../src/client/space/space.js';
import { parseRelayAddress } from '../../../src/protocol/address.js';
import { equalBytes } from '../../../src/protocol/equal-bytes.js';
import { toHex } from '../../../src/protocol/hex.js';
import { HonestRelay } from '../../support/honest-relay.js';
import type { RelaySession, SpaceRecord } from '../../support/honest-relay.js';
import { bytes, createDevice, openDevice, until } from '../../support/test-space.js';
import type { TestDevice } from '../../support/test-space.js';

const open: { close(): unknown }[] = [];
const tracked = <T extends { close(): unknown }>(closing: T): T => (open.push(closing), closing);

afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.close();
});

/** Two relays that show one key: what a relay is that tells two devices different things. */
class TwoFaced extends HonestRelay {
  static async pair(): Promise<readonly [TwoFaced, TwoFaced]> {
    const [one, other] = [new TwoFaced(), new TwoFaced()];
    other.seed = one.seed;
    return [await one.start(), await other.start()];
  }
}

interface Between {
  readonly offer: PairingOffer;
  readonly admin: TestDevice;
  readonly words: string;
  readonly toAdmin: TwoFaced;
  readonly toPhone: TwoFaced;
}

async function between(): Promise<Between> {
  const [toAdmin, toPhone] = await TwoFaced.pair();
  const admin = await createDevice(toAdmin);
  tracked(admin.space);
  await admin.space.push(bytes('one')).durable('relay');
  await admin.space.whenSynced();
  const offer = new PairingOffer({ space: admin.space }, { openTransport: toAdmin.transport() });
  tracked({ close: () => offer.cancel() });
  await offer.offer();
  return { offer, admin, words: offer.getSnapshot().code!, toAdmin, toPhone };
}

/** The attacker's own mailbox for the phone, and its seat in that of the admin. It knows the first three words. */
async function seats({ words, toAdmin, toPhone }: Between): Promise<{ readonly withAdmin: Mailbox; readonly withPhone: Mailbox }> {
  const known = { ...parseCode(words), secret: '' };
  const withAdmin = await Mailbox.open(toAdmin.address(), known, {}, { openTransport: toAdmin.transport() }, 'enter');
  const withPhone = await Mailbox.open(toPhone.address(), known, {}, { openTransport: toPhone.transport() }, 'found');
  tracked({ close: () => withAdmin.close(false, ENVIRONMENT) });
  tracked({ close: () => withPhone.close(false, ENVIRONMENT) });
  return { withAdmin, withPhone };
}

const ENVIRONMENT = { now: Date.now, random: Math.random, randomBytes: systemRandom, after: () => ({ cancel: () => undefined }) };
const OF_JOINER: ReadonlySet<string> = new Set(['hello', 'proof', 'done']);

/** Carries every message over, changed by the attacker. */
async function bridge(scene: Between, change: (message: PairingMessage) => PairingMessage): Promise<void> {
  const { withAdmin, withPhone } = await seats(scene);
  const isOfJoiner = (message: PairingMessage): boolean => OF_JOINER.has(message.type) || (message.type === 'end' && message.role === 'joiner');
  const failed = (): void => undefined;
  withAdmin.listen({ failed, take: async (message) => void (isOfJoiner(message) || (await withPhone.send(change(message)))) });
  withPhone.listen({ failed, take: async (message) => void (isOfJoiner(message) && (await withAdmin.send(change(message)))) });
}

async function joinOver({ words, toPhone }: Between): Promise<{ readonly space: Space; readonly findings: readonly Misbehaviour[] }> {
  const space = tracked(await joinSpaceWith({ code: words, relay: toPhone.address() }, { openTransport: toPhone.transport() }));
  const findings: Misbehaviour[] = [];
  space.on('misbehaviour', (found) => findings.push(found));
  return { space, findings };
}

describe('a relay in the middle', () => {
  test('control: one that only carries messages over changes nothing, and is caught when it shows another log', async () => {
    const scene = await between();
    await bridge(scene, (message) => message);
    const { space, findings } = await joinOver(scene);
    expect(scene.admin.space.devices()).toHaveLength(2);
    expect(space.id).toBe(scene.admin.space.id);
    await until('the new device misses what its admin had read', () => findings.length > 0);
    expect(findings).toMatchObject([{ kind: 'rollback', evidence: { accuser: null } }]);
  });

  const flipped = (some: Uint8Array): Uint8Array => some.map((byte, at) => (at === some.length - 1 ? byte ^ 1 : byte));
  const SHARE = systemShare();

  test.each([
    ['the keys of the new device', (message: PairingMessage) => (message.type === 'proof' ? { ...message, sealed: flipped(message.sealed) } : message)],
    ['the proof of the new device', (message: PairingMessage) => (message.type === 'proof' ? { ...message, proof: flipped(message.proof) } : message)],
    ['the proof of the admin', (message: PairingMessage) => (message.type === 'answer' ? { ...message, proof: flipped(message.proof) } : message)],
    ['the share of the admin', (message: PairingMessage) => (message.type === 'answer' ? { ...message, share: SHARE } : message)],
    ['a share that is none', (message: PairingMessage) => (message.type === 'answer' ? { ...message, share: new Uint8Array(32) } : message)],
  ] as const)('%s cannot be changed', async (_what, change) => {
    const scene = await between();
    await bridge(scene, change);
    await expect(joinOver(scene)).rejects.toMatchObject({ code: 'pairing_wrong_code' });
    await until('the admin is told', () => scene.offer.getSnapshot().phase === 'failed');
    expect(scene.offer.getSnapshot().error).toMatchObject({ code: 'pairing_wrong_code' });
    expect(scene.admin.space.devices()).toHaveLength(1);
  });

  test('a handover of its own is not believed', async () => {
    const scene = await between();
    let sent = false;
    await bridge(scene, (message) => {
      if (message.type !== 'handover') return message;
      sent = true;
      return { ...message, sealed: flipped(message.sealed) };
    });
    const giveUp = new AbortController();
    const joining = joinSpaceWith({ code: scene.words, relay: scene.toPhone.address(), signal: giveUp.signal }, { openTransport: scene.toPhone.transport() });
    const ended = expect(joining).rejects.toThrow();
    await until('it was sent', () => sent);
    await new Promise((resolve) => setTimeout(resolve, 50));
    giveUp.abort(new Error('the person gives up'));
    await ended;
  });

  test('that guesses has one guess with each of them, and neither lets it in', async () => {
    const scene = await between();
    const { withAdmin, withPhone } = await seats(scene);
    const { logId } = parseRelayAddress(scene.toAdmin.address());
    const guess = (mailbox: Mailbox) => ({ mailbox: mailbox.id, logId, secret: 'zoo-zoo-zoo', seed: systemRandom(32), random: systemRandom });
    const steps: ExchangeStep[] = [];
    const asJoiner = new JoinExchange(guess(withAdmin), new Uint8Array());
    const asOfferer = new OfferExchange(guess(withPhone), null);
    const acting = (mailbox: Mailbox, side: JoinExchange | OfferExchange) => ({
      failed: () => undefined,
      take: async (message: PairingMessage) => {
        for (const step of await side.receive(message)) {
          steps.push(step);
          if (step.do === 'send') await mailbox.send(step.message);
        }
      },
    });
    withAdmin.listen(acting(withAdmin, asJoiner));
    withPhone.listen(acting(withPhone, asOfferer));
    await withAdmin.read();
    await withAdmin.send(asJoiner.hello!);
    await expect(joinOver(scene)).rejects.toMatchObject({ code: 'pairing_wrong_code' });
    await until('the guess was judged', () => steps.some((step) => step.do === 'fail'));
    // It saw that its guess was wrong; a second share of it is not answered.
    const again = new JoinExchange(guess(withAdmin), new Uint8Array());
    const before = steps.length;
    await withAdmin.send(again.hello!);
    await withAdmin.read();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(steps.slice(before).filter((step) => step.do === 'send')).toEqual([]);
    expect(scene.admin.space.devices()).toHaveLength(1);
  });
});

/** Shows one space to newcomers without some of its entries, and lets nobody hear of acks. */
class Withholding extends HonestRelay {
  readonly #known = new Set<string>();
  hide: ((entries: SpaceRecord['entries']) => SpaceRecord['entries']) | undefined;
  space = '';

  /** Who is there now sees everything. */
  begin(space: Space, hide: Withholding['hide']): void {
    for (const { device } of space.devices()) this.#known.add(device);
    this.space = space.id;
    this.hide = hide;
  }

  protected override viewOf(session: RelaySession, space: SpaceRecord): SpaceRecord {
    if (this.hide === undefined || toHex(session.spaceId) !== this.space || this.#known.has(toHex(session.device))) return space;
    return { ...space, entries: this.hide(space.entries) };
  }

  protected override forwardsAcks(): boolean {
    return false;
  }
}

describe('a relay that shows a new device less than its admin has read', () => {
  async function scene(hide: Withholding['hide'], afterwards: boolean): Promise<{ readonly byCode: readonly Misbehaviour[]; readonly byLink: readonly Misbehaviour[] }> {
    const relay = await new Withholding().start();
    const admin = await createDevice(relay);
    tracked(admin.space);
    await admin.space.push(bytes('one')).durable('relay');
    const other = await openDevice(relay, admin.space.link);
    tracked(other.space);
    await other.space.push(bytes('two')).durable('relay');
    await until('read', () => admin.texts().length === 2);
    await admin.space.whenSynced();
    relay.begin(admin.space, hide);
    const offer = new PairingOffer({ space: admin.space }, { openTransport: relay.transport() });
    tracked({ close: () => offer.cancel() });
    await offer.offer();
    const joined = tracked(await joinSpaceWith({ code: offer.getSnapshot().code!, relay: relay.address(), offline: true }, { openTransport: relay.transport() }));
    if (afterwards) await admin.space.push(bytes('three')).durable('relay');
    const byCode: Misbehaviour[] = [];
    joined.on('misbehaviour', (found) => byCode.push(found));
    joined.goOnline();
    await until('it is caught', () => byCode.length > 0);
    // Control: who comes by a link knows no head, and believes what it is shown.
    const byLink = await openDevice(relay, admin.space.link);
    tracked(byLink.space);
    await byLink.space.whenSynced();
    return { byCode, byLink: byLink.findings };
  }

  test('a rolled-back log is caught at the welcome, by the relay’s own signatures', async () => {
    const { byCode, byLink } = await scene((entries) => entries.slice(0, 1), false);
    expect(byCode).toMatchObject([{ kind: 'rollback', evidence: { accuser: null } }]);
    expect(byCode[0]!.evidence.attestations).toHaveLength(2);
    expect(byLink).toEqual([]);
  });

  test('a log of the same size without one of the entries is caught too', async () => {
    const { byCode, byLink } = await scene((entries) => entries.filter((entry) => !equalBytes(entry.device, entries[1]!.device)), true);
    expect(byCode).toMatchObject([{ kind: 'fork', evidence: { accuser: null } }]);
    // The admin's next entry names the same head inside the seal; that is its word, not yet proof.
    expect(byLink).toMatchObject([{ kind: 'fork', evidence: { accuser: expect.any(Uint8Array) } }]);
  });

  test('an honest one accuses nobody, and the head is done with once the log was compared', async () => {
    const relay = await new HonestRelay({ entriesPerFrame: 1 }).start();
    const admin = await createDevice(relay);
    tracked(admin.space);
    for (const text of ['one', 'two', 'three']) await admin.space.push(bytes(text)).durable('relay');
    await admin.space.whenSynced();
    const backup = relay.backup();
    const offer = new PairingOffer({ space: admin.space }, { openTransport: relay.transport() });
    tracked({ close: () => offer.cancel() });
    await offer.offer();
    const joined = tracked(await joinSpaceWith({ code: offer.getSnapshot().code!, relay: relay.address() }, { openTransport: relay.transport() }));
    const findings: Misbehaviour[] = [];
    joined.on('misbehaviour', (found) => findings.push(found));
    await joined.whenSynced();
    joined.goOffline();
    joined.goOnline();
    await joined.whenSynced();
    await relay.restore(backup);
    await admin.space.whenSynced();
    await joined.whenSynced();
    expect([...findings, ...admin.findings, ...relay.failures]).toEqual([]);
  });
});

/** A share that nobody made with the code. */
function systemShare(): Uint8Array {
  return Uint8Array.from(Buffer.from('2c3c6b8c4f3800e7aef6864025b4ed79bd599117e427c41bd47d93d654b4a51c', 'hex'));
}
