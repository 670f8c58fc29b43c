// Two devices pair over an honest relay in memory: what both see when it goes right, and when it does not.
import { afterEach, expect, test } from 'vitest';
import { MemoryDeviceStore } from '../../../src/client/store/device-store.js';
import { joinSpaceWith } from '../../../src/client/pairing/join-space.js';
import type { JoinSpaceOptions } from '../../../src/client/pairing/join-space.js';
import { Mailbox } from '../../../src/client/pairing/mailbox.js';
import { PairingOffer } from '../../../src/client/pairing/pairing-offer.js';
import type { PairingOfferOptions, PairingPhase } from '../../../src/client/pairing/pairing-offer.js';
import { MemoryPairingStorage, WebPairingStorage } from '../../../src/client/pairing/pairing-storage.js';
import { freshCode, parseCode } from '../../../src/client/pairing/pairing-code.js';
import { systemRandom } from '../../../src/client/crypto/platform.js';
import { platformEnvironment } from '../../../src/client/environment.js';
import type { Environment } from '../../../src/client/environment.js';
import { PAIRING_LIFE_MS, PAIRING_LINGER_MS, PAIRING_MESSAGES_MAX } from '../../../src/client/limits.js';
import { ENROLL_TIMEOUT_MS } from '../../../src/client/space/open.js';
import type { Space } from '../../../src/client/space/space.js';
import type { OpenTransport } from '../../../src/client/transport/transport.js';
import { otherSecret } from '../../support/other-secret.js';
import { HonestRelay } from '../../support/honest-relay.js';
import { bytes, createDevice, kinds, openDevice, until } from '../../support/test-space.js';
import type { TestDevice } from '../../support/test-space.js';

const open: Space[] = [];
const offers: PairingOffer[] = [];

afterEach(async () => {
  for (const offer of offers.splice(0)) offer.cancel();
  for (const space of open.splice(0)) await space.close();
});

interface Scene {
  readonly relay: HonestRelay;
  readonly admin: TestDevice;
}

async function scene(): Promise<Scene> {
  const relay = await new HonestRelay().start();
  const admin = await createDevice(relay, { deviceName: 'Laptop' });
  open.push(admin.space);
  await admin.space.push(bytes('before')).durable('relay');
  await admin.space.whenSynced();
  return { relay, admin };
}

