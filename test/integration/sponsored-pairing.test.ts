// Pairing on relays that take new spaces with a token only: whoever comes in has none, and whoever lets it in has none left.
import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { QuotaExceededError, createSpace, openSpace, roomLinkOf } from '../../src/client/node.js';
import type { Space } from '../../src/client/node.js';
import { joinSpace, offerPairing } from '../../src/client/pairing/node.js';
import { mailboxLinkOf, parseCode } from '../../src/client/pairing/pairing-code.js';
import { parseRelayAddress } from '../../src/protocol/address.js';
import { inviteToken } from '../support/invite-token.js';
import { freePort, startRelay } from '../support/relay-process.js';
import type { RelayProcess } from '../support/relay-process.js';
import { CLI, ServeProcess } from '../support/serve-process.js';
import { otherSecret } from '../support/other-secret.js';
import { bytes, until } from '../support/test-space.js';

const spaces: Space[] = [];

function tracked<S extends Space>(space: S): S {
  spaces.push(space);
  return space;
}

afterEach(async () => {
  for (const space of spaces.splice(0)) await space.close();
});

/** Lets a device in with the code that `shown` gives, and sees that both are in the space. */
async function paired(admin: Space, shown: 'words' | 'link'): Promise<Space> {
  const offer = offerPairing({ space: admin });
  await offer.offer();
  const { code, link } = offer.getSnapshot();
  const device = tracked(await joinSpace(shown === 'words' ? { code: code ?? '', relay: admin.relay } : { code: link ?? '' }));
  await device.push(bytes(`by ${shown}`)).durable('relay');
  await offer.settled();
  expect([device.id, offer.getSnapshot().phase]).toEqual([admin.id, 'paired']);
  return device;
}

describe.skipIf(!existsSync(CLI))('pairing where a new space needs an invite token (needs `npm run build`)', () => {
  let dir: string;
  let data: string;
  let port: number;
  let metricsPort: number;
  let relay: RelayProcess;
  const start = (): Promise<RelayProcess> => startRelay({ dataDir: data, port, adminPort: metricsPort, env: { RELAY_ADMISSION: 'invite', RELAY_LIMITS_SPONSORED_SPACES_PER_HOUR: '2' } });
  const figure = async (name: string): Promise<number> => Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text())?.[1]);
  const founded = async (...uses: string[]): Promise<Space> => {
    const space = tracked(await createSpace({ relay: relay.address, admission: { token: inviteToken(data, ...uses) } }));
    await space.push(bytes('before')).durable('relay');
    return space;
  };

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'sealrelay-sponsored-'));
    data = join(dir, 'data');
    [port, metricsPort] = [await freePort(), await freePort()];
    relay = await start();
  });

  afterAll(async () => {
    await relay.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  test('devices come in by words and by link, the second by one that never had a token; strangers found nothing', async () => {
    const admin = await founded('--uses', '1');
    const phone = await paired(admin, 'words');
    const tablet = await paired(phone, 'link');
    await tablet.whenSynced();
    expect([tablet.size, tablet.devices().length]).toEqual([admin.size, 3]);
    expect([await figure('relay_sponsored_founded_total'), await figure('relay_foundings_admitted_total')]).toEqual([2, 1]);
    await expect.poll(() => figure('relay_sponsored_spaces'), { message: 'both mailboxes are gone', timeout: 5000 }).toBe(0);
    const strangers = mailboxLinkOf(parseRelayAddress(relay.address), parseCode(otherSecret('zoo zoo zoo zoo zoo zoo'.split(' '))));
    await expect(openSpace({ link: strangers, create: true })).rejects.toMatchObject({ code: 'admission_required', temporary: false });
    const audit = (): string => readdirSync(join(data, 'audit')).filter((name) => name.endsWith('.jsonl')).map((name) => readFileSync(join(data, 'audit', name), 'utf8')).join('');
    await until('the audit log says who vouched', () => (audit().match(/"space\.sponsored"/g) ?? []).length === 2);
    expect(audit()).not.toContain(admin.id);
  });

  test('another secret than is shown ends it for both, and the code is used up; a relay that is killed meanwhile changes nothing', async () => {
    const admin = await founded();
    const offer = offerPairing({ space: admin });
    await offer.offer();
    await relay.kill();
    relay = await start();
    const words = offer.getSnapshot().code ?? '';
    await expect(joinSpace({ code: otherSecret(words.split(' ')), relay: relay.address })).rejects.toMatchObject({ code: 'pairing_wrong_code' });
    await until('the other side knows', () => offer.getSnapshot().phase === 'failed');
    expect(offer.getSnapshot().error?.code).toBe('pairing_wrong_code');
    await expect(joinSpace({ code: words, relay: relay.address })).rejects.toMatchObject({ code: expect.stringMatching(/^pairing_/) });
    expect(admin.devices()).toHaveLength(1);
  });

  test('a space that is still on its way is waited for, and one that vouched too often is told so', async () => {
    const admin = tracked(await createSpace({ relay: relay.address, offline: true, admission: { token: inviteToken(data, '--uses', '2') } }));
    const offer = offerPairing({ space: admin });
    const offering = offer.offer();
    await expect.poll(() => figure('relay_sponsored_refused_total'), { message: 'the relay does not know it yet', timeout: 5000 }).toBeGreaterThan(0);
    admin.goOnline();
    await offering;
    offer.cancel();
    await offer.offer();
    offer.cancel();
    const refused = await offer.offer().catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(QuotaExceededError);
    expect(refused).toMatchObject({ code: 'quota_exceeded', quota: 'sponsored_spaces', used: 2, allowed: 2, needed: 1 });
    expect(offer.getSnapshot()).toMatchObject({ phase: 'failed', error: { code: 'quota_exceeded' } });
  });

  test('a device that may not let others in vouches for nothing; a room is founded with a token', async () => {
    const admin = await founded('--uses', '2');
    const reading = offerPairing({ space: admin, rights: 'write' });
    await reading.offer();
    const writer = tracked(await joinSpace({ code: reading.getSnapshot().link ?? '' }));
    await writer.whenSynced();
    await expect(offerPairing({ space: writer }).offer()).rejects.toMatchObject({ code: 'sponsor_refused', temporary: false });
    const room = roomLinkOf(admin.link ?? '', 'kitchen');
    await expect(openSpace({ link: room, create: true })).rejects.toMatchObject({ code: 'admission_required' });
    tracked(await openSpace({ link: room, create: true, admission: { token: inviteToken(data) } }));
  });
});

