'use client';
// Brings another device in: a code to scan, the link to copy, and a code to type where the app has that.
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
  readonly offer: string;
  readonly cancel: string;
  readonly typed: string;
  readonly paired: string;
  readonly failed: string;
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
  offer: 'Type a code instead',
  cancel: 'Cancel',
  typed: 'Type this on the other device',
  paired: 'The other device is in.',
  failed: 'That did not work. Try again.',
};

export interface PairDeviceProps {
  readonly labels?: Partial<PairLabels> | undefined;
  readonly className?: string | undefined;
}

export function PairDevice({ labels, className = '' }: PairDeviceProps): ReactNode {
  const words = { ...PAIR_LABELS, ...labels };
  const { canShow, link, show, hide, code } = usePairing();
  return (
    <section className={`sr sr-pair ${className}`} aria-label={words.title}>
      <header className="sr-head">
        <span className="sr-title" aria-hidden="true">
          {words.title}
        </span>
      </header>
      <p className="sr-soft">{canShow ? words.explain : words.unable}</p>
      {link !== null && <Shown link={link} words={words} />}
      {canShow && (
        <button className={link === null ? 'sr-button' : 'sr-link sr-link-start'} type="button" aria-expanded={link !== null} onClick={link === null ? show : hide}>
          {link === null ? words.show : words.hide}
        </button>
      )}
      {code !== null && <Typed code={code} words={words} />}
    </section>
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

function Typed({ code, words }: { readonly code: NonNullable<Pairing['code']>; readonly words: PairLabels }): ReactNode {
  const isOpen = code.phase === 'offered' || code.phase === 'confirming';
  return (
    <div className="sr-typed">
      {isOpen && (
        <p>
          <span className="sr-soft">{words.typed}</span> <output className="sr-code" dir="ltr">
            {code.code}
          </output>
        </p>
      )}
      <span role="status">{code.phase === 'paired' ? words.paired : code.phase === 'failed' ? words.failed : ''}</span>
      <button className="sr-link sr-link-start" type="button" onClick={() => (isOpen ? code.cancel() : void code.offer().catch(() => undefined))}>
        {isOpen ? words.cancel : words.offer}
      </button>
    </div>
  );
}
