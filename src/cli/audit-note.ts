// What a command did in the data directory, for the audit log of the relay.
import { leaveNote } from '../server/audit/audit-notes.js';
import type { AuditEntry } from '../server/audit/audit-sink.js';
import type { CliIo } from './io.js';

/** The act is done and cannot be taken back; when it cannot be recorded, that is said. */
export async function tellAudit(dataDir: string, act: Pick<AuditEntry, 'action' | 'subject' | 'detail'>, io: CliIo): Promise<void> {
  await leaveNote(dataDir, { ...act, actor: 'operator', outcome: 'done' }, Date.now()).catch((error: unknown) => {
    io.printError(`relay: this is done, but the audit log will not tell it: ${error instanceof Error ? error.message : String(error)}`);
  });
}
