/*
 * Where a pull goes on. An app asks by times of its own clock ("since my last sync"); relays are asked by their own cursors, which no clock can
 * spoil. A mark is what was answered until a time of the app's clock: an app that asks since a later time has worked that answer off.
 * One that goes back gets the same again, and since 0 everything.
 */
import { MARKS_MAX } from './limits.js';
import type { CursorPullResponse } from './wire.js';

/** Cursors by relay. */
export type Cursors = Readonly<Record<string, string>>;

export interface Mark {
  readonly at: number;
  readonly cursors: Cursors;
}

export class PullMarks {
  #marks: readonly Mark[];

  constructor(marks: readonly Mark[] = []) {
    this.#marks = marks;
  }

  get all(): readonly Mark[] {
    return this.#marks;
  }

  /** The cursors from which somebody goes on who has worked off what was answered until then. */
  since(timestamp: number): Cursors {
    return this.#marks.findLast(({ at }) => at <= timestamp)?.cursors ?? {};
  }

  /** Remembers an answer; false: it brought nothing on. What was answered after the point it went on from is forgotten. */
  add(from: Cursors, endpoint: string, cursor: string, at: number): boolean {
    if (from[endpoint] === cursor) return false;
    const until = this.#marks.findLastIndex(({ cursors }) => cursors === from) + 1;
    this.#marks = [...this.#marks.slice(0, until), { at, cursors: { ...from, [endpoint]: cursor } }].slice(-MARKS_MAX);
    return true;
  }
}

/** Relays of the original have no cursors: there it is the newest time that was seen. */
const TIME_CURSOR = 't:';

/** A cursor as a pull asks with it. */
export function pullFrom(cursor: string | undefined): { since_timestamp: number; cursor?: string } {
  if (cursor === undefined) return { since_timestamp: 0 };
  return cursor.startsWith(TIME_CURSOR) ? { since_timestamp: Number(cursor.slice(TIME_CURSOR.length)) } : { since_timestamp: 0, cursor };
}

/** The cursor behind a page. */
export function cursorAfter({ cursor, changes }: CursorPullResponse, before: string | undefined): string {
  if (cursor !== undefined) return cursor;
  const newest = changes.reduce((newest, { timestamp }) => Math.max(newest, timestamp), pullFrom(before).since_timestamp);
  return `${TIME_CURSOR}${newest}`;
}
