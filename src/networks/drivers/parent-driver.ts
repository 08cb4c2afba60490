import { invalid, type TugError, unsupported } from '../../base/errors.ts';
import { shortId } from '../../base/ids.ts';
import { type Links, openLinks } from '../../host/links.ts';
import type { SublinkKind } from '../../host/netlink/sublink.ts';
import type { Network, NetworkDraft, NetworkDriver } from '../driver-contract.ts';
import { engineNames } from '../engine-names.ts';
import { endpointAddresses } from './bridge-links.ts';
import { ensureParent, parentOf, refusal, tryParent } from './parent-links.ts';

/** What kinds of networks on a parent interface differ in. */
export interface ParentKind {
  readonly name: 'macvlan' | 'ipvlan';
  /** What parents that the engine makes for networks without one are called, before the network's id, as Docker does. */
  readonly isolatedPrefix: string;
  /** The options there are besides `parent`. */
  readonly options: readonly string[];
  /** What of them is kept. @throws invalid. */
  settings(network: NetworkDraft): Network['options'];
  does(network: Pick<Network, 'options'>): SublinkKind;
  /** Checks that two networks can be on one parent. @throws forbidden. */
  share(parent: string, network: Pick<Network, 'options'>, other: Network): void;
}

/**
 * Networks whose containers have links on an interface of the host, their parent, and so are on its network themselves.
 * Without one they are on a link of the engine's own, alone. Links are made inside the sandbox and end with it; when
 * the parent goes they do too, and come back with the container's next start.
 */
export function createParentDriver(engineId: string, kind: ParentKind): NetworkDriver {
  const names = engineNames(engineId);
  const links = openLinks();
  /** Written on parents that are the engine's; not the mark alone, which its bridges carry. */
  const alias = `${names.mark}-${kind.name}`;
  return {
    name: kind.name,
    namespace: 'own',
    place: 'outside',
    plan: () => undefined,
    draft: (network, others) => draft(kind, network, others),
    make(network) {
      const made = ensureParent(links, network, alias);
      try {
        tryParent(links, network, names.link(network.id), kind.does(network));
      } catch (error) {
        if (made) links.remove(parentOf(network));
        throw error;
      }
    },
    async restore({ networks }, fault) {
      for (const network of networks) {
        try {
          ensureParent(links, network, alias);
        } catch (error) {
          fault(network, error);
        }
      }
      sweep(links, alias, networks);
    },
    connect(network, endpoint, sandbox) {
      const [name, parent, does] = [endpoint.interfaceName, parentOf(network), kind.does(network)];
      try {
        links.addSublink({ name, parent, does, mac: endpoint.mac }, sandbox);
      } catch (error) {
        throw refusal(error, kind.name, parent) ?? error;
      }
      try {
        sandbox.configure(name, endpointAddresses(network, endpoint));
      } catch (error) {
        sandbox.remove(name);
        throw error;
      }
    },
    disconnect: (_network, endpoint, sandbox) => sandbox.remove(endpoint.interfaceName),
    publish: async () => {},
    unpublish: async () => {},
    replacePorts: async () => {},
    remove: async () => sweep(links, alias, []),
    [Symbol.dispose]: () => links[Symbol.dispose](),
  };
}

function draft(kind: ParentKind, network: NetworkDraft, others: readonly Network[]): Network['options'] {
  const given = network.driverOptions;
  const foreign = Object.keys(given).find((key) => key.startsWith('com.docker.network.'));
  if (foreign !== undefined)
    throw unsupported(`the option ${foreign} of ${kind.name} networks: not available in this version of tug`, {
      code: 'not-built',
    });
  const parent = given['parent'] ?? '';
  if (parent === 'lo') throw invalid(`loopback interface is not a valid ${kind.name} parent link`);
  if (parent.length > 15 || /[\s/:%]/.test(parent))
    throw invalid(`invalid parent ${JSON.stringify(parent)}: the name of an interface has 1 to 15 characters`);
  const place =
    parent === '' ? { parent: `${kind.isolatedPrefix}${shortId(network.id)}`, isolated: 'true' } : { parent };
  const { route, ...settings } = kind.settings(network);
  const way = parent === '' ? 'none' : route;
  const options = {
    ...settings,
    ...place,
    prefix: 'eth',
    gateway: 'asked',
    ...(way === undefined ? {} : { route: way }),
  };
  for (const other of others) if (parentOf(other) === options.parent) kind.share(parent, { options }, other);
  return options;
}

/** Removes the engine's own parents that no network stands on. */
function sweep(links: Links, alias: string, networks: readonly Network[]): void {
  const wanted = new Set(networks.map(parentOf));
  for (const link of links.list()) if (link.alias === alias && !wanted.has(link.name)) links.remove(link.name);
}

/** The one of `known` that is asked for, or the first of them where nothing is. @throws as `refuse`. */
export function oneOf<T extends string>(
  known: readonly [T, ...T[]],
  asked: string | undefined,
  refuse: (asked: string) => TugError,
): T {
  if (asked === undefined || asked === '') return known[0];
  const found = known.find((one) => one === asked);
  if (found === undefined) throw refuse(asked);
  return found;
}
