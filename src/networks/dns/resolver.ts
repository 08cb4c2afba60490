import { isIP } from 'node:net';
import { invalid } from '../../base/errors.ts';
import {
  dotsWanted,
  isLoopback,
  parseResolvConf,
  type ResolverSettings,
  writeResolvConf,
} from '../../formats/resolv-conf.ts';
import { nameServerAddress, type Resolving, type Upstream, type UpstreamServer } from './contract.ts';

/** The files of the host that say how it resolves names; undefined for one that is not there. */
export interface HostResolver {
  readonly resolvConf: string | undefined;
  /** systemd-resolved's list of the real servers. */
  readonly resolved: string | undefined;
}

/** The default bridge has no server of its own, and neither have containers in the host's namespace. */
export type ResolverKind = 'own-server' | 'own-namespace' | 'host-namespace';

/** Used where a host only has a resolver of its own on loopback, which a container cannot reach (as Docker does). */
const publicServers = ['8.8.8.8', '8.8.4.4'];

/** What is not asked for is as on the host. A search domain of `.` stands for none. */
function merged(wish: ResolverSettings, host: ResolverSettings): ResolverSettings {
  return {
    servers: wish.servers.length > 0 ? wish.servers : host.servers,
    search: wish.search.length > 0 ? wish.search.filter((domain) => domain !== '.' && domain !== '') : host.search,
    options: wish.options.length > 0 ? wish.options : host.options,
  };
}

/** The text of a container's /etc/resolv.conf. `wish` is what was asked for it: `--dns` and its kin, or the engine's. */
export function containerResolvConf(kind: ResolverKind, wish: ResolverSettings, host: HostResolver): string {
  const hostSettings = parseResolvConf(host.resolvConf ?? '');
  if (kind === 'own-server') return ownServerConf(wish, hostSettings);
  const settings = merged(wish, hostSettings);
  if (kind === 'host-namespace' || wish.servers.length > 0) return writeResolvConf(settings);
  return writeResolvConf({ ...settings, servers: reachableServers(host) });
}

/** The comments say where other names are looked for, in the form that tools know from Docker. */
function ownServerConf(wish: ResolverSettings, host: ResolverSettings): string {
  const { servers, search, options } = merged(wish, host);
  const dots = dotsWanted(options);
  const external = servers.map((server) =>
    wish.servers.length === 0 && isLoopback(server) ? `host(${server})` : server,
  );
  const overrides = (['servers', 'search', 'options'] as const).filter((key) => wish[key].length > 0);
  const from = dots === undefined ? 'internal' : wish.options.length > 0 ? 'override' : 'host';
  return writeResolvConf(
    { servers: [nameServerAddress], search, options: dots === undefined ? [...options, 'ndots:0'] : options },
    [
      "Based on host file: '/etc/resolv.conf' (internal resolver)",
      `ExtServers: [${external.join(' ')}]`,
      `Overrides: [${overrides.map((key) => (key === 'servers' ? 'nameservers' : key)).join(' ')}]`,
      `Option ndots from: ${from}`,
    ],
  );
}

/** The host's servers as far as another namespace reaches them. */
export function reachableServers({ resolvConf, resolved }: HostResolver): string[] {
  if (resolvConf === undefined) return [];
  const reachable = (text: string): string[] => parseResolvConf(text).servers.filter((server) => !isLoopback(server));
  const own = reachable(resolvConf);
  if (own.length > 0) return own;
  const real = reachable(resolved ?? '');
  return real.length > 0 ? real : publicServers;
}

/**
 * Where a container's name server passes questions on to. Servers on the host's loopback or behind one of its links (`%eth0`) are
 * the host's, unless the container was told of them. What is no address is left out: it would have to be looked up.
 */
export function containerUpstream({ settings: wish, outside }: Resolving, host: HostResolver): Upstream {
  const { servers, options } = merged(wish, parseResolvConf(host.resolvConf ?? ''));
  const told = wish.servers.length > 0;
  const from = (address: string): UpstreamServer['from'] =>
    !told && (isLoopback(address) || address.includes('%')) ? 'host' : 'container';
  const usable = outside ? servers.filter((address) => isIP(address) !== 0) : [];
  return {
    servers: usable.map((address) => ({ address, port: 53, from: from(address) })),
    dottedOnly: (dotsWanted(options) ?? 0) > 0,
  };
}

/** @throws invalid for a server that is the container's own name server, which would ask itself. */
export function checkResolver({ servers }: ResolverSettings): void {
  if (!servers.includes(nameServerAddress)) return;
  throw invalid(
    `${nameServerAddress} is the engine's name server inside containers, which cannot be told to ask itself: leave it out of --dns (or the engine's "dns")`,
  );
}
