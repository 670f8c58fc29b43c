import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.js';

describe('the file of the log', () => {
  it.each(['./relay-data/relay.log', 'relay-data/a/b.log', './relay-data', '..data/../relay-data/x.log'])('is not %s, in the data directory', (path) => {
    expect(() => loadConfig(['--log.to', `file:${path}`], {})).toThrow('flag --log.to: the log would lie in the data directory, which holds nothing but what the relay keeps');
    expect(() => loadConfig(['--data-dir', '/srv/relay', '--log.to', 'file:/srv/relay/relay.log'], {})).toThrow('in the data directory');
  });

  it.each(['./relay.log', './relay-data.log', './relay-data-logs/relay.log', '../relay.log', './..relay-data.log', '/var/log/relay.log'])('may be %s', (path) => {
    expect(loadConfig(['--log.to', `file:${path}`], {}).config['log.to']).toBe(`file:${path}`);
  });
});
