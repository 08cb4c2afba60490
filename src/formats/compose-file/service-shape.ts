import * as path from 'node:path';
import { isNull, list, type MapNode, map, mapOfEntries, type Node, scalar } from './node.ts';
import { ports } from './port-shape.ts';
import {
  boolean,
  integer,
  isMap,
  listOf,
  listOrMap,
  mapOf,
  nothingOr,
  number,
  object,
  oneOf,
  type Shape,
  text,
  textOrList,
  textOrNumber,
  texts,
  textsOrNumbers,
  wrong,
} from './shape.ts';
import {
  bytes,
  command,
  deviceRequests,
  duration,
  environment,
  extraHosts,
  gpus,
  hostPath,
  labels,
  options,
  resolvePath,
  ulimit,
} from './values.ts';
import { mountedFiles, mounts } from './volume-shape.ts';

export const serviceName = /^[a-zA-Z0-9._-]+$/;
const anyName = /^.+$/;

/** A service (compose specification, 05-services). */
export const service: Shape = object(
  () => ({
    annotations: labels,
    attach: boolean,
    build,
    blkio_config: object(() => ({
      device_read_bps: rates,
      device_read_iops: rates,
      device_write_bps: rates,
      device_write_iops: rates,
      weight: integer,
      weight_device: listOf(object(() => ({ path: text, weight: integer }))),
    })),
    cap_add: texts,
    cap_drop: texts,
    cgroup: oneOf('host', 'private'),
    cgroup_parent: text,
    command,
    configs: mountedFiles,
    container_name: text,
    cpu_count: integer,
    cpu_percent: number,
    cpu_period: cpuTime,
    cpu_quota: cpuTime,
    cpu_rt_period: cpuTime,
    cpu_rt_runtime: cpuTime,
    cpu_shares: integer,
    cpus: number,
    cpuset: textOrNumber,
    credential_spec: object(() => ({ config: text, file: text, registry: text })),
    depends_on: dependsOn,
    deploy: nothingOr(deploy),
    develop: nothingOr(develop),
    device_cgroup_rules: texts,
    devices,
    dns: textOrList,
    dns_opt: texts,
    dns_search: textOrList,
    domainname: text,
    entrypoint: command,
    env_file: envFiles,
    environment,
    expose: textsOrNumbers,
    extends: extendsFrom,
    external_links: texts,
    extra_hosts: extraHosts,
    gpus,
    group_add: textsOrNumbers,
    healthcheck: healthCheck,
    hostname: text,
    image: text,
    init: boolean,
    ipc: text,
    isolation: text,
    label_file: labelFiles,
    labels,
    links: texts,
    logging: object(() => ({ driver: text, options: mapOf(textOrNumber) })),
    mac_address: text,
    mem_limit: bytes,
    mem_reservation: bytes,
    mem_swappiness: integer,
    memswap_limit: bytes,
    models: serviceModels,
    network_mode: text,
    networks: serviceNetworks,
    oom_kill_disable: boolean,
    oom_score_adj: integer,
    pid: text,
    pids_limit: integer,
    platform: text,
    ports,
    post_start: listOf(hook),
    pre_stop: listOf(hook),
    privileged: boolean,
    profiles: texts,
    provider: object(() => ({ type: text, options: mapOf((node) => node) }), { required: ['type'] }),
    pull_policy: pullPolicy,
    pull_refresh_after: text,
    read_only: boolean,
    restart: restartPolicy,
    runtime: text,
    scale: integer,
    secrets: mountedFiles,
    security_opt: texts,
    shm_size: bytes,
    stdin_open: boolean,
    stop_grace_period: duration,
    stop_signal: text,
    storage_opt: mapOf(textOrNumber),
    sysctls: options,
    tmpfs: textOrList,
    tty: boolean,
    ulimits: mapOf(ulimit, { name: anyName }),
    use_api_socket: boolean,
    user: textOrNumber,
    userns_mode: text,
    uts: text,
    volumes: mounts,
    volumes_from: texts,
    working_dir: text,
  }),
  { nulls: ['command', 'entrypoint', 'deploy', 'develop'] },
);

const isUrl = (given: string): boolean => /^[a-z][a-z0-9+.-]*:\/\/|^git@|^github\.com\//.test(given);

const contextPath: Shape = (node, where, reading) => {
  const given = text(node, where, reading);
  if (given.kind !== 'scalar' || typeof given.value !== 'string' || isUrl(given.value)) return given;
  return scalar(node.place, resolvePath(given.value, reading));
};

