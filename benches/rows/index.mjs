// Every row, in the order in which it is measured.
import { FANOUT_ROWS } from './fanout.mjs';
import { PAIRS_ROWS } from './pairs.mjs';
import { PUSH_ROWS } from './push.mjs';

/** @type {readonly import('../lib/contest-row.mjs').Row[]} */
export const ROWS = [...PUSH_ROWS, ...FANOUT_ROWS, ...PAIRS_ROWS];
