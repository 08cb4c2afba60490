import { accessSync, constants, existsSync, readFileSync, statfsSync } from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { run } from '../../base/process.ts';
import { readApparmor } from '../../host/apparmor.ts';
import { chainName, stoppingChains } from '../../host/firewall-foreign.ts';
import { readSysctl } from '../../host/sysctl.ts';
import { defaultApparmorProfile } from '../../runtime/spec/apparmor.ts';
import { type DoctorFacts, type ProgramFacts, type ProgramName, programNames, type SecurityFacts } from './facts.ts';
import { gatherCgroupFacts } from './gather-cgroups.ts';
import { tryAddressTranslation, tryBridge, tryOverlay } from './trials.ts';

/**
 * Looks at this machine: reads /proc and /sys, asks programs for their version, and tries an overlay mount and a
 * bridge in places of their own that are gone when it returns. Takes some 50 ms. `dataRoot` need not exist.
 */
export async function gatherFacts(dataRoot: string): Promise<DoctorFacts> {
  const folder = nearestExisting(dataRoot);
  const [programs, userNamespaces, natError, stopping] = await Promise.all([
    gatherPrograms(),
    tryUserNamespace(),
    tryAddressTranslation(),
    listStoppingChains(),
  ]);
  const disk = statfsSync(folder);
  return {
    kernel: { release: os.release(), architecture: os.machine() },
    cgroup: gatherCgroupFacts(),
    overlay: tryOverlay(folder),
    userNamespaces,
    programs,
    network: {
      bridgeError: tryBridge(),
      natError,
      forwarding: readSysctl('net/ipv4/ip_forward') === '1',
      droppingChains: stopping.changeable.map(chainName),
      ownedChains: stopping.owned.map(chainName),
    },
    security: gatherSecurity(),
    disk: { dataRoot, freeBytes: disk.bavail * disk.bsize, freeInodes: disk.ffree },
    installer: findInstaller(),
  };
}

async function gatherPrograms(): Promise<DoctorFacts['programs']> {
  const entries = programNames.map(async (name) => [name, await inspectProgram(name)] as const);
  return Object.fromEntries(await Promise.all(entries)) as Record<ProgramName, ProgramFacts | undefined>;
}

async function inspectProgram(name: ProgramName): Promise<ProgramFacts | undefined> {
  const file = findProgram(name);
  if (file === undefined) return undefined;
  const { code, stdout } = await run(file, ['--version'], { timeout: 10_000 }).catch(() => ({ code: 1, stdout: '' }));
  return { path: file, version: code === 0 ? (stdout.split('\n')[0]?.trim() ?? '') : '' };
}

function findProgram(name: string): string | undefined {
  const folders = [
    ...(process.env['PATH'] ?? '').split(':'),
    '/usr/local/sbin',
    '/usr/sbin',
    '/sbin',
    '/usr/bin',
    '/bin',
  ];
  return folders
    .filter(Boolean)
    .map((folder) => path.join(folder, name))
    .find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

const installers = [
  ['apt-get', 'apt-get install'],
  ['dnf', 'dnf install'],
  ['pacman', 'pacman -S'],
  ['apk', 'apk add'],
] as const;

const findInstaller = (): string | undefined => installers.find(([program]) => findProgram(program) !== undefined)?.[1];

async function tryUserNamespace(): Promise<DoctorFacts['userNamespaces']> {
  const setting = readSysctl('user/max_user_namespaces');
  const limit = setting === undefined ? undefined : Number(setting);
  if (!existsSync('/proc/self/ns/user')) return { limit, error: 'the kernel has none' };
  if (findProgram('unshare') === undefined) return { limit, error: undefined };
  const { code, stderr } = await run('unshare', ['--user', 'true'], { timeout: 10_000 });
  return { limit, error: code === 0 ? undefined : stderr.trim() };
}

/** What of others' stops forwarded packets; tug's own chains do not. */
async function listStoppingChains(): Promise<ReturnType<typeof stoppingChains>> {
  try {
    const { code, stdout } = await run('nft', ['-j', 'list', 'ruleset'], { timeout: 10_000 });
    if (code === 0) return stoppingChains(stdout);
  } catch {
    // without nft its own check fails
  }
  return { changeable: [], owned: [] };
}

function gatherSecurity(): SecurityFacts {
  return {
    seccomp: readText('/proc/sys/kernel/seccomp/actions_avail')?.includes('errno') ?? false,
    selinux:
      ({ '1': 'enforcing', '0': 'permissive' }[
        readText('/sys/fs/selinux/enforce') ?? ''
      ] as SecurityFacts['selinux']) ?? 'disabled',
    apparmor: gatherApparmor(),
  };
}

function gatherApparmor(): SecurityFacts['apparmor'] {
  const { kernel, profiles } = readApparmor();
  const isBare = findProgram('apparmor_parser') === undefined && !profiles.includes(defaultApparmorProfile);
  return kernel === 'on' && isBare ? 'bare' : kernel;
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return undefined;
  }
}

function nearestExisting(folder: string): string {
  let current = path.resolve(folder);
  while (!existsSync(current)) current = path.dirname(current);
  return current;
}
