import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.js';
import { parseTenants } from '../../../src/config/tenants.js';
import { tenantId } from '../../../src/server/admission/tenant-id.js';
import { tenantNames, tenantPlan } from '../../../src/server/admission/tenant-plan.js';

describe('the list of tenants', () => {
  it('gives each its spaces and limits of its own', () => {
    expect(parseTenants('any')).toBeNull();
    const list = parseTenants('acme=10 bytes=5GiB connections=100, other,third pushes=0 entries=7');
    expect([...(list ?? [])]).toEqual([
      ['acme', { spaces: 10, limits: { bytes: 5 * 1024 ** 3, connections: 100 } }],
      ['other', { spaces: null, limits: {} }],
      ['third', { spaces: null, limits: { pushes: 0, entries: 7 } }],
    ]);
  });

  it.each(['', 'a,,b', 'a=b', 'a=1=2', 'a bytes', 'a bytes=lots', 'a bytes=1KiB bytes=2KiB', 'a spaces=3', 'a connections=-1', 'a toString=1'])('refuses "%s"', (text) => {
    expect(parseTenants(text)).toBeUndefined();
  });

  it('is what the core is told: general limits, and those of the listed ones above them', () => {
    const { config } = loadConfig(['--tenants', 'acme=2 bytes=1MiB,other', '--limits.tenant-connections-max', '50'], {});
    const general = { entriesMax: 0, bytesMax: 0, connectionsMax: 50, pushesPerSecondMax: 0 };
    expect(tenantPlan(config)).toEqual({
      general,
      own: [
        { tenant: tenantId('acme'), limits: { ...general, bytesMax: 1024 * 1024 } },
        { tenant: tenantId('other'), limits: general },
      ],
    });
    expect(tenantNames(config).get(tenantId('acme'))).toBe('acme');
    expect(tenantId('acme')).toMatch(/^[0-9a-f]{32}$/);
  });
});
