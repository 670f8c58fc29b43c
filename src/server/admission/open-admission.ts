// Puts together who may found a space, as the configuration says.
import type { FastifyBaseLogger } from 'fastify';
import type { Config } from '../../config/options.js';
import type { RelayPort } from '../../native/relay-port.js';
import type { AuditSink } from '../audit/audit-sink.js';
import type { TokenRouteDeps } from '../routes/tokens.js';
import { FoundingClerk } from './founding-clerk.js';
import type { FoundingJudge } from './founding-judge.js';
import { InviteStore } from './invite-store.js';
import { JwtJudge } from './jwt-judge.js';
import { JwtKeys } from './jwt-keys.js';
import { tenantList } from './tenant-plan.js';
import { Tenants } from './tenants.js';

export interface Admission {
  /** Called when the core says that something waits. */
  work(port: RelayPort): void;
  /** What the routes of tokens need. */
  readonly tokens: TokenRouteDeps;
}

export function openAdmission(config: Config, logger: FastifyBaseLogger, audit: AuditSink): Admission {
  const tenants = new Tenants({ dataDir: config['data-dir'], list: tenantList(config), spacesMax: config['limits.tenant-spaces-max'] });
  const invites = new InviteStore(config['data-dir'], () => Date.now(), tenants);
  const jwts = config.admission === 'jwt' ? jwtJudge(config, tenants) : null;
  const clerk = config.admission === 'open' ? null : new FoundingClerk(recorded(jwts ?? invites, audit), logger, jwts);
  return { work: (port) => clerk?.work(port), tokens: { invites, audit } };
}

function jwtJudge(config: Config, tenants: Tenants): JwtJudge {
  const keys = new JwtKeys({ source: config['jwt.keys'], refreshMs: config['jwt.refresh'], clock: () => performance.now() });
  const options = {
    issuer: config['jwt.issuer'],
    audience: config['jwt.audience'],
    tenantClaim: config['jwt.tenant-claim'],
    spacesClaim: config['jwt.spaces-claim'],
    userClaim: config['jwt.user-claim'],
    clock: () => Date.now(),
  };
  return new JwtJudge(options, keys, tenants);
}

/** Foundings that were let in are acts that an operator wants to find again; the others are figures. */
function recorded(judge: FoundingJudge, audit: AuditSink): FoundingJudge {
  return {
    judge: async (token, claim) => {
      const verdict = await judge.judge(token, claim);
      if (verdict.kind === 'admitted') await audit.record({ action: 'space.admitted', actor: 'relay', subject: null, outcome: 'done' });
      return verdict;
    },
  };
}
