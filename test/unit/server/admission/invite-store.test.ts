import { mkdtempSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseTenants } from '../../../../src/config/tenants.js';
import { InviteStore } from '../../../../src/server/admission/invite-store.js';
import { tenantId } from '../../../../src/server/admission/tenant-id.js';
import { Tenants } from '../../../../src/server/admission/tenants.js';

const claim = (n: number): string => n.toString(16).padStart(32, '0');
const kindOf = async (store: InviteStore, token: string, n: number): Promise<string> => (await store.judge(token, claim(n))).kind;

function place(): { readonly dir: string; readonly open: () => InviteStore; now: number } {
  const dir = mkdtempSync(join(tmpdir(), 'sealrelay-invites-'));
  const at = { dir, now: 1_000_000, open: () => new InviteStore(dir, () => at.now) };
  return at;
}

describe('InviteStore', () => {
  it('lets a token found as many spaces as it says, also when they come at once and after a restart', async () => {
    const at = place();
    const { token } = await at.open().create({ label: '', tenant: null, usesMax: 2, lifetimeMs: null });
    const store = at.open();
    const kinds = await Promise.all([1, 2, 3, 4].map((n) => kindOf(store, token, n)));
    expect(kinds).toEqual(['admitted', 'admitted', 'refused', 'refused']);
    expect(await kindOf(at.open(), token, 5)).toBe('refused');
    expect(await kindOf(at.open(), token, 1)).toBe('admitted');
    expect((await at.open().list())[0]).toMatchObject({ used: 2, usesMax: 2 });
  });

  it('refuses what is expired, revoked, changed or made up', async () => {
    const at = place();
    const store = at.open();
    const { token, invite } = await store.create({ label: 'x', tenant: null, usesMax: 9, lifetimeMs: 5000 });
    expect(await kindOf(store, `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`, 1)).toBe('refused');
    for (const made of ['', 'inv', 'inv.a.b', `inv.${'A'.repeat(11)}.${'A'.repeat(32)}`, `inv.../../x.${'A'.repeat(32)}`, 'eyJ.e30.x']) expect(await kindOf(store, made, 1)).toBe('refused');
    at.now += 4999;
    expect(await kindOf(store, token, 1)).toBe('admitted');
    at.now += 1;
    expect(await kindOf(store, token, 2)).toBe('refused');
    at.now -= 1;
    expect(await new InviteStore(at.dir, () => at.now).revoke(invite.id)).toBe(true);
    expect(await kindOf(store, token, 3)).toBe('refused');
    expect(await store.revoke(invite.id)).toBe(false);
    expect(await store.revoke('../../etc')).toBe(false);
    expect(await store.list()).toEqual([]);
  });

  it('keeps no token on disk, and nothing that others may read', async () => {
    const at = place();
    const store = at.open();
    const { token } = await store.create({ label: 'family', tenant: null, usesMax: 1, lifetimeMs: null });
    await store.judge(token, claim(1));
    const dir = join(at.dir, 'admission', 'invites');
    const names = readdirSync(dir);
    expect(names).toHaveLength(2);
    const secret = token.split('.')[2] ?? '';
    for (const name of names) {
      expect(statSync(join(dir, name)).mode & 0o077).toBe(0);
      expect(readFileSync(join(dir, name), 'utf8')).not.toContain(secret);
    }
  });

  it('does not count a use that a crash cut, and never lets the rest be forgotten', async () => {
    const at = place();
    const { token, invite } = await at.open().create({ label: '', tenant: null, usesMax: 2, lifetimeMs: null });
    const path = join(at.dir, 'admission', 'invites', `${invite.id}.claims`);
    writeFileSync(path, `${claim(1)}\n${claim(2).slice(0, 9)}`);
    expect(await kindOf(at.open(), token, 3)).toBe('admitted');
    expect(await kindOf(at.open(), token, 4)).toBe('refused');
    expect(await kindOf(at.open(), token, 1)).toBe('admitted');
  });

  it('says which file is damaged and lets nobody in by it', async () => {
    const at = place();
    const { token, invite } = await at.open().create({ label: '', tenant: null, usesMax: 2, lifetimeMs: null });
    writeFileSync(join(at.dir, 'admission', 'invites', `${invite.id}.json`), '{"usesMax":1e9}');
    await expect(at.open().judge(token, claim(1))).rejects.toThrow(`the file of the invite token ${invite.id} is damaged`);
  });

  it('founds on the account of a tenant, and no more spaces than that may have', async () => {
    const at = place();
    const tenants = (): Tenants => new Tenants({ dataDir: at.dir, list: parseTenants('acme=2') ?? null, spacesMax: 0 });
    const store = new InviteStore(at.dir, () => at.now, tenants());
    const { token } = await store.create({ label: '', tenant: 'acme', usesMax: 9, lifetimeMs: null });
    const { token: other } = await store.create({ label: '', tenant: 'acme', usesMax: 9, lifetimeMs: null });
    expect(await store.judge(token, claim(1))).toEqual({ kind: 'admitted', tenant: tenantId('acme') });
    expect(await kindOf(store, other, 2)).toBe('admitted');
    const again = new InviteStore(at.dir, () => at.now, tenants());
    expect(await again.judge(token, claim(3))).toEqual({ kind: 'exceeded', used: 2, allowed: 2 });
    expect(await kindOf(again, token, 1)).toBe('admitted');
    expect((await again.list()).map(({ tenant }) => tenant)).toEqual(['acme', 'acme']);
    const { token: unlisted } = await again.create({ label: '', tenant: 'nobody', usesMax: 1, lifetimeMs: null });
    expect(await kindOf(again, unlisted, 4)).toBe('refused');
    expect(await kindOf(at.open(), token, 1)).toBe('refused');
  });

  it('reads the files of tokens from before there were tenants', async () => {
    const at = place();
    const { token, invite } = await at.open().create({ label: '', tenant: null, usesMax: 1, lifetimeMs: null });
    const path = join(at.dir, 'admission', 'invites', `${invite.id}.json`);
    const { tenant, ...older } = JSON.parse(readFileSync(path, 'utf8'));
    expect(tenant).toBeNull();
    writeFileSync(path, JSON.stringify(older));
    expect(await at.open().judge(token, claim(1))).toEqual({ kind: 'admitted', tenant: null });
  });
});
