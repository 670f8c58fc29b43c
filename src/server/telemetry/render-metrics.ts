// Renders the table of metrics for people who read: docs/reference/metrics.md.
import { CLOSED_LABELS } from './closed-labels.js';
import { METRIC_TABLE } from './metric-table.js';

const HEAD = `# Metrics

Written by \`npm run docs:metrics\` from the tables in \`src/server/telemetry\`; do not edit. How to work with them: [metrics](../operations/metrics.md).

\`GET /metrics\` on the admin address answers in the Prometheus text format. Names are in base units (seconds, bytes); counters end in
\`_total\` and count since the start of the process. Labels take their values from the closed lists at the end of this page and from
nowhere else; a value that is not in its list is shown as \`other\`.

| metric | type | labels | what it says |
|---|---|---|---|
`;

export function renderMetrics(): string {
  const rows = METRIC_TABLE.map((row) => {
    const labels = 'labels' in row ? row.labels.map((label) => `\`${label}\``).join(', ') : '';
    return `| \`${row.name}\` | ${row.type} | ${labels} | ${row.help} |`;
  });
  const used = new Set(METRIC_TABLE.flatMap((row) => ('labels' in row ? row.labels : [])));
  const labels = [...used].map((label) => `- \`${label}\`: ${CLOSED_LABELS[label].map((value) => `\`${value}\``).join(', ')}`);
  return `${HEAD}${rows.join('\n')}\n\n## Labels\n\n${labels.join('\n')}\n`;
}
