import type { ResolverSettings } from '../formats/resolv-conf.ts';
import type { NetworkContext } from './context.ts';
import type { SandboxRequest } from './contract.ts';
import { checkResolver, containerResolvConf } from './dns/resolver.ts';
import type { Network } from './driver-contract.ts';
import { isPredefined } from './endpoint.ts';
import { byGateway, type Joined, joinedOf } from './joining.ts';
import type { SandboxRecord } from './store.ts';

/** Whether containers on a network find each other by name: on those of users. */
export const servesNames = ({ name, addressing }: Pick<Network, 'name' | 'addressing'>): boolean =>
  addressing !== undefined && !isPredefined(name);

/** What is asked of a container's resolver: by its owner, or else by the engine's configuration. @throws invalid. */
export function resolverOf(
  { resolver }: Pick<NetworkContext, 'resolver'>,
  request: SandboxRequest,
  namespace: string | undefined,
): ResolverSettings {
  const { servers = [], search = [], options = [] } = request.resolver ?? {};
  const chosen = {
    servers: servers.length > 0 ? servers : resolver.servers,
    search: search.length > 0 ? search : resolver.search,
    options: options.length > 0 ? options : resolver.options,
  };
  if (namespace !== undefined) checkResolver(chosen);
  return chosen;
}

/** What /etc/resolv.conf of a container on these networks is to say. */
export function resolvConfOf(
  { hostResolver }: Pick<NetworkContext, 'hostResolver'>,
  { namespace, resolver }: Pick<SandboxRecord, 'namespace' | 'resolver'>,
  joined: readonly Joined[],
): string {
  const kind = hasNameServer(joined) ? 'own-server' : 'own-namespace';
  return containerResolvConf(namespace === undefined ? 'host-namespace' : kind, resolver, hostResolver());
}

/** Whether a container on these networks has a name server of its own. */
export const hasNameServer = (joined: readonly Joined[]): boolean => joined.some(({ network }) => servesNames(network));

/**
 * Has a container's name server agree with the networks it is recorded on: there is one as soon as one of them serves
 * names, and it passes questions on as long as one of them has a way out. It records nothing: after a crash
 * `reconcile` calls this for all. Idempotent. @throws the system error when sockets or rules cannot be made in its namespace.
 */
export function serveNames({ store, names }: Pick<NetworkContext, 'store' | 'names'>, containerId: string): void {
  const sandbox = store.sandbox(containerId);
  const joined = joinedOf(store, store.endpointsOf(containerId));
  if (sandbox?.namespace === undefined || !hasNameServer(joined)) {
    names.end(containerId);
    return;
  }
  const resolving = { settings: sandbox.resolver, outside: byGateway(joined).length > 0 };
  names.serve({ containerId, namespace: sandbox.namespace, resolving });
}
