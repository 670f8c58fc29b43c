// How an alert is said to each kind of receiver.
import type { Config } from '../../config/options.js';
import type { Told } from './alert-book.js';

export const TARGETS = ['webhook', 'pagerduty', 'opsgenie'] as const;
export type TargetName = (typeof TARGETS)[number];

/** A POST of JSON. */
export interface AlertRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: object;
}

/** Who speaks: the region of the relay. */
export interface Speaker {
  readonly region: string;
}

type TargetConfig = Pick<Config, 'alerts.webhook' | 'alerts.pagerduty-key' | 'alerts.pagerduty-url' | 'alerts.opsgenie-key' | 'alerts.opsgenie-url'>;

/** The receivers that are configured. */
export function configuredTargets(config: TargetConfig): TargetName[] {
  const keys = { webhook: config['alerts.webhook'], pagerduty: config['alerts.pagerduty-key'], opsgenie: config['alerts.opsgenie-key'] };
  return TARGETS.filter((name) => keys[name] !== '');
}

/** Null when the receiver is not configured. */
export function requestFor(target: TargetName, told: Told, speaker: Speaker, config: TargetConfig): AlertRequest | null {
  if (!configuredTargets(config).includes(target)) return null;
  switch (target) {
    case 'webhook':
      return { url: config['alerts.webhook'], headers: {}, body: slackBody(told, speaker) };
    case 'pagerduty':
      return { url: joined(config['alerts.pagerduty-url'], 'v2/enqueue'), headers: {}, body: pagerDutyBody(told, speaker, config['alerts.pagerduty-key']) };
    case 'opsgenie':
      return opsgenieRequest(told, speaker, config);
  }
}

function slackBody({ event, alert, atMs }: Told, { region }: Speaker): object {
  const title = event === 'firing' ? `Alert: ${alert.rule}` : `Resolved: ${alert.rule}`;
  const colour = event === 'resolved' ? 'good' : alert.severity === 'critical' ? 'danger' : 'warning';
  return {
    text: `${title} in ${region}: ${alert.summary}`,
    attachments: [
      {
        color: colour,
        title,
        text: alert.summary,
        fields: [
          { title: 'Region', value: region, short: true },
          { title: 'Severity', value: alert.severity, short: true },
        ],
        ts: Math.floor(atMs / 1000),
      },
    ],
  };
}

/** Events API v2. */
function pagerDutyBody({ event, alert, atMs }: Told, speaker: Speaker, key: string): object {
  return {
    routing_key: key,
    event_action: event === 'firing' ? 'trigger' : 'resolve',
    dedup_key: identity(alert.key, speaker),
    payload: {
      summary: alert.summary,
      source: `sealrelay ${speaker.region}`,
      severity: alert.severity,
      timestamp: new Date(atMs).toISOString(),
      component: 'sealrelay',
      class: alert.rule,
    },
  };
}

/** Alert API v2. */
function opsgenieRequest({ event, alert }: Told, speaker: Speaker, config: TargetConfig): AlertRequest {
  const headers = { authorization: `GenieKey ${config['alerts.opsgenie-key']}` };
  const alias = identity(alert.key, speaker);
  const source = `sealrelay ${speaker.region}`;
  const base = joined(config['alerts.opsgenie-url'], 'v2/alerts');
  if (event === 'resolved') return { url: `${base}/${encodeURIComponent(alias)}/close?identifierType=alias`, headers, body: { source, note: alert.summary } };
  return { url: base, headers, body: { message: alert.summary, alias, source, priority: alert.severity === 'critical' ? 'P1' : 'P3', tags: ['sealrelay', alert.rule], details: { region: speaker.region } } };
}

/** The same for the beginning and the end of an alert, also after a restart. */
function identity(key: string, { region }: Speaker): string {
  return `sealrelay/${region}/${key}`;
}

function joined(base: string, path: string): string {
  return `${base.replace(/\/+$/, '')}/${path}`;
}
