// Opens the admin app on its address, and, once the core holds the data directory, lets people sign in.
import { join } from 'node:path';
import type { Config } from '../../config/options.js';
import { RelayError } from '../../errors.js';
import { AdminAccess } from '../admin-auth/access.js';
import { linkUrl } from '../admin-auth/one-time-link.js';
import { buildAdminApp, type AdminAppDeps } from '../admin-app.js';
import type { AuditSink } from '../audit/audit-sink.js';
import type { Closers } from '../closers.js';
import { listenOn } from '../listen.js';

/** Beside the compiled server. */
const PAGE_FOLDER = join(import.meta.dirname, '../../admin-ui');

export interface OpenAdminDeps extends Omit<AdminAppDeps, 'access' | 'port' | 'pageFolder' | 'startedAtMs'> {
  readonly audit: AuditSink;
}

export interface AdminPlace {
  readonly host: string;
  readonly port: number;
  /** A one-time link, as long as nobody could sign in otherwise; null else. */
  readonly link: string | null;
}

export interface OpenAdmin {
  /** Called once the core holds the data directory. */
  readonly begin: () => Promise<AdminPlace>;
}

/** Null when the admin listener is off. */
export async function openAdmin(config: Config, deps: OpenAdminDeps, closers: Closers): Promise<OpenAdmin | null> {
  const wanted = config['admin.port'];
  if (wanted === null) return null;
  const access = new AdminAccess({ token: () => deps.config()['admin.token'], audit: deps.audit, nowMs: () => Date.now() });
  let port = wanted;
  const app = await buildAdminApp({ ...deps, access, port: () => port, pageFolder: PAGE_FOLDER, startedAtMs: Date.now() });
  closers.add(() => app.close());
  const address = await listenOn(app, config['admin.host'], wanted, '--admin.port');
  port = address.port;
  const begin = async (): Promise<AdminPlace> => {
    await access.open(config['data-dir']).catch(nameTheDirectory);
    closers.add(() => access.close());
    const isNew = access.passkeys.all.length === 0 && !access.hasToken;
    return { host: address.address, port, link: isNew ? linkUrl(port, access.issueLink()) : null };
  };
  return { begin };
}

function nameTheDirectory(error: unknown): never {
  if (error instanceof RelayError) throw error;
  throw new RelayError('admin_dir_unusable', `the data directory cannot keep who may administer the relay: ${error instanceof Error ? error.message : String(error)}`, {
    hint: 'Make the data directory writable for this user, or switch the admin listener off with --admin.port off.',
    cause: error,
  });
}
