import type { ResolverSettings } from '../../formats/resolv-conf.ts';

/**
 * Which names containers have for each other on networks of users' own.
 *
 * The name server runs in a thread of its own and asks over a database connection of its own, which only reads.
 * So an implementation is a function of a `Database` (such as `createNameDirectory(database)`) that answers from what
 * is recorded alone and keeps nothing in memory; what is committed is known to the very next look-up.
 */
export interface NameDirectory {
  /**
   * The addresses that a name has for a container: those of running containers on a network that both share and that
   * serves names (the default bridge, `host` and `none` do not), the asking container itself among them. A name is a
   * container's name, its short id, its host name, an alias on that network, what the asking container's `--link` calls it,
   * or any of these followed by `.NETWORK`. Where several shared networks know a name, the one counts that ranks first in the
   * asking container's order: networks with a way out, then by gateway priority, then by name.
   * @param name in lower case, without the dot at the end.
   * @returns undefined when nobody is called so, which makes the question one for the servers upstream.
   */
  lookup(containerId: string, name: string): NameAddresses | undefined;

  /**
   * The name of the container that has an address on a network of the asking container, as `NAME.NETWORK`. An IPv6
   * address is in the form of RFC 5952 (`fd00::2`). Undefined when none has it.
   */
  reverse(containerId: string, ip: string): string | undefined;
}

/** Either list may be empty: then the name exists and has no address of that kind. */
export interface NameAddresses {
  readonly ipv4: readonly string[];
  readonly ipv6: readonly string[];
}

/** The address in every such sandbox at which its container asks. */
export const nameServerAddress = '127.0.0.11';

/** The name servers of all sandboxes that have one. They keep no state: a restarted engine calls `serve` again. */
export interface NameServers extends AsyncDisposable {
  /**
   * Answers inside the sandbox's namespace from now on; synchronous up to bound sockets and rules (below 2 ms), so that no
   * query sent later is lost. What it makes lies in the namespace alone and ends with it. A server that the container
   * has goes on, with `resolving` changed; the ports of one that ended with its engine are taken again. @throws the system error (ENOENT without the namespace);
   * nothing is left then.
   */
  serve(sandbox: NamedSandbox): void;
  /** Ends a container's server. What is asked later waits in vain until its client gives up. Idempotent. */
  end(containerId: string): void;
}

export interface NamedSandbox {
  readonly containerId: string;
  /** The file at which its network namespace is pinned. */
  readonly namespace: string;
  readonly resolving: Resolving;
}

/** What decides where a container's questions go that the directory does not answer; see `containerUpstream`. */
export interface Resolving {
  /** What was asked for the container: `--dns` and its kin, or the engine's. What is empty is as on the host, now and later. */
  readonly settings: ResolverSettings;
  /** Whether it is on a network with a way out. */
  readonly outside: boolean;
}

/** Who is asked what the directory does not know, in turn until one answers. Without any, such questions fail (SERVFAIL). */
export interface Upstream {
  readonly servers: readonly UpstreamServer[];
  /** Keeps names without a dot from the servers: for resolvers that were told to try search domains first (`ndots`). */
  readonly dottedOnly: boolean;
}

export interface UpstreamServer {
  /** IPv4 or IPv6, the latter possibly with a zone. */
  readonly address: string;
  readonly port: number;
  /** From which namespace: servers on the host's loopback are only there, all others are asked as the container would. */
  readonly from: 'host' | 'container';
}
