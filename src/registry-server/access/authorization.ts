import type { IncomingMessage } from 'node:http';
import { TugError } from '../../base/errors.ts';
import type { Login } from './passwords.ts';

/** What a request's `Authorization` header holds. */
export type Authorization =
  | { readonly scheme: 'none' }
  | { readonly scheme: 'basic'; readonly login: Login }
  | { readonly scheme: 'bearer'; readonly token: string }
  /** Something that cannot be read. */
  | { readonly scheme: 'other' };

/** Reads the header (RFC 7617, RFC 6750). A login without a name is none. */
export function readAuthorization(request: IncomingMessage): Authorization {
  const header = request.headers.authorization;
  if (header === undefined || header === '') return { scheme: 'none' };
  const [, scheme = '', value = ''] = /^([A-Za-z]+) +([^ ]+) *$/.exec(header) ?? [];
  if (scheme.toLowerCase() === 'bearer') return { scheme: 'bearer', token: value };
  if (scheme.toLowerCase() !== 'basic') return { scheme: 'other' };
  const login = parseLogin(Buffer.from(value, 'base64').toString('utf8'));
  return login ? { scheme: 'basic', login } : { scheme: 'other' };
}

function parseLogin(text: string): Login | undefined {
  const colon = text.indexOf(':');
  if (colon < 1 || text.includes('\0')) return undefined;
  return { name: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** A challenge: `Basic realm="..."`. */
export function formatChallenge(scheme: string, parameters: Readonly<Record<string, string | undefined>>): string {
  const pairs = Object.entries(parameters).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}="${value.replaceAll(/["\\]/g, '\\$&')}"`],
  );
  return `${scheme} ${pairs.join(',')}`;
}

/** The answer to who has not said who they are, or not rightly: 401 with a challenge. */
export const loginWanted = (challenge: string, message = 'authentication required'): TugError =>
  new TugError('unauthorized', message, { details: { challenge } });

/** The answer to who is known and may not: 403. */
export const denied = (): TugError =>
  new TugError('forbidden', 'requested access to the resource is denied', { code: 'denied' });
