import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.js';
import { acmeDomains, isTlsOn } from '../../../src/config/tls.js';

const FILES = ['--tls.cert', 'a.pem', '--tls.key', 'b.pem'];
const config = (args: readonly string[]): ReturnType<typeof loadConfig>['config'] => loadConfig(args, {}).config;

describe('the options of TLS', () => {
  it('are off by default', () => {
    expect(isTlsOn(config([]))).toBe(false);
    expect(isTlsOn(config(FILES))).toBe(true);
    expect(isTlsOn(config(['--acme.domains', 'relay.example.org']))).toBe(true);
  });

  it('let the relay listen where others can connect', () => {
    expect(() => config(['--host', '0.0.0.0'])).toThrow(/TLS is not on/);
    expect(config(['--host', '0.0.0.0', ...FILES]).host).toBe('0.0.0.0');
    expect(config(['--host', '0.0.0.0', '--acme.domains', 'relay.example.org']).host).toBe('0.0.0.0');
  });

  it('take each domain once, in lower case', () => {
    expect(acmeDomains(config(['--acme.domains', 'Relay.example.org, b.example.org,relay.EXAMPLE.org,']))).toEqual(['relay.example.org', 'b.example.org']);
  });

  it.each([
    [['--tls.cert', 'a.pem'], /a certificate without its key/],
    [['--tls.key', 'b.pem'], /a key without its certificate/],
    [[...FILES, '--acme.domains', 'relay.example.org'], /certificate files as well/],
    [['--acme.domains', 'relay'], /"relay" is no domain name/],
    [['--acme.domains', '*.example.org'], /is no domain name/],
    [['--acme.domains', '127.0.0.1'], /is no domain name/],
    [['--acme.domains', ','], /from 1 to 100 domains/],
    [['--acme.domains', 'a.example', '--acme.directory', 'http://ca.example/'], /no https address/],
    [['--tls.redirect-port', '80'], /no TLS to send anybody to/],
    [['--tls.cert', ''], /a text of 1 to 4096 characters, or off/],
  ])('%j is refused', (args, message) => {
    const refusal = (): unknown => {
      try {
        return config(args);
      } catch (error) {
        return error instanceof Error && 'hint' in error ? `${error.message} ${String(error.hint)}` : error;
      }
    };
    expect(refusal()).toMatch(message);
  });
});
