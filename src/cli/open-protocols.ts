// What the banner says of the foreign protocols that are open: who is served, and what their formats leave in clear.
import { addressesOf } from '../config/aliases.js';
import type { Config } from '../config/options.js';
import { isOn } from '../server/core-config.js';

/** One line per protocol that is on. */
export function openProtocols(config: Config): readonly string[] {
  const lines: string[] = [];
  if (isOn(config, 'compat.graceful')) {
    const who = isOn(config, 'compat.graceful-tokenless') ? 'with or without a token' : 'with a token';
    lines.push(`Graceful Books at /sync and /ws (${who}; ids, types, operations, version vectors and times of changes are in clear)`);
  }
  if (isOn(config, 'compat.plures')) {
    const who = config['compat.plures-token-file'] === 'off' ? 'anyone who knows a topic' : 'with the token';
    lines.push(`PluresDB topics on every other path (${who}; the relay sees what the app does not seal, and stores nothing)`);
  }
  if (isOn(config, 'compat.gun')) {
    const who = isOn(config, 'compat.gun-tokenless') ? 'with or without a token' : 'with a token';
    const open = config['compat.gun-sealed-only'] ? 'souls, keys, links and states' : 'souls, keys, states and all values the app does not encrypt';
    const links = addressesOf(config['compat.gun-peers']).length;
    const linked = links === 0 ? '' : `; linked with ${links} other relay${links === 1 ? '' : 's'}, which get all of it`;
    lines.push(`GUN at /gun (${who}; ${open} are in clear${linked})`);
  }
  if (isOn(config, 'compat.eidetica')) {
    const who = isOn(config, 'compat.eidetica-tokenless') ? 'with or without a token' : 'with a token';
    lines.push(`Eidetica at /api/v0 (${who}; ids, parents, names of stores and keys, settings and all data the app does not encrypt are in clear)`);
  }
  return lines;
}
