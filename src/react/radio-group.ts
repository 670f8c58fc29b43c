'use client';
// The radio group pattern without any looks (WAI-ARIA APG, "Radio Group"): one tab stop, arrows, Home and End, in both directions of writing.
import { useRef } from 'react';
import type { KeyboardEvent } from 'react';

export interface RadioGroupOptions {
  readonly ids: readonly string[];
  readonly selected: string | null;
  readonly onSelect: (id: string) => void;
  readonly isDisabled?: (id: string) => boolean;
}

export interface RadioProps {
  readonly role: 'radio';
  readonly 'aria-checked': boolean;
  readonly 'aria-disabled': boolean;
  readonly tabIndex: 0 | -1;
  readonly ref: (element: HTMLElement | null) => void;
  readonly onClick: () => void;
  readonly onKeyDown: (event: KeyboardEvent<HTMLElement>) => void;
}

/** Props for the elements of a radio group; `radio(id)` is for each of its members, in the order of `ids`; `focus()` goes to the one that Tab would. */
export function useRadioGroup({ ids, selected, onSelect, isDisabled = () => false }: RadioGroupOptions): { readonly group: { readonly role: 'radiogroup' }; readonly radio: (id: string) => RadioProps; readonly focus: () => void } {
  const elements = useRef(new Map<string, HTMLElement>());
  const enabled = ids.filter((id) => !isDisabled(id));
  const stop = selected !== null && ids.includes(selected) ? selected : enabled[0];
  const select = (id: string | undefined): void => {
    if (id === undefined || isDisabled(id)) return;
    elements.current.get(id)?.focus();
    onSelect(id);
  };
  const onKeyDown = (id: string, event: KeyboardEvent<HTMLElement>): void => {
    const step = stepOf(event);
    const at = enabled.indexOf(id);
    const target = event.key === 'Home' ? 0 : event.key === 'End' ? -1 : event.key === ' ' ? at : step === 0 ? null : (at + step) % enabled.length;
    if (target === null || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    select(enabled.at(target));
  };
  return {
    group: { role: 'radiogroup' },
    focus: () => elements.current.get(stop ?? '')?.focus(),
    radio: (id) => ({
      role: 'radio',
      'aria-checked': id === selected,
      'aria-disabled': isDisabled(id),
      tabIndex: id === stop ? 0 : -1,
      ref: (element) => void (element === null ? elements.current.delete(id) : elements.current.set(id, element)),
      onClick: () => select(id),
      onKeyDown: (event) => onKeyDown(id, event),
    }),
  };
}

/** Left and right follow the direction of writing. */
function stepOf({ key, currentTarget }: KeyboardEvent<HTMLElement>): -1 | 0 | 1 {
  if (key === 'ArrowDown') return 1;
  if (key === 'ArrowUp') return -1;
  if (key !== 'ArrowLeft' && key !== 'ArrowRight') return 0;
  return (key === 'ArrowRight') === (getComputedStyle(currentTarget).direction !== 'rtl') ? 1 : -1;
}
