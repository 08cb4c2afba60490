import * as fs from 'node:fs';
import * as path from 'node:path';
import { getSystemErrorMessage } from 'node:util';
import { conflict, errnoOf, messageOf, notFound } from '../../base/errors.ts';
import { listMounts, unmount } from '../../host/mount.ts';
import { isMountPoint, mountAsync } from '../../host/mount-async.ts';
import { removeTree } from '../../host/remove-tree.ts';
import { unmountAsync } from '../../host/unmount.ts';
import type { VolumeDriver } from '../driver-contract.ts';
import { checkLocalOptions, type MountPlan, planMount, sizeOf, withAddress } from './local-options.ts';
import { makeImage, mountImage } from './sized-image.ts';

/**
 * Volumes in folders below `root`, as Docker lays them out: `NAME/_data`. With `type`, `device` and `o` something is
 * mounted there at the first use and unmounted after the last; with `size` it is a file system of its own in
 * `NAME/_image`, which can grow no further.
 */
export function createLocalDriver(root: string): VolumeDriver {
  const folderOf = (name: string): string => path.join(root, name);
  const dataOf = (name: string): string => path.join(root, name, '_data');

  return {
    name: 'local',
    check: checkLocalOptions,
    path: dataOf,
    async create({ name, options }) {
      fs.mkdirSync(root, { recursive: true, mode: 0o701 });
      fs.mkdirSync(folderOf(name), { recursive: true, mode: 0o701 });
      makeFolder(dataOf(name));
      const size = sizeOf(options);
      if (size !== undefined) await makeImage(folderOf(name), size);
    },
    async remove(volume) {
      await unmountAll(dataOf(volume.name));
      refuseMounted(folderOf(volume.name));
      await removeTree(folderOf(volume.name));
    },
    needsMount: ({ options }) => options['type'] !== undefined || options['size'] !== undefined,
    keepsData: ({ options }) => options['type'] === undefined,
    async mount(volume) {
      const data = dataOf(volume.name);
      requireFolder(data);
      const plan = planMount(volume.options);
      const sized = volume.options['size'] !== undefined;
      if ((!plan && !sized) || isMountPoint(data)) return;
      if (plan) await mountPlan(plan, data);
      else await mountImage(folderOf(volume.name), data);
    },
    async unmount({ name }) {
      await unmountAll(dataOf(name));
    },
    async rename({ name }, next) {
      if (fs.existsSync(folderOf(name))) fs.renameSync(folderOf(name), folderOf(next));
    },
  };
}

/** Open to all whatever the umask, as a folder in an image would be. */
function makeFolder(folder: string): void {
  try {
    fs.mkdirSync(folder);
    fs.chmodSync(folder, 0o755);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
}

/** What is still open in it (a program of the host's) keeps it alive unseen, until it lets go. */
async function unmountAll(data: string): Promise<void> {
  try {
    while (await unmountAsync(data));
  } catch (error) {
    if (errnoOf(error) !== 'EBUSY') throw error;
    unmount(data, { detach: true });
  }
}

/** What somebody mounted into a volume is not the volume's to be removed. */
function refuseMounted(folder: string): void {
  const [found] = listMounts(folder);
  if (found)
    throw conflict(`something is mounted at ${found.target}: unmount it first`, { code: 'volume-mounted-into' });
}

function requireFolder(data: string): void {
  if (fs.statSync(data, { throwIfNoEntry: false })?.isDirectory()) return;
  throw notFound(
    `error evaluating symlinks from mount source ${JSON.stringify(data)}: lstat ${data}: no such file or directory`,
    { code: 'volume-data-missing' },
  );
}

/** @throws conflict in Docker's words, with what the kernel lacks. */
async function mountPlan(given: MountPlan, target: string): Promise<void> {
  try {
    const plan = await withAddress(given);
    await mountAsync(plan, target);
  } catch (error) {
    throw conflict(
      `error while mounting volume '${target}': failed to mount local volume: ${reason(given, target, error)}`,
      {
        code: 'volume-mount',
        cause: error,
      },
    );
  }
}

function reason({ source, type, flags, data }: MountPlan, target: string, error: unknown): string {
  const { errno } = error as { errno?: number };
  const why = errno === undefined ? messageOf(error) : getSystemErrorMessage(errno);
  const lacks = errnoOf(error) === 'ENODEV' ? `: the kernel has no file system ${JSON.stringify(type)}` : '';
  const parts = [flags === 0 ? '' : `, flags: 0x${flags.toString(16)}`, data === '' ? '' : `, data: ${hidden(data)}`];
  return `mount ${source}:${target}${parts.join('')}: ${why}${lacks}`;
}

/** Passwords of cifs are no part of a message. */
const hidden = (data: string): string => data.replace(/(^|,)(password|pass)=[^,]*/g, '$1$2=********');
