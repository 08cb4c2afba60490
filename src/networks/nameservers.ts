/** Used where a host only has a resolver of its own on loopback, which a container cannot reach (as Docker does). */
const publicServers = ['8.8.8.8', '8.8.4.4'];

/**
 * The name servers for a container with a network of its own, given the host's resolv.conf(5) and, where there
 * is one, systemd-resolved's list of the real servers. Undefined when the host's file can be used as it is.
 */
export function containerNameservers(hostFile: string, resolvedFile: string | undefined): string[] | undefined {
  const servers = nameserversIn(hostFile);
  const reachable = servers.filter((server) => !isLoopback(server));
  if (reachable.length > 0) return reachable.length === servers.length ? undefined : reachable;
  const resolved = nameserversIn(resolvedFile ?? '').filter((server) => !isLoopback(server));
  return resolved.length > 0 ? resolved : publicServers;
}

function nameserversIn(text: string): string[] {
  return text.split('\n').flatMap((line) => /^\s*nameserver\s+(\S+)/.exec(line)?.[1] ?? []);
}

const isLoopback = (server: string): boolean => server.startsWith('127.') || server === '::1';
