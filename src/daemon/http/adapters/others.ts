import { type Adapter, changeField, isObject, type JsonObject, without } from './shape.ts';

/** Fields of a container's configuration that answers about images carried, always empty, before 1.50. */
const containerOnlyFields = {
  Hostname: '',
  Domainname: '',
  AttachStdin: false,
  AttachStdout: false,
  AttachStderr: false,
  Tty: false,
  OpenStdin: false,
  StdinOnce: false,
  Image: '',
};

/** Fields of an image's configuration that are left out when empty since 1.52. */
const emptyImageFields = {
  User: '',
  Env: null,
  Cmd: null,
  Entrypoint: null,
  Volumes: null,
  WorkingDir: '',
  OnBuild: null,
  Labels: null,
};

export const imageAdapters: readonly Adapter[] = [
  { below: '1.43', route: 'ImageList', response: withNoneNames },
  { below: '1.44', route: 'ImageList', response: withVirtualSize },
  { below: '1.51', route: 'ImageList', response: (body) => ({ ...body, Containers: -1 }) },
  { below: '1.44', route: 'ImageInspect', response: withVirtualSize },
  { below: '1.45', route: 'ImageInspect', response: withContainerConfig },
  { below: '1.50', route: 'ImageInspect', response: (body) => onConfig(body, containerOnlyFields) },
  { below: '1.52', route: 'ImageInspect', response: (body) => onConfig(body, emptyImageFields) },
  {
    below: '1.52',
    route: 'ImageInspect',
    response: (body) => ({ Parent: '', Comment: '', DockerVersion: '', Author: '', ...body }),
  },
];

/** `status`, `id` and `from` of containers' and images' events (API changes v1.52). */
export const eventAdapters: readonly Adapter[] = [{ below: '1.52', route: 'SystemEvents', response: withStatus }];

export const systemAdapters: readonly Adapter[] = [
  { below: '1.52', route: 'SystemDataUsage', response: withLegacyUsage },
  { below: '1.52', route: 'SystemInfo', response: (body) => ({ KernelMemoryTCP: false, ...body }) },
  {
    below: '1.50',
    route: 'SystemInfo',
    response: (body) => ({ BridgeNfIptables: false, BridgeNfIp6tables: false, ...body }),
  },
  { below: '1.49', route: 'SystemInfo', response: withLegacyRegistryAndCommits },
  { below: '1.42', route: 'SystemInfo', response: (body) => ({ KernelMemory: false, ...body }) },
  { below: '1.35', route: 'SystemVersion', response: (body) => without(body, ['Platform', 'Components']) },
];

/** One list per kind; null for one that was not asked for. Before 1.42 there were no kinds to ask for. */
function withLegacyUsage(body: JsonObject): JsonObject {
  const itemsOf = (field: string): unknown => {
    const usage = body[field];
    return isObject(usage) ? (usage['Items'] ?? []) : null;
  };
  const images = body['ImageUsage'];
  return {
    LayersSize: isObject(images) ? images['TotalSize'] : 0,
    Images: itemsOf('ImageUsage'),
    Containers: itemsOf('ContainerUsage'),
    Volumes: itemsOf('VolumeUsage'),
    BuildCache: itemsOf('BuildCacheUsage'),
  };
}

function onConfig(body: JsonObject, fields: JsonObject): JsonObject {
  return changeField(body, 'Config', (config) => ({ ...fields, ...config }));
}

function withVirtualSize(body: JsonObject): JsonObject {
  return { ...body, VirtualSize: body['Size'] };
}

function withNoneNames(body: JsonObject): JsonObject {
  const tags = body['RepoTags'] as string[];
  const digests = body['RepoDigests'] as string[];
  if (tags.length > 0 || digests.length > 0) return body;
  return { ...body, RepoTags: ['<none>:<none>'], RepoDigests: ['<none>@<none>'] };
}

function withContainerConfig(body: JsonObject): JsonObject {
  return {
    Container: '',
    ContainerConfig: { ...containerOnlyFields, ...emptyImageFields },
    ...body,
  };
}

function withStatus(event: JsonObject): JsonObject {
  const actor = event['Actor'];
  if (!isObject(actor) || (event['Type'] !== 'container' && event['Type'] !== 'image')) return event;
  const attributes = isObject(actor['Attributes']) ? actor['Attributes'] : {};
  const from = event['Type'] === 'container' && attributes['image'] ? { from: attributes['image'] } : {};
  return { status: event['Action'], id: actor['ID'], ...from, ...event };
}

function withLegacyRegistryAndCommits(body: JsonObject): JsonObject {
  const result = changeField(body, 'RegistryConfig', (config) => ({
    AllowNondistributableArtifactsCIDRs: null,
    AllowNondistributableArtifactsHostnames: null,
    ...config,
  }));
  return ['ContainerdCommit', 'RuncCommit', 'InitCommit'].reduce(
    (info, name) => changeField(info, name, (commit) => ({ Expected: commit['ID'], ...commit })),
    result,
  );
}
