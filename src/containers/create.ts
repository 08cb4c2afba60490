import type { ContainerConfig, CreateRequest, CreateResponse, HostConfig } from '../api/types/container.ts';
import { crashPoint } from '../base/crash-points.ts';
import { invalid, isKind, unsupported } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import { parseSignal } from '../base/process.ts';
import { checkResolverSettings } from '../formats/resolv-conf.ts';
import { countCpus } from '../runtime/spec/cpu-set.ts';
import { planDevices } from '../runtime/spec/devices.ts';
import { buildResources } from '../runtime/spec/resources.ts';
import { kernelHasSeccomp, parseSecurityOptions } from '../runtime/spec/security.ts';
import { containerCapabilities } from '../runtime/spec/spec.ts';
import { withoutAbsentLimits } from './absent-limits.ts';
import type { ContainerContext } from './context.ts';
import { type Dependency, resolveDependencies } from './dependencies.ts';
import type { ContainerDeps } from './deps.ts';
import { resolveEndpoints } from './endpoints.ts';
import { resolverWish } from './files.ts';
import { checkHealthcheck, healthPlan } from './health-plan.ts';
import { checkKernelValues } from './kernel-values.ts';
import { resolveLinks } from './links.ts';
import { commandLine, mergeConfig } from './merge.ts';
import type { ContainerMount } from './mount-requests.ts';
import { mountedImages, withImageIds, withVolumes } from './mount-volumes.ts';
import { checkDeclared, mountsOfOthers, resolveMounts } from './mounts.ts';
import { checkName, inventName } from './names.ts';
import { checkEgress, checkPorts } from './ports.ts';
import { type ContainerRecord, initialState } from './record.ts';
import { refuseUnbuilt } from './refusals.ts';
import { checkRestartPolicy, hasRestartPolicy } from './restart-policy.ts';
import { newLabels } from './security-labels.ts';
import { resolveShared, sharedHostname } from './shared-namespaces.ts';
import { resolveShown } from './shown-files.ts';
import type { ContainerStore } from './store.ts';
import { refuseMissingLimits } from './update-limits.ts';
import { checkUserNamespace } from './user-namespace.ts';

/**
 * Records a container, with its volumes made and filled. Its file system, network and processes are made by start, so
 * a create that is cut off leaves either a whole container or none, and no volume either.
 * @throws invalid, unsupported, not-found for the image, conflict for the name.
 */
export async function createContainer(
  context: ContainerContext,
  request: CreateRequest,
  name: string | undefined,
  platform: string | undefined,
): Promise<CreateResponse> {
  const { store } = context;
  refuseUnbuilt(request);
  const wished = withDefaults(context, resolveOthers(store, request));
  const endpoints = resolveEndpoints(context.networks, wished, request);
  if (!request.Image) throw invalid('no image given: "Image" must name one');
  const image = context.images.resolve(request.Image, platform || undefined);
  const config = mergeConfig(withoutHost(request), image.config.config ?? {});
  const [path, ...args] = commandLine(config);
  checkConfig(config.StopSignal, config.WorkingDir);
  checkHost(context, wished, config, request);
  const { host, warnings } = withoutAbsentLimits(wished, context.cgroups.mode);
  const mounts = resolveAllMounts(context, host, config);

  const id = newId();
  const record: ContainerRecord = {
    id,
    name: name === undefined ? '' : checkName(name),
    created: new Date().toISOString(),
    imageId: image.id,
    imageName: request.Image,
    config: { ...config, Hostname: config.Hostname || (sharedHostname(store, host) ?? defaultHostname(host, id)) },
    host: { ...host, ...dependencies(store, host) },
    endpoints,
    layers: image.layers,
    platform: image.config.os,
    path,
    args,
    state: initialState,
  };
  if (record.name === '') record.name = inventName((candidate) => isTaken(store, candidate));
  store.requireFree(record.name);
  using _images = holdImages(context, id, [image.id, ...mountedImages(mounts)]);
  const recording = withVolumes(context, record, mounts, (named) => {
    const labels = newLabels(context, host);
    store.add({ ...record, mounts: named, ...(labels ? { labels } : {}) });
    for (const one of [image.id, ...mountedImages(named)])
      context.leases.acquire('object', `container:${id}`, 'image', one);
  });
  await recording.catch(notForPulling);
  crashPoint('container.create.recorded');
  context.events.publish('container', 'create', id, eventAttributes(record));
  return { Id: id, Warnings: [...warnings] };
}

/** What a container's events say of it, as Docker: image, name and labels. */
export function eventAttributes(record: ContainerRecord): Record<string, string> {
  return { ...record.config.Labels, image: record.imageName, name: record.name };
}

/** All that is to be mounted but `--tmpfs`, images by their ids. */
function resolveAllMounts(context: ContainerContext, host: HostConfig, config: ContainerConfig): ContainerMount[] {
  const mountsOf = mountsOfOthers(context.store);
  const mounts = resolveMounts({ host, declared: config.Volumes ?? {}, mountsOf });
  try {
    return withImageIds(context, mounts);
  } catch (error) {
    return notForPulling(error);
  }
}

/** Clients take a not-found of this request for an image that is to be pulled. @throws always. */
function notForPulling(error: unknown): never {
  throw isKind(error, 'not-found') ? invalid(error.message, { code: error.code, cause: error }) : error;
}

