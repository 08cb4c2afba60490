import * as fs from 'node:fs';
import * as path from 'node:path';
import { errnoOf } from '../../base/errors.ts';
import { setTimes } from '../../host/file-times.ts';
import { removeTree } from '../../host/remove-tree.ts';
import { walkMerged } from '../trees/merged.ts';
import { systemPath } from '../unpack/names.ts';

/** What packages leave that belongs to the machine they were installed on, or to the moment. Folders stay, empty. */
const emptied = ['var/cache/apt', 'var/lib/apt/lists', 'var/cache/dnf', 'var/lib/dnf/history', 'run', 'tmp', 'var/tmp'];
const removed = [
  'etc/hostname',
  'etc/resolv.conf',
  'debootstrap',
  'var/cache/ldconfig/aux-cache',
  'var/lib/dbus/machine-id',
  'var/lib/systemd/random-seed',
  ...['passwd', 'group', 'shadow', 'gshadow', 'subuid', 'subgid'].map((name) => `etc/${name}-`),
  ...['dpkg/status-old', 'dpkg/diversions-old', 'dpkg/statoverride-old'].map((name) => `var/lib/${name}`),
  ...['config.dat-old', 'templates.dat-old'].map((name) => `var/cache/debconf/${name}`),
];

/**
 * Takes from a tree of installed packages what is of this machine and this moment, so that the same packages give the
 * same tree: caches, lists, logs, names, ids, and the times of what was made meanwhile (`began`, milliseconds), which
 * become that of the newest file of a package.
 */
export async function tidy(root: string, began: number): Promise<void> {
  const at = (name: string): string | undefined => inTree(root, name);
  for (const name of emptied) {
    const folder = at(name);
    if (folder && fs.lstatSync(folder).isDirectory()) {
      for (const entry of fs.readdirSync(folder)) await removeTree(path.join(folder, entry));
    }
  }
  for (const name of removed) {
    const file = at(name);
    if (file) await removeTree(file);
  }
  const machineId = at('etc/machine-id');
  if (machineId && fs.lstatSync(machineId).isFile()) fs.truncateSync(machineId); // empty: to be made at the first start
  emptyLogs(at('var/log'));
  await settleTimes(root, began);
}

/** The path of something in the tree; undefined when it is not there, or behind a link. */
function inTree(root: string, name: string): string | undefined {
  const file = path.join(root, name);
  try {
    if (fs.realpathSync(path.dirname(file)) !== path.join(fs.realpathSync(root), path.dirname(name))) return undefined;
    fs.lstatSync(file);
    return file;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** Logs of the installation go; what packages made for logs to come stays, empty. */
function emptyLogs(folder: string | undefined): void {
  if (folder === undefined) return;
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) emptyLogs(file);
    else if (entry.isFile() && /\.(log|xz)(\.\d+)?$/.test(entry.name)) fs.rmSync(file);
    else if (entry.isFile()) fs.truncateSync(file);
  }
}

async function settleTimes(root: string, began: number): Promise<void> {
  const limit = BigInt(began) * 1_000_000n;
  const late: (string | Buffer)[] = [root];
  let newest = 0n;
  for await (const file of walkMerged([root])) {
    const name = systemPath(`${Buffer.from(root).toString('latin1')}/${file.path}`);
    const { mtimeNs } = fs.lstatSync(name, { bigint: true });
    if (mtimeNs >= limit) late.push(name);
    else if (mtimeNs > newest) newest = mtimeNs;
  }
  settleShadow(root, began, newest);
  for (const name of late) setTimes(name, newest);
}

const day = 86_400_000;

/** The days on which passwords were set (shadow(5)) are those of the installation. */
function settleShadow(root: string, began: number, newest: bigint): void {
  const file = inTree(root, 'etc/shadow');
  if (file === undefined || !fs.lstatSync(file).isFile()) return;
  const first = Math.floor(began / day);
  const settled = String(newest / BigInt(day * 1_000_000));
  const text = fs.readFileSync(file, 'latin1');
  const lines = text.replace(/^([^:\n]*:[^:\n]*:)(\d+)(?=:)/gm, (line, start: string, set: string) =>
    Number(set) >= first ? `${start}${settled}` : line,
  );
  if (lines !== text) fs.writeFileSync(file, lines, 'latin1');
}
