// Addresses the relay speaks to by itself: receivers of alerts, and other relays. One that is none would be found out when it is needed.
import { addressesOf } from './aliases.js';
import { configError, type Finding, type Origin } from './finding.js';
import { OPTIONS, OPTION_KEYS, type Config, type OptionKey, type OptionSpec } from './options.js';

/** What is wrong with them. */
export function checkAddresses(config: Config, origin: (key: OptionKey) => Origin): Finding[] {
  return OPTION_KEYS.flatMap((key) => {
    const spec: OptionSpec = OPTIONS[key];
    if (spec.type !== 'text' || spec.addresses === undefined) return [];
    const { schemes, isList, example } = spec.addresses;
    const text = String(config[key]).trim();
    const given = isList ? addressesOf(text) : [text].filter((one) => one !== '');
    const at = given.findIndex((one) => !isAddress(one, schemes));
    if (at < 0) return [];
    const { label, place } = origin(key);
    // An address can hold a secret.
    const which = !spec.secret ? `"${given[at]}"` : isList ? `number ${at + 1}` : 'the given value';
    return [configError(`${label}: ${which} is not an address that ${key} can have`, `Give ${isList ? 'whole addresses with commas between them' : 'a whole address'}, such as ${example}.`, place)];
  });
}

function isAddress(text: string, schemes: readonly string[]): boolean {
  const url = URL.canParse(text) ? new URL(text) : null;
  return url !== null && schemes.includes(url.protocol) && url.hostname !== '';
}
