import { SignJWT, exportJWK, generateKeyPair, UnsecuredJWT, type CryptoKey, type JWK } from 'jose';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseTenants } from '../../../../src/config/tenants.js';
import { JwtJudge } from '../../../../src/server/admission/jwt-judge.js';
import { JwtKeys } from '../../../../src/server/admission/jwt-keys.js';
import { tenantId } from '../../../../src/server/admission/tenant-id.js';
import { Tenants } from '../../../../src/server/admission/tenants.js';

const claim = (n: number): string => n.toString(16).padStart(32, '0');
const NOW_S = 1_800_000_000;

interface Key {
  readonly kid: string;
  readonly alg: string;
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

async function key(kid: string, alg: string): Promise<Key> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { kid, alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg } };
}

interface Changes {
  readonly issuer?: string;
  readonly audience?: string;
  readonly expS?: number | null;
  readonly nbfS?: number;
  readonly claims?: Record<string, unknown>;
}

async function token({ kid, alg, privateKey }: Key, { issuer = 'https://id.test', audience = 'relay', expS = NOW_S + 60, nbfS, claims = {} }: Changes = {}): Promise<string> {
  const jwt = new SignJWT({ sub: 'someone', ...claims }).setProtectedHeader({ alg, kid }).setIssuer(issuer).setAudience(audience);
  if (expS !== null) jwt.setExpirationTime(expS);
  if (nbfS !== undefined) jwt.setNotBefore(nbfS);
  return await jwt.sign(privateKey);
}

class Scene {
  readonly dir = mkdtempSync(join(tmpdir(), 'sealrelay-jwt-'));
  readonly file = join(this.dir, 'keys.json');
  nowMs = 0;

  keys(source = this.file): JwtKeys {
    return new JwtKeys({ source, refreshMs: 60_000, clock: () => this.nowMs });
  }

  write(...keys: Key[]): void {
    writeFileSync(this.file, JSON.stringify({ keys: keys.map(({ jwk }) => jwk) }));
  }

  judge(keys: JwtKeys, tenants = 'any', spacesMax = 0): JwtJudge {
    const list = parseTenants(tenants);
    if (list === undefined) throw new Error('no list of tenants');
    const options = { issuer: 'https://id.test', audience: 'relay', tenantClaim: 'tenant', spacesClaim: 'spaces', userClaim: 'sub', clock: () => NOW_S * 1000 };
    return new JwtJudge(options, keys, new Tenants({ dataDir: this.dir, list, spacesMax }));
  }
}

describe('JwtJudge', () => {
  it.each(['EdDSA', 'ES256', 'RS256'])('takes %s, and refuses everything that is not quite right', async (alg) => {
    const scene = new Scene();
    const [good, other] = [await key('a', alg), await key('a', alg)];
    scene.write(good);
    const judge = scene.judge(scene.keys());
    const kind = async (text: string): Promise<string> => (await judge.judge(text, claim(1))).kind;
    expect(await kind(await token(good))).toBe('admitted');
    expect(await kind(await token(good, { nbfS: NOW_S + 20 }))).toBe('admitted');
    const wrong: [string, string][] = [
      ['another key', await token(other)],
      ['issuer', await token(good, { issuer: 'https://evil.test' })],
      ['audience', await token(good, { audience: 'other' })],
      ['expired', await token(good, { expS: NOW_S - 60 })],
      ['no exp', await token(good, { expS: null })],
      ['not yet', await token(good, { nbfS: NOW_S + 60 })],
      ['tenant is no text', await token(good, { claims: { tenant: 7 } })],
      ['spaces is no count', await token(good, { claims: { spaces: -1 } })],
      ['changed', (await token(good)).replace(/\.(.)/, (_, first: string) => `.${first === 'e' ? 'f' : 'e'}`)],
      ['nothing', ''],
      ['an invite', `inv.${'A'.repeat(11)}.${'A'.repeat(32)}`],
    ];
    for (const [why, text] of wrong) expect({ why, kind: await kind(text) }).toEqual({ why, kind: 'refused' });
  });

  it('takes no token without a signature, and none that is signed with the public key as a secret', async () => {
    const scene = new Scene();
    const rsa = await key('a', 'RS256');
    scene.write(rsa);
    const judge = scene.judge(scene.keys());
    const bare = new UnsecuredJWT({ sub: 'x' }).setIssuer('https://id.test').setAudience('relay').setExpirationTime(NOW_S + 60).encode();
    expect((await judge.judge(bare, claim(1))).kind).toBe('refused');
    const [, payload = ''] = (await token(rsa)).split('.');
    const head = Buffer.from(JSON.stringify({ alg: 'HS256', kid: 'a' })).toString('base64url');
    const mac = createHmac('sha256', JSON.stringify(rsa.jwk)).update(`${head}.${payload}`).digest('base64url');
    expect((await judge.judge(`${head}.${payload}.${mac}`, claim(1))).kind).toBe('refused');
  });

  it('counts the spaces of a tenant, by what the operator, the token or the general limit says', async () => {
    const scene = new Scene();
    const signer = await key('a', 'ES256');
    scene.write(signer);
    const judge = scene.judge(scene.keys(), 'acme=2,other', 3);
    const found = async (tenant: string, n: number, spaces?: number): Promise<object> => {
      const claims = spaces === undefined ? { tenant } : { tenant, spaces };
      return await judge.judge(await token(signer, { claims }), claim(n));
    };
    expect([await found('acme', 1, 50), await found('acme', 2, 50), await found('acme', 1, 50)]).toEqual(Array.from({ length: 3 }, () => ({ kind: 'admitted', tenant: tenantId('acme') })));
    expect(await found('acme', 3, 50)).toEqual({ kind: 'exceeded', used: 2, allowed: 2 });
    expect([await found('other', 1, 1), await found('other', 2, 1)]).toEqual([{ kind: 'admitted', tenant: tenantId('other') }, { kind: 'exceeded', used: 1, allowed: 1 }]);
    expect(await found('other', 2)).toEqual({ kind: 'admitted', tenant: tenantId('other') });
    expect(await found('stranger', 1)).toEqual({ kind: 'refused' });
    expect(await scene.judge(scene.keys(), 'acme=2').judge(await token(signer, { claims: { tenant: 'acme' } }), claim(9))).toMatchObject({ kind: 'exceeded', used: 2 });
  });
});