/** Real time, but that the long waits of a pairing are over when the test says so. */
class Patience {
  readonly #waits: { readonly ms: number; readonly call: () => void }[] = [];
  readonly environment: Partial<Environment> = {
    after: (ms, call) => {
      if (ms !== PAIRING_LINGER_MS && ms < PAIRING_LIFE_MS - 5000) return platformEnvironment().after(ms, call);
      const wait = { ms, call };
      this.#waits.push(wait);
      return { cancel: () => void this.#waits.splice(this.#waits.indexOf(wait), 1) };
    },
  };

  /** The life of every code is over. */
  end(): void {
    for (const { call } of this.#waits.splice(0)) call();
  }
}

function offerOf({ relay, admin }: Scene, options: Partial<PairingOfferOptions> = {}): PairingOffer & { readonly phases: PairingPhase[] } {
  const offer = new PairingOffer({ space: admin.space, ...options }, { openTransport: relay.transport() });
  offers.push(offer);
  const phases: PairingPhase[] = [];
  offer.subscribe(() => {
    const { phase } = offer.getSnapshot();
    if (phases.at(-1) !== phase) phases.push(phase);
  });
  return Object.assign(offer, { phases });
}

async function join({ relay }: Scene, code: string | null, options: Partial<JoinSpaceOptions> = {}, transport: OpenTransport = relay.transport()): Promise<Space> {
  const space = await joinSpaceWith({ relay: relay.address(), deviceName: 'Phone', batchWindowMs: 0, ...(code === null ? {} : { code }), ...options }, { openTransport: transport });
  open.push(space);
  return space;
}

test('six words bring a device in: it reads what was before, holds no root, and both know each other by name', async () => {
  const here = await scene();
  const offer = offerOf(here);
  await offer.offer();
  const { code, expiresAt } = offer.getSnapshot();
  expect(code?.split(' ')).toHaveLength(6);
  expect(expiresAt).toBeGreaterThan(Date.now() + PAIRING_LIFE_MS - 60_000);
  const phone = await join(here, code);
  await until('paired', () => offer.getSnapshot().phase === 'paired');
  expect(offer.phases).toEqual(['opening', 'offered', 'confirming', 'paired']);
  expect(offer.getSnapshot()).toMatchObject({ code: null, link: null, error: null, device: { device: phone.device, name: 'Phone' } });
  const texts: string[] = [];
  phone.subscribe(({ items }) => texts.push(...items.map((item) => new TextDecoder().decode(item))));
  await phone.whenSynced();
  phone.push(bytes('from the phone'));
  await until('both read it', () => here.admin.texts().includes('from the phone') && texts.includes('from the phone'));
  expect(texts).toEqual(['before', 'from the phone']);
  expect(phone.link).toBeNull();
  expect(phone.id).toBe(here.admin.space.id);
  await until('the names are known', () => here.admin.space.devices().every(({ name }) => name !== null));
  const named = (space: Space): string[] => space.devices().map(({ name, own }) => `${name}${own ? ' (own)' : ''}`).toSorted();
  expect(named(here.admin.space)).toEqual(['Laptop (own)', 'Phone']);
  expect(named(phone)).toEqual(['Laptop', 'Phone (own)']);
  expect([...kinds(here.admin), ...here.admin.errors, ...here.relay.failures]).toEqual([]);
});

test('the scanned code says which relay, and a device that was let in can let in others', async () => {
  const here = await scene();
  const offer = offerOf(here);
  await offer.offer();
  const phone = await join(here, offer.getSnapshot().link, { relay: 'nonsense' });
  await phone.whenSynced();
  const second = new PairingOffer({ space: phone, rights: 'read' }, { openTransport: here.relay.transport() });
  offers.push(second);
  await second.offer();
  const reader = await join(here, second.getSnapshot().link);
  await reader.whenSynced();
  expect(reader.devices().find(({ own }) => own)).toMatchObject({ rights: 'read', name: null });
  expect(() => reader.push(bytes('no'))).toThrowError(expect.objectContaining({ code: 'read_only' }));
  expect(here.admin.space.devices()).toHaveLength(3);
});

test('a relay that does not answer is not waited for as long as the code holds, though the person may give up sooner', async () => {
  const waits: number[] = [];
  const environment: Partial<Environment> = {
    after: (ms, call) => {
      waits.push(ms);
      return platformEnvironment().after(ms === ENROLL_TIMEOUT_MS ? 10 : ms, call);
    },
  };
  const silent: OpenTransport = () => ({ send: () => undefined, bufferedBytes: 0, close: () => undefined });
  const { relay } = await scene();
  const code = freshCode(systemRandom).words;
  const options = { relay: relay.address(), code, environment, signal: new AbortController().signal };
  await expect(joinSpaceWith(options, { openTransport: silent })).rejects.toMatchObject({ code: 'relay_unreachable', temporary: true });
  expect(waits).toContain(ENROLL_TIMEOUT_MS);
});

test('a relay that was away costs no code: the same keys come back with it, typed again or not', async () => {
  const here = await scene();
  const offer = offerOf(here);
  await offer.offer();
  const pairing = new MemoryPairingStorage();
  const away = new Dying(here.relay, 1);
  const environment: Partial<Environment> = { after: (ms, call) => platformEnvironment().after(ms === ENROLL_TIMEOUT_MS ? 50 : ms, call) };
  const { code, link } = offer.getSnapshot();
  // Its hello is in the mailbox, and then the page is gone.
  join(here, link, { pairing }, away.transport).catch(() => undefined);
  await until('the old page is dead', () => away.dead);
  const seed = (await pairing.load())?.seed;
  const unreachable: OpenTransport = () => ({ send: () => undefined, bufferedBytes: 0, close: () => undefined });
  await expect(join(here, null, { pairing, environment }, unreachable)).rejects.toMatchObject({ code: 'relay_unreachable' });
  expect((await pairing.load())?.seed).toEqual(seed);
  const phone = await joinSpaceWith({ code: code ?? '', pairing }, { openTransport: here.relay.transport() });
  open.push(phone);
  await phone.whenSynced();
  expect(here.admin.space.devices()).toHaveLength(2);
  expect(await pairing.load()).toBeNull();
});

test('what a reload interrupted and is too old says so, once', async () => {
  const here = await scene();
  const pairing = new MemoryPairingStorage();
  const { words } = freshCode(systemRandom);
  await pairing.save({ role: 'joiner', relay: here.relay.address(), code: words, seed: systemRandom(32), expiresAt: Date.now() - 1, answered: null });
  await expect(join(here, null, { pairing })).rejects.toMatchObject({ code: 'pairing_expired', hint: expect.stringContaining('new code') });
  await expect(join(here, null, { pairing })).rejects.toMatchObject({ code: 'pairing_none' });
});

test('a wrong secret is one guess: both sides are told, and the right code comes too late', async () => {
  const here = await scene();
  const offer = offerOf(here);
  await offer.offer();
  const words = offer.getSnapshot().code!.split(' ');
  const wrong = otherSecret(words);
  await expect(join(here, wrong)).rejects.toMatchObject({ code: 'pairing_wrong_code' });
  await until('the offer failed', () => offer.getSnapshot().phase === 'failed');
  expect(offer.getSnapshot()).toMatchObject({ code: null, error: { code: 'pairing_wrong_code' } });
  await expect(join(here, words.join(' '))).rejects.toMatchObject({ code: expect.stringMatching(/^pairing_/) });
  expect(here.admin.space.devices()).toHaveLength(1);
});

test('words of which nobody knows, and words that are none', async () => {
  const here = await scene();
  await expect(join(here, freshCode(systemRandom).words)).rejects.toMatchObject({ code: 'pairing_unknown' });
  await expect(join(here, 'abandon abandn abandon abandon abandon abandon')).rejects.toMatchObject({ code: 'unknown_word', position: 2 });
  await expect(join(here, freshCode(systemRandom).words, { relay: '' })).rejects.toMatchObject({ code: 'bad_address' });
  await expect(join(here, null)).rejects.toMatchObject({ code: 'pairing_none' });
});

test('of two that come at once one is let in, and the other is told', async () => {
  const here = await scene();
  const offer = offerOf(here);
  await offer.offer();
  const { code } = offer.getSnapshot();
  const outcomes = await Promise.allSettled([join(here, code, { deviceName: 'One' }), join(here, code, { deviceName: 'Two' })]);
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect(outcomes.find((outcome) => outcome.status === 'rejected')?.reason).toMatchObject({ code: 'pairing_taken' });
  expect(offer.getSnapshot().phase).toBe('paired');
  expect(here.admin.space.devices()).toHaveLength(2);
});

test('a code that is too old lets nobody in, on either side', async () => {
  const here = await scene();
  const patience = new Patience();
  const offer = offerOf(here, { environment: patience.environment });
  await offer.offer();
  const { code } = offer.getSnapshot();
  patience.end();
  expect(offer.getSnapshot()).toMatchObject({ phase: 'failed', code: null, error: { code: 'pairing_expired' } });
  await expect(join(here, code)).rejects.toMatchObject({ code: 'pairing_expired' });

  // Nobody answers: the offering device was closed for good.
  const away = offerOf(here);
  await away.offer();
  const waiting = new Patience();
  const joining = join(here, otherSecret(away.getSnapshot().code!.split(' ')), { environment: waiting.environment }, silent(here.relay));
  const ended = expect(joining).rejects.toMatchObject({ code: 'pairing_expired' });
  await new Promise((resolve) => setTimeout(resolve, 50));
  waiting.end();
  await ended;
});

test('a code is too old by the clock too, where a machine slept and its timers with it', async () => {
  const here = await scene();
  let sleptMs = 0;
  const asleep: Partial<Environment> = { now: () => Date.now() + sleptMs, after: (ms, call) => platformEnvironment().after(ms >= PAIRING_LIFE_MS - 5000 ? 2 ** 30 : ms, call) };
  const offer = offerOf(here, { environment: asleep });
  await offer.offer();
  const { code } = offer.getSnapshot();
  sleptMs = PAIRING_LIFE_MS;
  expect(offer.getSnapshot().phase).toBe('offered');
  await expect(join(here, code)).rejects.toMatchObject({ code: 'pairing_expired' });
  expect(offer.getSnapshot()).toMatchObject({ phase: 'failed', error: { code: 'pairing_expired' } });
  expect(here.admin.space.devices()).toHaveLength(1);
});

test('a device that was signed in when the pairing was ended, and was told nothing, is taken out again', async () => {
  const here = await scene();
  const { space } = here.admin;
  const devices: number[] = [];
  const slow = {
    handover: () => space.handover(),
    sponsor: () => space.sponsor(),
    addDevice: async (device: Parameters<Space['addDevice']>[0]) => {
      await space.addDevice(device);
      devices.push(space.devices().length);
      offer.cancel();
    },
    removeDevice: (device: string) => space.removeDevice(device),
  } as unknown as Space;
  const offer: PairingOffer = offerOf(here, { space: slow });
  await offer.offer();
  await expect(join(here, offer.getSnapshot().code)).rejects.toMatchObject({ code: 'pairing_cancelled' });
  await until('it is out', () => space.devices().length === 1);
  expect(devices).toEqual([2]);
});

test('a pairing that is ended is told to the device that waits, and a new code can be made', async () => {
  const here = await scene();
  const offer = offerOf(here);
  const opening = offer.offer();
  offer.cancel();
  await opening;
  expect(offer.getSnapshot().phase).toBe('idle');
  await offer.offer();
  const first = offer.getSnapshot().code;
  offer.cancel();
  expect(offer.getSnapshot().phase).toBe('idle');
  await expect(join(here, first)).rejects.toMatchObject({ code: 'pairing_cancelled' });
  await offer.offer();
  expect(offer.getSnapshot().code).not.toBe(first);
  await join(here, offer.getSnapshot().code);
  expect(here.admin.space.devices()).toHaveLength(2);
});

test('who may not sign cannot let anybody in, and says why', async () => {
  const here = await scene();
  const writer = await openDevice(here.relay, here.admin.space.link, { rights: 'write' });
  open.push(writer.space);
  await writer.space.close();
  const member = await joinAs(here, 'write');
  const offer = new PairingOffer({ space: member }, { openTransport: here.relay.transport() });
  offers.push(offer);
  await offer.offer();
  await expect(join(here, offer.getSnapshot().code)).rejects.toMatchObject({ code: 'pairing_refused' });
  expect(offer.getSnapshot()).toMatchObject({ phase: 'failed', error: { code: 'not_admin' } });
});

// As many moments as each of them sends messages, and one after the last.
test.each([
  ['offerer', 2],
  ['joiner', 3],
] as const)('the %s may be reloaded at any moment', async (who, messages) => {
  for (let afterMessages = 0; afterMessages <= messages; afterMessages += 1) {
    const here = await scene();
    const kept = { offerer: new MemoryPairingStorage(), joiner: new MemoryPairingStorage() };
    const storage = new MemoryDeviceStore();
    const dying = new Dying(here.relay, afterMessages);
    const first = new PairingOffer({ space: here.admin.space, storage: kept.offerer }, { openTransport: who === 'offerer' ? dying.transport : here.relay.transport() });
    offers.push(first);
    await first.offer();
    const { code } = first.getSnapshot();
    const joining = join(here, code, { pairing: kept.joiner, storage }, who === 'joiner' ? dying.transport : here.relay.transport());
    joining.catch(() => undefined);
    await Promise.race([joining, until('the old page is dead', () => dying.dead)]).catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 30));
    let phone: Space;
    if (who === 'offerer') {
      const again = new PairingOffer({ space: here.admin.space, storage: kept.offerer }, { openTransport: here.relay.transport() });
      offers.push(again);
      await again.resume();
      phone = await joining;
    } else {
      phone = await join(here, null, { pairing: kept.joiner, storage }).catch((cause: { code: string }) => {
        throw new Error(`after ${afterMessages} messages: ${cause.code}`);
      });
    }
    await phone.whenSynced();
    expect(here.admin.space.devices(), `after ${afterMessages} messages`).toHaveLength(2);
    expect(phone.devices()).toHaveLength(2);
  }
});

