import type { ContainerInspect, ContainerState, HostConfig } from '../api/types/container.ts';
import { isKind } from '../base/errors.ts';
import type { Sandbox } from '../networks/contract.ts';
import { type ContainerContext, pathsOf } from './context.ts';
import { configDefaults, hostConfigDefaults } from './defaults.ts';
import { endpointsOf } from './endpoints.ts';
import type { Health } from './health-state.ts';
import { shownLinks } from './links.ts';
import { logPath } from './logging.ts';
import { mountPoints } from './mounts.ts';
import { type ContainerRecord, isActive, isRunning } from './record.ts';
import { securityOf } from './security-labels.ts';
import { etcOwner } from './shared-namespaces.ts';

/** `GET /containers/{id}/json` in the shape of the newest API version. */
export async function inspectContainer(
  context: ContainerContext,
  record: ContainerRecord,
  options: { size: boolean },
): Promise<ContainerInspect> {
  const etc = pathsOf(context, etcOwner(context, record));
  const { state } = record;
  const running = isRunning(record);
  const execs = context.execs.of(record.id).filter(({ status }) => status === 'running');
  return {
    Id: record.id,
    Created: record.created,
    Path: record.path,
    Args: [...record.args],
    State: {
      Status: state.status,
      Running: isActive(record),
      Paused: state.status === 'paused',
      Restarting: state.status === 'restarting',
      OOMKilled: state.oomKilled,
      Dead: state.status === 'dead',
      Pid: state.pid,
      ExitCode: state.exitCode,
      Error: state.error,
      StartedAt: state.startedAt,
      FinishedAt: state.finishedAt,
      ...healthState(context.health.of(record.id)),
    },
    Image: record.imageId,
    ResolvConfPath: running ? etc.resolvConf : '',
    HostnamePath: running ? etc.hostname : '',
    HostsPath: running ? etc.hosts : '',
    LogPath: logPath(context, record),
    Name: `/${record.name}`,
    RestartCount: state.restartCount,
    Driver: context.snapshots.name,
    Platform: record.platform,
    MountLabel: record.labels?.mount ?? '',
    ProcessLabel: record.labels?.process ?? '',
    AppArmorProfile: securityOf(context, record).apparmor ?? '',
    ExecIDs: execs.length > 0 ? execs.map(({ id }) => id) : null,
    HostConfig: { ...hostConfigDefaults, ...defined(record.host), Links: shownLinks(context.store, record) },
    GraphDriver: { Name: context.snapshots.name, Data: layerData(context, record) },
    ...(options.size ? await sizes(context, record) : {}),
    Mounts: mountPoints(context.volumes, record),
    Config: { ...configDefaults, ...defined(record.config), Image: record.imageName },
    NetworkSettings: networkSettings(context, record),
    Changes: [...(record.changes ?? [])],
  };
}

function healthState(health: Health | undefined): Pick<ContainerState, 'Health'> {
  if (!health) return {};
  const log = health.log.map(({ start, end, exitCode, output }) => {
    return { Start: start, End: end, ExitCode: exitCode, Output: output };
  });
  return { Health: { Status: health.status, FailingStreak: health.failingStreak, Log: log } };
}

/** Where the writable layer lies; null before the first start, which makes it. */
function layerData(context: ContainerContext, record: ContainerRecord): Record<string, string> | null {
  try {
    return context.snapshots.describe(record.id);
  } catch (error) {
    if (isKind(error, 'not-found')) return null;
    throw error;
  }
}

/** Sizes of the writable layer and of all a container sees, in bytes. */
export async function sizes(context: ContainerContext, record: ContainerRecord) {
  const written = await context.snapshots.usage(record.id);
  return { SizeRw: written, SizeRootFs: written + (context.images.find(record.imageId)?.size ?? 0) };
}

function networkSettings(context: ContainerContext, record: ContainerRecord): ContainerInspect['NetworkSettings'] {
  const sandbox = context.networks.sandboxOf(record.id);
  return {
    SandboxID: sandbox ? record.id : '',
    SandboxKey: sandbox?.namespace.kind === 'path' ? sandbox.namespace.path : '',
    Ports: sandbox ? { ...exposed(record), ...sandbox.ports } : {},
    Networks: endpointsOf(context.networks, record),
  };
}

const exposed = (record: ContainerRecord): Sandbox['ports'] =>
  Object.fromEntries(Object.keys(record.config.ExposedPorts ?? {}).map((port) => [port, null]));

/** Without the fields that are undefined, which would hide the defaults. */
const defined = (value: HostConfig | ContainerRecord['config']): Record<string, unknown> =>
  Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined));