describe.skipIf(!existsSync(CLI))('pairing where a new space needs a JWT (needs `npm run build`)', () => {
  test('a tenant that may have one space pairs all the same, and what is said counts for it', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'sealrelay-jwks-'));
    const { privateKey, publicKey } = await generateKeyPair('EdDSA', { extractable: true });
    const keys = join(dir, 'keys.json');
    writeFileSync(keys, JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'EdDSA' }] }));
    const jwt = (tenant: string): Promise<string> => new SignJWT({ tenant }).setProtectedHeader({ alg: 'EdDSA', kid: 'k' }).setIssuer('https://id.test').setAudience('relay').setExpirationTime('5m').sign(privateKey);
    const flags = ['--admission', 'jwt', '--jwt.keys', keys, '--jwt.issuer', 'https://id.test', '--jwt.audience', 'relay', '--tenants', 'acme=1,tiny=1 bytes=4KiB'];
    await using relay = new ServeProcess(flags);
    const address = String((await relay.logLine('relay is listening'))['relayAddress']);
    const make = async (tenant: string): Promise<Space> => tracked(await createSpace({ relay: address, admission: { token: await jwt(tenant) } }));
    const acme = await make('acme');
    await acme.push(bytes('before')).durable('relay');
    await (await paired(acme, 'link')).whenSynced();
    const tiny = await make('tiny');
    await tiny.push(new Uint8Array(3500)).durable('relay');
    const offer = offerPairing({ space: tiny });
    await offer.offer();
    const refused = await joinSpace({ code: offer.getSnapshot().code ?? '', relay: address }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(QuotaExceededError);
    expect(refused).toMatchObject({ quota: 'tenant_bytes', allowed: 4096 });
    offer.cancel();
    rmSync(dir, { recursive: true, force: true });
  });

  test('a relay that takes no sponsors asks for a token, and takes it', async () => {
    await using relay = new ServeProcess(['--admission', 'invite', '--limits.sponsored-spaces-per-hour', '0']);
    const address = String((await relay.logLine('relay is listening'))['relayAddress']);
    const admission = { token: inviteToken(join(relay.dir, 'data'), '--uses', '2') };
    const admin = tracked(await createSpace({ relay: address, admission }));
    await admin.push(bytes('before')).durable('relay');
    await expect(offerPairing({ space: admin }).offer()).rejects.toMatchObject({ code: 'admission_required' });
    const offer = offerPairing({ space: admin, admission });
    await offer.offer();
    tracked(await joinSpace({ code: offer.getSnapshot().link ?? '' }));
    await offer.settled();
  });
});
