import { closeSync, existsSync, mkdirSync } from 'node:fs';
import * as path from 'node:path';
import type { CreateRequest, HostConfig } from '../api/types/container.ts';
import { conflict, invalid, isKind, notFound, type TugError } from '../base/errors.ts';
import { rootOf } from '../formats/id-maps.ts';
import { mount, mountFlags } from '../host/mount.ts';
import { openProcessFile } from '../host/process-root.ts';
import type { Sandbox } from '../networks/contract.ts';
import type { OciMount } from '../runtime/spec/types.ts';
import { refuseRestarting } from './cancel-restart.ts';
import { type ContainerContext, pathsOf } from './context.ts';
import type { ContainerPaths } from './paths.ts';
import { type ContainerRecord, isRunning } from './record.ts';
import type { ContainerStore } from './store.ts';

/** The container of a mode `container:X`; undefined for any other mode. */
export function sharedWith(mode: string | undefined): string | undefined {
  return mode?.startsWith('container:') ? mode.slice('container:'.length) : undefined;
}

/**
 * The modes with containers named by their ids, so that a rename changes nothing.
 * @throws invalid for what contradicts another container's network, and for a container that is not there.
 */
export function resolveShared(store: ContainerStore, host: HostConfig, request: CreateRequest): HostConfig {
  checkSharedNetwork(host, request);
  const resolved = (mode: string | undefined, what: string): string | undefined => {
    const name = sharedWith(mode);
    if (name === undefined) return mode;
    if (name === '') throw invalid(what);
    return `container:${resolveOther(store, name).id}`;
  };
  const NetworkMode = resolved(host.NetworkMode, 'Invalid network mode: invalid container format container:<name|id>');
  const PidMode = resolved(host.PidMode, 'invalid PID mode: container:');
  const IpcMode = resolved(host.IpcMode, 'invalid IPC mode: container:');
  return {
    ...host,
    ...(NetworkMode ? { NetworkMode } : {}),
    ...(PidMode ? { PidMode } : {}),
    ...(IpcMode ? { IpcMode } : {}),
  };
}

/** Not-found would be the image's, for clients that then pull it. */
function resolveOther(store: ContainerStore, name: string): ContainerRecord {
  try {
    return store.resolve(name);
  } catch (error) {
    throw isKind(error, 'not-found') ? invalid(error.message, { code: error.code, cause: error }) : error;
  }
}

function checkSharedNetwork(host: HostConfig, request: CreateRequest): void {
  if (!sharedWith(host.NetworkMode)) return;
  const some = (value: object | undefined): boolean => Object.keys(value ?? {}).length > 0;
  const links = "container type network can't be used with links. This would result in undefined behavior";
  for (const [asked, what] of [
    [request.Hostname, 'hostname and the network mode'],
    [some(host.Links), links],
    [some(host.Dns), 'dns and the network mode'],
    [some(host.ExtraHosts), 'custom host-to-IP mapping and the network mode'],
    [request.MacAddress, 'mac-address and the network mode'],
    [some(host.PortBindings) || host.PublishAllPorts, 'port publishing and the container type network mode'],
    [some(request.ExposedPorts), 'port exposing and the container type network mode'],
  ] as const) {
    if (asked) throw invalid(`conflicting options: ${what}`);
  }
}

/** The name that a container on another one's network has: the other's. */
export function sharedHostname(store: ContainerStore, host: HostConfig): string | undefined {
  const id = sharedWith(host.NetworkMode);
  return id === undefined ? undefined : store.get(id)?.config.Hostname;
}

/** Namespaces of other containers that one is started in; the paths hold until it is disposed of. */
export interface JoinedNamespaces extends Disposable {
  readonly network: Sandbox | undefined;
  readonly pid: string | undefined;
  readonly ipc: string | undefined;
  /** The other's /dev/shm, or the container's own where others may join it. */
  readonly shm: OciMount | undefined;
}

/**
 * Opens the namespaces that a container is to share. They are named by descriptors of this process, so that a pid
 * which is used again meanwhile is no other process's namespace. With `shareable` IPC its /dev/shm is mounted beside its
 * bundle, from where `releaseResources` takes it away.
 * @throws conflict when the other does not run, or does not share its IPC; not-found when it was removed.
 */
