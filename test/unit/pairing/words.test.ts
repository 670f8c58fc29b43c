// Recovery words, pairing codes and their links, with the slips that people make.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatRelayAddress, formatSpaceLink, parseRelayAddress, parseSpaceLink } from '../../../src/protocol/address.js';
import { freshCode, formatPairingLink, isPairingLink, mailboxLinkOf, parseCode, parsePairingLink } from '../../../src/client/pairing/pairing-code.js';
import { linkOfRecoveryWords, recoveryWordsOf } from '../../../src/client/pairing/recovery-words.js';
import { drawQr, qrSvg } from '../../../src/client/pairing/qr.js';
import { WordError } from '../../../src/client/pairing/word-list.js';
import { systemRandom } from '../../../src/client/crypto/platform.js';
import { HonestRelay } from '../../support/honest-relay.js';

const relay = (await new HonestRelay().start()).address();
const address = parseRelayAddress(relay);
const linkOf = (rootSecret: Uint8Array): string => formatSpaceLink({ address, rootSecret });

function thrown(call: () => unknown): unknown {
  try {
    call();
  } catch (cause) {
    return cause;
  }
  throw new Error('nothing was thrown');
}

describe('recovery words', () => {
  // From the English vectors of BIP39.
  test.each([
    ['00'.repeat(32), `${'abandon '.repeat(23)}art`],
    ['7f'.repeat(32), 'legal winner thank year wave sausage worth useful legal winner thank year wave sausage worth useful legal winner thank year wave sausage worth title'],
    ['ff'.repeat(32), `${'zoo '.repeat(23)}vote`],
    ['f585c11aec520db57dd353c69554b21a89b20fb0650966fa0a9d6f74fd989d8f', 'void come effort suffer camp survey warrior heavy shoot primary clutch crush open amazing screen patrol group space point ten exist slush involve unfold'],
  ])('%s', (secret, words) => {
    const rootSecret = Uint8Array.from(Buffer.from(secret, 'hex'));
    expect(recoveryWordsOf(linkOf(rootSecret))).toBe(words);
    expect(parseSpaceLink(linkOfRecoveryWords(words, relay)).rootSecret).toEqual(rootSecret);
  });

  test('are read however they are typed, and by their first four letters', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.constantFrom(' ', '\n', ' - ', '. ', ',  ', ' 7. '), fc.boolean(), (rootSecret, between, short) => {
        const words = recoveryWordsOf(linkOf(rootSecret)).split(' ').map((word) => (short ? word.slice(0, 4).toUpperCase() : word));
        expect(linkOfRecoveryWords(` ${words.join(between)}\n`, relay)).toBe(linkOf(rootSecret));
      }),
      { numRuns: 30 },
    );
  });

  const right = 'void come effort suffer camp survey warrior heavy shoot primary clutch crush open amazing screen patrol group space point ten exist slush involve unfold'.split(' ');

  test.each([
    [3, 'efort', 'effort'],
    [6, 'surveyy', 'survey'],
    [12, 'crsuh', 'crush'],
    [24, 'unfld', 'unfold'],
  ])('word %i typed as "%s" is named, and the right one suggested', (position, typed, meant) => {
    const cause = thrown(() => linkOfRecoveryWords(right.with(position - 1, typed).join(' '), relay));
    expect(cause).toBeInstanceOf(WordError);
    expect(cause).toMatchObject({ code: 'unknown_word', position, word: typed });
    expect((cause as WordError).suggestions[0]).toBe(meant);
    expect((cause as WordError).message).not.toContain(typed);
  });

  test('two neighbours that were swapped are named', () => {
    const swapped = [...right.slice(0, 8), 'primary', 'shoot', ...right.slice(10)];
    expect(thrown(() => linkOfRecoveryWords(swapped.join(' '), relay))).toMatchObject({ code: 'word_checksum', hint: 'Words 9 and 10 seem to be swapped.' });
  });

  test('another word of the list, a missing one and a bad address are refused', () => {
    const other = thrown(() => linkOfRecoveryWords(right.with(0, 'zoo').join(' '), relay));
    expect(other).toMatchObject({ code: 'word_checksum' });
    expect(thrown(() => linkOfRecoveryWords(right.slice(1).join(' '), relay))).toMatchObject({ code: 'word_count', message: '23 words instead of 24' });
    expect(thrown(() => linkOfRecoveryWords('', relay))).toMatchObject({ code: 'word_count' });
    expect(thrown(() => linkOfRecoveryWords(right.join(' '), 'sealrelay://x'))).toMatchObject({ code: 'bad_address' });
    expect(thrown(() => recoveryWordsOf(relay))).toMatchObject({ code: 'bad_link' });
  });
});

