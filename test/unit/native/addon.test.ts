import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.js';
import { RelayError } from '../../../src/errors.js';
import { loadAddon, toRelayError } from '../../../src/native/addon.js';
import { toCoreConfig } from '../../../src/server/core-config.js';

describe('the native port', () => {
  it('names the package when the addon is missing', async () => {
    const missing = loadAddon(() => Promise.reject(new Error('Cannot find native binding')));
    await expect(missing).rejects.toMatchObject({
      code: 'addon_missing',
      hint: expect.stringContaining(`@sealrelay/core-${process.platform}-${process.arch}`),
    });
  });

  it('keeps code, temporary and hint of a native error, and its cause', () => {
    const native = Object.assign(new Error('taken'), { code: 'port_in_use', temporary: true, hint: 'Choose another.' });
    expect(toRelayError(native)).toMatchObject({ code: 'port_in_use', temporary: true, hint: 'Choose another.', cause: native });
  });

  it.each([new Error('plain'), 'text', null])('calls anything else internal: %s', (thrown) => {
    expect(toRelayError(thrown)).toMatchObject({ code: 'internal', temporary: false, hint: null });
    expect(toRelayError(thrown)).toBeInstanceOf(RelayError);
  });

  it('hands over every property, null for none', () => {
    const { config } = loadConfig(['--host', '[::1]', '--heartbeat', '1s'], {});
    const core = toCoreConfig(config, { '/x': 'native' }, { socketPath: '/s', secret: 't' });
    expect(core).toMatchObject({ host: '::1', routes: [{ path: '/x', kind: 'native' }], times: { heartbeatMs: 1000 } });
    const values = (value: object): unknown[] => Object.values(value).flatMap((inner) => (typeof inner === 'object' && inner ? values(inner) : [inner]));
    expect(values(core)).not.toContain(undefined);
  });
});
