'use client';
// Brings another device in: by six words or a code to scan, where the app has given a way to; else by the link of the space itself.
import { useMemo, useState } from 'react';
import type { ReactNode } from 'react';
import { drawQr } from '../client/pairing/qr.js';
import { Lock } from './icons.js';
import { LINK_SHOWN_MS, usePairing } from './use-pairing.js';
import type { Pairing } from './use-pairing.js';

export interface PairLabels {
  readonly title: string;
  readonly explain: string;
  readonly show: string;
  readonly hide: string;
  readonly scan: string;
  readonly warning: (seconds: number) => string;
  readonly copy: string;
  readonly copied: string;
  readonly notCopied: string;
  readonly unable: string;
  readonly explainCode: string;
  readonly offer: string;
  readonly again: string;
  readonly cancel: string;
  readonly scanCode: string;
  readonly typed: string;
  readonly holds: (until: string) => string;
  readonly opening: string;
  readonly confirming: string;
  readonly paired: (name: string) => string;
  readonly failed: string;
  /** By the code of the error, such as `pairing_wrong_code`. */
  readonly errors: Readonly<Record<string, string>>;
}

export const PAIR_LABELS: PairLabels = {
  title: 'Add a device',
  explain: 'Scan a code with the other device. The relay takes no part in it.',
  show: 'Show the code',
  hide: 'Hide the code',
  scan: 'Code that opens your space on another device',
  warning: (seconds) => `Whoever sees it can open your space. It hides itself after ${seconds} seconds.`,
  copy: 'Copy the link',
  copied: 'Copied',
  notCopied: 'This browser does not let the page copy.',
  unable: 'This device cannot add others; use the one the space was made on.',
  explainCode: 'The other device scans a code or types six words. They hold for one device and a few minutes.',
  offer: 'Make a code',
  again: 'Make a new code',
  cancel: 'Cancel',
  scanCode: 'Code for the other device',
  typed: 'Or type these words on the other device',
  holds: (until) => `They hold until ${until}.`,
  opening: 'Making a code …',
  confirming: 'A device is there. It is let in when it has the right code.',
  paired: (name) => (name === '' ? 'The other device is in.' : `${name} is in.`),
  failed: 'That did not work.',
  errors: {
    pairing_wrong_code: 'The other device had another code. A code holds for one try.',
    pairing_expired: 'The code is too old.',
    pairing_cancelled: 'The other device ended it.',
    not_admin: 'This device may not add others.',
    sponsor_refused: 'This device may not add others.',
    quota_exceeded: 'Too many codes were made, or the space is full. Try again later.',
    admission_required: 'This relay asks for a token.',
  },
};

export interface PairDeviceProps {
  readonly labels?: Partial<PairLabels> | undefined;
  readonly className?: string | undefined;
}

/** Brings another device in: by six words or a code to scan where the provider has `pairing`, else by the link of the space. */
export function PairDevice({ labels, className = '' }: PairDeviceProps): ReactNode {
  const words = { ...PAIR_LABELS, ...labels };
  const pairing = usePairing();
  return (
    <section className={`sr sr-pair ${className}`} aria-label={words.title}>
      <header className="sr-head">
        <span className="sr-title" aria-hidden="true">
          {words.title}
        </span>
      </header>
      {pairing.code === null ? <ByLink pairing={pairing} words={words} /> : <ByCode code={pairing.code} words={words} />}
    </section>
  );
}

function ByLink({ pairing: { canShow, link, show, hide }, words }: { readonly pairing: Pairing; readonly words: PairLabels }): ReactNode {
  return (
    <>
      <p className="sr-soft">{canShow ? words.explain : words.unable}</p>
      {link !== null && <Shown link={link} words={words} />}
      {canShow && (
        <button className={link === null ? 'sr-button' : 'sr-link sr-link-start'} type="button" aria-expanded={link !== null} onClick={link === null ? show : hide}>
          {link === null ? words.show : words.hide}
        </button>
      )}
    </>
  );
}

function Shown({ link, words }: { readonly link: string; readonly words: PairLabels }): ReactNode {
  const [said, setSaid] = useState('');
  const copy = (): void => {
    navigator.clipboard.writeText(link).then(() => setSaid(words.copied), () => setSaid(words.notCopied));
  };
  return (
    <div className="sr-shown">
      <Qr text={link} label={words.scan} />
      <p className="sr-warning">
        <Lock /> {words.warning(LINK_SHOWN_MS / 1000)}
      </p>
      <button className="sr-button sr-button-quiet" type="button" onClick={copy}>
        {words.copy}
      </button>
      <span className="sr-soft" role="status">
        {said}
      </span>
    </div>
  );
}

/** Dark on light whatever the theme: that is what cameras look for. */
function Qr({ text, label }: { readonly text: string; readonly label: string }): ReactNode {
  const { size, path } = useMemo(() => drawQr(text), [text]);
  return (
    <svg className="sr-qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={label} shapeRendering="crispEdges">
      <path d={path} />
    </svg>
  );
}

function ByCode({ code, words }: { readonly code: NonNullable<Pairing['code']>; readonly words: PairLabels }): ReactNode {
  const isOpen = code.phase === 'opening' || code.phase === 'offered' || code.phase === 'confirming';
  const make = (): void => void code.offer().catch(() => undefined);
  return (
    <>
      <p className="sr-soft">{words.explainCode}</p>
      {code.phase === 'offered' && code.link !== null && code.code !== null && (
        <div className="sr-shown">
          <Qr text={code.link} label={words.scanCode} />
          <p className="sr-soft">{words.typed}</p>
          <ol className="sr-words" dir="ltr">
            {code.code.split(' ').map((word, at) => (
              <li key={at}>{word}</li>
            ))}
          </ol>
          {code.expiresAt !== null && <p className="sr-soft">{words.holds(new Date(code.expiresAt).toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit' }))}</p>}
        </div>
      )}
      <p className="sr-soft" role="status">
        {said(code, words)}
      </p>
      <button className={isOpen ? 'sr-link sr-link-start' : 'sr-button'} type="button" onClick={isOpen ? code.cancel : make}>
        {isOpen ? words.cancel : code.phase === 'idle' ? words.offer : words.again}
      </button>
    </>
  );
}

function said({ phase, device, error }: NonNullable<Pairing['code']>, words: PairLabels): string {
  if (phase === 'opening') return words.opening;
  if (phase === 'confirming') return words.confirming;
  if (phase === 'paired') return words.paired(device?.name ?? '');
  return phase === 'failed' ? (words.errors[error?.code ?? ''] ?? error?.message ?? words.failed) : '';
}
