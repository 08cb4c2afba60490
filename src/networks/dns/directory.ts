import type { Database, Row } from '../../base/database.ts';
import { shortId } from '../../base/ids.ts';
import type { NameAddresses, NameDirectory } from './contract.ts';

/** A network that serves names, as one of its containers sees it. */
interface OwnNetwork {
  readonly id: string;
  /** In lower case, as in `web.front`. */
  readonly suffix: string;
  /** What the asking container's links call others there, in lower case. */
  readonly links: ReadonlyMap<string, string>;
}

/** The asking container's networks in the order in which they offer the way out, the default ones (without names) left out. */
const ownNetworks = `SELECT networks.id, networks.name, endpoints.config FROM endpoints
  JOIN networks ON networks.id = network_id
  WHERE container_id = ? AND networks.name NOT IN ('bridge', 'host', 'none')
  ORDER BY json_extract(definition, '$.internal'), coalesce(json_extract(config, '$.GwPriority'), 0) DESC, networks.name`;
const named = `SELECT ip, ipv6 FROM endpoint_names JOIN endpoints ON id = endpoint_id
  WHERE endpoint_names.network_id = ? AND endpoint_names.name = ?`;
const owner = (column: 'ip' | 'ipv6'): string => `SELECT sandboxes.name, networks.name AS network FROM endpoints AS own
  JOIN endpoints AS other ON other.network_id = own.network_id AND other.${column} = ?
  JOIN sandboxes ON sandboxes.container_id = other.container_id
  JOIN networks ON networks.id = own.network_id
  WHERE own.container_id = ? AND networks.name NOT IN ('bridge', 'host', 'none') LIMIT 1`;

/** Answers from what is recorded. Needs `networkMigrations`; reads only. */
export function createNameDirectory(database: Database): NameDirectory {
  const find = (network: OwnNetwork, name: string): NameAddresses | undefined => {
    const rows = database.all(named, network.id, network.links.get(name) ?? name);
    return rows.length > 0 ? { ipv4: column(rows, 'ip'), ipv6: column(rows, 'ipv6') } : undefined;
  };
  return {
    lookup(containerId, name) {
      const networks = database.all(ownNetworks, containerId).map(ownNetwork);
      for (const network of networks) {
        const found = find(network, name);
        if (found) return found;
      }
      for (const network of networks) {
        const plain = name.endsWith(network.suffix) ? name.slice(0, -network.suffix.length) : '';
        const found = plain && find(network, plain);
        if (found) return found;
      }
      return undefined;
    },
    reverse(containerId, ip) {
      const row = database.get(owner(ip.includes(':') ? 'ipv6' : 'ip'), ip, containerId);
      return row && `${row['name']}.${row['network']}`;
    },
  };
}

function ownNetwork(row: Row): OwnNetwork {
  const { Links } = JSON.parse(String(row['config'])) as { Links?: string[] | null };
  return { id: String(row['id']), suffix: `.${row['name']}`.toLowerCase(), links: new Map((Links ?? []).map(linkOf)) };
}

/** `CONTAINER:ALIAS`, or a container alone. A full id is known as its short one. */
function linkOf(link: string): [alias: string, target: string] {
  const [target = '', alias = target] = link.toLowerCase().split(':');
  return [alias, /^[0-9a-f]{64}$/.test(target) ? shortId(target) : target];
}

const column = (rows: readonly Row[], name: string): string[] =>
  rows.flatMap((row) => (row[name] ? [String(row[name])] : []));
