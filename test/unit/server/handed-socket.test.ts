import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { endianness, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withHandedSocket } from '../../../src/cli/serve-socket.js';
import { inspectConfig } from '../../../src/config/load.js';
import { listeningAddress } from '../../../src/server/lifecycle/handed-socket.js';

const HEAD = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
const row = (local: string, inode: number): string => `   0: ${local} 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0000000000000000 100 0 0 10 0\n`;

describe.skipIf(process.platform === 'win32' || endianness() !== 'LE')('the address of a socket that was handed over', () => {
  let proc: string;
  beforeEach(() => {
    proc = mkdtempSync(join(tmpdir(), 'sealrelay-proc-'));
    for (const name of ['fd', 'net']) mkdirSync(join(proc, name));
    symlinkSync('socket:[42]', join(proc, 'fd', '3'));
  });
  afterEach(() => rmSync(proc, { recursive: true, force: true }));

  it.each([
    ['tcp', '0100007F:1F90', '127.0.0.1', 8080],
    ['tcp', '00000000:01BB', '0.0.0.0', 443],
    ['tcp6', '00000000000000000000000000000000:01BB', '::', 443],
    ['tcp6', '00000000000000000000000001000000:1F90', '::1', 8080],
    ['tcp6', '0000000000000000FFFF00000100007F:1F90', '127.0.0.1', 8080],
    ['tcp6', 'B80D0120000000000000000001000000:0050', '2001:db8::1', 80],
  ])('is read from %s as %s', (file, local, host, port) => {
    writeFileSync(join(proc, 'net', file), HEAD + row('0100007F:0016', 41) + row(local, 42) + row('0100007F:0017', 421));
    expect(listeningAddress(3, proc)).toEqual({ host, port });
  });

  it('is not known of what is no TCP socket, or where the system does not tell', () => {
    writeFileSync(join(proc, 'net', 'tcp'), HEAD + row('0100007F:0016', 41));
    expect(listeningAddress(3, proc)).toBeNull();
    expect(listeningAddress(4, proc)).toBeNull();
    expect(listeningAddress(3, join(proc, 'nowhere'))).toBeNull();
  });

  it.skipIf(process.platform !== 'linux')('is the one of a socket of this process (needs Linux)', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const fd = (server as unknown as Record<string, { fd: number } | undefined>)['_handle']?.fd ?? -1;
    expect(listeningAddress(fd)).toEqual({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
    server.close();
  });

  it('is what is decided by, whatever else is said of host and port; without one nothing starts', async () => {
    const given = { found: new Map([['port', { text: '9000', origin: { label: 'flag --port', place: null } }]]), switches: new Map([['config', 'off']]) };
    const { config, findings } = await inspectConfig(withHandedSocket(given, 3, () => ({ host: '127.0.0.2', port: 81 })), { RELAY_HOST: '10.0.0.1' }, []);
    expect([config?.host, config?.port, findings]).toEqual(['127.0.0.2', 81, []]);
    const open = await inspectConfig(withHandedSocket(given, 3, () => ({ host: '0.0.0.0', port: 81 })), {}, []);
    expect(open.findings).toMatchObject([{ code: 'bind_not_loopback', message: expect.stringContaining('socket of the service manager') }]);
    expect(withHandedSocket(given, null)).toBe(given);
    expect(() => withHandedSocket(given, 3, () => null)).toThrow('it cannot be found out where the socket listens');
  });
});
