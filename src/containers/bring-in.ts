import { closeSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { errnoOf, notFound } from '../base/errors.ts';
import { namesIn } from '../base/read-if-there.ts';
import { mount, mountFlags, unmount } from '../host/mount.ts';
import { restrictionsOf } from '../host/mount-options.ts';
import { bindMapped } from '../host/mount-tree.ts';
import { openInRoot } from '../host/read-in-root.ts';
import type { MountLook, MountMapping } from '../images/snapshots/contract.ts';
import type { OciMount } from '../runtime/spec/types.ts';
import { type ContainerContext, pathsOf } from './context.ts';
import { type ContainerMount, inOrder } from './mount-requests.ts';
import { mountsOf, requireSource } from './mounts.ts';
import { bindForUser } from './owner-map.ts';
import type { ContainerRecord } from './record.ts';
import { relabelSource } from './security-labels.ts';

const PREFIX = 'mount-';
const O_PATH = 0o10000000;

/**
 * Makes what a container has mounted reachable on the host, for `user` (the container, or a copy of its files), and
 * returns the mounts that bring it in: makes the missing host folders of `-v`, mounts volumes and images, and binds parts
 * of them beside the bundle. With a mapping, the owners in volumes and images are seen as those of a user namespace; what
 * is the host's keeps its own. `letGo` takes it back; killed in between, the next engine does.
 */
export async function bringIn(
  context: ContainerContext,
  record: ContainerRecord,
  user: string,
  look: MountLook,
): Promise<OciMount[]> {
  const mounts: OciMount[] = [];
  for (const [index, one] of mountsOf(record).entries()) {
    const folder = path.join(pathsOf(context, record).bundle, `${PREFIX}${index}`);
    mounts.push(await bringInOne(context, one, { record, user, folder, look, writable: writableOf(record, index) }));
  }
  for (const [target, options] of Object.entries(record.host.Tmpfs ?? {}))
    mounts.push(tmpfs(target, options ? options.split(',') : []));
  return inOrder(mounts);
}

interface Bringing {
  readonly record: ContainerRecord;
  readonly user: string;
  readonly folder: string;
  readonly look: MountLook;
  /** The name of a writable layer of its own. */
  readonly writable: string;
}

/** Of an image that may be written to: what is written goes with the container. */
const writableOf = ({ id }: ContainerRecord, index: number): string => `${id}-${PREFIX}${index}`;

async function bringInOne(
  context: ContainerContext,
  one: ContainerMount,
  { record, user, folder, look, writable }: Bringing,
): Promise<OciMount> {
  const { type, name = '', source = '', target, subpath } = one;
  if (type === 'tmpfs') return tmpfs(target, one.options ?? []);
  if (type === 'bind') {
    if (one.makeSource) makeFolderOnce(source);
    else requireSource(source);
    await relabelSource(look, source, one.mode);
    if (one.own) return bind(one, partOf(source, one, folder, look));
    if (one.idMap) return bind(one, await bindForUser(context, record, source, folder));
    // by ourselves where what is mounted in it is to be left out: crun brings that in whatever the spec says
    return bind(one, one.flat ? bindPlace(source, folder, mountFlags.bind) : source);
  }
  if (type === 'image') {
    const layers = one.layers ?? context.images.resolve(name).layers;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (one.readOnly) await context.snapshots.show(name, layers, folder, look);
    else {
      await context.snapshots.prepare(writable, layers, { volatile: true });
      await context.snapshots.mount(writable, folder, look);
    }
    return bind(one, subpath ? bindPart(folder, subpath, `${folder}-part`) : folder);
  }
  const data = await context.volumes.mount(name, user);
  await relabelSource(look, data, one.mode);
  return bind(one, partOf(data, one, folder, look));
}

/** What is to be mounted of a folder of the engine's, with the owners that the container sees. */
function partOf(data: string, { subpath }: ContainerMount, folder: string, { mapping }: MountLook): string {
  const whole = mapping ? mapVolume(data, subpath ? `${folder}-whole` : folder, mapping) : data;
  return subpath ? bindPart(whole, subpath, folder) : whole;
}

function mapVolume(data: string, place: string, { userNamespace }: MountMapping): string {
  makePlace(data, place);
  bindMapped(data, place, userNamespace);
  return place;
}

/** Takes back what `bringIn` did for a user. Idempotent. Returns the names of the volumes. */
export async function letGo(context: ContainerContext, record: ContainerRecord, user: string): Promise<string[]> {
  const { bundle } = pathsOf(context, record);
  for (const name of namesIn(bundle)
    .filter((entry) => entry.startsWith(PREFIX))
    .sort()
    .reverse())
    unmount(path.join(bundle, name), { detach: true });
  const volumes = await context.volumes.unmount(user);
  for (const [index, { type, readOnly }] of mountsOf(record).entries())
    if (type === 'image' && !readOnly) await context.snapshots.discard(writableOf(record, index));
  return volumes;
}

/** Binds a part of a tree to a place of its own, so that nobody can put a link in its way between look-up and mount. */
function bindPart(root: string, subpath: string, place: string): string {
  let part: number;
  try {
    part = openInRoot(root, subpath, O_PATH);
  } catch (error) {
    const file = path.join(root, subpath);
    if (!['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errnoOf(error) ?? '')) throw error;
    throw notFound(`cannot access path ${file}: lstat ${file}: no such file or directory`, { cause: error });
  }
  try {
    return bindPlace(`/proc/self/fd/${part}`, place, mountFlags.bind | mountFlags.recursive);
  } finally {
    closeSync(part);
  }
}

/** Nothing that is mounted on the host later shows in it. */
function bindPlace(source: string, place: string, flags: number): string {
  makePlace(source, place);
  mount(source, place, '', flags);
  mount('', place, '', mountFlags.private | mountFlags.recursive);
  return place;
}

function makePlace(source: string, place: string): void {
  if (statSync(source).isDirectory()) mkdirSync(place, { recursive: true, mode: 0o700 });
  else writeFileSync(place, '', { flag: 'a' });
}

/** With the restrictions of the mount that the source lies on, which crun would lift by mounting it once more. */
function bind(
  { target, readOnly, readOnlyBelow, propagation = 'rprivate', flat }: ContainerMount,
  source: string,
): OciMount {
  const below = readOnlyBelow !== undefined && !flat && statSync(source, { throwIfNoEntry: false })?.isDirectory();
  const asked = readOnly ? [below ? 'rro' : 'ro'] : [];
  const options = [flat ? 'bind' : 'rbind', ...asked, ...restrictionsOf(source), propagation];
  return { destination: target, type: 'bind', source, options: [...new Set(options)] };
}

function tmpfs(target: string, options: readonly string[]): OciMount {
  const defaults = ['noexec', 'nosuid', 'nodev'].filter((flag) => !options.includes(flag.replace('no', '')));
  return { destination: target, type: 'tmpfs', source: 'tmpfs', options: [...new Set([...defaults, ...options])] };
}

function makeFolderOnce(source: string): void {
  try {
    mkdirSync(source, { recursive: true });
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error; // a file, which can be bound too
  }
}
