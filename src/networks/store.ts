import type { Database, Row } from '../base/database.ts';
import type { EgressRule } from '../formats/egress-rule.ts';
import type { ContainerLink, LinkTarget, Network, PublishedPort } from './driver-contract.ts';
import {
  type EndpointRecord,
  endpointOf,
  networkOf,
  optional,
  portOf,
  type SandboxRecord,
  sandboxOf,
  textOf,
} from './rows.ts';

export type { EndpointRecord, SandboxRecord } from './rows.ts';

/** The networks' state in the database. */
export interface NetworkStore {
  /** By name. */
  networks(): Network[];
  network(id: string): Network | undefined;
  networkByName(name: string): Network | undefined;
  /** Records a network, or replaces what is recorded under its id. */
  saveNetwork(network: Network): void;
  /** Idempotent. @throws the system error of SQLite while endpoints are in it. */
  removeNetwork(id: string): void;
  /** The addresses that were given out last on a network, not those that were asked for. */
  lastAddresses(networkId: string): { readonly ip: string | undefined; readonly ipv6: string | undefined };
  isTaken(networkId: string, address: string): boolean;

  sandboxes(): SandboxRecord[];
  sandbox(containerId: string): SandboxRecord | undefined;
  endpoints(): EndpointRecord[];
  /** In the order they were joined. */
  endpointsOf(containerId: string): EndpointRecord[];
  endpointsIn(networkId: string): EndpointRecord[];
  countIn(networkId: string): number;
  /** The endpoints that a name, in lower case, stands for on a network. */
  named(networkId: string, name: string): EndpointRecord[];
  /** What containers may send to elsewhere, of those that may not send everything; in the order of their ids. */
  egress(): { containerId: string; rules: EgressRule[] }[];
  /** Who is linked to whom, in the order of their ids. */
  links(): ContainerLink[];
  /** Whether rules of the host are about this container in particular: what it may send to, or its links. */
  isRuled(containerId: string): boolean;
  ports(): PublishedPort[];
  portsOf(containerId: string): PublishedPort[];

  /** Records a sandbox with all that belongs to it. Call it in a transaction. */
  saveSandbox(sandbox: SandboxRecord, endpoints: readonly EndpointRecord[], ports: readonly PublishedPort[]): void;
  /** Call it in a transaction. */
  addEndpoint(endpoint: EndpointRecord): void;
  /** Forgets an endpoint with its ports and names. Idempotent. */
  removeEndpoint(id: string): void;
  /** Records what a container is called, and the names its endpoints have by it. Call it in a transaction. */
  renameSandbox(containerId: string, name: string, names: (endpoint: EndpointRecord) => readonly string[]): void;
  /** Records what a sandbox's /etc/resolv.conf is to say. */
  saveResolvConf(containerId: string, text: string): void;
  /** Records what a sandbox may send to elsewhere; nothing for everything. Call it in a transaction. */
  saveEgress(containerId: string, rules: readonly EgressRule[]): void;
  /** Records which others a sandbox is linked to, each once. Call it in a transaction. */
  saveLinks(containerId: string, links: readonly LinkTarget[]): void;
  /** Records these as all the ports of a sandbox. Call it in a transaction. */
  replacePorts(containerId: string, ports: readonly PublishedPort[]): void;
  /** Forgets a sandbox with all that belongs to it. Idempotent. */
  removeSandbox(containerId: string): void;
}

