import { z } from 'zod';
import { invalid } from '../../base/errors.ts';
import type { RegistryAuth } from '../../images/contract.ts';

const authConfig = z.object({
  username: z.string().optional(),
  password: z.string().optional(),
  auth: z.string().optional(),
  identitytoken: z.string().optional(),
  registrytoken: z.string().optional(),
  serveraddress: z.string().optional(),
});

/**
 * The credentials of an `X-Registry-Auth` header: JSON in base64, in either alphabet, with or without
 * padding. Undefined when there are none in it.
 * @throws invalid for anything else. The message never holds what the header said.
 */
export function decodeRegistryAuth(header: string | string[] | undefined): RegistryAuth | undefined {
  if (typeof header !== 'string' || header.trim() === '') return undefined;
  const parsed = authConfig.nullable().safeParse(decodeJson(header.trim()));
  if (!parsed.success) throw malformed();
  const { auth, ...given } = parsed.data ?? {};
  const fromAuth = auth && !given.username ? splitAuth(auth) : {};
  const entries = Object.entries({ ...given, ...fromAuth }).filter(([, value]) => value !== undefined && value !== '');
  const result = Object.fromEntries(entries) as RegistryAuth;
  return result.username || result.identitytoken || result.registrytoken ? result : undefined;
}

function decodeJson(header: string): unknown {
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(header)) throw malformed();
  try {
    return JSON.parse(Buffer.from(header, 'base64').toString('utf8')) as unknown;
  } catch {
    throw malformed(); // without its cause, which would quote the credentials
  }
}

/** `auth` of a configuration file: `user:password` in base64. */
function splitAuth(auth: string): { username?: string; password?: string } {
  const text = Buffer.from(auth, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? {} : { username: text.slice(0, colon), password: text.slice(colon + 1) };
}

const malformed = () => invalid('invalid X-Registry-Auth header: it must be a JSON object in base64url');
