import type { EndpointConfig } from '../api/types/container.ts';
import type { Database, Migration, Row } from '../base/database.ts';
import type { Endpoint, Network, PublishedPort } from './driver-contract.ts';

export const networkMigrations: readonly Migration[] = [
  {
    domain: 'networks',
    version: 1,
    sql: `CREATE TABLE networks (
        id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, driver TEXT NOT NULL, options TEXT NOT NULL,
        subnet TEXT, gateway TEXT, last_ip TEXT) STRICT;
      CREATE TABLE sandboxes (
        container_id TEXT PRIMARY KEY, namespace TEXT) STRICT;
      CREATE TABLE endpoints (
        id TEXT PRIMARY KEY, container_id TEXT NOT NULL REFERENCES sandboxes (container_id) ON DELETE CASCADE,
        network_id TEXT NOT NULL REFERENCES networks (id), ip TEXT, mac TEXT NOT NULL, interface TEXT NOT NULL,
        config TEXT NOT NULL, UNIQUE (network_id, ip)) STRICT;
      CREATE INDEX endpoints_of_container ON endpoints (container_id);
      CREATE TABLE published_ports (
        endpoint_id TEXT NOT NULL REFERENCES endpoints (id) ON DELETE CASCADE, protocol TEXT NOT NULL,
        host_ip TEXT NOT NULL, host_port INTEGER NOT NULL, container_ip TEXT NOT NULL,
        container_port INTEGER NOT NULL, UNIQUE (protocol, host_ip, host_port)) STRICT;
      CREATE INDEX published_of_endpoint ON published_ports (endpoint_id);
      CREATE TABLE host_settings (name TEXT PRIMARY KEY, before TEXT NOT NULL) STRICT`,
  },
];

/** A container's sandbox as recorded. */
export interface SandboxRecord {
  readonly containerId: string;
  /** Where its namespace is pinned; undefined for the host's. */
  readonly namespace: string | undefined;
}

/** An endpoint with what its owner asked for. */
export interface EndpointRecord extends Endpoint {
  readonly config: EndpointConfig;
}

/** The networks' state in the database. */
export interface NetworkStore {
  networks(): Network[];
  networkByName(name: string): Network | undefined;
  /** Records a network, or replaces what is recorded under its id. */
  saveNetwork(network: Network): void;
  /** The address that was given out last on a network. */
  lastAddress(networkId: string): string | undefined;
  isTaken(networkId: string, ip: string): boolean;

  sandboxes(): SandboxRecord[];
  sandbox(containerId: string): SandboxRecord | undefined;
  endpoints(): EndpointRecord[];
  endpointsOf(containerId: string): EndpointRecord[];
  ports(): PublishedPort[];
  portsOf(containerId: string): PublishedPort[];

  /** Records a sandbox with all that belongs to it. Call it in a transaction. */
  saveSandbox(sandbox: SandboxRecord, endpoints: readonly EndpointRecord[], ports: readonly PublishedPort[]): void;
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
    networkByName: (name) => optional(database.get('SELECT * FROM networks WHERE name = ?', name), networkOf),
    saveNetwork({ id, name, driver, options, addressing }) {
      database.run(
        `INSERT INTO networks (id, name, driver, options, subnet, gateway) VALUES (?, ?, ?, ?, ?, ?)
          ON CONFLICT (id) DO UPDATE SET options = excluded.options, subnet = excluded.subnet,
          gateway = excluded.gateway`,
        id,
        name,
        driver,
        JSON.stringify(options),
        addressing?.subnet ?? null,
        addressing?.gateway ?? null,
      );
    },
    lastAddress: (id) => textOf(database.get('SELECT last_ip FROM networks WHERE id = ?', id)?.['last_ip']),
    isTaken: (id, ip) => database.get('SELECT 1 FROM endpoints WHERE network_id = ? AND ip = ?', id, ip) !== undefined,
    sandboxes: () => database.all('SELECT * FROM sandboxes').map(sandboxOf),
    sandbox: (id) => optional(database.get('SELECT * FROM sandboxes WHERE container_id = ?', id), sandboxOf),
    endpoints: () => database.all('SELECT * FROM endpoints').map(endpointOf),
    endpointsOf: (id) => database.all('SELECT * FROM endpoints WHERE container_id = ?', id).map(endpointOf),
    ports: () => database.all('SELECT * FROM published_ports').map(portOf),
    portsOf: (id) => database.all(`${ofContainer} WHERE container_id = ?`, id).map(portOf),
    saveSandbox(sandbox, endpoints, ports) {
      database.run('INSERT INTO sandboxes VALUES (?, ?)', sandbox.containerId, sandbox.namespace ?? null);
      for (const endpoint of endpoints) insertEndpoint(database, endpoint);
      for (const port of ports) insertPort(database, port);
    },
    replacePorts(id, ports) {
      const endpoints = 'SELECT id FROM endpoints WHERE container_id = ?';
      database.run(`DELETE FROM published_ports WHERE endpoint_id IN (${endpoints})`, id);
      for (const port of ports) insertPort(database, port);
    },
    removeSandbox: (id) => void database.run('DELETE FROM sandboxes WHERE container_id = ?', id),
  };
}

function insertEndpoint(database: Database, endpoint: EndpointRecord): void {
  const { id, containerId, networkId, ip, mac, interfaceName, config } = endpoint;
  database.run(
    'INSERT INTO endpoints VALUES (?, ?, ?, ?, ?, ?, ?)',
    ...[id, containerId, networkId, ip || null, mac, interfaceName, JSON.stringify(config)],
  );
  if (ip) database.run('UPDATE networks SET last_ip = ? WHERE id = ?', ip, networkId);
}

function insertPort(database: Database, port: PublishedPort): void {
  const { endpointId, protocol, hostIp, hostPort, containerIp, containerPort } = port;
  database.run(
    'INSERT INTO published_ports VALUES (?, ?, ?, ?, ?, ?)',
    ...[endpointId, protocol, hostIp, hostPort, containerIp, containerPort],
  );
}

const optional = <T>(row: Row | undefined, read: (row: Row) => T): T | undefined => row && read(row);
const textOf = (value: Row[string] | undefined): string | undefined => (value == null ? undefined : String(value));

function networkOf(row: Row): Network {
  const subnet = textOf(row['subnet']);
  return {
    id: String(row['id']),
    name: String(row['name']),
    driver: String(row['driver']),
    options: JSON.parse(String(row['options'])) as Network['options'],
    addressing: subnet === undefined ? undefined : { subnet, gateway: String(row['gateway']) },
  };
}

function sandboxOf(row: Row): SandboxRecord {
  return { containerId: String(row['container_id']), namespace: textOf(row['namespace']) };
}

function endpointOf(row: Row): EndpointRecord {
  return {
    id: String(row['id']),
    containerId: String(row['container_id']),
    networkId: String(row['network_id']),
    ip: textOf(row['ip']) ?? '',
    mac: String(row['mac']),
    interfaceName: String(row['interface']),
    config: JSON.parse(String(row['config'])) as EndpointConfig,
  };
}

function portOf(row: Row): PublishedPort {
  return {
    endpointId: String(row['endpoint_id']),
    protocol: String(row['protocol']) as PublishedPort['protocol'],
    hostIp: String(row['host_ip']),
    hostPort: Number(row['host_port']),
    containerIp: String(row['container_ip']),
    containerPort: Number(row['container_port']),
  };
}
