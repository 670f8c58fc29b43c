// Traces of one relay: the core's spans and those of the public app, to one collector. Off without an endpoint.
import { randomBytes } from 'node:crypto';
import { parseTracesEndpoint } from '../../config/destinations.js';
import type { Config } from '../../config/options.js';
import type { RelaySpan } from '../../native/relay-port.js';
import type { App } from '../fastify.js';
import type { TraceFigures } from '../telemetry/trace-metrics.js';
import { SpanExporter } from './exporter.js';
import { exportRequest } from './otlp.js';
import { parseTraceparent, type FinishedSpan } from './span.js';

const MICROS = 1000;
const SPAN_ID_BYTES = 8;

export interface Traces {
  /** Makes a span of each request of the app that belongs to a trace. */
  install(app: App): void;
  /** What became of the spans, for the metrics. */
  readonly figures: () => TraceFigures;
  /** Sends what is left. */
  close(): Promise<void>;
}

export interface TracesDeps {
  readonly version: string;
  /** Spans the core finished since the last call. */
  readonly drainSpans: () => readonly RelaySpan[];
}

/** Null when nothing is traced. */
export function openTraces(config: Config, { version, drainSpans }: TracesDeps): Traces | null {
  const endpoint = parseTracesEndpoint(config['traces.endpoint']) ?? null;
  if (endpoint === null) return null;
  const exporter = new SpanExporter({
    endpoint,
    encode: (spans) => exportRequest(spans, version),
    collect: () => drainSpans().map((span): FinishedSpan => ({ ...span, scope: 'core' })),
    fetch: globalThis.fetch,
  });
  return {
    install: (app) => traceRequests(app, (span) => exporter.add(span)),
    figures: () => ({ sent: exporter.sent, dropped: exporter.dropped }),
    close: () => exporter.close(),
  };
}

function traceRequests(app: App, finished: (span: FinishedSpan) => void): void {
  const nowUs = (): number => Math.round((performance.timeOrigin + performance.now()) * MICROS);
  const open = new WeakMap<object, Omit<FinishedSpan, 'endUs' | 'status'>>();
  app.addHook('onRequest', async (request) => {
    const parent = parseTraceparent(request.headers['traceparent']);
    if (parent === null) return;
    open.set(request, {
      scope: 'control-plane',
      traceId: parent.traceId,
      spanId: randomBytes(SPAN_ID_BYTES).toString('hex'),
      parentSpanId: parent.spanId,
      // The route as it was registered; never the path a client chose.
      name: `${request.method} ${request.routeOptions.url ?? 'unknown'}`,
      startUs: nowUs(),
    });
  });
  app.addHook('onResponse', async (request, reply) => {
    const span = open.get(request);
    if (span !== undefined) finished({ ...span, endUs: Math.max(nowUs(), span.startUs), status: reply.statusCode });
  });
}
