import type { Migration } from '../base/database.ts';

/**
 * The networks' schema. What describes a network without anybody searching for it is one JSON text,
 * `definition`; addresses and names have columns, since they are unique or looked up.
 */
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
  {
    domain: 'networks',
    version: 2,
    sql: `ALTER TABLE networks ADD COLUMN definition TEXT NOT NULL DEFAULT '{}';
      UPDATE networks SET definition = json_object(
        'created', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'labels', json('{}'), 'internal', json('false'),
        'attachable', json('false'), 'enableIpv4', json('true'), 'enableIpv6', json('false'),
        'configOnly', json('false'), 'configFrom', '', 'driverOptions', json('{}'), 'options', json(options),
        'ipam', json('{"driver":"default","options":null}'),
        'addressing', CASE WHEN subnet IS NULL THEN NULL ELSE json_object('ipv4', json_array(json_object(
          'subnet', subnet, 'gateway', gateway, 'range', '', 'auxiliary', json('{}'), 'chosen', json('false'))),
          'ipv6', json('[]')) END);
      ALTER TABLE networks DROP COLUMN options;
      ALTER TABLE networks DROP COLUMN subnet;
      ALTER TABLE networks DROP COLUMN gateway;
      ALTER TABLE networks ADD COLUMN last_ipv6 TEXT;
      ALTER TABLE endpoints ADD COLUMN ipv6 TEXT;
      CREATE UNIQUE INDEX endpoints_by_ipv6 ON endpoints (network_id, ipv6);
      ALTER TABLE sandboxes ADD COLUMN name TEXT NOT NULL DEFAULT '';
      ALTER TABLE sandboxes ADD COLUMN hostname TEXT NOT NULL DEFAULT '';
      CREATE TABLE endpoint_names (
        network_id TEXT NOT NULL, name TEXT NOT NULL,
        endpoint_id TEXT NOT NULL REFERENCES endpoints (id) ON DELETE CASCADE,
        PRIMARY KEY (network_id, name, endpoint_id)) STRICT, WITHOUT ROWID;
      CREATE INDEX names_of_endpoint ON endpoint_names (endpoint_id)`,
  },
  {
    domain: 'networks',
    version: 3,
    sql: `ALTER TABLE sandboxes ADD COLUMN resolver TEXT NOT NULL DEFAULT '{"servers":[],"search":[],"options":[]}';
      ALTER TABLE sandboxes ADD COLUMN resolv_conf TEXT NOT NULL DEFAULT ''`,
  },
  {
    // ports that are reached by the container's own address have no port of the host's that could be taken twice
    domain: 'networks',
    version: 4,
    sql: `CREATE TABLE published_ports_now (
        endpoint_id TEXT NOT NULL REFERENCES endpoints (id) ON DELETE CASCADE, protocol TEXT NOT NULL,
        host_ip TEXT NOT NULL, host_port INTEGER NOT NULL, container_ip TEXT NOT NULL,
        container_port INTEGER NOT NULL) STRICT;
      INSERT INTO published_ports_now SELECT * FROM published_ports;
      DROP TABLE published_ports;
      ALTER TABLE published_ports_now RENAME TO published_ports;
      CREATE INDEX published_of_endpoint ON published_ports (endpoint_id);
      CREATE UNIQUE INDEX published_on_host ON published_ports (protocol, host_ip, host_port) WHERE host_port > 0`,
  },
  {
    domain: 'egress',
    version: 1,
    sql: `CREATE TABLE egress (
      container_id TEXT PRIMARY KEY REFERENCES sandboxes (container_id) ON DELETE CASCADE, rules TEXT NOT NULL) STRICT`,
  },
  {
    domain: 'links',
    version: 1,
    sql: `CREATE TABLE links (
        container_id TEXT NOT NULL REFERENCES sandboxes (container_id) ON DELETE CASCADE, target TEXT NOT NULL,
        ports TEXT NOT NULL, PRIMARY KEY (container_id, target)) STRICT;
      CREATE INDEX links_to ON links (target)`,
  },
];
