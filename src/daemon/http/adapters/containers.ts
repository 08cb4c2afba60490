import { shortId } from '../../../base/ids.ts';
import { type Adapter, changeField, changeItems, isObject, type JsonObject, without } from './shape.ts';

/** Fields of HostConfig that a version does not know yet: what a client of it sends there has no effect. */
const unknownHostFields: readonly { below: string; fields: readonly string[] }[] = [
  { below: '1.25', fields: ['AutoRemove', 'Init', 'NanoCpus', 'Mounts'] },
  { below: '1.40', fields: ['KernelMemoryTCP', 'DeviceRequests'] },
  { below: '1.41', fields: ['CgroupnsMode'] },
  { below: '1.42', fields: ['ConsoleSize'] },
  { below: '1.43', fields: ['Annotations'] },
];

/** The same for the options of one of `HostConfig.Mounts`. */
const unknownMountFields: readonly { below: string; options: string; fields: readonly string[] }[] = [
  { below: '1.40', options: 'BindOptions', fields: ['NonRecursive'] },
  { below: '1.42', options: 'BindOptions', fields: ['CreateMountpoint'] },
  { below: '1.44', options: 'BindOptions', fields: ['ReadOnlyNonRecursive', 'ReadOnlyForceRecursive'] },
  { below: '1.45', options: 'VolumeOptions', fields: ['Subpath'] },
  { below: '1.46', options: 'TmpfsOptions', fields: ['Options'] },
];

/** Networks whose containers have no aliases, so no short id among them either. */
const withoutAliases = new Set(['bridge', 'host', 'none']);

/** Top-level NetworkSettings of the default bridge, gone since 1.52 (API changes v1.52). */
const legacyEndpointFields = [
  'EndpointID',
  'Gateway',
  'GlobalIPv6Address',
  'GlobalIPv6PrefixLen',
  'IPAddress',
  'IPPrefixLen',
  'IPv6Gateway',
  'MacAddress',
] as const;

export const containerAdapters: readonly Adapter[] = [
  ...unknownHostFields.map(({ below, fields }) =>
    onCreate(below, (body) => onHost(body, (host) => without(host, fields))),
  ),
  ...unknownMountFields.map(({ below, options, fields }) =>
    onCreate(below, (body) =>
      onHost(body, (host) =>
        changeItems(host, 'Mounts', (mount) => changeField(mount, options, (given) => without(given, fields))),
      ),
    ),
  ),
  onCreate('1.40', (body) => onHost(body, (host) => ({ ...host, IpcMode: host['IpcMode'] || 'shareable' }))),
  onCreate('1.40', (body) =>
    onHost(body, (host) => (Number(host['PidsLimit']) > 0 ? host : without(host, ['PidsLimit']))),
  ),
  onCreate('1.44', (body) => changeField(body, 'Healthcheck', (check) => without(check, ['StartInterval']))),
  onCreate('1.48', withoutGatewayPriority),
  { below: '1.42', route: 'ContainerExec', request: (body) => without(body, ['ConsoleSize']) },
  { below: '1.42', route: 'ExecStart', request: (body) => without(body, ['ConsoleSize']) },
  { below: '1.35', route: 'ContainerExec', request: (body) => without(body, ['WorkingDir']) },
  { below: '1.25', route: 'ContainerExec', request: (body) => without(body, ['Env']) },
  { below: '1.45', route: 'ContainerInspect', response: withShortIdAlias },
  { below: '1.52', route: 'ContainerInspect', response: withLegacyNetworkSettings },
  { below: '1.52', route: 'ContainerInspect', response: withOnBuild },
  { below: '1.44', route: 'ContainerInspect', response: withMacAddress },
  { below: '1.42', route: 'ContainerInspect', response: withKernelMemory },
  { below: '1.52', route: 'ContainerList', response: (body) => without(body, ['Health']) },
  {
    below: '1.46',
    route: 'ContainerList',
    response: (body) => changeField(body, 'HostConfig', (host) => without(host, ['Annotations'])),
  },
];

function onCreate(below: string, request: (body: JsonObject) => JsonObject): Adapter {
  return { below, route: 'ContainerCreate', request };
}

/** Changes HostConfig, which is made where the client sent none. */
function onHost(body: JsonObject, change: (host: JsonObject) => JsonObject): JsonObject {
  const host = body['HostConfig'];
  return { ...body, HostConfig: change(isObject(host) ? host : {}) };
}

function withoutGatewayPriority(body: JsonObject): JsonObject {
  return changeField(body, 'NetworkingConfig', (networking) =>
    changeField(networking, 'EndpointsConfig', (endpoints) =>
      Object.fromEntries(
        Object.entries(endpoints).map(([name, endpoint]) => [
          name,
          isObject(endpoint) ? without(endpoint, ['GwPriority']) : endpoint,
        ]),
      ),
    ),
  );
}

function withShortIdAlias(body: JsonObject): JsonObject {
  const short = shortId(String(body['Id']));
  return onEndpoints(body, (name, endpoint) => {
    if (withoutAliases.has(name)) return endpoint;
    const aliases = Array.isArray(endpoint['Aliases']) ? (endpoint['Aliases'] as unknown[]) : [];
    return { ...endpoint, Aliases: aliases.includes(short) ? aliases : [...aliases, short] };
  });
}

function onEndpoints(body: JsonObject, change: (name: string, endpoint: JsonObject) => JsonObject): JsonObject {
  return changeField(body, 'NetworkSettings', (settings) =>
    changeField(settings, 'Networks', (networks) =>
      Object.fromEntries(
        Object.entries(networks).map(([name, endpoint]) => [
          name,
          isObject(endpoint) ? change(name, endpoint) : endpoint,
        ]),
      ),
    ),
  );
}

function withLegacyNetworkSettings(body: JsonObject): JsonObject {
  return changeField(body, 'NetworkSettings', (settings) => {
    const networks = settings['Networks'];
    const bridge = isObject(networks) && isObject(networks['bridge']) ? networks['bridge'] : {};
    const legacy = legacyEndpointFields.map((name) => [name, bridge[name] ?? (name.endsWith('Len') ? 0 : '')]);
    return {
      Bridge: '',
      HairpinMode: false,
      LinkLocalIPv6Address: '',
      LinkLocalIPv6PrefixLen: 0,
      SecondaryIPAddresses: null,
      SecondaryIPv6Addresses: null,
      ...Object.fromEntries(legacy),
      ...settings,
    };
  });
}

function withOnBuild(body: JsonObject): JsonObject {
  return changeField(body, 'Config', (config) => ({ ...config, OnBuild: config['OnBuild'] ?? null }));
}

/** Before endpoints had one of their own, the MAC address was the container's. */
function withMacAddress(body: JsonObject): JsonObject {
  const settings = body['NetworkSettings'];
  const networks = isObject(settings) && isObject(settings['Networks']) ? Object.values(settings['Networks']) : [];
  const first = networks.find((endpoint) => isObject(endpoint) && endpoint['MacAddress']);
  if (!isObject(first)) return body;
  return changeField(body, 'Config', (config) => ({ ...config, MacAddress: first['MacAddress'] }));
}

function withKernelMemory(body: JsonObject): JsonObject {
  return changeField(body, 'HostConfig', (host) => ({ KernelMemory: 0, KernelMemoryTCP: 0, ...host }));
}
