'use client';
// Brings this device into a space that another one has: by six typed words, or the pasted text of its code.
import { useEffect, useId, useRef, useState } from 'react';
import type { FormEvent, KeyboardEvent, ReactNode } from 'react';
import type { Space } from '../client/index.js';
import type { PairingStorage } from '../client/pairing/index.js';
import { Icon } from './icons.js';
import type { IconName } from './icons.js';
import { useJoinSpace } from './use-join-space.js';
import type { Join, JoinError, JoinState } from './use-join-space.js';

export interface JoinLabels {
  readonly title: string;
  readonly explain: string;
  readonly field: string;
  readonly join: string;
  readonly cancel: string;
  readonly joining: string;
  readonly joined: string;
  readonly failed: string;
  readonly unknownWord: (position: number, suggestions: readonly string[]) => string;
  /** By the code of the error, such as `pairing_wrong_code`. */
  readonly errors: Readonly<Record<string, string>>;
}

export const JOIN_LABELS: JoinLabels = {
  title: 'Join from another device',
  explain: 'On a device that is in already, choose “Add a device”. Type the six words it shows, or paste its code.',
  field: 'Six words, or the pasted code',
  join: 'Join',
  cancel: 'Cancel',
  joining: 'Joining … Leave the other device open.',
  joined: 'This device is in.',
  failed: 'That did not work.',
  unknownWord: (position, suggestions) => `Word ${position} is not on the list.${suggestions.length > 0 ? ` Is it ${suggestions.join(' or ')}?` : ''}`,
  errors: {
    word_count: 'A code has six words.',
    word_checksum: 'The words do not belong together: one is another than is shown, or two are swapped.',
    bad_link: 'This is not the code that a device shows to add another.',
    bad_address: 'Words alone do not say which relay. Paste the code instead.',
    relay_unreachable: 'The relay does not answer. Is this device online? Try again.',
    pairing_unknown: 'Nobody offers this code. Make a new one on the other device.',
    pairing_wrong_code: 'The other device has another code. A code holds for one try: make a new one there.',
    pairing_taken: 'Another device used this code first. If that was not yours, end it on the other device and make a new one.',
    pairing_expired: 'The code is too old. Make a new one on the other device.',
    pairing_cancelled: 'The other device ended it.',
    pairing_refused: 'The other device could not let this one in. It must be online and allowed to add devices.',
  },
};
/** A slip while typing: nothing was sent, and the code still holds. */
const SLIPS: readonly string[] = ['unknown_word', 'word_count', 'word_checksum', 'bad_link', 'bad_address'];
const ICONS: Readonly<Record<JoinState['phase'], IconName>> = { idle: 'open', joining: 'busy', joined: 'good', failed: 'bad' };

export interface JoinSpaceProps<S extends Pick<Space, 'close'> = Space> {
  /** `(code, signal) => joinSpace({ code, signal, relay, storage, pairing })`. */
  readonly join: Join<S>;
  /** The storage `join` uses for the pairing, `new WebPairingStorage(sessionStorage)`: what a reload interrupts is gone on with. */
  readonly pairing?: Pick<PairingStorage, 'load'> | undefined;
  /** Takes the space, once; the app closes it. */
  readonly onJoined: (space: S) => void;
  readonly labels?: Partial<JoinLabels> | undefined;
  readonly className?: string | undefined;
}

/** Brings this device into a space that another one has, by six typed words or the pasted text of its code. Needs no provider. */
export function JoinSpace<S extends Pick<Space, 'close'> = Space>({ join, onJoined, pairing, labels, className = '' }: JoinSpaceProps<S>): ReactNode {
  const words = { ...JOIN_LABELS, ...labels };
  const { phase, code, error, start, cancel } = useJoinSpace(join, onJoined, pairing);
  const [typed, setText] = useState<string | null>(null);
  const text = typed ?? code ?? '';
  const field = useRef<HTMLTextAreaElement>(null);
  const id = useId();
  const isSlip = phase === 'failed' && SLIPS.includes(error?.code ?? '');
  // What is wrong is mended where it was typed.
  useEffect(() => {
    if (phase === 'failed') field.current?.focus();
  }, [phase, error]);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    start(text);
  };
  const pressed = (event: KeyboardEvent<HTMLTextAreaElement>): void => {
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    start(text);
  };
  const end = (): void => {
    field.current?.focus();
    cancel();
  };
  return (
    <section className={`sr sr-join ${className}`} aria-labelledby={`${id}title`}>
      <header className="sr-head">
        <span className="sr-title" id={`${id}title`}>
          {words.title}
        </span>
      </header>
      {phase !== 'joined' && (
        <form className="sr-form" onSubmit={submit}>
          <p className="sr-soft" id={`${id}explain`}>
            {words.explain}
          </p>
          <label htmlFor={`${id}field`}>{words.field}</label>
          <textarea
            ref={field} className="sr-field" id={`${id}field`} dir="ltr" rows={2} value={text} readOnly={phase === 'joining'} aria-invalid={isSlip}
            aria-describedby={`${id}explain ${id}said`} autoComplete="off" autoCapitalize="none" autoCorrect="off" spellCheck={false}
            onChange={({ target }) => setText(target.value)} onKeyDown={pressed}
          />
          <div className="sr-actions">
            <button className="sr-button" type="submit" aria-disabled={phase === 'joining'}>
              {words.join}
            </button>
            {phase === 'joining' && (
              <button className="sr-link" type="button" onClick={end}>
                {words.cancel}
              </button>
            )}
          </div>
        </form>
      )}
      <p className={`sr-line sr-line-${isSlip ? 'fair' : ICONS[phase]}`} role="status" id={`${id}said`}>
        {phase !== 'idle' && (
          <>
            <Icon name={isSlip ? 'fair' : ICONS[phase]} /> <span>{phase === 'failed' ? sayingOf(error, text, words) : words[phase]}</span>
          </>
        )}
      </p>
    </section>
  );
}

function sayingOf(error: JoinError | null, text: string, words: JoinLabels): string {
  const { code = '', message, hint, position = 0, suggestions = [] } = error ?? {};
  // The link of a space opens it, but it is no code.
  if (code === 'unknown_word' && text.includes('://')) return words.errors['bad_link'] ?? words.failed;
  if (code === 'unknown_word') return words.unknownWord(position, suggestions);
  return words.errors[code] ?? hint ?? message ?? words.failed;
}