export function joinNamespaces(context: ContainerContext, record: ContainerRecord): JoinedNamespaces {
  const open: number[] = [];
  const { NetworkMode, PidMode, IpcMode } = record.host;
  const close = (): void => {
    for (const fd of open.splice(0)) closeSync(fd);
  };
  const namespace = (other: ContainerRecord, kind: string): string => {
    const fd = openProcessFile(other.state.pid, other.state.pidStart, `ns/${kind}`, 0);
    if (fd === undefined) throw notRunning(other.id);
    open.push(fd);
    return `/proc/${process.pid}/fd/${fd}`;
  };
  const join = <T>(mode: string | undefined, use: (other: ContainerRecord) => T): T | undefined => {
    const id = sharedWith(mode);
    return id === undefined ? undefined : use(find(context, id));
  };
  try {
    const network = join(NetworkMode, (other) => joinNetwork(record, other, (one) => namespace(one, 'net')));
    const pid = join(PidMode, (other) => {
      if (!isRunning(other)) throw notRunning(other.id);
      return namespace(other, 'pid');
    });
    const ipc = join(IpcMode, (other) => joinIpc(context, other, (one) => namespace(one, 'ipc')));
    const shm = ipc?.shm ?? (IpcMode === 'shareable' ? ownShm(context, record) : undefined);
    return { network, pid, ipc: ipc?.path, shm, [Symbol.dispose]: close };
  } catch (error) {
    close();
    throw error;
  }
}

function find(context: ContainerContext, id: string): ContainerRecord {
  const other = context.store.get(id);
  if (!other) throw notFound(`No such container: ${id}`, { code: 'no-such-container' });
  refuseRestarting(other);
  return other;
}

const notRunning = (id: string): TugError =>
  conflict(`container ${id} is not running`, { code: 'container-not-running' });

function joinNetwork(
  record: ContainerRecord,
  other: ContainerRecord,
  open: (other: ContainerRecord) => string,
): Sandbox {
  if (other.id === record.id) throw conflict('cannot join own network');
  if (!isRunning(other)) throw conflict(`cannot join network of a non running container: ${other.id}`);
  return { namespace: { kind: 'path', path: open(other) }, endpoints: {}, ports: {}, resolvConf: '' };
}

function joinIpc(context: ContainerContext, other: ContainerRecord, open: (other: ContainerRecord) => string) {
  const refuse = (why: string): TugError => conflict(`can't join IPC of container ${other.id}: ${why}`);
  try {
    if (!isRunning(other)) throw notRunning(other.id);
    const source = shmOf(context, other);
    if (source === undefined) throw conflict('non-shareable IPC (hint: use IpcMode:shareable for the donor container)');
    return { path: open(other), shm: shmMount(source) };
  } catch (error) {
    throw isKind(error, 'conflict') ? refuse(error.message) : error;
  }
}

/** Where on the host the /dev/shm lies that others may join; undefined for a container that shares none. */
function shmOf(context: ContainerContext, record: ContainerRecord): string | undefined {
  const { IpcMode } = record.host;
  if (IpcMode === 'host') return '/dev/shm';
  if (IpcMode === 'shareable') return shmFolder(pathsOf(context, record));
  const id = sharedWith(IpcMode);
  const other = id === undefined ? undefined : context.store.get(id);
  const source = other && shmOf(context, other);
  return source !== undefined && existsSync(source) ? source : undefined;
}

const shmFolder = ({ bundle }: ContainerPaths): string => path.join(bundle, 'shm');

function ownShm(context: ContainerContext, record: ContainerRecord): OciMount {
  const folder = shmFolder(pathsOf(context, record));
  mkdirSync(folder, { mode: 0o700 });
  const flags = mountFlags.noSuid | mountFlags.noDev | mountFlags.noExec;
  const root = context.remap && record.host.UsernsMode !== 'host' ? rootOf(context.remap.maps) : undefined;
  const label = context.selinux && record.labels ? `,context="${record.labels.mount}"` : '';
  const owner = root ? `,uid=${root.uid},gid=${root.gid}` : '';
  mount('shm', folder, 'tmpfs', flags, `mode=1777,size=${record.host.ShmSize || 64 * 1024 * 1024}${owner}${label}`);
  return shmMount(folder);
}

const shmMount = (source: string): OciMount => ({
  destination: '/dev/shm',
  type: 'bind',
  source,
  options: ['rbind', 'rprivate', 'nosuid', 'nodev', 'noexec'],
});

/** What of another's network files a container has: hosts, hostname and resolv.conf of the one whose network it is. */
export function etcOwner(context: ContainerContext, record: ContainerRecord): ContainerRecord {
  const id = sharedWith(record.host.NetworkMode);
  const other = id === undefined ? undefined : context.store.get(id);
  return other && other.id !== record.id ? etcOwner(context, other) : record;
}

/** The ids of the containers whose namespaces one is started in. */
export const sharedContainers = (host: HostConfig): string[] =>
  [host.NetworkMode, host.PidMode, host.IpcMode].flatMap((mode) => sharedWith(mode) ?? []);

/** True while a container that this one shares namespaces with is on its way up again. */
export const waitsForOthers = (store: Pick<ContainerStore, 'get'>, { id, host }: ContainerRecord): boolean =>
  sharedContainers(host).some((other) => other !== id && store.get(other)?.state.status === 'restarting');
