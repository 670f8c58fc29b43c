import { describe, expect, it } from 'vitest';
import { acceptedBy } from '../../../src/cli/command.js';
import { serveCommand } from '../../../src/cli/commands/serve.js';
import { withDomains } from '../../../src/cli/serve-domains.js';
import { readFlags } from '../../../src/config/flags.js';
import { inspectConfig, type Inspected } from '../../../src/config/load.js';
import { run } from './run-cli.js';

const inspected = (args: readonly string[], env: Record<string, string> = {}): Promise<Inspected> =>
  inspectConfig(withDomains(readFlags(args, acceptedBy(serveCommand)), () => '0.0.0.0'), env, []);

describe('`relay serve` with domains', () => {
  it('turns TLS on for them, on all addresses and the ports of the web', async () => {
    const { config, origin, findings } = await inspected(['relay.example.org', 'www.example.org']);
    expect(findings).toEqual([]);
    expect(config).toMatchObject({ 'acme.domains': 'relay.example.org,www.example.org', host: '0.0.0.0', port: 443, 'tls.redirect-port': 80, insecure: false });
    expect(config?.['tls.hsts']).toBeGreaterThan(0);
    expect(config?.['admin.host']).toBe('127.0.0.1');
    expect(origin.port.label).toBe('domain relay.example.org www.example.org');
  });

  it('lets everything win that is set by name', async () => {
    const { config } = await inspected(['relay.example.org', '--port', '8443', '--tls.redirect-port', 'off'], { RELAY_HOST: '127.0.0.1' });
    expect(config).toMatchObject({ host: '127.0.0.1', port: 8443, 'tls.redirect-port': null });
  });

  it('is the relay of loopback without any', async () => {
    expect((await inspected([])).config).toMatchObject({ host: '127.0.0.1', port: 8080, 'acme.domains': null });
  });

  it('takes no file for a domain, which would open the relay to the network', async () => {
    for (const file of ['sealrelay.yaml', 'relay.yml', 'relay.TOML', 'relay.json', './relay.conf', '/etc/relay/relay.conf']) {
      expect(() => withDomains(readFlags([file], acceptedBy(serveCommand)))).toThrow(`"${file}" is a file`);
      expect(await run(['serve', file])).toMatchObject({ code: 2, err: expect.stringContaining(`Write --config ${file}.`) });
    }
    expect(await run(['sealrelay.yaml'])).toMatchObject({ code: 2, err: 'relay: unknown command "sealrelay.yaml". Did you mean `relay serve --config sealrelay.yaml`?' });
    expect(await run(['serve', '-v'])).toMatchObject({ code: 2, err: 'relay: unknown option -v. Options start with --; run it with --help for the list.' });
    expect((await inspected(['--acme.domains', 'sealrelay.yaml'])).findings[0]?.message).toContain('is no domain name');
  });

  it('says what is wrong with them', async () => {
    expect((await inspected(['no_domain'])).findings[0]?.message).toContain('"no_domain" is no domain name');
    expect(() => withDomains(readFlags(['a.example', '--acme.domains', 'b.example'], acceptedBy(serveCommand)))).toThrow('the domains are given twice');
    const { findings } = await inspected(['relay.example.org', '--tls.cert', 'c.pem', '--tls.key', 'k.pem']);
    expect(findings[0]?.hint).toBe('Use either tls.cert and tls.key, or acme.domains.');
  });
});
