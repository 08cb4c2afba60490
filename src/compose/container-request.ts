import type { CreateRequest, HostConfig, MountPoint } from '../api/types/container.ts';
import { invalid } from '../base/errors.ts';
import type { Project, ServiceModel } from '../formats/compose-file/model.ts';
import { serviceHash } from './config-hash.ts';
import { composeVersion, dependsOnLabel, labelNames } from './labels.ts';
import type { Instance } from './observe.ts';
import { containerConfig, portBindings } from './service-config.ts';
import { resourceConfig, restartPolicy, withoutUndefined } from './service-limits.ts';
import { serviceMounts, tmpfsOf } from './service-mounts.ts';
import { networkPart } from './service-networks.ts';
import { firstOf } from './shared-with.ts';

/** Where a project's files were read from, as its labels tell. */
export interface ProjectOrigin {
  readonly folder: string;
  readonly files: readonly string[];
  readonly envFiles: readonly string[];
}

export interface InstancePlace {
  readonly name: string;
  readonly number: number;
  readonly oneOff: boolean;
  /** Whether others find it by the service's name. */
  readonly aliases: boolean;
}

export interface RequestOptions {
  readonly project: Project;
  readonly origin: ProjectOrigin;
  readonly serviceName: string;
  readonly service: ServiceModel;
  readonly place: InstancePlace;
  /** The image's id. */
  readonly imageId: string;
  /** The project's containers that are there by now. */
  readonly others: readonly Instance[];
  /** Mounts of the container whose place it takes. */
  readonly inherited: readonly MountPoint[];
}

/** The name of a service's image: what it says, else that of its build. */
export const imageOf = (project: Project, name: string, service: ServiceModel): string =>
  service.image ?? `${project.name}-${name}`;

/** `shop-web-1`, or what the service says. */
export const containerName = (project: Project, name: string, service: ServiceModel, number: number): string =>
  service.container_name ?? `${project.name}-${name}-${number}`;

/** What the engine is asked for to make a container of a service. What no engine here can do was refused before (`checkSupported`). */
export function containerRequest(options: RequestOptions): CreateRequest {
  const { project, serviceName, service, place } = options;
  const find = (name: string): Instance => instanceFor(options, name);
  const aliases = place.aliases ? [place.name, serviceName] : [];
  const network = networkPart(project, service, (name) => find(name).id, aliases, linksOf(service, find));
  return {
    ...containerConfig(service),
    Image: imageOf(project, serviceName, service),
    Labels: labelsOf(options),
    HostConfig: hostConfig(options, network.mode, find),
    ...(Object.keys(network.endpoints).length > 0 ? { NetworkingConfig: { EndpointsConfig: network.endpoints } } : {}),
  };
}

function instanceFor({ others, serviceName }: RequestOptions, wanted: string): Instance {
  const found = firstOf(others, wanted);
  if (!found) throw invalid(`service "${serviceName}" needs a container of service "${wanted}", and there is none`);
  return found;
}

const linksOf = (service: ServiceModel, find: (name: string) => Instance): string[] => [
  ...(service.links ?? []).flatMap((link) => {
    const [name = '', alias = name] = link.split(':');
    const instance = find(name);
    return [...new Set([alias, instance.name])].map((one) => `${instance.name}:${one}`);
  }),
  ...(service.external_links ?? []).map((link) => (link.includes(':') ? link : `${link}:${link}`)),
];

function labelsOf({
  project,
  origin,
  serviceName,
  service,
  place,
  imageId,
  others,
}: RequestOptions): Record<string, string> {
  return {
    ...service.labels,
    [labelNames.project]: project.name,
    [labelNames.service]: serviceName,
    [labelNames.number]: String(place.number),
    [labelNames.oneOff]: place.oneOff ? 'True' : 'False',
    [labelNames.hash]: serviceHash(service, others),
    [labelNames.image]: imageId,
    [labelNames.dependsOn]: dependsOnLabel(service),
    [labelNames.workingDir]: origin.folder,
    [labelNames.configFiles]: origin.files.join(','),
    ...(origin.envFiles.length > 0 ? { [labelNames.envFiles]: origin.envFiles.join(',') } : {}),
    [labelNames.version]: composeVersion,
  };
}

