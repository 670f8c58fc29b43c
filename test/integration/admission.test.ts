// Who may found a space, and how much it may hold: real clients, the built product.
import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { QuotaExceededError, createSpace, openSpace, type ClientError, type Space } from '../../src/client/node.js';
import { CLI, ServeProcess } from '../support/serve-process.js';

const text = (content: string): Uint8Array => new TextEncoder().encode(content);

/** Whether the relay takes a space, or the code of why not. */
async function founded(space: Space): Promise<string> {
  const write = space.push(text('hello'));
  const failed = new Promise<string>((resolve) => {
    space.on('status', ({ status, error }) => {
      if (status === 'failed') resolve(error?.code ?? '');
    });
  });
  return await Promise.race([write.durable('relay').then(() => 'founded', (error: ClientError) => error.code), failed]);
}

function relayToken(relay: ServeProcess, ...args: string[]): string {
  const { stdout, stderr, status } = spawnSync(process.execPath, [CLI, 'token', ...args, '--data-dir', join(relay.dir, 'data')], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout.trim();
}

async function addressOf(relay: ServeProcess): Promise<string> {
  return String((await relay.logLine('relay is listening'))['relayAddress']);
}

describe.skipIf(!existsSync(CLI))('admission (needs `npm run build`)', () => {
  it('takes new spaces with an invite token only, as often as it says, and asks no space that is there', async () => {
    await using relay = new ServeProcess(['--admission', 'invite']);
    const address = await addressOf(relay);
    const token = relayToken(relay, 'create', '--uses', '1', '--label', 'first');
    const bare = await createSpace({ relay: address });
    expect(await founded(bare)).toBe('admission_required');
    await bare.close();
    const first = await createSpace({ relay: address, admission: { token } });
    expect(await founded(first)).toBe('founded');
    const second = await createSpace({ relay: address, admission: { token } });
    expect(await founded(second)).toBe('admission_refused');
    await second.close();
    const guest = await openSpace({ link: first.link ?? '' });
    expect(await founded(guest)).toBe('founded');
    expect(relayToken(relay, 'list')).toMatch(/1 of 1 used .* first$/);
    const revoked = relayToken(relay, 'create', '--label', 'gone');
    expect(JSON.parse(relayToken(relay, 'revoke', '--label', 'gone', '--json'))).toEqual({ revoked: [expect.stringMatching(/\S/)] });
    const third = await createSpace({ relay: address, admission: { token: revoked } });
    expect(await founded(third)).toBe('admission_refused');
    await Promise.all([third.close(), guest.close(), first.close()]);
    expect([...relay.stdout, ...relay.stderr].join('\n')).not.toContain(token.split('.')[2]);
    const { metricsUrl } = await relay.logLine('relay is listening');
    const metrics = await (await fetch(String(metricsUrl))).text();
    expect(metrics).toMatch(/relay_foundings_admitted_total 1\n/);
    expect(metrics).toMatch(/relay_foundings_refused_total [3-9]/);
  });

  it('takes new spaces with a JWT, and no more of a tenant than it may have', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'sealrelay-jwks-'));
    const { privateKey, publicKey } = await generateKeyPair('EdDSA', { extractable: true });
    const keys = join(dir, 'keys.json');
    writeFileSync(keys, JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'EdDSA' }] }));
    const jwt = async (audience: string): Promise<string> =>
      await new SignJWT({ tenant: 'acme', spaces: 1 }).setProtectedHeader({ alg: 'EdDSA', kid: 'k' }).setIssuer('https://id.test').setAudience(audience).setExpirationTime('5m').sign(privateKey);
    await using relay = new ServeProcess(['--admission', 'jwt', '--jwt.keys', keys, '--jwt.issuer', 'https://id.test', '--jwt.audience', 'relay']);
    const address = await addressOf(relay);
    const wrong = await createSpace({ relay: address, admission: { token: await jwt('elsewhere') } });
    expect(await founded(wrong)).toBe('admission_refused');
    await wrong.close();
    const space = await createSpace({ relay: address, admission: { token: await jwt('relay') } });
    expect(await founded(space)).toBe('founded');
    const more = await createSpace({ relay: address, admission: { token: await jwt('relay') } });
    expect(await founded(more)).toBe('quota_exceeded');
    expect(more.status.error).toMatchObject({ quota: 'tenant_spaces', used: 1, allowed: 1, needed: 1 });
    await Promise.all([space.close(), more.close()]);
  });

  it('tells a device which quota is used up, and takes what fits, also after a restart', async () => {
    const flags = ['--limits.space-entries-max', '2'];
    await using relay = new ServeProcess(flags);
    const space = await createSpace({ relay: await addressOf(relay), batchWindowMs: 0 });
    const told = new Promise<unknown>((resolve) => space.on('error', resolve));
    await space.push(text('one')).durable('relay');
    await space.push(text('two')).durable('relay');
    void space.push(text('three'));
    const error = await told;
    expect(error).toBeInstanceOf(QuotaExceededError);
    expect(error).toMatchObject({ code: 'quota_exceeded', temporary: true, quota: 'space_entries', used: 2, allowed: 2, needed: 1 });
    await space.close();
  });
});
