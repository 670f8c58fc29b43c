// One alert as a state machine. It is told what a look found and what time it is, and says what has to be told.
//
// ok ──breached──▶ pending ──breached for forMs──▶ firing ──clear for clearMs──▶ ok
//                  pending ──not breached──▶ ok    firing ──not clear──▶ firing, the wait begins anew
//
// Invariants:
// 1. `firing` and `resolved` are told in turn, each once.
// 2. What is neither breached nor clear (the value is between the two limits) ends a pending alert, and keeps a firing one.
// 3. A look that found nothing out changes nothing.

export type Look = 'breached' | 'between' | 'clear' | 'unknown';

export type AlertState =
  | { readonly phase: 'ok' }
  | { readonly phase: 'pending'; readonly sinceMs: number }
  | { readonly phase: 'firing'; readonly sinceMs: number; readonly clearSinceMs: number | null };

export interface Waits {
  /** How long it has to be breached before it fires. */
  readonly forMs: number;
  /** How long it has to be clear before it is resolved. */
  readonly clearMs: number;
}

export type AlertEvent = 'firing' | 'resolved';

export interface Step {
  readonly state: AlertState;
  readonly event: AlertEvent | null;
}

export const OK: AlertState = { phase: 'ok' };

export function step(state: AlertState, look: Look, nowMs: number, waits: Waits): Step {
  if (look === 'unknown') return { state, event: null };
  switch (state.phase) {
    case 'ok':
      return look === 'breached' ? fromPending({ phase: 'pending', sinceMs: nowMs }, nowMs, waits) : { state, event: null };
    case 'pending':
      return look === 'breached' ? fromPending(state, nowMs, waits) : { state: OK, event: null };
    case 'firing':
      return look === 'clear' ? whileClear(state, nowMs, waits) : { state: { ...state, clearSinceMs: null }, event: null };
  }
}

function fromPending(state: Extract<AlertState, { phase: 'pending' }>, nowMs: number, { forMs }: Waits): Step {
  if (nowMs - state.sinceMs < forMs) return { state, event: null };
  return { state: { phase: 'firing', sinceMs: nowMs, clearSinceMs: null }, event: 'firing' };
}

function whileClear(state: Extract<AlertState, { phase: 'firing' }>, nowMs: number, { clearMs }: Waits): Step {
  const clearSinceMs = state.clearSinceMs ?? nowMs;
  return nowMs - clearSinceMs >= clearMs ? { state: OK, event: 'resolved' } : { state: { ...state, clearSinceMs }, event: null };
}