test('after a reload no second guess is answered', async () => {
  const here = await scene();
  const storage = new MemoryPairingStorage();
  const page = new Dying(here.relay, Number.POSITIVE_INFINITY);
  const offer = new PairingOffer({ space: here.admin.space, storage }, { openTransport: page.transport });
  offers.push(offer);
  await offer.offer();
  page.dead = true;
  const record = await storage.load();
  const { code } = offer.getSnapshot();
  await storage.save({ ...record!, answered: new Uint8Array(32).fill(7) });
  const again = new PairingOffer({ space: here.admin.space, storage }, { openTransport: here.relay.transport() });
  offers.push(again);
  expect(await again.resume()).toBe(true);
  expect(again.getSnapshot().phase).toBe('confirming');
  const waiting = new Patience();
  const joining = expect(join(here, code, { environment: waiting.environment })).rejects.toMatchObject({ code: 'pairing_expired' });
  await new Promise((resolve) => setTimeout(resolve, 300));
  waiting.end();
  await joining;
});

test('whoever fills the mailbox ends the pairing, and lets nobody in', async () => {
  const here = await scene();
  const offer = offerOf(here);
  await offer.offer();
  const { code } = offer.getSnapshot();
  const flooder = await Mailbox.open(here.relay.address(), parseCode(code!), {}, { openTransport: here.relay.transport() }, 'enter');
  for (let i = 0; i <= PAIRING_MESSAGES_MAX; i += 1) void flooder.send({ type: 'done', from: new Uint8Array(32) }).catch(() => undefined);
  await until('the offer ended', () => offer.getSnapshot().phase === 'failed');
  expect(offer.getSnapshot().error).toMatchObject({ code: 'pairing_flooded' });
  await flooder.close(false, { ...platformEnvironment() });
  expect(here.admin.space.devices()).toHaveLength(1);
});

