import { chownSync, closeSync, fstatSync, readFileSync } from 'node:fs';
import type { HostConfig } from '../api/types/container.ts';
import { conflict, errnoOf, invalid } from '../base/errors.ts';
import { type IdMaps, outsideId, parseIdMap, rootOf } from '../formats/id-maps.ts';
import type { ResolvedUser } from '../formats/user-spec.ts';
import { processStartTime } from '../host/process-identity.ts';
import { openProcessFile } from '../host/process-root.ts';
import { makeUserNamespace, type NamespacePrograms } from '../host/user-namespace.ts';
import type { MountMapping } from '../images/snapshots/contract.ts';
import type { OciMount } from '../runtime/spec/types.ts';
import type { ContainerContext } from './context.ts';
import type { ContainerRecord } from './record.ts';
import { sharedContainers } from './shared-namespaces.ts';

/** The ids that `userns-remap` gives to containers, and what makes their namespaces. */
export interface UserRemap {
  readonly maps: IdMaps;
  readonly programs: NamespacePrograms;
}

/** A container's user namespace, held open while the container is put into it. */
export interface UserNamespace extends Disposable {
  readonly maps: IdMaps;
  readonly mapping: MountMapping;
  /** For the runtime. */
  readonly path: string;
  /** A network namespace that belongs to it; undefined where the container has another one's. */
  readonly network: number | undefined;
}

/** Containers with `--userns=host` have the host's ids whatever the engine says. */
export const isRemapped = (remap: UserRemap | undefined, host: HostConfig): remap is UserRemap =>
  remap !== undefined && host.UsernsMode !== 'host';

/** @throws invalid in Docker's words for what cannot be had with ids of one's own. */
export function checkUserNamespace(remap: UserRemap | undefined, host: HostConfig): void {
  if (!['', 'host'].includes(host.UsernsMode ?? '')) throw invalid(`invalid UsernsMode: ${host.UsernsMode}`);
  if (!isRemapped(remap, host)) return;
  if (host.Privileged)
    throw invalid(
      'privileged mode is incompatible with user namespaces.  You must run the container in the host namespace when running privileged mode',
    );
  if (host.NetworkMode === 'host')
    throw invalid("cannot share the host's network namespace when user namespaces are enabled");
  if (host.PidMode === 'host') throw invalid('cannot share the host PID namespace when user namespaces are enabled');
}

/**
 * Makes the user namespace that a container is started in, or opens the one of the containers whose namespaces it
 * shares: they belong to it. Undefined for a container with the host's ids.
 * @throws conflict when those have the host's ids and this one does not; unsupported where the kernel makes none.
 */
export async function openUserNamespace(
  context: Pick<ContainerContext, 'remap' | 'store'>,
  { id, host }: ContainerRecord,
): Promise<UserNamespace | undefined> {
  const { remap, store } = context;
  if (!isRemapped(remap, host)) return undefined;
  const [other] = sharedContainers(host).flatMap((shared) => store.get(shared) ?? []);
  if (other && other.id !== id) return joinUserNamespace(other);
  const made = await makeUserNamespace(remap.maps, remap.programs);
  return {
    maps: remap.maps,
    mapping: { userNamespace: made.user, root: rootOf(remap.maps) },
    path: pathOf(made.user),
    network: made.network,
    [Symbol.dispose]: () => made[Symbol.dispose](),
  };
}

function joinUserNamespace({ name, state }: ContainerRecord): UserNamespace {
  const maps = mapsOfProcess(state.pid);
  const fd = maps && openProcessFile(state.pid, state.pidStart, 'ns/user', 0);
  if (!maps || fd === undefined)
    throw conflict(`container ${name} is in the host's user namespace: a container that joins it needs --userns=host`);
  return {
    maps,
    mapping: { userNamespace: fd, root: rootOf(maps) },
    path: pathOf(fd),
    network: undefined,
    [Symbol.dispose]: () => closeSync(fd),
  };
}

const pathOf = (fd: number): string => `/proc/${process.pid}/fd/${fd}`;

/** The ids of a running process's namespace, also of one started by an engine with another setting; undefined for the host's. */
export function mapsOfProcess(pid: number): IdMaps | undefined {
  try {
    const [uids, gids] = ['uid_map', 'gid_map'].map((file) =>
      parseIdMap(readFileSync(`/proc/${pid}/${file}`, 'latin1')),
    );
    return uids && gids ? { uids, gids } : undefined;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ESRCH') return undefined; // whoever reads on finds it gone
    throw error;
  }
}

/** Gives the files that the engine brings in to the namespace's root. */
export function giveToRoot(user: UserNamespace | undefined, files: readonly OciMount[]): void {
  const root = user?.mapping.root;
  if (root) for (const { source } of files) if (source !== undefined) chownSync(source, root.uid, root.gid);
}

/** @throws invalid for a user who has no place among a container's ids. */
export function checkUser(maps: IdMaps, { uid, gid, additionalGids }: ResolvedUser): void {
  outsideId(maps.uids, uid);
  for (const id of [gid, ...additionalGids]) outsideId(maps.gids, id);
}

/**
 * Gives the pipes of a created container's process to the user it will run as, who could not open /dev/stdout otherwise:
 * runc, unlike crun, tries to only when it has no right to any more. A terminal has its owner already.
 */
export function giveStreams(user: UserNamespace, pid: number, owner: { uid: number; gid: number }): void {
  const uid = outsideId(user.maps.uids, owner.uid);
  for (const stream of [0, 1, 2]) {
    const fd = openProcessFile(pid, processStartTime(pid), `fd/${stream}`, O_PATH);
    if (fd === undefined) continue;
    try {
      if (fstatSync(fd).isFIFO()) chownSync(`/proc/self/fd/${fd}`, uid, -1);
    } finally {
      closeSync(fd);
    }
  }
}

const O_PATH = 0o10000000;