describe('JwtKeys', () => {
  it('reads a file again after its time, or when a key is not in it', async () => {
    const scene = new Scene();
    const [first, second] = [await key('1', 'EdDSA'), await key('2', 'EdDSA')];
    scene.write(first);
    const judge = scene.judge(scene.keys());
    const kind = async (of: Key): Promise<string> => (await judge.judge(await token(of), claim(1))).kind;
    expect(await kind(first)).toBe('admitted');
    scene.write(second);
    expect(await kind(second)).toBe('refused');
    scene.nowMs += 10_000;
    expect(await kind(second)).toBe('admitted');
    scene.write(first);
    expect(await kind(second)).toBe('admitted');
    scene.nowMs += 60_000;
    expect(await kind(second)).toBe('refused');
  });

  it('lets nobody in while the keys cannot be read, and asks again only after a pause', async () => {
    const scene = new Scene();
    const signer = await key('1', 'EdDSA');
    const judge = scene.judge(scene.keys());
    const text = await token(signer);
    await expect(judge.judge(text, claim(1))).rejects.toThrow('cannot be read');
    scene.write(signer);
    await expect(judge.judge(text, claim(1))).rejects.toThrow('a moment ago');
    scene.nowMs += 10_000;
    expect((await judge.judge(text, claim(1))).kind).toBe('admitted');
    writeFileSync(scene.file, JSON.stringify({ keys: [], filler: 'x'.repeat(300_000) }));
    scene.nowMs += 60_000;
    await expect(judge.judge(text, claim(1))).rejects.toThrow('cannot be read');
  });

  it('reads a URL once for many, and bounds what it takes', async () => {
    const scene = new Scene();
    const signer = await key('1', 'ES256');
    let asked = 0;
    let body = JSON.stringify({ keys: [signer.jwk] });
    const server = createServer((_request, response) => {
      asked += 1;
      response.end(body);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const judge = scene.judge(scene.keys(`http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`));
    const text = await token(signer);
    const kinds = await Promise.all(Array.from({ length: 20 }, async (_, n) => (await judge.judge(text, claim(n))).kind));
    expect([new Set(kinds), asked]).toEqual([new Set(['admitted']), 1]);
    body = `{"keys":[${'1,'.repeat(300_000)}1]}`;
    scene.nowMs += 60_000;
    await expect(judge.judge(text, claim(1))).rejects.toThrow('cannot be read');
    server.close();
  });

  it('says whose a token is: the same for all of one user, whatever else is in them, and counts nothing', async () => {
    const scene = new Scene();
    const good = await key('a', 'EdDSA');
    scene.write(good);
    const judge = scene.judge(scene.keys(), 'acme=1, beta=1, someone=1');
    const owner = async (claims: Record<string, unknown>, changes: Changes = {}): Promise<unknown> => await judge.recognise(await token(good, { ...changes, claims }));
    const alice = await owner({ tenant: 'acme', sub: 'alice' });
    expect(alice).toMatchObject({ kind: 'admitted', tenant: expect.stringMatching(/^[0-9a-f]{32}$/) });
    expect(await owner({ tenant: 'acme', sub: 'alice', jti: 'renewed' }, { expS: NOW_S + 7200 })).toEqual(alice);
    const others = [await owner({ tenant: 'acme', sub: 'bob' }), await owner({ tenant: 'beta', sub: 'alice' }), await owner({}), await owner({ tenant: 'acme', sub: undefined })];
    expect(new Set([alice, ...others].map((said) => JSON.stringify(said))).size).toBe(5);
    expect(others.every((said) => JSON.stringify(said).includes('admitted'))).toBe(true);
    for (const refused of [await owner({ tenant: 'unlisted', sub: 'alice' }), await owner({ tenant: 'acme', sub: 7 }), await owner({ tenant: 'acme' }, { expS: NOW_S - 60 })]) expect(refused).toEqual({ kind: 'refused' });
    expect(await judge.judge(await token(good, { claims: { tenant: 'acme' } }), claim(1))).toMatchObject({ kind: 'admitted' });
  });
});
