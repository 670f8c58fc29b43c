// Options of who may administer the relay.
import type { OptionSpec } from './option-spec.js';

export const ADMIN_TOKEN_CHARS_MIN = 16;

export const ADMIN = {
  'admin.token': {
    group: 'admin',
    type: 'text',
    default: '',
    secret: true,
    reloadable: true,
    doc: `Token of at least ${ADMIN_TOKEN_CHARS_MIN} characters that signs in to the admin address. Without one there are the one-time link and passkeys, and only this machine is answered.`,
  },
} as const satisfies Record<string, OptionSpec>;
