import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.js';

describe('addresses the relay speaks to', () => {
  it.each([
    [{}, ['--alerts.pagerduty-url', 'events.example'], 'flag --alerts.pagerduty-url: "events.example" is not an address that alerts.pagerduty-url can have'],
    [{}, ['--alerts.opsgenie-url', 'ftp://x.example'], 'flag --alerts.opsgenie-url: "ftp://x.example" is not an address'],
    [{ SLA_ALERT_WEBHOOK: 'hooks.example/s3cret' }, [], 'environment variable SLA_ALERT_WEBHOOK: the given value is not an address'],
    [{ RELAY_ALERTS_WEBHOOK: 'file:///s3cret' }, [], 'environment variable RELAY_ALERTS_WEBHOOK: the given value is not an address'],
    [{ GUN_PEERS: 'wss://one.example/gun two.example/gun?t=s3cret' }, [], 'environment variable GUN_PEERS: number 2 is not an address'],
    [{ RELAY_COMPAT_GUN_PEERS: 'ftp://one.example/s3cret' }, [], 'environment variable RELAY_COMPAT_GUN_PEERS: number 1 is not an address'],
  ])('%j %j is refused, and no secret is shown', (env, flags, message) => {
    expect(() => loadConfig(flags, env)).toThrow(message);
    expect(() => loadConfig(flags, env)).not.toThrow(/s3cret/);
  });

  it.each([
    [{}, []],
    [{ RELAY_ALERTS_WEBHOOK: 'https://hooks.example/services/T0/B0/x' }, ['--alerts.pagerduty-url', 'http://127.0.0.1:9000/']],
    [{ GUN_PEERS: 'http://one/gun, wss://two/gun?t=x ws://[::1]:8765/gun' }, []],
  ])('%j %j is taken', (env, flags) => {
    expect(loadConfig(flags, env).warnings).toEqual([]);
  });
});
