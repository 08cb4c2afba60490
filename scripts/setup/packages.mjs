// Plain JavaScript on Node's own modules: runs before `npm ci`, under whatever Node (20 or newer) the machine has.
import { spawnSync } from 'node:child_process';
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';

/**
 * A program something needs, and the package that brings it per package manager.
 * One that is `optional` makes something quicker, or lets one more thing be compared: it is installed with the others,
 * and nobody is stopped for want of it.
 * What is no program is given as the path of a file; a manager that does not have it is given ''.
 * @typedef {{ program: string, isStatic?: boolean, isLibrary?: boolean, optional?: boolean,
 *   apt: string, dnf: string, pacman: string, apk: string }} Need
 */

/** It loads the profile of containers, and takes part in the tests of it everywhere. @type {Need} */
const profileLoader = {
  program: 'apparmor_parser',
  ...{ optional: true, apt: 'apparmor', dnf: '', pacman: 'apparmor', apk: 'apparmor' },
};

/** What `tugd` runs. @type {Need[]} */
export const engineNeeds = [
  ...(existsSync('/sys/module/apparmor') ? [profileLoader] : []),
  { program: 'conmon', apt: 'conmon', dnf: 'conmon', pacman: 'conmon', apk: 'conmon' },
  { program: 'crun', apt: 'crun', dnf: 'crun', pacman: 'crun', apk: 'crun' },
  { program: 'runc', apt: 'runc', dnf: 'runc', pacman: 'runc', apk: 'runc' },
  { program: 'tini-static', apt: 'tini', dnf: 'tini-static', pacman: 'tini', apk: 'tini-static' },
  { program: 'nft', apt: 'nftables', dnf: 'nftables', pacman: 'nftables', apk: 'nftables' },
  {
    program: 'busybox',
    isStatic: true,
    apt: 'busybox-static',
    dnf: 'busybox',
    pacman: 'busybox',
    apk: 'busybox-static',
  },
  {
    program: 'libdeflate.so.0', // layers are compressed twice as fast with it
    ...{ isLibrary: true, optional: true },
    ...{ apt: 'libdeflate0', dnf: 'libdeflate', pacman: 'libdeflate', apk: 'libdeflate' },
  },
];

/** What the tests run besides. @type {Need[]} */
export const testNeeds = [
  profileLoader,
  { program: 'ip', apt: 'iproute2', dnf: 'iproute', pacman: 'iproute2', apk: 'iproute2' },
  {
    program: 'docker-registry',
    apt: 'docker-registry',
    dnf: 'docker-distribution',
    pacman: 'distribution',
    apk: 'docker-registry',
  },
  { program: 'skopeo', apt: 'skopeo', dnf: 'skopeo', pacman: 'skopeo', apk: 'skopeo' },
  { program: 'buildah', apt: 'buildah', dnf: 'buildah', pacman: 'buildah', apk: 'buildah' },
  { program: 'curl', apt: 'curl', dnf: 'curl', pacman: 'curl', apk: 'curl' },
  { program: 'debootstrap', apt: 'debootstrap', dnf: 'debootstrap', pacman: 'debootstrap', apk: 'debootstrap' },
  { program: 'umoci', apt: 'umoci', dnf: 'umoci', pacman: 'umoci', apk: 'umoci' },
  { program: 'docker', apt: 'docker.io', dnf: 'moby-engine', pacman: 'docker', apk: 'docker-cli' },
  { program: 'dockerd', apt: 'docker.io', dnf: 'moby-engine', pacman: 'docker', apk: 'docker-engine' },
  {
    program: 'docker-compose', // 1.29, with whose containers those of tug compose are compared
    optional: true,
    ...{ apt: 'docker-compose', dnf: 'docker-compose', pacman: 'docker-compose', apk: 'docker-cli-compose' },
  },
  { program: 'openssl', apt: 'openssl', dnf: 'openssl', pacman: 'openssl', apk: 'openssl' },
  { program: 'xz', apt: 'xz-utils', dnf: 'xz', pacman: 'xz', apk: 'xz' },
  { program: 'bzip2', apt: 'bzip2', dnf: 'bzip2', pacman: 'bzip2', apk: 'bzip2' },
  { program: 'mkfs.ext4', apt: 'e2fsprogs', dnf: 'e2fsprogs', pacman: 'e2fsprogs', apk: 'e2fsprogs' },
  {
    program: '/usr/share/zoneinfo/Europe/Berlin', // files of time zones, of which the command line takes names
    ...{ optional: true, apt: 'tzdata', dnf: 'tzdata', pacman: 'tzdata', apk: 'tzdata' },
  },
  {
    program: '/usr/lib/python3/dist-packages/docker/__init__.py', // Docker's library for Python
    ...{ optional: true, apt: 'python3-docker', dnf: '', pacman: '', apk: '' },
  },
  {
    program: '/usr/lib/python3/dist-packages/swift/__init__.py', // an S3-compatible store
    ...{ optional: true, apt: 'python3-swift', dnf: '', pacman: '', apk: '' },
  },
];

/** What booting a kernel in a virtual machine needs. @type {Need[]} */
export const machineNeeds = [
  {
    program: 'qemu-system-x86_64',
    apt: 'qemu-system-x86',
    dnf: 'qemu-system-x86-core',
    pacman: 'qemu-system-x86',
    apk: 'qemu-system-x86_64',
  },
  {
    program: 'busybox',
    isStatic: true,
    apt: 'busybox-static',
    dnf: 'busybox',
    pacman: 'busybox',
    apk: 'busybox-static',
  },
];

