// Spans on their way to a collector: what is sent, what is lost, and that it is counted.
import { describe, expect, it } from 'vitest';
import { SpanExporter, SPANS_PER_REQUEST, SPANS_WAITING_MAX } from '../../../../src/server/traces/exporter.js';
import { exportRequest } from '../../../../src/server/traces/otlp.js';
import { parseTraceparent, type FinishedSpan } from '../../../../src/server/traces/span.js';

const TRACE = '0af7651916cd43dd8448eb211c80319c';

function span(status = 200): FinishedSpan {
  return { scope: 'core', traceId: TRACE, spanId: 'b7ad6b7169203331', parentSpanId: null, name: 'push', startUs: 1, endUs: 2, status };
}

function exporter(answer: () => Promise<Response>, sent: number[] = []): SpanExporter {
  return new SpanExporter({
    endpoint: 'http://collector/v1/traces',
    encode: (spans) => exportRequest(spans, '1.0.0'),
    collect: () => [],
    fetch: async (_url, init) => {
      const { resourceSpans } = JSON.parse(String(init?.body)) as ReturnType<typeof exportRequest>;
      sent.push(resourceSpans[0]?.scopeSpans[0]?.spans.length ?? 0);
      return await answer();
    },
  });
}

describe('the exporter', () => {
  it('sends in batches', async () => {
    const sent: number[] = [];
    const spans = exporter(async () => new Response('{}'), sent);
    for (let count = 0; count < SPANS_PER_REQUEST + 5; count += 1) spans.add(span());
    await spans.close();
    expect(sent).toEqual([SPANS_PER_REQUEST, 5]);
    expect([spans.sent, spans.dropped]).toEqual([SPANS_PER_REQUEST + 5, 0]);
  });

  it('counts what has no room and what the collector refuses or does not answer', async () => {
    const full = exporter(async () => new Response('{}'));
    for (let count = 0; count < SPANS_WAITING_MAX + 3; count += 1) full.add(span());
    expect(full.dropped).toBe(3);
    await full.close();
    for (const answer of [async () => new Response('no', { status: 503 }), () => Promise.reject<Response>(new Error('away'))]) {
      const refused = exporter(answer);
      refused.add(span());
      await refused.close();
      expect([refused.sent, refused.dropped]).toEqual([0, 1]);
    }
  });
});

describe('an OTLP request', () => {
  it('says times in nanoseconds as text, and marks failures', () => {
    const { resourceSpans } = exportRequest([span(), { ...span(503), scope: 'control-plane', parentSpanId: 'b7ad6b7169203332' }], '1.0.0');
    expect(resourceSpans[0]?.scopeSpans).toMatchObject([
      { scope: { name: 'sealrelay/core' }, spans: [{ startTimeUnixNano: '1000', endTimeUnixNano: '2000', kind: 2 }] },
      { scope: { name: 'sealrelay/control-plane' }, spans: [{ parentSpanId: 'b7ad6b7169203332', status: { code: 2 } }] },
    ]);
  });
});

describe('a traceparent', () => {
  it('is taken when it is sampled and well formed', () => {
    const given = `00-${TRACE}-b7ad6b7169203331-01`;
    expect(parseTraceparent(given)).toEqual({ traceId: TRACE, spanId: 'b7ad6b7169203331' });
    expect(parseTraceparent(given.replace('00-', '01-').concat('-more'))).not.toBeNull();
    for (const wrong of [undefined, '', given.replace(/01$/, '00'), `${given}-more`, given.replace('00-', 'ff-'), given.toUpperCase(), given.replace(TRACE, '0'.repeat(32))]) {
      expect(parseTraceparent(wrong)).toBeNull();
    }
  });
});
