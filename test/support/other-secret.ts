// A code that is read, and is another one: what a person types who looked at the wrong screen.
import { systemRandom } from '../../src/client/crypto/platform.js';
import { freshCode, parseCode } from '../../src/client/pairing/pairing-code.js';

/** The mailbox of these words with another secret. */
export function otherSecret(words: readonly string[]): string {
  for (;;) {
    const other = freshCode(systemRandom).words.split(' ');
    const mixed = [...words.slice(0, 3), ...other.slice(3)].join(' ');
    try {
      if (parseCode(mixed).secret !== words.slice(3).join('-')) return mixed;
    } catch {
      // One of 64 has the right checksum.
    }
  }
}