test('what is kept over a reload is read as it was written, and damage counts as nothing', async () => {
  const items = new Map<string, string>();
  const web = new WebPairingStorage({ getItem: (key) => items.get(key) ?? null, setItem: (key, value) => void items.set(key, value), removeItem: (key) => void items.delete(key) });
  const record = { role: 'joiner', relay: 'sealrelay://x', code: 'a b', seed: systemRandom(32), expiresAt: 7, answered: null } as const;
  expect(await web.load()).toBeNull();
  for (const kept of [record, { ...record, role: 'offerer', answered: systemRandom(32) } as const]) {
    await web.save(kept);
    expect(await web.load()).toEqual(kept);
  }
  for (const damaged of ['', '{', 'null', '[]', '{"role":"king"}', JSON.stringify({ ...record, seed: 'x' })]) {
    items.set('sealrelay.pairing', damaged);
    expect(await web.load()).toBeNull();
  }
  await web.save(null);
  expect(items.size).toBe(0);
});

async function joinAs(here: Scene, rights: 'write' | 'read'): Promise<Space> {
  const offer = offerOf(here, { rights });
  await offer.offer();
  return join(here, offer.getSnapshot().code);
}

/** A page that dies after it has sent so many pushes: nothing it does reaches anybody any more. */
class Dying {
  dead = false;
  readonly #relay: HonestRelay;
  #pushes: number;

  constructor(relay: HonestRelay, pushes: number) {
    this.#relay = relay;
    this.#pushes = pushes;
  }

  readonly transport: OpenTransport = (url, events) => {
    const inner = this.#relay.transport()(url, {
      opened: () => void (this.dead || events.opened()),
      message: (message) => void (this.dead || events.message(message)),
      closed: (reason) => void (this.dead || events.closed(reason)),
    });
    return {
      get bufferedBytes() {
        return inner.bufferedBytes;
      },
      send: (message) => {
        if (message[0] === PUSH && (this.#pushes -= 1) < 0) this.dead = true;
        if (!this.dead) inner.send(message);
      },
      close: (code, reason) => inner.close(code, reason),
    };
  };
}

const PUSH = 0x10;
/** Nothing that is pushed arrives. */
function silent(relay: HonestRelay): OpenTransport {
  return new Dying(relay, 0).transport;
}