describe('pairing codes', () => {
  test('are read as they were made, over the link too', () => {
    for (let i = 0; i < 200; i += 1) {
      const code = freshCode(systemRandom);
      expect(parseCode(code.words.toUpperCase().replaceAll(' ', '. '))).toEqual(code);
      const link = formatPairingLink(address, code);
      expect(isPairingLink(link)).toBe(true);
      expect(parsePairingLink(link)).toEqual({ relay, code });
      // Neither may be taken for the other.
      expect(() => parseSpaceLink(link)).toThrow();
      expect(() => parseRelayAddress(link)).toThrow();
    }
  });

  test('the mailbox follows from the first three words and the relay alone', () => {
    const code = freshCode(systemRandom);
    const other = { ...freshCode(systemRandom), mailbox: code.mailbox };
    expect(mailboxLinkOf(address, code)).toBe(mailboxLinkOf(address, other));
    expect(mailboxLinkOf(address, code)).not.toBe(mailboxLinkOf(address, freshCode(systemRandom)));
    expect(mailboxLinkOf({ ...address, logId: address.logId.map((byte) => byte ^ 1) }, code)).not.toContain(mailboxLinkOf(address, code).split('&s=')[1]);
  });

  test('a wrong or swapped word is noticed on the device nearly always', () => {
    let noticed = 0;
    let tried = 0;
    for (let i = 0; i < 300; i += 1) {
      const words = freshCode(systemRandom).words.split(' ');
      const [first = '', second = '', ...rest] = words;
      for (const typed of [[second, first, ...rest], words.with(i % 6, 'zoo')]) {
        if (typed.join() === words.join()) continue;
        tried += 1;
        try {
          parseCode(typed.join(' '));
        } catch {
          noticed += 1;
        }
      }
    }
    expect(noticed / tried).toBeGreaterThan(0.95);
  });

  test('what is no code says what is wrong with it', () => {
    const { words } = freshCode(systemRandom);
    expect(thrown(() => parseCode(words.split(' ').slice(1).join(' ')))).toMatchObject({ code: 'word_count' });
    expect(thrown(() => parseCode(words.split(' ').with(4, 'qqqq').join(' ')))).toMatchObject({ code: 'unknown_word', position: 5, suggestions: [] });
    expect(thrown(() => parsePairingLink(formatRelayAddress(address)))).toMatchObject({ code: 'bad_link' });
    expect(thrown(() => parsePairingLink(`sealrelay://x/#k=1&p=${words}`))).toMatchObject({ code: 'bad_link' });
  });
});

test('a QR code is drawn with a border, and its label is escaped', () => {
  const { size, path } = drawQr(formatPairingLink(address, freshCode(systemRandom)));
  expect(size).toBeGreaterThan(30);
  const modules = [...path.matchAll(/M(\d+) (\d+)h1v1h-1z/g)].map(([, x, y]) => [Number(x), Number(y)]);
  expect(modules.length).toBeGreaterThan(400);
  expect(Math.min(...modules.flat())).toBe(3);
  expect(Math.max(...modules.flat())).toBe(size - 4);
  expect(qrSvg('x', '<"&>')).toContain('aria-label="&lt;&quot;&amp;>"');
});
