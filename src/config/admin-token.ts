// A token that can be guessed is worse than none: it would open the admin address to the network.
import { configError, type Finding, type Origin } from './finding.js';
import type { Config } from './options.js';
import { ADMIN_TOKEN_CHARS_MIN } from './table/admin.js';

/** What is wrong with the token of the admin address. */
export function checkAdminToken(config: Config, { label, place }: Origin): Finding[] {
  const token = config['admin.token'];
  if (token === '' || (token.length >= ADMIN_TOKEN_CHARS_MIN && /^[\x21-\x7E]+$/.test(token))) return [];
  return [configError(`admin.token (${label}) is too short, or has characters that no header carries`, `Give at least ${ADMIN_TOKEN_CHARS_MIN} letters and digits: openssl rand -hex 32.`, place)];
}
