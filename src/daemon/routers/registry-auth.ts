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
  return credentialsOf(parsed.data ?? {});
}

/** The logins of an `X-Registry-Config` header, by server; in form as those of `X-Registry-Auth`. @throws as that. */
export function decodeRegistryConfig(header: string | string[] | undefined): Record<string, RegistryAuth> | undefined {
  if (typeof header !== 'string' || header.trim() === '') return undefined;
  const parsed = z.record(z.string(), authConfig).nullable().safeParse(decodeJson(header.trim(), 'X-Registry-Config'));
  if (!parsed.success) throw malformed('X-Registry-Config');
  return Object.fromEntries(
    Object.entries(parsed.data ?? {}).flatMap(([server, config]) => {
      const credentials = credentialsOf(config);
      return credentials ? [[server, credentials]] : [];
    }),
  );
}

function credentialsOf({ auth, ...given }: z.output<typeof authConfig>): RegistryAuth | undefined {
  const fromAuth = auth && !given.username ? splitAuth(auth) : {};
  const entries = Object.entries({ ...given, ...fromAuth }).filter(([, value]) => value !== undefined && value !== '');
  const result = Object.fromEntries(entries) as RegistryAuth;
  return result.username || result.identitytoken || result.registrytoken ? result : undefined;
}

function decodeJson(header: string, name?: string): unknown {
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(header)) throw malformed(name);
  try {
    return JSON.parse(Buffer.from(header, 'base64').toString('utf8')) as unknown;
  } catch {
    throw malformed(name); // without its cause, which would quote the credentials
  }
}

/** `auth` of a configuration file: `user:password` in base64. */
function splitAuth(auth: string): { username?: string; password?: string } {
  const text = Buffer.from(auth, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? {} : { username: text.slice(0, colon), password: text.slice(colon + 1) };
}

const malformed = (name = 'X-Registry-Auth') =>
  invalid(`invalid ${name} header: it must be a JSON object in base64url`);
