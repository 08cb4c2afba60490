import * as z from 'zod';
import { namespacesOf } from '../proxy/names.ts';
import type { UpstreamSettings } from '../proxy/settings.ts';
import { isRepositoryName } from '../storage/paths.ts';
import { duration } from './duration.ts';

const isBare = (text: string): boolean => {
  const url = URL.parse(text);
  return url !== null && url.username === '' && url.password === '' && url.search === '' && url.hash === '';
};

const remote = {
  remoteurl: z
    .url({ protocol: /^https?$/, error: 'is no http(s) address' })
    .refine(isBare, 'has no credentials, query or fragment in it: username and password are keys beside it'),
  username: z.string().optional(),
  password: z.string().optional(),
  /** How long something is kept after it was last asked for; 0 for ever. */
  ttl: z.union([z.literal(0), duration]).prefault('168h'),
};
const upstream = z.strictObject({
  ...remote,
  /** Values of `?ns=` that mean this upstream, besides its host. */
  namespaces: z.array(z.string().min(1)).default([]),
});

/** `proxy`: registries whose content is fetched and kept here. */
export const proxySection = z
  .strictObject({
    ...remote,
    /** For all repositories but those of `upstreams`; empty for none. */
    remoteurl: z.union([z.literal(''), remote.remoteurl]).default(''),
    /** Further ones by what their repositories begin with here. */
    upstreams: z
      .record(z.string().refine(isRepositoryName, 'is nothing that a repository can begin with'), upstream)
      .default({}),
  })
  .prefault({});

export type ProxySection = z.output<typeof proxySection>;

/** The upstreams of the configuration, none for a registry that is no cache. */
export function upstreamsOf({ remoteurl, username, password, ttl, upstreams }: ProxySection): UpstreamSettings[] {
  const rest = remoteurl === '' ? {} : { '': { remoteurl, username, password, ttl, namespaces: [] as string[] } };
  return Object.entries({ ...upstreams, ...rest }).map(([prefix, section]) => {
    const url = new URL(section.remoteurl);
    return {
      ...{ prefix, url, ttl: section.ttl === 0 ? undefined : section.ttl },
      credentials: credentialsOf(section),
      namespaces: [...namespacesOf(url), ...section.namespaces.map((name) => name.toLowerCase())],
    };
  });
}

function credentialsOf({ username, password }: { username?: string | undefined; password?: string | undefined }) {
  return username ? { username, password: password ?? '' } : undefined;
}