/** Keeps images from being removed until the container that is being made holds them itself. */
function holdImages({ leases }: ContainerContext, id: string, images: readonly string[]): Disposable {
  for (const image of images) leases.acquire('operation', `create:${id}`, 'image', image);
  return { [Symbol.dispose]: () => leases.release(`create:${id}`) };
}

/** Other containers by their ids. */
function resolveOthers(store: ContainerStore, request: CreateRequest): HostConfig {
  const { Mounts, ...host } = resolveShared(store, request.HostConfig ?? {}, request);
  const linked = { ...host, ...resolveLinks(store, host) };
  return Mounts ? { ...linked, Mounts: resolveShown(store, Mounts) } : linked;
}

function withoutHost(request: CreateRequest) {
  const { HostConfig: _host, NetworkingConfig: _networking, MacAddress: _mac, ...config } = request;
  return config;
}

function withDefaults(deps: ContainerDeps, host: HostConfig): HostConfig {
  return {
    ...host,
    NetworkMode: !host.NetworkMode || host.NetworkMode === 'default' ? 'bridge' : host.NetworkMode,
    Runtime: host.Runtime || deps.defaultRuntime,
    IpcMode: host.IpcMode || 'private',
    CgroupnsMode: host.CgroupnsMode || (deps.cgroups.mode === 'v2' && !host.Privileged ? 'private' : 'host'),
    ...((host.Memory ?? 0) > 0 && !host.MemorySwap ? { MemorySwap: (host.Memory ?? 0) * 2 } : {}),
    MemorySwappiness: host.MemorySwappiness === -1 ? undefined : host.MemorySwappiness, // what older clients send for "not given"
    ShmSize: host.ShmSize || 64 * 1024 * 1024,
    LogConfig: withDefaultOptions(deps, host),
    RestartPolicy: {
      Name: host.RestartPolicy?.Name || 'no',
      MaximumRetryCount: host.RestartPolicy?.MaximumRetryCount ?? 0,
    },
  };
}

/** The engine's own log options are for containers that use its own driver, as in Docker. */
function withDefaultOptions(deps: ContainerDeps, host: HostConfig): HostConfig['LogConfig'] {
  const type = host.LogConfig?.Type || deps.defaultLogDriver;
  const options = type === deps.defaultLogDriver ? deps.defaultLogOptions : {};
  return { Type: type, Config: { ...options, ...host.LogConfig?.Config } };
}

function checkConfig(stopSignal: string | undefined, workingDir: string | undefined): void {
  if (stopSignal && parseSignal(stopSignal) === undefined) throw invalid(`invalid signal: ${stopSignal}`);
  if (workingDir && !workingDir.startsWith('/'))
    throw invalid(`the working directory '${workingDir}' is invalid, it needs to be an absolute path`);
}

function checkHost(deps: ContainerDeps, host: HostConfig, config: ContainerConfig, request: CreateRequest) {
  if (!deps.runtimes.has(host.Runtime!)) throw invalid(`unknown or invalid runtime name: ${host.Runtime}`);
  const logDriver = deps.logDrivers.get(host.LogConfig!.Type!);
  if (!logDriver) throw invalid(`logger: no log driver named '${host.LogConfig!.Type}' is registered`);
  logDriver.check(host.LogConfig!.Config!);
  checkUserNamespace(deps.remap, host);
  checkRestartPolicy(host);
  if (host.RestartOnUnhealthy && !(hasRestartPolicy(host) && healthPlan(config)))
    throw invalid('restarting on unhealthy needs a health check, and a restart policy other than "no"');
  checkHealthcheck(request.Healthcheck);
  checkKernelValues(config, host);
  checkResolverSettings(resolverWish(host));
  if (host.CgroupParent) deps.cgroups.pathFor('any', host.CgroupParent);
  if (host.Init && deps.initPath === undefined)
    throw unsupported('--init: no static init is installed; install the package "tini" and start the engine again');
  for (const { Name, Soft, Hard } of host.Ulimits ?? []) {
    if (Hard >= 0 && Soft > Hard) throw invalid(`ulimit soft limit must be less than or equal to hard limit: ${Name}`);
  }
  const score = host.OomScoreAdj ?? 0;
  if (score < -1000 || score > 1000) throw invalid(`Invalid value ${score}, range for oom score adj is [-1000, 1000]`);
  if ((host.ShmSize ?? 0) < 0) throw invalid('SHM size can not be less than 0');
  checkPorts(host, request.ExposedPorts ?? {});
  checkEgress(host);
  checkDeclared(request.Volumes ?? {});
  buildResources(host, countCpus());
  refuseMissingLimits(host, deps.cgroups);
  planDevices(host);
  const capabilities = containerCapabilities(host);
  const modules = { apparmor: deps.apparmor, selinux: deps.selinux !== undefined };
  parseSecurityOptions(host.SecurityOpt ?? [], capabilities, host.Privileged ?? false, kernelHasSeccomp(), modules);
}

const dependencies = (store: ContainerStore, { DependsOn }: HostConfig): { DependsOn?: Dependency[] } =>
  DependsOn?.length ? { DependsOn: resolveDependencies(store, DependsOn) } : {};

const defaultHostname = (host: HostConfig, id: string): string =>
  host.NetworkMode === 'host' || host.UTSMode === 'host' ? '' : id.slice(0, 12);

const isTaken = (store: ContainerStore, name: string): boolean => store.all().some((other) => other.name === name);
