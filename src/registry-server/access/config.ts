import * as z from 'zod';
import { duration } from '../config/duration.ts';

/** Who may do what in which repositories; see `createRules`. */
const ruleSchema = z
  .strictObject({
    repositories: z.array(z.string().min(1)).min(1),
    users: z.array(z.string().min(1)).default([]),
    groups: z.array(z.string().min(1)).default([]),
    anonymous: z.boolean().default(false),
    actions: z.array(z.enum(['pull', 'push', 'delete', 'admin'])).min(1),
  })
  .refine((rule) => rule.anonymous || rule.users.length > 0 || rule.groups.length > 0, {
    message: 'is for nobody: a rule needs users, groups or anonymous: true',
  });

export type AccessRule = z.output<typeof ruleSchema>;

/** tug's own section `access`: rules, groups, the audit log, and how logins that fail are held off. */
export const accessSection = z
  .strictObject({
    rules: z.array(ruleSchema).optional(),
    /** Users by group. */
    groups: z.record(z.string(), z.array(z.string().min(1))).default({}),
    audit: z.strictObject({ path: z.string().min(1) }).optional(),
    throttle: z
      .strictObject({
        /** Logins that may fail at once, for each user and each address. */
        attempts: z.number().int().min(1).max(1000).default(10),
        /** After this long they are all forgotten. */
        window: duration.prefault('5m'),
      })
      .prefault({}),
    /** Proxies whose `X-Forwarded-For` is believed. */
    trustedproxies: z.array(z.string()).default([]),
  })
  .prefault({});

export type AccessSection = z.output<typeof accessSection>;

/** CNCF distribution's `auth.htpasswd`. */
const htpasswdSchema = z.strictObject({ realm: z.string().min(1), path: z.string().min(1) });

/** tug's own `auth.token.builtin`: the registry gives out the tokens itself. */
const builtinSchema = z.strictObject({
  /** The htpasswd file of its users. */
  path: z.string().min(1),
  /** The key that signs, made when it is not there; PATH.key without. */
  key: z.string().min(1).optional(),
  expiration: duration.prefault('5m'),
  refreshexpiration: duration.prefault('720h'),
});

/** CNCF distribution's `auth.token`. */
const tokenSchema = z
  .strictObject({
    realm: z.string().optional(),
    service: z.string().min(1).optional(),
    issuer: z.string().min(1).optional(),
    rootcertbundle: z.string().optional(),
    jwks: z.string().optional(),
    signingalgorithms: z.array(z.string()).optional(),
    autoredirect: z.boolean().default(false),
    autoredirectpath: z.string().startsWith('/').default('/auth/token'),
    builtin: builtinSchema.optional(),
  })
  .superRefine((section, context) => {
    const fault = tokenFault(section);
    if (fault) context.addIssue({ code: 'custom', path: [fault.key], message: fault.message });
  });

export type TokenSection = z.output<typeof tokenSchema>;
export type BuiltinSection = z.output<typeof builtinSchema>;

interface TokenKeys {
  realm?: string | undefined;
  service?: string | undefined;
  issuer?: string | undefined;
  rootcertbundle?: string | undefined;
  jwks?: string | undefined;
  signingalgorithms?: string[] | undefined;
  autoredirect: boolean;
  builtin?: object | undefined;
}

function tokenFault(section: TokenKeys): { key: keyof TokenKeys; message: string } | undefined {
  const { builtin, rootcertbundle, jwks, signingalgorithms, autoredirect, realm, service, issuer } = section;
  if (builtin) {
    if (rootcertbundle ?? jwks ?? signingalgorithms) {
      return {
        key: 'builtin',
        message: 'cannot stand beside rootcertbundle, jwks and signingalgorithms, which are for tokens from elsewhere',
      };
    }
    return undefined;
  }
  if (!rootcertbundle && !jwks) return { key: 'rootcertbundle', message: 'is needed, or jwks, or builtin' };
  if (!realm && !autoredirect) return { key: 'realm', message: 'is needed: the address of the token server' };
  if (!service) return { key: 'service', message: 'is needed: the name of this registry in tokens' };
  if (!issuer) return { key: 'issuer', message: 'is needed: who signs the tokens' };
  return undefined;
}

/** CNCF distribution's section `auth`: at most one kind. `none` says that everybody may connect from everywhere. */
export const authSection = z
  .strictObject({
    none: z.strictObject({}).nullable().optional(),
    htpasswd: htpasswdSchema.optional(),
    token: tokenSchema.optional(),
  })
  .refine((section) => Object.values(section).filter((one) => one !== undefined).length <= 1, {
    message: 'has only one of none, htpasswd and token',
  })
  .prefault({});

export type AuthSection = z.output<typeof authSection>;
