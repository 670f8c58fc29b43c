// The files of deploy/: what their own tools say of them, and that they name what exists.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { OPTION_KEYS, envOf } from '../../src/config/options.js';

const DEPLOY = join(import.meta.dirname, '../../deploy');
const EXPOSURE_MAX = 1.5;
const hasAnalyze = spawnSync('systemd-analyze', ['--version']).status === 0;

function read(path: string): string {
  return readFileSync(join(DEPLOY, path), 'utf8');
}

/** What systemd says of the exposure of a unit, from 0 (none) to 10. */
function exposure(path: string): number {
  const ran = spawnSync('systemd-analyze', ['security', '--offline=yes', '--no-pager', path], { encoding: 'utf8' });
  return Number(/Overall exposure level[^:]*: ([\d.]+)/.exec(ran.stdout)?.[1] ?? Number.NaN);
}

describe('the systemd unit', () => {
  it.skipIf(!hasAnalyze)('is shut off from what it does not need (skipped without systemd-analyze)', () => {
    expect(exposure(join(DEPLOY, 'systemd/sealrelay.service'))).toBeLessThanOrEqual(EXPOSURE_MAX);
  });

  it.skipIf(!hasAnalyze)('is what systemd understands, with its socket (skipped without systemd-analyze)', () => {
    const paths = ['sealrelay.service', 'sealrelay.socket'].map((name) => join(DEPLOY, 'systemd', name));
    const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', ...paths], { encoding: 'utf8' });
    expect({ status, said: `${stdout}${stderr}`.split('\n').filter((line) => line.includes('sealrelay')) }).toEqual({ status: 0, said: [] });
  });

  it('waits for the relay to say that it is ready, and longer than a drain', () => {
    const unit = read('systemd/sealrelay.service');
    expect(unit).toContain('Type=notify');
    expect(Number(/TimeoutStopSec=(\d+)s/.exec(unit)?.[1])).toBeGreaterThan(10);
  });
});

describe('the container files', () => {
  it('are YAML, stop slower than a drain, and probe the routes of the relay', () => {
    const compose = parseAllDocuments(read('docker/compose.yaml'))[0]?.toJS();
    expect(compose.services.relay.stop_grace_period).toBe('30s');
    const { spec } = parseAllDocuments(read('kubernetes/relay.yaml'))[0]?.toJS() ?? {};
    const pod = spec.template.spec;
    expect([spec.replicas, pod.terminationGracePeriodSeconds]).toEqual([1, 30]);
    const [, service] = parseAllDocuments(read('kubernetes/relay.yaml')).map((document) => document.toJS());
    expect([service.kind, service.metadata.name, service.spec.selector, service.spec.ports.map(({ targetPort }: { targetPort: string }) => targetPort)]).toEqual(['Service', spec.serviceName, spec.selector.matchLabels, ['relay']]);
    const [{ startupProbe, livenessProbe, readinessProbe }] = pod.containers;
    expect([startupProbe, livenessProbe, readinessProbe].map((probe) => probe.httpGet.path)).toEqual(['/health/live', '/health/live', '/health/ready']);
  });

  it('publish the admin page to this machine alone, and behind a token', () => {
    const relay = parseAllDocuments(read('docker/compose.yaml'))[0]?.toJS()?.services?.relay;
    expect(relay.ports.every((port: string) => port.startsWith('127.0.0.1:'))).toBe(true);
    expect([relay.environment.RELAY_ADMIN_HOST, relay.environment.RELAY_ADMIN_TOKEN_FILE, relay.secrets]).toEqual(['0.0.0.0', '/run/secrets/admin-token', ['admin-token']]);
  });

  it('set only options that there are', () => {
    const known = new Set(OPTION_KEYS.map(envOf));
    for (const path of ['docker/Dockerfile', 'docker/compose.yaml', 'kubernetes/relay.yaml', 'systemd/sealrelay.service']) {
      for (const [name] of read(path).matchAll(/\bRELAY_[A-Z_]+/g)) expect(known, `${path}: ${name}`).toContain(name.replace(/_FILE$/, ''));
    }
  });
});
