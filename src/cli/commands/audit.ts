// `relay audit show` and `relay audit verify`: read the audit log of a data directory, whether or not a relay runs on it.
import type { ReadFlags } from '../../config/flags.js';
import { inspectConfig, orThrow } from '../../config/load.js';
import type { OptionSpec } from '../../config/options.js';
import { parseValue } from '../../config/values.js';
import { RelayError } from '../../errors.js';
import { auditDirOf } from '../../server/audit/audit-files.js';
import { parsePublicKey } from '../../server/audit/audit-key.js';
import type { AuditLine } from '../../server/audit/audit-line.js';
import { AUDIT_PAGE_MAX, auditPage } from '../../server/audit/audit-page.js';
import { countNotes } from '../../server/audit/audit-notes.js';
import { verifyAudit, type AuditReport, type VerifyOptions } from '../../server/audit/audit-verify.js';
import { EXIT_FAILED, EXIT_OK, JSON_SWITCH, type Command } from '../command.js';
import type { CliIo } from '../io.js';
import { usedDataDir } from '../used-data-dir.js';

const LIMIT_DEFAULT = 50;
const SEQ_SPEC: OptionSpec = { group: 'process', type: 'integer', default: 0, min: 0, max: Number.MAX_SAFE_INTEGER, doc: '', secret: false, reloadable: false };
const LIMIT_SPEC: OptionSpec = { ...SEQ_SPEC, default: LIMIT_DEFAULT, min: 1, max: AUDIT_PAGE_MAX };

export const auditShow: Command = {
  name: 'audit show',
  summary: 'shows what was done to this relay, newest last',
  about: ['Shows the newest lines of the audit log, or those behind --after. It reads the data directory and asks nobody; it checks nothing: `relay audit verify` does.'],
  operand: null,
  options: ['data-dir'],
  switches: [
    { name: 'after', value: '<seq>', doc: 'Shows the lines behind this one instead of the newest.' },
    { name: 'limit', value: '<count>', doc: `Most lines to show; ${LIMIT_DEFAULT} without it, at most ${AUDIT_PAGE_MAX}.` },
    JSON_SWITCH,
  ],
  examples: [
    { line: 'relay audit show', does: 'the newest 50 lines' },
    { line: 'relay audit show --after 100 --limit 20 --json', does: 'a page, as JSON' },
  ],
  exits: ['shown, also when there is nothing', 'the log cannot be read'],
  run: async (given, io) => {
    const dir = await auditDir(given, io);
    const after = given.switches.has('after') ? readInteger('after', given, SEQ_SPEC) : null;
    const lines = await auditPage(dir, after, readInteger('limit', given, LIMIT_SPEC));
    const waiting = await countNotes(dir);
    if (given.switches.has('json')) io.print(JSON.stringify({ entries: lines, waiting }, null, 2));
    else io.print([lines.length === 0 ? `${dir} holds no such line.` : lines.map(renderLine).join('\n'), ...renderWaiting(waiting)].join('\n'));
    return EXIT_OK;
  },
};

export const auditVerify: Command = {
  name: 'audit verify',
  summary: 'checks that nobody changed the audit log',
  about: [
    'Checks hash, order and signature of every line that is still held, and names the first one that is wrong. It prints the head: note it elsewhere, and give it with --head later; a log that was cut or written anew since does not hold it.',
  ],
  operand: null,
  options: ['data-dir'],
  switches: [
    { name: 'head', value: '<seq:hash>', doc: 'A head noted earlier; the log must hold it.' },
    { name: 'key', value: '<key>', doc: 'The public key of the log, noted earlier, instead of the one in the directory.' },
    JSON_SWITCH,
  ],
  examples: [
    { line: 'relay audit verify', does: 'the log of ./relay-data' },
    { line: 'relay audit verify --data-dir ./relay-data --json', does: 'the result as JSON' },
  ],
  exits: ['every line is as it was written', 'a line is not, or the log cannot be read'],
  run: async (given, io) => {
    const dir = await auditDir(given, io);
    const report = await verifyAudit(dir, verifyOptions(given));
    io.print(given.switches.has('json') ? JSON.stringify(report, null, 2) : renderReport(dir, report));
    return report.broken === null ? EXIT_OK : EXIT_FAILED;
  },
};

async function auditDir(given: ReadFlags, io: CliIo): Promise<string> {
  const { config } = orThrow(await inspectConfig(given, io.env));
  // A path with a slip in it must not pass for a log in which all is well.
  return auditDirOf(usedDataDir(config['data-dir']));
}

function verifyOptions({ switches }: ReadFlags): VerifyOptions {
  const [head, key] = [switches.get('head'), switches.get('key')];
  const [, seq, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(head ?? '') ?? [];
  if (head !== undefined && (seq === undefined || hash === undefined)) throw invalid(`--head: "${head}" is no head`, 'Give it as `relay audit verify` prints it: number:hash.');
  const publicKey = key === undefined ? null : parsePublicKey(key);
  if (key !== undefined && publicKey === null) throw invalid(`--key: "${key}" is no public key`, 'Give the 43 characters that `relay audit verify` prints.');
  return {
    ...(seq === undefined || hash === undefined ? {} : { knownHead: { seq: Number(seq), hash } }),
    ...(publicKey === null ? {} : { publicKey }),
  };
}

function readInteger(name: string, { switches }: ReadFlags, spec: OptionSpec): number {
  const text = switches.get(name);
  const parsed = text === undefined ? null : parseValue(spec, text);
  if (parsed?.ok === false) throw invalid(`--${name}: "${text ?? ''}" is not valid`, `Give ${parsed.expected}.`);
  return Number(parsed?.value ?? spec.default);
}

function renderLine({ seq, time, action, actor, subject, outcome, detail }: AuditLine): string {
  const facts = Object.entries(detail ?? {}).map(([name, value]) => `${name}=${String(value)}`);
  return [String(seq).padStart(6), time, outcome.padEnd(7), action.padEnd(18), actor.padEnd(8), subject ?? '-', ...facts].join(' ');
}

function renderWaiting(notes: number): readonly string[] {
  return notes === 0 ? [] : [`${notes} ${notes === 1 ? 'act' : 'acts'} of commands will be written by the next start of the relay, or by the one that runs within a second.`];
}

function renderReport(dir: string, { lines, firstSeq, head, publicKey, tornBytes, broken }: AuditReport): string {
  const held = lines === 0 ? `${dir} holds no line` : `${lines} ${lines === 1 ? 'line' : 'lines'} from ${String(firstSeq)} on are as they were written`;
  const result = broken === null ? held : `BROKEN: ${broken.file}, line ${broken.line}${broken.seq === null ? '' : ` (seq ${broken.seq})`}: ${broken.why}`;
  const torn = tornBytes === 0 ? [] : [`the last ${tornBytes} bytes are a line that was cut off while it was written; the next start removes them`];
  return [result, ...torn, `head ${head ?? 'none'}`, `key  ${publicKey ?? 'none'}`].join('\n');
}

function invalid(message: string, hint: string): RelayError {
  return new RelayError('config_invalid', message, { hint });
}
