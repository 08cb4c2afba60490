import { defaultDomain, type Reference } from '../formats/reference.ts';
import type { Credentials } from './credentials.ts';
import { connectEndpoint, type Endpoint } from './endpoint.ts';
import { logIn } from './login.ts';
import { type Mirror, parseMirror } from './mirror.ts';
import { openPushTarget, type PushTarget } from './push-target.ts';
import { openRepository, type Repository } from './repository.ts';
import { defaultRetryPolicy, type RetryPolicy } from './retry.ts';
import { type FoundRepository, searchIndex } from './search.ts';
import { createTransport, type TransportOptions } from './transport.ts';
import { apiHosts, defaultIndexHost, domainOfServer } from './well-known.ts';

export interface RegistryClientOptions extends TransportOptions {
  /** Docker's `registry-mirrors`: addresses tried before the default domain's own registry. */
  readonly mirrors?: readonly string[];
  /** Mirrors of any other domain, which may have a path that is put before the repository's. */
  readonly mirrorsOf?: Readonly<Record<string, readonly string[]>>;
  /** Domains whose registry answers under another host: domain to `host[:port]`. */
  readonly hosts?: Readonly<Record<string, string>>;
  readonly retry?: RetryPolicy;
}

/** The engine's way out to registries. Keeps connections; holds no credentials. */
export interface RegistryClient extends Disposable {
  readonly retry: RetryPolicy;
  /**
   * A repository at its own registry, and at the mirrors to try before it, in order and without credentials.
   * Nothing is connected yet.
   */
  repository(name: Pick<Reference, 'domain' | 'path'>, credentials?: Credentials): Places;
  /** A repository to write to, at its own registry. Nothing is connected yet. */
  pushTarget(name: Pick<Reference, 'domain' | 'path'>, credentials?: Credentials): PushTarget;
  /** Tries credentials at a server, as logins name it. Returns its identity token, if it gives one. @throws as `logIn`. */
  logIn(server: string, credentials: Credentials, signal: AbortSignal): Promise<string | undefined>;
  /** Repositories in the index of a domain. @throws as `searchIndex`. */
  search(domain: string, query: SearchQuery, signal: AbortSignal): Promise<FoundRepository[]>;
}

export interface SearchQuery {
  readonly term: string;
  readonly count: number;
  readonly credentials: Credentials | undefined;
}

export interface Places {
  readonly own: Repository;
  readonly mirrors: readonly Repository[];
}

/** @throws invalid for a malformed mirror or insecure registry. */
export function createRegistryClient(options: RegistryClientOptions = {}): RegistryClient {
  const transport = createTransport(options);
  const mirrors = readMirrors(options);
  const endpoints = new Map<string, Endpoint>();
  const endpoint = (host: string, fixed?: 'http:' | 'https:'): Endpoint => {
    const key = `${fixed ?? ''}${host}`;
    const known = endpoints.get(key) ?? connectEndpoint(transport, host, fixed);
    endpoints.set(key, known);
    return known;
  };
  const retry = options.retry ?? defaultRetryPolicy;
  const hosts = { ...apiHosts, ...options.hosts };
  const ofDomain = (domain: string): Endpoint =>
    endpoint((Object.hasOwn(hosts, domain) ? hosts[domain] : undefined) ?? domain);
  return {
    retry,
    repository(name, credentials) {
      const common = { transport, retry };
      return {
        own: openRepository({ ...common, endpoint: ofDomain(name.domain), name, credentials }),
        mirrors: (mirrors.get(name.domain) ?? []).map(({ host, protocol, prefix }) => {
          const there = { ...name, path: prefix + name.path };
          return openRepository({ ...common, endpoint: endpoint(host, protocol), name: there, credentials: undefined });
        }),
      };
    },
    pushTarget: (name, credentials) =>
      openPushTarget({ endpoint: ofDomain(name.domain), transport, name, credentials, retry }),
    logIn: (server, credentials, signal) =>
      logIn({ endpoint: ofDomain(domainOfServer(server)), transport, credentials, signal }),
    search(domain, query, signal) {
      const index = domain === defaultDomain ? (options.hosts?.[defaultDomain] ?? defaultIndexHost) : domain;
      return searchIndex(endpoint(index), query, retry, signal);
    },
    [Symbol.dispose]: () => transport[Symbol.dispose](),
  };
}

function readMirrors({ mirrors = [], mirrorsOf = {} }: RegistryClientOptions): ReadonlyMap<string, readonly Mirror[]> {
  const read = new Map<string, Mirror[]>();
  for (const [domain, list] of Object.entries(mirrorsOf))
    read.set(
      domain,
      list.map((text) => parseMirror(text, true)),
    );
  const ofDefault = mirrors.map((text) => parseMirror(text, false));
  read.set(defaultDomain, [...ofDefault, ...(read.get(defaultDomain) ?? [])]);
  return read;
}
