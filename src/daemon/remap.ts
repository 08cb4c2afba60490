import { mkdirSync, rmSync, statSync } from 'node:fs';
import * as path from 'node:path';
import { invalid, unsupported } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import { runChecked } from '../base/process.ts';
import { readIfThere } from '../base/read-if-there.ts';
import { containerPaths } from '../containers/paths.ts';
import type { UserRemap } from '../containers/user-namespace.ts';
import { rootOf, subordinateRanges } from '../formats/id-maps.ts';
import { defaultRemapUser, type IdFiles, resolveRemap } from '../formats/userns-remap.ts';
import { actAsOwner } from '../host/file-ids.ts';
import { makeUserNamespace, type NamespacePrograms } from '../host/user-namespace.ts';
import type { SnapshotDriver } from '../images/snapshots/contract.ts';
import type { DaemonConfig } from './config.ts';
import { findProgram } from './programs.ts';

/**
 * What `userns-remap` asks for; undefined without it. For `default` the user `dockremap` and his ids are made where they
 * are missing, as Docker does it; once only, however often it is interrupted.
 * @throws invalid for users that are not there, unsupported without the programs.
 */
export async function openRemap({ usernsRemap }: DaemonConfig): Promise<UserRemap | undefined> {
  if (usernsRemap === undefined) return undefined;
  const programs = findNamespacePrograms();
  if (!programs) throw unsupported('userns-remap: the program "unshare" is not installed: install util-linux');
  if (/^default(:|$)/.test(usernsRemap)) await makeDefaultUser();
  return { maps: resolveRemap(usernsRemap, readIdFiles()), programs };
}

/** What makes user namespaces; undefined where it is not installed. */
export function findNamespacePrograms(): NamespacePrograms | undefined {
  const [unshare, cat] = [findProgram('unshare'), findProgram('cat')];
  return unshare && cat ? { unshare, cat } : undefined;
}

/**
 * Mounts an empty container once with these ids, so that an engine that could start none does not come up. Interrupted, it
 * leaves what a container that nobody knows leaves. @throws unsupported where kernel or file system cannot.
 */
export async function proveRemap(remap: UserRemap, snapshots: SnapshotDriver, execRoot: string): Promise<void> {
  const id = newId();
  const { bundle, rootfs } = containerPaths({ execRoot, dataRoot: '' }, id);
  const root = rootOf(remap.maps);
  refuseClosedFolders(execRoot, root);
  using made = await makeUserNamespace(remap.maps, remap.programs);
  await snapshots.prepare(id, []);
  try {
    await snapshots.mount(id, rootfs, { mapping: { userNamespace: made.user, root } });
    const folder = path.join(rootfs, 'made');
    {
      using _ = actAsOwner(root);
      mkdirSync(folder);
    }
    if (statSync(folder).uid !== root.uid)
      throw unsupported('userns-remap: this storage driver does not map the ids of files on this kernel');
  } finally {
    await snapshots.unmount(id, rootfs);
    await snapshots.discard(id);
    rmSync(bundle, { recursive: true, force: true });
  }
}

/** Runtimes look for a container's files as its root. @throws invalid naming the folder it may not pass. */
function refuseClosedFolders(folder: string, root: { uid: number; gid: number }): void {
  const { mode, uid, gid } = statSync(folder);
  const bit = uid === root.uid ? 0o100 : gid === root.gid ? 0o010 : 0o001;
  if (!(mode & bit))
    throw invalid(`userns-remap: ${folder} lets uid ${root.uid} not pass: give it the permission with chmod o+x`);
  if (folder !== '/') refuseClosedFolders(path.dirname(folder), root);
}

function readIdFiles(): IdFiles {
  const [passwd = '', group = '', subuid = '', subgid = ''] = ['passwd', 'group', 'subuid', 'subgid'].map(
    (name) => readIfThere(`/etc/${name}`), // nobody is in one that is not there
  );
  return { passwd, group, subuid, subgid };
}

const firstId = 100_000;
const idsOfUser = 65_536;

async function makeDefaultUser(): Promise<void> {
  const files = readIdFiles();
  if (!files.passwd.split('\n').some((line) => line.startsWith(`${defaultRemapUser}:`)))
    await runChecked('useradd', ['--system', '--no-create-home', '--shell', '/bin/false', '-U', defaultRemapUser]);
  for (const [text, flag] of [
    [files.subuid, '--add-subuids'],
    [files.subgid, '--add-subgids'],
  ] as const) {
    if (subordinateRanges(text, [defaultRemapUser]).length > 0) continue;
    const first = freeFrom(text);
    await runChecked('usermod', [flag, `${first}-${first + idsOfUser - 1}`, defaultRemapUser]);
  }
}

/** The first id after all that are given away. */
function freeFrom(text: string): number {
  const ends = [...text.matchAll(/^[^:]+:(\d+):(\d+)$/gm)].map(([, start, count]) => Number(start) + Number(count));
  return Math.max(firstId, ...ends);
}