function hostConfig(options: RequestOptions, networkMode: string, find: (name: string) => Instance): HostConfig {
  const { project, service, inherited, place } = options;
  const { binds, mounts } = serviceMounts(project, service, inherited);
  const shared = (mode: string | undefined): string | undefined =>
    mode?.startsWith('service:') ? `container:${find(mode.slice('service:'.length)).id}` : mode;
  const dependencies = place.oneOff ? [] : bootDependencies(options);
  return withoutUndefined<HostConfig>({
    ...resourceConfig(service),
    Binds: binds.length > 0 ? binds : undefined,
    Mounts: mounts.length > 0 ? mounts : undefined,
    Tmpfs: service.tmpfs && tmpfsOf(service),
    NetworkMode: networkMode,
    PortBindings: service.ports && portBindings(service),
    RestartPolicy: place.oneOff ? { Name: 'no', MaximumRetryCount: 0 } : restartPolicy(service),
    DependsOn: dependencies.length > 0 ? dependencies : undefined,
    VolumesFrom: service.volumes_from?.map((text) => volumesFrom(text, find)),
    CapAdd: service.cap_add && [...service.cap_add],
    CapDrop: service.cap_drop && [...service.cap_drop],
    CgroupnsMode: service.cgroup,
    DeviceCgroupRules: service.device_cgroup_rules && [...service.device_cgroup_rules],
    Devices: service.devices?.map(({ source, target, permissions }) => ({
      PathOnHost: source,
      PathInContainer: target ?? source,
      CgroupPermissions: permissions ?? 'rwm',
    })),
    Dns: service.dns && [...service.dns],
    DnsOptions: service.dns_opt && [...service.dns_opt],
    DnsSearch: service.dns_search && [...service.dns_search],
    ExtraHosts: service.extra_hosts && hostList(service.extra_hosts),
    GroupAdd: service.group_add && [...service.group_add],
    Init: service.init,
    IpcMode: shared(service.ipc),
    PidMode: shared(service.pid),
    Isolation: service.isolation,
    LogConfig: service.logging && { Type: service.logging.driver ?? '', Config: { ...service.logging.options } },
    Annotations: service.annotations && { ...service.annotations },
    Privileged: service.privileged,
    ReadonlyRootfs: service.read_only,
    Runtime: service.runtime,
    SecurityOpt: service.security_opt && [...service.security_opt],
    ShmSize: service.shm_size === undefined ? undefined : Number(service.shm_size),
    StorageOpt: service.storage_opt && { ...service.storage_opt },
    Sysctls: service.sysctls && { ...service.sysctls },
    UsernsMode: service.userns_mode,
    UTSMode: service.uts,
  });
}

const hostList = (hosts: NonNullable<ServiceModel['extra_hosts']>): string[] =>
  Object.entries(hosts).flatMap(([host, addresses]) => addresses.map((address) => `${host}:${address}`));

function volumesFrom(text: string, find: (name: string) => Instance): string {
  if (text.startsWith('container:')) return text.slice('container:'.length);
  const [name = '', mode] = text.split(':');
  const { id } = find(name);
  return mode === undefined ? id : `${id}:${mode}`;
}

/**
 * The order at the engine's own start: what is to run, or be healthy, before this. What does not come up with the
 * engine by itself is not waited for.
 */
function bootDependencies({ project, service, others }: RequestOptions): NonNullable<HostConfig['DependsOn']> {
  return Object.entries(service.depends_on ?? {}).flatMap(([name, { condition }]) => {
    const other = project.services[name];
    const comesUp = other !== undefined && ['always', 'unless-stopped'].includes(restartPolicy(other)?.Name ?? 'no');
    if (condition === 'service_completed_successfully' || !comesUp) return [];
    const kind = condition === 'service_healthy' ? ('healthy' as const) : ('started' as const);
    return others
      .filter((one) => one.service === name && !one.oneOff)
      .map(({ id }) => ({ Container: id, Condition: kind }));
  });
}
