'use client';
// What the components are made of, for apps that bring looks of their own.
export { useRadioGroup } from './radio-group.js';
export type { RadioGroupOptions, RadioProps } from './radio-group.js';
export { useRegionChoice } from './use-region-choice.js';
export type { RegionChoice } from './use-region-choice.js';
