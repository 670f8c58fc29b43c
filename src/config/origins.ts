// The list behind `cors-origins`: origins whose pages may read what the relay answers.
import { configError, type Finding, type Origin } from './finding.js';
import type { Config, OptionKey } from './options.js';

/** The option's text for all of them. */
const EVERY_ORIGIN = '*';
/** What the core takes; see ORIGINS_MAX of relay-net. */
const ORIGINS_MAX = 64;
/** As browsers write one of an app's own scheme (`capacitor://localhost`), which URL knows no origin of. */
const OWN_SCHEME = /^(?!https?:)[a-z][a-z0-9+.-]*:\/\/[a-z0-9.:[\]-]+$/;

/** The origins of a list, none for all of them; null when one of them is none, or when there are too many. */
export function parseOrigins(text: string): readonly string[] | null {
  if (text.trim() === EVERY_ORIGIN) return [];
  const origins = text.split(',').map((part) => part.trim());
  return origins.length <= ORIGINS_MAX && origins.every(isOrigin) ? origins : null;
}

/** What is wrong with the option. */
export function checkOrigins(config: Config, origin: (key: OptionKey) => Origin): Finding[] {
  const text = config['cors-origins'];
  if (parseOrigins(text) !== null) return [];
  const { label, place } = origin('cors-origins');
  const hint = `Give ${EVERY_ORIGIN}, or origins as browsers write them, with commas between them: https://app.example, without a path or a slash at the end.`;
  return [configError(`${label}: "${text}" is not a list of at most ${ORIGINS_MAX} origins`, hint, place)];
}

function isOrigin(text: string): boolean {
  return OWN_SCHEME.test(text) || (URL.canParse(text) && new URL(text).origin === text);
}
