// Which events of the core are acts of somebody, and go into the audit log. What the operator did is recorded where it was asked for.
import type { RelayEvent } from '../../native/relay-port.js';
import type { AuditEntry, AuditSink } from './audit-sink.js';

const ACTS: Readonly<Record<string, Pick<AuditEntry, 'action' | 'actor' | 'detail'>>> = {
  space_erased_by_owner: { action: 'space.erased', actor: 'owner', detail: { reason: 'signed' } },
  space_expired: { action: 'space.erased', actor: 'relay', detail: { reason: 'expired' } },
  space_sponsored: { action: 'space.sponsored', actor: 'owner', detail: {} },
  foreign_tenant_opened: { action: 'tenant.opened', actor: 'relay', detail: {} },
};

export function auditEvents(audit: AuditSink, events: readonly RelayEvent[]): void {
  for (const { code, subject } of events) {
    const act = ACTS[code];
    // What the log cannot take, it reports itself.
    if (act !== undefined) void audit.record({ ...act, subject, outcome: 'done' }).catch(() => undefined);
  }
}
