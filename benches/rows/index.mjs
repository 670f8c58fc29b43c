// Every row, in the order in which it is measured.
import { CHURN_ROWS } from './churn.mjs';
import { DISK_ROWS } from './disk.mjs';
import { EIDETICA_ROWS } from './eidetica.mjs';
import { FANOUT_ROWS } from './fanout.mjs';
import { GUN_ROWS } from './gun.mjs';
import { IDLE_ROWS } from './idle.mjs';
import { OVERLOAD_ROWS } from './overload.mjs';
import { PAIRS_ROWS } from './pairs.mjs';
import { PLAN_ROWS } from './plan.mjs';
import { PUSH_ROWS } from './push.mjs';
import { REPLAY_ROWS } from './replay.mjs';
import { RESTART_ROWS } from './restart.mjs';
import { SCRAPE_ROWS } from './scrape.mjs';
import { SLOW_ROWS } from './slow.mjs';

/** @type {readonly import('../lib/contest-row.mjs').Row[]} */
export const ROWS = [
  ...PUSH_ROWS,
  ...FANOUT_ROWS,
  ...PAIRS_ROWS,
  ...IDLE_ROWS,
  ...REPLAY_ROWS,
  ...RESTART_ROWS,
  ...SCRAPE_ROWS,
  ...SLOW_ROWS,
  ...OVERLOAD_ROWS,
  ...DISK_ROWS,
  ...CHURN_ROWS,
  ...PLAN_ROWS,
  ...GUN_ROWS,
  ...EIDETICA_ROWS,
];
