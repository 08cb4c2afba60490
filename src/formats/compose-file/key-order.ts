import type { Project, ServiceModel } from './model.ts';
import type { Plain } from './node.ts';

/** The order in which Docker Compose prints a service's keys. */
const serviceKeys = (
  'profiles annotations attach build develop blkio_config cap_add cap_drop cgroup_parent cgroup cpu_count cpu_percent ' +
  'cpu_period cpu_quota cpu_rt_period cpu_rt_runtime cpus cpuset cpu_shares command configs container_name ' +
  'credential_spec depends_on deploy device_cgroup_rules devices dns dns_opt dns_search domainname entrypoint provider ' +
  'environment env_file expose external_links extra_hosts group_add gpus hostname healthcheck image init ipc isolation ' +
  'labels label_file links logging mem_limit mem_reservation memswap_limit mem_swappiness mac_address models ' +
  'network_mode networks oom_kill_disable oom_score_adj pid pids_limit platform ports privileged pull_policy read_only ' +
  'restart runtime scale secrets security_opt shm_size stdin_open stop_grace_period stop_signal storage_opt sysctls ' +
  'tmpfs tty ulimits use_api_socket user userns_mode uts volumes volumes_from working_dir post_start pre_stop'
).split(' ');

const mountKeys = 'type source target read_only consistency bind volume tmpfs image'.split(' ');
const buildKeys = (
  'context dockerfile dockerfile_inline entitlements args provenance sbom ssh labels cache_from cache_to ' +
  'additional_contexts extra_hosts isolation network no_cache pull shm_size target secrets ulimits platforms privileged tags'
).split(' ');
const healthKeys = 'test timeout interval retries start_period start_interval disable'.split(' ');
const fileKeys = 'source target uid gid mode'.split(' ');
const networkKeys = 'name driver driver_opts ipam external internal attachable labels enable_ipv4 enable_ipv6'.split(
  ' ',
);

type Section = { [key: string]: Plain };

/** A project as `config` prints it: keys in Docker Compose's order, hosts as a list, empty sections left out. */
export function printable(project: Project): Section {
  const services = sortedBy(Object.entries(project.services), ([name, service]) => [name, printableService(service)]);
  const result: Section = { name: project.name, services };
  for (const key of ['networks', 'volumes', 'configs', 'secrets'] as const) {
    const section = sortedBy(Object.entries(project[key]), ([name, value]) => [
      name,
      ordered(value as unknown as Plain, networkKeys),
    ]);
    if (Object.keys(section).length > 0) result[key] = section;
  }
  for (const [key, value] of Object.entries(project.others)) result[key] = value as Plain;
  return result;
}

export function printableService(service: ServiceModel): Plain {
  const plain = structuredClone(service) as unknown as Section;
  listHosts(plain);
  reorder(plain, 'build', buildKeys);
  const build = plain['build'];
  if (isSection(build)) listHosts(build);
  reorder(plain, 'healthcheck', healthKeys);
  for (const [key, keys] of [
    ['volumes', mountKeys],
    ['configs', fileKeys],
    ['secrets', fileKeys],
  ] as const) {
    const list = plain[key];
    if (Array.isArray(list)) plain[key] = list.map((item) => ordered(item, keys));
  }
  for (const key of ['environment', 'labels', 'depends_on', 'networks', 'sysctls', 'annotations'] as const) {
    const section = plain[key];
    if (isSection(section)) plain[key] = sortedBy(Object.entries(section), (entry) => entry);
  }
  return ordered(plain, serviceKeys);
}

function listHosts(section: Section): void {
  const hosts = section['extra_hosts'];
  if (!isSection(hosts)) return;
  section['extra_hosts'] = Object.keys(hosts)
    .toSorted()
    .flatMap((host) => (hosts[host] as string[]).map((address) => `${host}=${address}`));
}

function reorder(section: Section, key: string, keys: readonly string[]): void {
  const value = section[key];
  if (isSection(value)) section[key] = ordered(value, keys);
}

/** Known keys in their order, the others after them by name. */
function ordered(value: Plain, keys: readonly string[]): Plain {
  if (!isSection(value)) return value;
  const rest = Object.keys(value)
    .filter((key) => !keys.includes(key))
    .toSorted();
  const present = [...keys.filter((key) => key in value), ...rest];
  return Object.fromEntries(present.map((key) => [key, value[key]!]));
}

function sortedBy<T>(entries: readonly [string, T][], change: (entry: [string, T]) => [string, Plain]): Section {
  const sorted = entries.toSorted(([left], [right]) => (left < right ? -1 : 1));
  return Object.fromEntries(sorted.map(change));
}

const isSection = (value: Plain | undefined): value is Section =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
