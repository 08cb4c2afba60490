import { createHash } from 'node:crypto';
import type { FileUse, NetworkModel, ServiceModel, VolumeModel } from '../formats/compose-file/model.ts';
import {
  always,
  bytes,
  duration,
  float32,
  list,
  map,
  number,
  plain,
  pointer,
  type Shape,
  struct,
  whole,
} from './go-json.ts';
import type { Instance } from './observe.ts';
import { withContainers } from './shared-with.ts';

// The hashes are Docker Compose's own (2.39: pkg/compose/hash.go, with compose-go's types), so that neither makes anew
// what the other one made.

const hook = whole(['command', always], 'user privileged working_dir environment');
const file = struct('source target uid gid mode');
const device = struct('capabilities driver', ['count', number], 'device_ids options');
const resource = struct(
  ['cpus', float32],
  ['memory', bytes],
  ['pids', number],
  ['devices', list(device)],
  ['generic_resources', list(struct(['discrete_resource_spec', struct(['kind', always], ['value', always])]))],
);
const update = struct(
  ['parallelism', pointer],
  ['delay', duration],
  'failure_action',
  ['monitor', duration],
  ['max_failure_ratio', float32],
  'order',
);
const rates = list(whole(['path', always, 'Path'], ['rate', bytes, 'Rate']));
const ulimit: Shape = (value) =>
  typeof value === 'number' && value !== 0 ? String(value) : whole(['soft', number], ['hard', number])(value);

const deploy = struct(
  'mode labels',
  ['update_config', update],
  ['rollback_config', update],
  ['resources', whole(['limits', resource], ['reservations', resource])],
  ['restart_policy', struct('condition', ['delay', pointer], ['max_attempts', pointer], ['window', pointer])],
  ['placement', whole('constraints', ['preferences', list(struct('spread'))], ['max_replicas_per_node', number])],
  'endpoint_mode',
);

/** Written in octal in the long form. */
const octal: Shape = (value) => number(Number.parseInt(String(value), 8));

const mount = struct(
  'type source target read_only consistency',
  ['bind', struct('selinux propagation create_host_path recursive')],
  ['volume', struct('labels nocopy subpath')],
  ['tmpfs', struct(['size', bytes], ['mode', octal])],
  ['image', struct('subpath')],
);

const watch = struct(['path', always], ['action', always], 'target', ['exec', hook], 'include ignore initial_sync');

const hosts: Shape = (value) =>
  plain(
    Object.entries((value ?? {}) as Record<string, readonly string[]>)
      .flatMap(([host, addresses]) => addresses.map((address) => `${host}=${address}`))
      .toSorted(),
  );

/** Without what can change and leave containers as they are: build, profiles, pull_policy, scale, depends_on. */
const service = whole(
  'annotations',
  ['attach', pointer],
  ['develop', struct(['watch', list(watch)])],
  [
    'blkio_config',
    struct(
      'weight',
      ['weight_device', list(whole(['path', always, 'Path'], ['weight', always, 'Weight']))],
      ...(['device_read_bps', 'device_read_iops', 'device_write_bps', 'device_write_iops'] as const).map(
        (key) => [key, rates] as const,
      ),
    ),
  ],
  'cap_add cap_drop cgroup_parent cgroup cpu_count',
  ['cpu_percent', float32],
  'cpu_period cpu_quota cpu_rt_period cpu_rt_runtime',
  ['cpus', float32],
  'cpuset cpu_shares',
  ['command', always],
  ['configs', list(file)],
  'container_name',
  ['deploy', deploy],
  'device_cgroup_rules',
  ['devices', list(struct('source target permissions'))],
  'dns dns_opt dns_search domainname',
  ['entrypoint', always],
  'environment expose external_links',
  ['extra_hosts', hosts],
  'group_add',
  ['gpus', list(device)],
  'hostname',
  [
    'healthcheck',
    struct(
      'test',
      ...(['timeout', 'interval', 'retries', 'start_period', 'start_interval'] as const).map(
        (key) => [key, pointer] as const,
      ),
      'disable',
    ),
  ],
  'image',
  ['init', pointer],
  'ipc isolation labels links',
  ['logging', struct('driver options')],
  ['mem_limit', bytes],
  ['mem_reservation', bytes],
  ['memswap_limit', bytes],
  ['mem_swappiness', bytes],
  'mac_address network_mode',
  [
    'networks',
    map(
      struct(
        'aliases driver_opts gw_priority interface_name ipv4_address ipv6_address link_local_ips mac_address priority',
      ),
    ),
  ],
  'oom_kill_disable oom_score_adj pid pids_limit platform',
  ['ports', list(struct('name mode host_ip target published protocol app_protocol'))],
  'privileged read_only restart runtime',
  ['secrets', list((use) => file({ target: `/run/secrets/${(use as FileUse).source}`, ...(use as FileUse) }))],
  'security_opt',
  ['shm_size', bytes],
  'stdin_open',
  ['stop_grace_period', pointer],
  'stop_signal storage_opt sysctls tmpfs tty',
  ['ulimits', map(ulimit)],
  'use_api_socket user userns_mode uts',
  ['volumes', list(mount)],
  'volumes_from working_dir',
  ['post_start', list(hook)],
  ['pre_stop', list(hook)],
);

const network = whole(
  'name driver driver_opts',
  ['ipam', whole('driver', ['config', list(struct('subnet gateway ip_range aux_addresses'))])],
  'external internal attachable labels',
  ['enable_ipv4', pointer],
  ['enable_ipv6', pointer],
);

const volume = whole('name driver driver_opts external labels');

/**
 * What the label `com.docker.compose.config-hash` of a container says: SHA-256 of its service's long form.
 * @param instances the project's containers, with which it may share namespaces or volumes.
 */
export const serviceHash = (model: ServiceModel, instances: readonly Instance[]): string =>
  digest(serviceJson(withContainers(model, instances)));
/** What is hashed of a service. */
export const serviceJson = (model: ServiceModel): string => service(model) ?? '';
export const networkHash = (model: NetworkModel): string => digest(network(model));
export const volumeHash = (model: VolumeModel): string => digest(volume({ ...model, driver: model.driver || 'local' }));

const digest = (text: string | undefined): string =>
  createHash('sha256')
    .update(text ?? '')
    .digest('hex');

/** JSON that is the same for the same content, whatever the order of keys. */
export function stableJson(value: unknown): string {
  return JSON.stringify(value, (_key, one: unknown) => {
    if (typeof one !== 'object' || one === null || Array.isArray(one)) return one;
    return Object.fromEntries(Object.entries(one).toSorted(([left], [right]) => (left < right ? -1 : 1)));
  });
}
