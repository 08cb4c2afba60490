import { build } from './build-shape.ts';
import { dependsOn } from './depends-shape.ts';
import { deploy, develop, hook } from './deploy-shape.ts';
import { list, map, scalar } from './node.ts';
import { ports } from './port-shape.ts';
import {
  boolean,
  integer,
  listOf,
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
  duration,
  environment,
  extraHosts,
  gpus,
  hostPath,
  labels,
  options,
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
