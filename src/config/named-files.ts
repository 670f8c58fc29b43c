// The files that options name, looked at before a start needs them: whether this user can read them, and whether a certificate holds.
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { configError, type Finding, type Origin } from './finding.js';
import { isKeyFile } from './key-source.js';
import { OPTIONS, OPTION_KEYS, type Config, type OptionKey, type OptionSpec } from './options.js';

/** What is wrong with them now. A start looks by itself; this is for `config check`. */
export async function checkNamedFiles(config: Config, origin: (key: OptionKey) => Origin): Promise<Finding[]> {
  const findings: Finding[] = [];
  const held = new Map<OptionKey, Buffer>();
  for (const key of OPTION_KEYS) {
    const path = fileOf(key, config);
    if (path === null) continue;
    const { label, place } = origin(key);
    try {
      held.set(key, await readFile(path));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      findings.push(configError(`${label}: the file of ${key} cannot be read: ${why}`, 'Name a file that the user of the relay may read.', place));
    }
  }
  const [certificate, key] = [held.get('tls.cert'), held.get('tls.key')];
  if (certificate !== undefined && key !== undefined) findings.push(...checkCertificate(certificate, key, origin));
  return findings;
}

/** Null where the option names none. */
function fileOf(key: OptionKey, config: Config): string | null {
  const spec: OptionSpec = OPTIONS[key];
  const names = key === 'jwt.keys' ? isKeyFile(config[key]) : (spec.type === 'path' || spec.type === 'path-or-off') && spec.isFile === true;
  const path = names ? config[key] : null;
  return typeof path === 'string' && path !== 'off' ? path : null;
}

function checkCertificate(certificate: Buffer, key: Buffer, origin: (key: OptionKey) => Origin): Finding[] {
  const refuse = (option: OptionKey, message: string, hint: string): Finding[] => {
    const { label, place } = origin(option);
    return [configError(`${label}: ${message}`, hint, place)];
  };
  const first = certificate.includes('-----BEGIN CERTIFICATE-----') ? parsed(() => new X509Certificate(certificate)) : null;
  if (first === null) return refuse('tls.cert', 'the file of tls.cert does not begin with a certificate in PEM', 'Put the certificate first and intermediate ones behind it.');
  const own = parsed(() => createPrivateKey(key));
  if (own === null) return refuse('tls.key', 'the file of tls.key holds no private key in PEM, or an encrypted one', 'Name the plain key of the certificate.');
  if (!first.checkPrivateKey(own)) return refuse('tls.key', 'the key is not that of the certificate', 'Take both from the same order.');
  const [fromMs, toMs, nowMs] = [Date.parse(first.validFrom), Date.parse(first.validTo), Date.now()];
  return fromMs <= nowMs && nowMs <= toMs ? [] : refuse('tls.cert', `the certificate is valid from ${first.validFrom} to ${first.validTo}`, 'Renew it; check the clock of the machine.');
}

function parsed<Value>(parse: () => Value): Value | null {
  try {
    return parse();
  } catch {
    return null;
  }
}
