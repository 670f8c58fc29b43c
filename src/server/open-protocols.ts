// The foreign protocols that are open: who is served, and what their formats leave in clear; for the banner and the admin page.
import { addressesOf } from '../config/aliases.js';
import { configWarning, type Finding } from '../config/finding.js';
import type { Config, OptionKey } from '../config/options.js';
import { isOn } from './core-config.js';

export interface OpenProtocol {
  /** As the core names it. */
  readonly system: string;
  /** As people name it. */
  readonly name: string;
  readonly where: string;
  readonly who: string;
  /** What is in clear, and who else gets it. */
  readonly clear: string;
}

/** Those that are on. */
export function openProtocols(config: Config): readonly OpenProtocol[] {
  const open: OpenProtocol[] = [];
  if (isOn(config, 'compat.graceful')) {
    open.push({ system: 'graceful', name: 'Graceful Books', where: 'at /sync and /ws', who: whoMay(config, 'compat.graceful-tokenless'), clear: 'ids, types, operations, version vectors and times of changes are in clear' });
  }
  if (isOn(config, 'compat.plures')) {
    const who = config['compat.plures-token-file'] === 'off' ? 'anyone who knows a topic' : 'with the token';
    open.push({ system: 'plures', name: 'PluresDB', where: 'topics on every other path', who, clear: 'the relay sees what the app does not seal, and stores nothing' });
  }
  if (isOn(config, 'compat.gun')) {
    const clear = config['compat.gun-sealed-only'] ? 'souls, keys, links and states' : 'souls, keys, states and all values the app does not encrypt';
    const links = addressesOf(config['compat.gun-peers']).length;
    const linked = links === 0 ? '' : `; linked with ${links} other relay${links === 1 ? '' : 's'}, which get all of it`;
    open.push({ system: 'gun', name: 'GUN', where: 'at /gun', who: whoMay(config, 'compat.gun-tokenless'), clear: `${clear} are in clear${linked}` });
  }
  if (isOn(config, 'compat.eidetica')) {
    const clear = 'ids, parents, names of stores and keys, settings and all data the app does not encrypt are in clear';
    open.push({ system: 'eidetica', name: 'Eidetica', where: 'at /api/v0', who: whoMay(config, 'compat.eidetica-tokenless'), clear });
  }
  return open;
}

/** What was asked of a protocol that is not served. */
export function settingsWithoutEffect(config: Config): readonly Finding[] {
  const asked: readonly (readonly [key: OptionKey, isAsked: boolean, protocol: Parameters<typeof isOn>[1]])[] = [
    ['compat.graceful-tokenless', config['compat.graceful-tokenless'] === 'on', 'compat.graceful'],
    ['compat.plures-token-file', config['compat.plures-token-file'] !== 'off', 'compat.plures'],
    ['compat.gun-tokenless', config['compat.gun-tokenless'] === 'on', 'compat.gun'],
    ['compat.gun-peers', config['compat.gun-peers'] !== '', 'compat.gun'],
    ['compat.eidetica-tokenless', config['compat.eidetica-tokenless'] === 'on', 'compat.eidetica'],
  ];
  return asked
    .filter(([, isAsked, protocol]) => isAsked && !isOn(config, protocol))
    .map(([key, , protocol]) => configWarning(`${key} has no effect: its protocol is not served here`, `Set ${protocol} to on, or leave it out.`));
}

/** One line for people. */
export function describeProtocol({ name, where, who, clear }: OpenProtocol): string {
  return `${name} ${where} (${who}; ${clear})`;
}

/** A token opens a tenant by itself where admission is open: whoever makes one up has one. */
function whoMay(config: Config, key: Parameters<typeof isOn>[1]): string {
  if (config.admission !== 'open') return config.admission === 'jwt' ? 'with a JWT that admission lets in' : 'with an invite token';
  return isOn(config, key) ? 'with or without a token' : 'with a token';
}