const longBuild = object(() => ({
  context: contextPath,
  dockerfile: text,
  dockerfile_inline: text,
  entitlements: texts,
  args: environment,
  ssh: listOrMap(() => ''),
  labels,
  cache_from: texts,
  cache_to: texts,
  no_cache: boolean,
  additional_contexts: listOrMap(() => ''),
  network: text,
  provenance: textOrNumberOrBoolean,
  sbom: textOrNumberOrBoolean,
  pull: boolean,
  target: text,
  shm_size: bytes,
  extra_hosts: extraHosts,
  isolation: text,
  privileged: boolean,
  secrets: mountedFiles,
  tags: texts,
  ulimits: mapOf(ulimit, { name: anyName }),
  platforms: texts,
}));

const textOrNumberOrBoolean: Shape = (node, where, reading) =>
  node.kind === 'scalar' ? scalar(node.place, node.text) : wrong(node, where, reading, 'a string or a boolean');

const build: Shape = (node, where, reading) => {
  const long = node.kind === 'scalar' ? map(node.place, [['context', node]]) : node;
  return longBuild(long, where, reading);
};

const rates = listOf(object(() => ({ path: text, rate: bytes })));

/** Microseconds; older files write `50ms`. */
const cpuTime: Shape = (node, where, reading) => {
  if (node.kind === 'scalar' && typeof node.value === 'string' && /[a-zµ]/.test(node.value)) {
    const match = /^(\d+)(us|µs|ms|s)$/.exec(node.value);
    const factor = { us: 1, µs: 1, ms: 1000, s: 1_000_000 }[match?.[2] ?? ''];
    if (match && factor) return scalar(node.place, Number(match[1]) * factor);
  }
  return integer(node, where, reading);
};

const dependency = object(
  () => ({
    condition: oneOf('service_started', 'service_healthy', 'service_completed_successfully'),
    restart: boolean,
    required: boolean,
  }),
  { required: ['condition'] },
);

const dependencies = mapOf(dependency, { name: serviceName });

const dependsOn: Shape = (node, where, reading) => {
  const fields = (at: Node): [string, Node][] => [
    ['condition', scalar(at.place, 'service_started')],
    ['required', scalar(at.place, true)],
  ];
  if (node.kind === 'list')
    return map(
      node.place,
      node.items.flatMap((item, at) => {
        const name = text(item, `${where}[${at}]`, reading);
        return name.kind === 'scalar' && typeof name.value === 'string'
          ? [[name.value, map(item.place, fields(item))] as const]
          : [];
      }),
    );
  const read = dependencies(node, where, reading);
  if (!isMap(read)) return read;
  const entries = [...read.entries].map(([name, entry]) => {
    const { value } = entry;
    const full = isMap(value) && !value.entries.has('required') ? withRequired(value) : value;
    return [name, { ...entry, value: full }] as const;
  });
  return mapOfEntries(read.place, new Map(entries));
};

const withRequired = (node: MapNode): MapNode => ({
  ...node,
  entries: new Map([...node.entries, ['required', { place: node.place, value: scalar(node.place, true) }]]),
});

const longDevice = object(() => ({ source: text, target: text, permissions: text }), { required: ['source'] });

const devices: Shape = (node, where, reading) => {
  if (node.kind !== 'list') return wrong(node, where, reading, 'a list');
  return list(
    node.place,
    node.items.map((item, at) => {
      if (item.kind === 'map') return longDevice(item, `${where}[${at}]`, reading);
      const given = text(item, `${where}[${at}]`, reading);
      if (given.kind !== 'scalar' || typeof given.value !== 'string') return given;
      const [source = '', second, third] = given.value.split(':');
      const modes = second !== undefined && third === undefined && /^[rwm]+$/.test(second);
      const fields = {
        source,
        target: modes ? source : (second ?? source),
        permissions: (modes ? second : third) ?? 'rwm',
      };
      return map(
        item.place,
        Object.entries(fields).map(([key, value]) => [key, scalar(item.place, value)] as const),
      );
    }),
  );
};

const longEnvFile = object(() => ({ path: hostPath, format: oneOf('raw'), required: boolean }), { required: ['path'] });

const envFiles: Shape = (node, where, reading) => {
  const items = node.kind === 'list' ? node.items : [node];
  return list(
    node.place,
    items.map((item, at) => {
      const here = node.kind === 'list' ? `${where}[${at}]` : where;
      if (item.kind === 'map') return longEnvFile(item, here, reading);
      return map(item.place, [['path', hostPath(item, here, reading)]]);
    }),
  );
};

const labelFiles: Shape = (node, where, reading) =>
  node.kind === 'list' ? listOf(hostPath)(node, where, reading) : list(node.place, [hostPath(node, where, reading)]);

const longExtends = object(() => ({ service: text, file: text }), { required: ['service'] });

const extendsFrom: Shape = (node, where, reading) =>
  node.kind === 'map' ? longExtends(node, where, reading) : map(node.place, [['service', text(node, where, reading)]]);

const longHealthCheck = object(
  () => ({
    disable: boolean,
    interval: duration,
    retries: integer,
    test: healthTest,
    timeout: duration,
    start_period: duration,
    start_interval: duration,
  }),
  {},
);

