import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import { messageOf, TugError } from '../../base/errors.ts';
import type { Identity, Wanted } from '../contract.ts';
import type { Audit, AuditEntry } from './audit.ts';
import { denied, loginWanted } from './authorization.ts';
import type { AddressOf } from './client-address.ts';
import { missing, type Rules } from './rules.ts';

/** What every kind of access works with. */
export interface AccessBase {
  readonly rules: Rules;
  readonly audit: Audit;
  readonly addressOf: AddressOf;
}

/**
 * Lets a request through whose user is known, or who is nobody, if the rules allow all it wants; the audit log is told.
 * @param challenge what to answer nobody with, where a login could help.
 * @throws unauthorized for nobody, forbidden for a user, and for nobody where there are no logins.
 */
export function decide(
  base: AccessBase,
  request: IncomingMessage,
  identity: Identity,
  wanted: readonly Wanted[],
  challenge?: () => string,
): Identity {
  const lacking = missing(base.rules, identity, wanted);
  const refused = new Set(lacking.map(({ repository }) => repository));
  for (const { repository, actions } of wanted) {
    const allowed = !refused.has(repository);
    record(base, request, {
      event: 'access',
      user: identity.name,
      allowed,
      repository,
      actions,
      ...no(allowed, 'rules'),
    });
  }
  if (refused.size === 0) return identity;
  throw identity.name === '' && challenge ? loginWanted(challenge()) : denied();
}

/** Tells the audit log of a request that got no further than its login. */
export function recordRefusal(
  base: AccessBase,
  request: IncomingMessage,
  wanted: readonly Wanted[],
  reason: string,
  user = '',
): void {
  const [first] = wanted;
  record(base, request, { event: 'access', user, allowed: false, reason, ...(first ?? {}) });
}

/** Tells the audit log of a login that was tried. */
export function recordLogin(base: AccessBase, request: IncomingMessage, user: string, fault: unknown): void {
  const heldOff = fault instanceof TugError && fault.code === 'too-many-requests';
  const reason = heldOff ? 'held off' : fault === undefined ? undefined : messageOf(fault);
  const allowed = reason === undefined;
  record(base, request, { event: 'login', user, allowed, ...(reason === undefined ? {} : { reason }) });
}

type Facts = Omit<AuditEntry, 'address' | 'method' | 'certificate'>;

/** Records an entry with what the request tells of itself. */
export function record({ audit, addressOf }: AccessBase, request: IncomingMessage, facts: Facts): void {
  const certificate = certificateName(request);
  audit.record({
    ...facts,
    address: addressOf(request),
    ...(request.method === undefined ? {} : { method: request.method }),
    ...(certificate === undefined ? {} : { certificate }),
  });
}

const no = (allowed: boolean, reason: string): { reason?: string } => (allowed ? {} : { reason });

/** The common name in the certificate that the client showed, if a CA of `clientcas` has signed it. */
export function certificateName(request: IncomingMessage): string | undefined {
  const { socket } = request;
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const name = socket.getPeerCertificate().subject?.CN;
  return typeof name === 'string' ? name : undefined;
}
