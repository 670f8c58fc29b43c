import { mkdtempSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InviteStore } from '../../../../src/server/admission/invite-store.js';

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
    const { token } = await at.open().create({ label: '', usesMax: 2, lifetimeMs: null });
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
    const { token, invite } = await store.create({ label: 'x', usesMax: 9, lifetimeMs: 5000 });
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
    const { token } = await store.create({ label: 'family', usesMax: 1, lifetimeMs: null });
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
    const { token, invite } = await at.open().create({ label: '', usesMax: 2, lifetimeMs: null });
    const path = join(at.dir, 'admission', 'invites', `${invite.id}.claims`);
    writeFileSync(path, `${claim(1)}\n${claim(2).slice(0, 9)}`);
    expect(await kindOf(at.open(), token, 3)).toBe('admitted');
    expect(await kindOf(at.open(), token, 4)).toBe('refused');
    expect(await kindOf(at.open(), token, 1)).toBe('admitted');
  });

  it('says which file is damaged and lets nobody in by it', async () => {
    const at = place();
    const { token, invite } = await at.open().create({ label: '', usesMax: 2, lifetimeMs: null });
    writeFileSync(join(at.dir, 'admission', 'invites', `${invite.id}.json`), '{"usesMax":1e9}');
    await expect(at.open().judge(token, claim(1))).rejects.toThrow(`the file of the invite token ${invite.id} is damaged`);
  });
});
