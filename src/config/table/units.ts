// Units that options are counted in.
export const SECOND_MS = 1000;
export const DAY_MS = 24 * 60 * 60 * SECOND_MS;
export const MIB = 1024 * 1024;
