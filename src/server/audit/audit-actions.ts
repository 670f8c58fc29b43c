// Every act the audit log tells, with when: the only names there are. docs/operations/audit-log.md shows this table.

export const AUDIT_ACTIONS = {
  'relay.started': 'The relay takes connections (`version`).',
  'relay.stopped': 'It has stopped in order.',
  'relay.crashed': 'At a start: the run before did not stop in order (`startedAt`).',
  'config.reloaded': '`applied` and `needRestart` name options, never values; `refused`: the configuration was wrong.',
  'log.reset': '`relay log-reset`, with both log epochs and the number of spaces; told by the start that follows.',
  'space.admitted': 'A token let somebody found a space; refused foundings are figures only.',
  'space.sponsored': 'A device of a space (subject: its pseudonym) vouched for a short-lived one, as pairing does, where a founding needs a token; within five seconds.',
  'space.exported': '[Moving house](../guides/moving-house.md): a file was asked for (`refused`: and not given).',
  'space.imported': 'A file was taken, or `refused`.',
  'space.erased': 'By the operator, with the pseudonym as subject where it was named by that; by its `owner` over the protocol (reason `signed`), or by the relay when no device came any more, or the time of a sponsored one was over (`expired`), with the space\'s pseudonym as subject: these two within five seconds, and at the latest when the relay stops in order.',
  'spaces.founded': 'How many spaces came since the last such line (`spaces`), by founding or import: at most one line an hour, and one when the relay stops, so that strangers at an open relay cannot push older lines out.',
  'tenant.opened': 'A tenant of a foreign protocol stored something for the first time, with its pseudonym as subject, within five seconds; of more than 1,024 in one look the others are only counted.',
  'tenant.erased': 'By the operator, with its pseudonym as subject.',
  'token.created': 'An invite token, by its id, with its `uses`; by the command line (`at`: when, see below) or over the admin API.',
  'token.revoked': 'This token is worth nothing any more.',
  'admin.link-made': 'A one-time link to the admin page was asked for.',
  'admin.signed-in': 'With the `way`; `refused`: and was not let in. Wrong tokens of single requests are counted, not told.',
  'admin.signed-out': 'A session of the admin page was ended by whoever had it.',
  'passkey.added': 'A passkey may sign in from now on.',
  'passkey.removed': 'It may not any more.',
  'incident.created': 'The status page tells of an incident (subject: its id).',
  'incident.changed': 'What it says was replaced.',
  'incident.removed': 'It was taken away.',
  'alert.tested': 'A test alert went to so many receivers (`targets`).',
  'audit.rotated': 'First line of a file; `droppedThrough`: the last line that was given up for it.',
  'audit.mended': 'At a start: a line that a crash had cut off was removed. Nobody was told that it was written.',
  'audit.lost': 'So many entries could not be written; see below.',
  'audit.note-refused': 'A note in `audit/notes` is none that a command leaves; it was removed.',
} as const satisfies Readonly<Record<string, string>>;

export type AuditAction = keyof typeof AUDIT_ACTIONS;

export function isAuditAction(name: unknown): name is AuditAction {
  return typeof name === 'string' && Object.hasOwn(AUDIT_ACTIONS, name);
}

/** The page about the log, with the table as it is now. */
export function withAuditActions(page: string): string {
  const rows = Object.entries(AUDIT_ACTIONS).map(([action, when]) => `| \`${action}\` | ${when} |`);
  return page.replace(/(<!-- actions: [^\n]* -->\n).*?(<!-- \/actions -->)/s, (_all, start: string, end: string) => [start.trimEnd(), '| action | when |', '|---|---|', ...rows, end].join('\n'));
}
