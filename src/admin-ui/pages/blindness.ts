// What the relay really holds: one stored record, every field of it, raw, each with what it tells.
import { get } from '../api.js';
import { button, h, replace, svg } from '../dom.js';
import { bytes, count } from '../format.js';
import type { Sample, SampleField } from '../model.js';
import type { PageEntry } from '../page.js';
import { empty, heading, link, pseudonym, trouble } from '../parts.js';

const BYTES_PER_ROW = 16;
/** Where a row of 16 would have to be scrolled. */
const BYTES_PER_NARROW_ROW = 8;
const NARROW = '(max-width: 40rem)';
const BYTES_SHOWN = 256;
/** Fields that are numbers, and read better as such. */
const NUMBERS: readonly string[] = ['body_len', 'type', 'seq', 'push_seq', 'key_epoch'];

export const blindnessPage: PageEntry = {
  name: 'blindness',
  title: 'Blindness',
  show: async ({ place, signal, argument }) => {
    const body = h('div');
    replace(
      place,
      heading('Blindness', 'The newest record on this disk, byte for byte. This is all a relay holds of what somebody wrote; ids alone are replaced by their pseudonyms.', button('Read it again', () => void show())),
      body,
    );
    const show = async (): Promise<void> => {
      try {
        const { sample } = await get<{ sample: Sample | null }>(`sample${argument === null ? '' : `?space=${argument}`}`, signal);
        replace(body, ...(sample === null ? [nothingStored()] : shownSample(sample)));
      } catch (error) {
        if (!signal.aborted) replace(body, trouble(error));
      }
    };
    await show();
  },
};

function nothingStored(): HTMLElement {
  return empty('Nothing is stored yet', 'Once a device has pushed an entry, its record stands here as it lies on the disk.');
}

function shownSample(sample: Sample): HTMLElement[] {
  const sealed = sample.fields.find(({ name }) => name === 'sealed');
  const clear = sample.fields.filter(({ name }) => name !== 'sealed');
  const sealedBytes = sealed?.length ?? 0;
  const clearBytes = clear.reduce((sum, { length }) => sum + length, 0);
  return [
    share(sealedBytes, clearBytes),
    h('p', { class: 'where' }, 'Segment ', count(sample.segment), ', offset ', count(sample.offset), ', space ', link(`#/spaces/${sample.space}`, pseudonym(sample.space))),
    h('ol', { class: 'fields' }, ...clear.map(clearField), sealed === undefined ? null : sealedField(sealed)),
  ];
}

/** How much of the record is sealed, as a bar with the words beside it. */
function share(sealedBytes: number, clearBytes: number): HTMLElement {
  const part = sealedBytes + clearBytes === 0 ? 0 : sealedBytes / (sealedBytes + clearBytes);
  const clearWidth = 100 - part * 100;
  return h(
    'figure',
    { class: 'share' },
    svg('svg', { viewBox: '0 0 100 4', preserveAspectRatio: 'none', 'aria-hidden': 'true' }, svg('rect', { class: 'clear', width: clearWidth, height: 4 }), svg('rect', { class: 'sealed', x: clearWidth, width: part * 100, height: 4 })),
    h(
      'figcaption',
      {},
      h('span', {}, h('i', { class: 'key key-clear' }), `${bytes(clearBytes)} the relay uses`),
      h('span', {}, h('i', { class: 'key key-sealed' }), `${bytes(sealedBytes)} sealed, ${(part * 100).toFixed(0)} % of the record`),
    ),
  );
}

function clearField({ name, length, hex, pseudonym: stands, reveals }: SampleField): HTMLElement {
  const value = stands === null ? h('code', { class: 'hex' }, spaced(hex ?? '')) : pseudonym(stands);
  const number = NUMBERS.includes(name) && hex !== null ? h('span', { class: 'meaning' }, `= ${count(Number(BigInt(`0x${hex}`)))}`) : null;
  return h('li', {}, h('p', { class: 'field-name' }, h('code', {}, name), h('span', {}, ` ${bytes(length)}`)), h('p', { class: 'field-bytes' }, value, number), h('p', { class: 'reveals' }, reveals));
}

function sealedField({ name, length, hex, reveals }: SampleField): HTMLElement {
  const text = hex ?? '';
  const perRow = matchMedia(NARROW).matches ? BYTES_PER_NARROW_ROW : BYTES_PER_ROW;
  const lines = text.slice(0, BYTES_SHOWN * 2).match(new RegExp(`.{1,${perRow * 2}}`, 'g')) ?? [];
  const shownBytes = lines.join('').length / 2;
  const dump = lines.map((line, index) => `${(index * perRow).toString(16).padStart(4, '0')}  ${spaced(line)}`).join('\n');
  return h(
    'li',
    { class: 'is-sealed' },
    h('p', { class: 'field-name' }, h('code', {}, name), h('span', {}, ` ${bytes(length)}`)),
    h('div', { class: 'field-bytes' }, h('pre', { tabindex: '0', 'aria-label': 'Sealed bytes, hexadecimal' }, dump), shownBytes < length ? h('p', { class: 'meaning' }, `and ${count(length - shownBytes)} bytes more of the same`) : null),
    h('p', { class: 'reveals' }, reveals),
  );
}

function spaced(hex: string): string {
  return hex.match(/../g)?.join(' ') ?? '';
}