/** Needs `networkMigrations`. */
export function createNetworkStore(database: Database): NetworkStore {
  const ofContainer = 'SELECT published_ports.* FROM published_ports JOIN endpoints ON id = endpoint_id';
  return {
    networks: () => database.all('SELECT * FROM networks ORDER BY name').map(networkOf),
    network: (id) => optional(database.get('SELECT * FROM networks WHERE id = ?', id), networkOf),
    networkByName: (name) => optional(database.get('SELECT * FROM networks WHERE name = ?', name), networkOf),
    saveNetwork({ id, name, driver, ...definition }) {
      database.run(
        `INSERT INTO networks (id, name, driver, definition) VALUES (?, ?, ?, ?)
          ON CONFLICT (id) DO UPDATE SET definition = excluded.definition`,
        ...[id, name, driver, JSON.stringify(definition)],
      );
    },
    removeNetwork: (id) => void database.run('DELETE FROM networks WHERE id = ?', id),
    lastAddresses(id) {
      const row: Row = database.get('SELECT last_ip, last_ipv6 FROM networks WHERE id = ?', id) ?? {};
      return { ip: textOf(row['last_ip']), ipv6: textOf(row['last_ipv6']) };
    },
    isTaken(id, address) {
      const column = address.includes(':') ? 'ipv6' : 'ip';
      const sql = `SELECT 1 FROM endpoints WHERE network_id = ? AND ${column} = ?`;
      return database.get(sql, id, address) !== undefined;
    },
    sandboxes: () => database.all('SELECT * FROM sandboxes').map(sandboxOf),
    sandbox: (id) => optional(database.get('SELECT * FROM sandboxes WHERE container_id = ?', id), sandboxOf),
    endpoints: () => database.all('SELECT * FROM endpoints ORDER BY rowid').map(endpointOf),
    endpointsOf: (id) =>
      database.all('SELECT * FROM endpoints WHERE container_id = ? ORDER BY rowid', id).map(endpointOf),
    endpointsIn: (id) => database.all('SELECT * FROM endpoints WHERE network_id = ?', id).map(endpointOf),
    countIn: (id) => Number(database.get('SELECT count(*) AS n FROM endpoints WHERE network_id = ?', id)?.['n']),
    named: (networkId, name) =>
      database
        .all(
          `SELECT endpoints.* FROM endpoint_names JOIN endpoints ON id = endpoint_id
            WHERE endpoint_names.network_id = ? AND name = ?`,
          ...[networkId, name],
        )
        .map(endpointOf),
    egress: () =>
      database.all('SELECT * FROM egress ORDER BY container_id').map((row) => ({
        containerId: String(row['container_id']),
        rules: JSON.parse(String(row['rules'])) as EgressRule[],
      })),
    saveEgress(containerId, rules) {
      if (rules.length > 0) database.run('INSERT INTO egress VALUES (?, ?)', containerId, JSON.stringify(rules));
    },
    links: () =>
      database.all('SELECT * FROM links ORDER BY container_id, target').map((row) => ({
        containerId: String(row['container_id']),
        target: String(row['target']),
        ports: JSON.parse(String(row['ports'])) as LinkTarget['ports'],
      })),
    saveLinks(containerId, links) {
      database.run('DELETE FROM links WHERE container_id = ?', containerId);
      for (const { target, ports } of links)
        database.run('INSERT INTO links VALUES (?, ?, ?)', containerId, target, JSON.stringify(ports));
    },
    isRuled(id) {
      const links = 'SELECT 1 FROM links WHERE container_id = ? OR target = ?';
      return database.get(`SELECT 1 FROM egress WHERE container_id = ? UNION ${links}`, id, id, id) !== undefined;
    },
    ports: () => database.all('SELECT * FROM published_ports').map(portOf),
    portsOf: (id) => database.all(`${ofContainer} WHERE container_id = ?`, id).map(portOf),
    saveSandbox({ containerId, namespace, name, hostname, resolver, resolvConf }, endpoints, ports) {
      database.run(
        `INSERT INTO sandboxes (container_id, namespace, name, hostname, resolver, resolv_conf)
          VALUES (?, ?, ?, ?, ?, ?)`,
        ...[containerId, namespace ?? null, name, hostname, JSON.stringify(resolver), resolvConf],
      );
      for (const endpoint of endpoints) insertEndpoint(database, endpoint);
      for (const port of ports) insertPort(database, port);
    },
    addEndpoint: (endpoint) => insertEndpoint(database, endpoint),
    removeEndpoint: (id) => void database.run('DELETE FROM endpoints WHERE id = ?', id),
    renameSandbox(containerId, name, names) {
      database.run('UPDATE sandboxes SET name = ? WHERE container_id = ?', name, containerId);
      const own = database.all('SELECT * FROM endpoints WHERE container_id = ?', containerId).map(endpointOf);
      for (const endpoint of own) {
        database.run('DELETE FROM endpoint_names WHERE endpoint_id = ?', endpoint.id);
        insertNames(database, { ...endpoint, names: names(endpoint) });
      }
    },
    saveResolvConf: (id, text) =>
      void database.run('UPDATE sandboxes SET resolv_conf = ? WHERE container_id = ?', text, id),
    replacePorts(id, ports) {
      const endpoints = 'SELECT id FROM endpoints WHERE container_id = ?';
      database.run(`DELETE FROM published_ports WHERE endpoint_id IN (${endpoints})`, id);
      for (const port of ports) insertPort(database, port);
    },
    removeSandbox: (id) => void database.run('DELETE FROM sandboxes WHERE container_id = ?', id),
  };
}

function insertEndpoint(database: Database, endpoint: EndpointRecord): void {
  const { id, containerId, networkId, ip, ipv6, mac, interfaceName, config } = endpoint;
  database.run(
    `INSERT INTO endpoints (id, container_id, network_id, ip, ipv6, mac, interface, config)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    ...[id, containerId, networkId, ip || null, ipv6 || null, mac, interfaceName, JSON.stringify(config)],
  );
  if (ip && !config.IPAMConfig?.IPv4Address)
    database.run('UPDATE networks SET last_ip = ? WHERE id = ?', ip, networkId);
  if (ipv6 && !config.IPAMConfig?.IPv6Address)
    database.run('UPDATE networks SET last_ipv6 = ? WHERE id = ?', ipv6, networkId);
  insertNames(database, endpoint);
}

function insertNames(database: Database, { id, networkId, names }: EndpointRecord): void {
  for (const name of new Set(names.map((one) => one.toLowerCase())))
    database.run('INSERT INTO endpoint_names (network_id, name, endpoint_id) VALUES (?, ?, ?)', networkId, name, id);
}

function insertPort(database: Database, port: PublishedPort): void {
  const { endpointId, protocol, hostIp, hostPort, containerIp, containerPort } = port;
  database.run(
    'INSERT INTO published_ports VALUES (?, ?, ?, ?, ?, ?)',
    ...[endpointId, protocol, hostIp, hostPort, containerIp, containerPort],
  );
}
