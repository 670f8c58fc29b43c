// What a search came to, for machines and for people.

/** One place at the relay where plaintext could turn up. */
export interface SinkReport {
  readonly sink: string;
  readonly bytes: number;
  /** Canaries and secrets found in it. */
  readonly hits: number;
  /** How they showed: field and encoding, with their number. */
  readonly found: readonly { readonly field: string; readonly encoding: string; readonly count: number }[];
  /** Why it was not searched, or not as well as it could be; null when it was. */
  readonly skipped: string | null;
}

export interface BlindReport {
  readonly report: 'sealrelay verify-blind';
  readonly format: 1;
  readonly version: string;
  readonly commit: string | null;
  readonly node: string;
  readonly platform: string;
  readonly started: string;
  readonly seconds: number;
  /** Canaries by the field they were planted in as plaintext. */
  readonly fields: Readonly<Record<string, number>>;
  readonly canaries: number;
  /** Keys of the clients that were searched for as well. */
  readonly secrets: number;
  readonly encodings: readonly string[];
  readonly compressions: readonly string[];
  readonly notSearched: readonly string[];
  /** Bytes of a canary that are enough for a hit. */
  readonly windowBytes: number;
  readonly sinks: readonly SinkReport[];
  readonly hits: number;
  /** No hit, something in every sink that was searched, and everything planted arrived. */
  readonly blind: boolean;
}

const count = (value: number): string => value.toLocaleString('en-US');

/** The report as a table for people. */
export function renderReport(report: BlindReport): string {
  const fields = Object.entries(report.fields).map(([field, planted]) => `${planted} ${field}`);
  const width = Math.max(...report.sinks.map(({ sink }) => sink.length));
  const rows = report.sinks.map(({ sink, bytes, hits, skipped, found }) => {
    const searched = bytes > 0 || skipped === null ? `${count(bytes).padStart(15)} bytes  ${hits === 0 ? 'nothing' : `${hits} FOUND`}` : ''.padStart(21);
    const how = found.map(({ field, encoding, count: times }) => `${times} × ${field} as ${encoding}`).join(', ');
    return `  ${sink.padEnd(width)}  ${searched}${skipped === null ? '' : `  (${skipped})`}${how === '' ? '' : `  ${how}`}`;
  });
  return [
    `sealrelay ${report.version}${report.commit === null ? '' : ` (${report.commit.slice(0, 12)})`}, Node ${report.node}, ${report.platform}`,
    `planted ${count(report.canaries)} canaries (${fields.join(', ')}) and looked for ${report.secrets} client secrets,`,
    `each in ${report.encodings.length} encodings, inside ${report.compressions.join(', ')} streams, and in any piece of ${report.windowBytes} bytes:`,
    '',
    ...rows,
    ...report.notSearched.map((what) => `  not searched: ${what}`),
    '',
    report.blind ? `The relay saw none of it (${report.seconds.toFixed(1)} s).` : 'THE RELAY IS NOT BLIND, or the check did not work; see above.',
  ].join('\n');
}
