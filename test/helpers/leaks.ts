import { execFileSync } from 'node:child_process';
import { globSync, readdirSync, readFileSync } from 'node:fs';
import * as path from 'node:path';
import { listMounts, type MountEntry } from '../../src/host/mount.ts';
import { isLinkOfModule, isMountOfOthers, isUnitOfInit, sharedSettings } from './leaks-by-others.ts';
import { descendants } from './leaks-processes.ts';

/** The parts of the machine that a container engine changes, each as a sorted list of names. */
export interface Snapshot {
  readonly processes: readonly string[];
  readonly mounts: readonly string[];
  readonly 'network namespaces': readonly string[];
  readonly links: readonly string[];
  readonly 'nft rules': readonly string[];
  readonly cgroups: readonly string[];
  readonly sysctls: readonly string[];
  readonly 'loop devices': readonly string[];
  readonly directories: readonly string[];
}

export interface Difference {
  readonly subject: keyof Snapshot;
  readonly change: 'added' | 'removed';
  readonly name: string;
}

/**
 * Looks at the machine. Processes are those that descend from this process, so that what others start and end
 * meanwhile does not count; everything else is the machine's. Reads /proc and /sys, and runs `nft` once.
 */
export function takeSnapshot(): Snapshot {
  const mounts = listMounts();
  return {
    processes: descendants(process.pid).map(({ pid, command }) => `${pid} ${command}`),
    mounts: mounts
      .filter(({ target }) => !isMountOfOthers(target))
      .map(({ target, type, source }) => `${target} (${type} from ${source})`)
      .sort(),
    'network namespaces': networkNamespaces(mounts),
    links: readdirSync('/sys/class/net')
      .filter((name) => !isLinkOfModule(name))
      .sort(),
    'nft rules': parseRuleset(execFileSync('nft', ['-s', 'list', 'ruleset'], { encoding: 'utf8' })),
    cgroups: relevantGroups(mounts),
    sysctls: sysctls(),
    'loop devices': loopDevices().sort(),
    directories: globSync(['/run/tug*', '/var/lib/tug*', '/tmp/tug-*']).sort(),
  };
}

/** What one snapshot has and the other has not, by subject in the order of Snapshot. A line that occurs twice counts twice. */
export function compareSnapshots(before: Snapshot, after: Snapshot): Difference[] {
  const one = { ...before, sysctls: sharedSettings(before.sysctls, after.sysctls) };
  const other = { ...after, sysctls: sharedSettings(after.sysctls, before.sysctls) };
  const subjects = Object.keys(before) as (keyof Snapshot)[];
  return subjects.flatMap((subject) => [
    ...without(other[subject], one[subject]).map((name) => ({ subject, change: 'added' as const, name })),
    ...without(one[subject], other[subject]).map((name) => ({ subject, change: 'removed' as const, name })),
  ]);
}

/** One line per difference, such as `  links: + tg12ab`. */
export function formatDifferences(differences: readonly Difference[]): string {
  return differences
    .map(({ subject, change, name }) => `  ${subject}: ${change === 'added' ? '+' : '-'} ${name}\n`)
    .join('');
}

function without(list: readonly string[], other: readonly string[]): string[] {
  const left = [...other];
  return list.filter((name) => {
    const at = left.indexOf(name);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

/** Namespaces with a name of their own: in /run/netns, or held by a mount. Others live as long as a process, which is listed. */
function networkNamespaces(mounts: readonly MountEntry[]): string[] {
  const named = globSync('/run/netns/*');
  const held = mounts.filter(({ type, root }) => type === 'nsfs' && root.startsWith('net:'));
  return [...new Set([...named, ...held.map(({ target }) => target)])].sort();
}

/** Each line of `nft list ruleset` with the table and chain it stands in, so that it can be told apart. */
export function parseRuleset(text: string): string[] {
  const rules: string[] = [];
  const block: string[] = [];
  for (const line of text.split('\n').map((raw) => raw.trim())) {
    if (line === '') continue;
    if (line === '}') {
      block.pop();
      continue;
    }
    const name = line.replace(/\s*\{$/, '');
    rules.push([...block, name].join(' > '));
    if (line.endsWith('{')) block.push(name);
  }
  return rules.sort();
}

/**
 * The groups at the top of each hierarchy, and any deeper one whose name speaks of tug or is a container's id. What
 * an init system makes and removes, at the top or below its own groups, is left out.
 */
export function relevantGroups(mounts: readonly MountEntry[] = listMounts()): string[] {
  const hierarchies = mounts.filter(({ type }) => type === 'cgroup' || type === 'cgroup2').map(({ target }) => target);
  return hierarchies
    .flatMap((hierarchy) =>
      foldersBelow(hierarchy, '')
        .filter(isRelevantGroup)
        .map((group) => path.join(hierarchy, group)),
    )
    .sort();
}

export const isRelevantGroup = (group: string): boolean =>
  group.includes('/') ? group.split('/').some((name) => /tug|[0-9a-f]{64}/.test(name)) : !isUnitOfInit(group);

function foldersBelow(root: string, prefix: string): string[] {
  try {
    const folders = readdirSync(path.join(root, prefix), { withFileTypes: true }).filter((entry) =>
      entry.isDirectory(),
    );
    return folders.flatMap(({ name }) => [path.join(prefix, name), ...foldersBelow(root, path.join(prefix, name))]);
  } catch {
    return []; // removed while it was read
  }
}

/** The settings that container engines change, `name = value`. */
function sysctls(): string[] {
  const files = globSync([
    '/proc/sys/net/ipv4/ip_forward',
    '/proc/sys/net/ipv4/conf/*/route_localnet',
    '/proc/sys/net/ipv6/conf/{all,default}/{forwarding,accept_ra,disable_ipv6}',
    '/proc/sys/net/bridge/bridge-nf-call-*',
  ]);
  return files.flatMap((file) => contentOf(file).map((text) => `${path.relative('/proc/sys', file)} = ${text}`)).sort();
}

const loopDevices = (): string[] =>
  globSync('/sys/block/loop*/loop/backing_file').flatMap((file) =>
    contentOf(file).map((text) => `${path.basename(path.resolve(file, '../..'))} ${text}`),
  );

/** What a file of the kernel's says; nothing when its link or device has gone since it was listed. */
function contentOf(file: string): string[] {
  try {
    return [readFileSync(file, 'utf8').trim()];
  } catch {
    return [];
  }
}