const managers = {
  apt: { program: 'apt-get', install: ['apt-get', 'install', '-y', '--no-install-recommends'] },
  dnf: { program: 'dnf', install: ['dnf', 'install', '-y'] },
  pacman: { program: 'pacman', install: ['pacman', '-S', '--needed', '--noconfirm'] },
  apk: { program: 'apk', install: ['apk', 'add'] },
};

/**
 * Makes sure that every needed program is there; does nothing when it is. On Debian and its kin it installs what
 * is missing, reading the package lists anew only if the install fails without; elsewhere it says what to install.
 * Idempotent; an interrupted install is continued by the next one.
 * @param {Need[]} needs
 * @returns {string[]} the packages that were installed
 * @throws an Error whose message is the whole sentence for the user
 */
export function ensurePackages(needs) {
  const missing = missingNeeds(needs);
  if (missing.length === 0) return [];
  const manager = Object.keys(managers).find((name) => findProgram(managers[name].program) !== undefined);
  const packages = packageNames(missing, manager ?? 'apt');
  const enough = missing.every(({ optional }) => optional);
  if (manager !== 'apt') {
    if (enough) return [];
    throw new Error(adviceFor(missing, manager));
  }
  console.log(`Installing ${packages.join(', ')} ...`);
  installWithApt(packages, enough);
  const still = missingNeeds(needs).filter(({ optional }) => !optional);
  if (still.length > 0) {
    throw new Error(
      `${still.map((need) => need.program).join(', ')} could not be installed (apt's own words are above). ` +
        `Install it by hand: apt-get update && apt-get install ${packageNames(still, 'apt').join(' ')}`,
    );
  }
  const missed = packageNames(missingNeeds(needs), 'apt');
  return packages.filter((name) => !missed.includes(name));
}

/** The needs no program on this machine meets. @param {Need[]} needs */
export function missingNeeds(needs) {
  return needs.filter(({ program, isStatic, isLibrary }) => {
    if (isLibrary) return !hasLibrary(program);
    const file = findProgram(program) ?? (isStatic ? findProgram(`${program}.static`) : undefined);
    return file === undefined || (isStatic === true && !isStaticProgram(file));
  });
}

/** @param {Need[]} needs @param {'apt' | 'dnf' | 'pacman' | 'apk'} manager */
export function packageNames(needs, manager) {
  return [...new Set(needs.map((need) => need[manager]))].filter(Boolean).sort();
}

/** What to tell a user whose packages tug does not install itself. @param {Need[]} missing @param {string | undefined} manager */
export function adviceFor(missing, manager) {
  const programs = missing.map((need) => need.program).join(', ');
  if (manager === undefined) {
    return `Missing: ${programs}. Install them with your package manager (on Debian they are in: ${packageNames(missing, 'apt').join(' ')}), then run this again.`;
  }
  return `Missing: ${programs}. Install them, then run this again:\n  ${[...managers[manager].install, ...packageNames(missing, manager)].join(' ')}`;
}

/** The first executable of that name in PATH or the system folders, as an absolute path. @param {string} name */
export function findProgram(name) {
  if (path.isAbsolute(name)) return existsSync(name) ? name : undefined;
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin'];
  return folders
    .filter(Boolean)
    .map((folder) => path.join(folder, name))
    .find(isExecutable);
}

/** Whether the loader would find a shared library in the system's folders. @param {string} name */
function hasLibrary(name) {
  const roots = ['/usr/lib', '/usr/lib64', '/lib', '/lib64', '/usr/local/lib'].filter(existsSync);
  const folders = roots.flatMap((root) => [
    root,
    ...readdirSync(root)
      .filter((entry) => /-linux-(gnu|musl)/.test(entry))
      .map((entry) => path.join(root, entry)),
  ]);
  return folders.some((folder) => existsSync(path.join(folder, name)));
}

/** A failing `apt-get update` is not the end: an unrelated source may be broken, and the lists at hand good enough. */
function installWithApt(packages, isEnoughWithout) {
  const install = ['install', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=300', ...packages];
  withoutServices(() => {
    if (apt(install, 'pipe') || isEnoughWithout) return;
    apt(['update'], 'inherit');
    apt(install, 'inherit');
  });
}

const servicePolicy = '/usr/sbin/policy-rc.d';

/**
 * Some packages start a service when they are installed (a registry, another engine): not ours to start. Debian asks
 * policy-rc.d(8) first; a policy the machine has of its own is left alone.
 * @param {() => void} work
 */
function withoutServices(work) {
  if (existsSync(servicePolicy)) return work();
  writeFileSync(servicePolicy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    return work();
  } finally {
    rmSync(servicePolicy);
  }
}

/** @param {string[]} args @param {'pipe' | 'inherit'} output */
function apt(args, output) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' };
  return spawnSync('apt-get', ['-q', ...args], { env, stdio: ['ignore', output, output] }).status === 0;
}

/** An ELF file without an interpreter (PT_INTERP, elf(5)) runs in an otherwise empty root. @param {string} file */
function isStaticProgram(file) {
  const head = Buffer.alloc(4096);
  const fd = openSync(file, 'r');
  try {
    readSync(fd, head, 0, head.length, 0);
  } finally {
    closeSync(fd);
  }
  if (head.toString('latin1', 0, 4) !== '\x7fELF' || head[4] !== 2) return false;
  const table = Number(head.readBigUInt64LE(32));
  const [size, count] = [head.readUInt16LE(54), head.readUInt16LE(56)];
  for (let index = 0; index < count; index++) if (head.readUInt32LE(table + index * size) === 3) return false;
  return true;
}

/** @param {string} file */
function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