const healthCheck: Shape = (node, where, reading) => longHealthCheck(node, where, reading);

const healthTest: Shape = (node, where, reading) => {
  if (node.kind === 'scalar') {
    const given = text(node, where, reading);
    return given.kind === 'scalar' && typeof given.value === 'string'
      ? list(node.place, [scalar(node.place, 'CMD-SHELL'), given])
      : given;
  }
  const read = listOf(textOrNumber)(node, where, reading);
  const first = read.kind === 'list' ? read.items[0] : undefined;
  if (first?.kind === 'scalar' && !['NONE', 'CMD', 'CMD-SHELL'].includes(String(first.value)))
    reading.problems.add(first.place, `${where}: the first word of a list must be one of 'NONE', 'CMD', 'CMD-SHELL'`);
  return read;
};

const longModel = object(() => ({ endpoint_var: text, model_var: text }));
const serviceModels: Shape = (node, where, reading) =>
  node.kind === 'list' ? namesToMap(node, where, reading) : mapOf(longModel, { nulls: true })(node, where, reading);

const longNetwork = object(() => ({
  aliases: texts,
  interface_name: text,
  ipv4_address: text,
  ipv6_address: text,
  link_local_ips: texts,
  mac_address: text,
  driver_opts: mapOf(textOrNumber),
  priority: number,
  gw_priority: number,
}));

const namesToMap: Shape = (node, where, reading) => {
  if (node.kind !== 'list') return wrong(node, where, reading, 'a list or a mapping');
  return map(
    node.place,
    node.items.flatMap((item, at) => {
      const name = text(item, `${where}[${at}]`, reading);
      return name.kind === 'scalar' && typeof name.value === 'string'
        ? [[name.value, scalar(item.place, null)] as const]
        : [];
    }),
  );
};

const serviceNetworks: Shape = (node, where, reading) =>
  node.kind === 'list' ? namesToMap(node, where, reading) : mapOf(longNetwork, { nulls: true })(node, where, reading);

const hook = object(() => ({ command, user: textOrNumber, privileged: boolean, working_dir: text, environment }), {
  required: ['command'],
});

const policies = /^(always|never|build|if_not_present|missing|refresh|daily|weekly|every_([0-9]+[wdhms])+)$/;

const pullPolicy: Shape = (node, where, reading) => {
  const given = text(node, where, reading);
  if (given.kind === 'scalar' && typeof given.value === 'string' && !policies.test(given.value))
    reading.problems.add(
      node.place,
      `${where} must be one of 'always', 'never', 'build', 'missing', 'daily', 'weekly', 'every_<duration>', and is '${given.value}'`,
    );
  return given;
};

/** YAML 1.1 readers take a bare `no` for false. */
const restartPolicy: Shape = (node, where, reading) => {
  if (node.kind === 'scalar' && node.value === false) return scalar(node.place, 'no');
  const given = text(node, where, reading);
  const pattern = /^(no|always|unless-stopped|on-failure(:\d+)?)$/;
  if (given.kind === 'scalar' && typeof given.value === 'string' && given.value !== '' && !pattern.test(given.value))
    reading.problems.add(
      node.place,
      `${where} must be 'no', 'always', 'unless-stopped' or 'on-failure[:N]', and is '${given.value}'`,
    );
  return given;
};

const update = object(() => ({
  parallelism: integer,
  delay: duration,
  failure_action: text,
  monitor: duration,
  max_failure_ratio: number,
  order: oneOf('start-first', 'stop-first'),
}));

const deploy = object(() => ({
  mode: text,
  endpoint_mode: text,
  replicas: integer,
  labels,
  rollback_config: update,
  update_config: update,
  resources: object(() => ({
    limits: object(() => ({ cpus: number, memory: bytes, pids: integer })),
    reservations: object(() => ({
      cpus: number,
      memory: bytes,
      generic_resources: listOf((node) => node),
      devices: deviceRequests,
    })),
  })),
  restart_policy: object(() => ({ condition: text, delay: duration, max_attempts: integer, window: duration })),
  placement: object(() => ({
    constraints: texts,
    preferences: listOf(object(() => ({ spread: text }))),
    max_replicas_per_node: integer,
  })),
}));

const develop = object(() => ({
  watch: listOf(
    object(
      () => ({
        ignore: textOrList,
        include: textOrList,
        path: hostPath,
        action: oneOf('rebuild', 'sync', 'restart', 'sync+restart', 'sync+exec'),
        target: text,
        exec: hook,
        initial_sync: boolean,
      }),
      { required: ['path', 'action'] },
    ),
  ),
}));

/** The Dockerfile of a build, absolute where it is a file of the context. */
export const dockerfilePath = (context: string, dockerfile: string): string =>
  isUrl(context) ? dockerfile : path.resolve(context, dockerfile);

export const isRemoteContext = isUrl;
export const isNothing = isNull;
