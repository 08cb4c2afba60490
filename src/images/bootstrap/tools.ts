import * as fs from 'node:fs';
import * as path from 'node:path';
import type { BootstrapRequest } from '../../api/types/bootstrap-request.ts';
import { invalid, notFound, unsupported } from '../../base/errors.ts';
import { run } from '../../base/process.ts';
import { type AptSource, findAptSource } from './apt-sources.ts';

/** The absolute path of a program, or undefined when it is not installed. */
export type FindProgram = (name: string) => string | undefined;

/** What to make, and with what. */
export interface Plan {
  readonly distribution: string;
  readonly suite: string;
  readonly request: BootstrapRequest;
  readonly findProgram: FindProgram;
}

/** A program that fills a root folder. */
export interface Tool {
  readonly name: string;
  readonly command: (root: string) => [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
}

const debootstrapped = ['debian', 'ubuntu', 'devuan', 'kali'];

/** The packages of a smallest system that is not Debian's, besides `NAME-release`. */
const dnfReleases: Readonly<Record<string, string>> = {
  fedora: 'fedora-release-container',
  centos: 'centos-stream-release',
  rockylinux: 'rocky-release',
  almalinux: 'almalinux-release',
};

/** The tool of a distribution. @throws invalid or not-found for what none can make, unsupported when it is not installed. */
export async function chooseTool(plan: Plan): Promise<Tool> {
  const { distribution, suite } = plan;
  const isDebian = debootstrapped.includes(distribution);
  if (!isDebian && dnfReleases[distribution] === undefined) {
    const known = [...debootstrapped, ...Object.keys(dnfReleases)].join(', ');
    throw invalid(
      `cannot bootstrap ${distribution}: known are ${known}; a script for any other is given with --template`,
      { code: 'unknown-distribution' },
    );
  }
  if (suite === '') throw invalid(`which release of ${distribution}? Name it, as in ${example(distribution)}`);
  return isDebian ? await debootstrap(plan) : dnf(plan);
}

const example = (distribution: string): string =>
  distribution === 'debian'
    ? 'debian:bookworm'
    : distribution === 'ubuntu'
      ? 'ubuntu:noble'
      : `${distribution}:RELEASE`;

/** debootstrap(8). Packages come from where the host's own apt takes them, if that has the release. */
async function debootstrap({ distribution, suite, request, findProgram }: Plan): Promise<Tool> {
  const program = findProgram('debootstrap');
  if (program === undefined) throw missing('debootstrap', distribution);
  const home = process.env['DEBOOTSTRAP_DIR'] ?? '/usr/share/debootstrap';
  if (!fs.existsSync(path.join(home, 'scripts', suite))) {
    throw notFound(`debootstrap knows no release ${suite} of ${distribution}`, { code: 'unknown-release' });
  }
  const source = request.Mirror === undefined ? findAptSource(distribution, suite) : undefined;
  const mirror = request.Mirror ?? source?.mirror;
  const args = debootstrapFlags(request, source);
  return {
    name: 'debootstrap',
    command: (root) => [program, ...args, suite, root, ...(mirror === undefined ? [] : [mirror])],
    env: await aptProxies(findProgram),
  };
}

/** Flags before the release; exported for its test. */
export function debootstrapFlags({ Variant, Include }: BootstrapRequest, source: AptSource | undefined): string[] {
  return [
    ...(Variant === undefined ? [] : [`--variant=${Variant}`]),
    ...(Include.length === 0 ? [] : [`--include=${Include.join(',')}`]),
    ...(source?.keyring === undefined ? [] : [`--keyring=${source.keyring}`]),
    ...(source?.trusted ? ['--no-check-gpg'] : []),
  ];
}

async function aptProxies(findProgram: FindProgram): Promise<Record<string, string>> {
  const program = findProgram('apt-config');
  if (program === undefined) return {};
  const { stdout } = await run(program, ['dump', 'Acquire']);
  const found = stdout.matchAll(/^Acquire::(https?)::Proxy "(\S+)";$/gim);
  return Object.fromEntries([...found].map(([, scheme = '', url = '']) => [`${scheme.toLowerCase()}_proxy`, url]));
}

/** dnf(8) with the host's own repositories, or with the one of `Mirror`. */
function dnf({ distribution, suite, request, findProgram }: Plan): Tool {
  const program = findProgram('dnf');
  if (program === undefined) throw missing('dnf', distribution);
  const { Variant, Include, Mirror } = request;
  if (Variant !== undefined && Variant !== 'minbase') {
    throw invalid(`${distribution} has no variant ${Variant}: minbase leaves dnf out`, { code: 'unknown-variant' });
  }
  const packages = [
    ...[dnfReleases[distribution] ?? '', 'bash', 'coreutils', 'glibc-minimal-langpack'],
    ...(Variant === 'minbase' ? [] : ['dnf']),
    ...Include,
  ];
  const flags = [
    ...['--assumeyes', `--releasever=${suite}`, '--nodocs', '--setopt=install_weak_deps=False'],
    ...(Mirror === undefined ? [] : [`--repofrompath=mirror,${Mirror}`, '--repo=mirror']),
  ];
  const command = (root: string): [string, ...string[]] => [
    ...([program, `--installroot=${root}`] as const),
    ...flags,
    'install',
    ...packages,
  ];
  return { name: 'dnf', command, env: {} };
}

const missing = (program: string, distribution: string) =>
  unsupported(`${program} is not installed, which makes images of ${distribution}: install the package ${program}`, {
    code: 'program-missing',
  });

/** A script of the client's. @throws the system error when it cannot be written. */
export function template({ distribution, suite, request }: Plan, folder: string): Tool {
  const { Template = '', Variant = '', Include, Mirror = '' } = request;
  const file = path.join(folder, 'template');
  fs.writeFileSync(file, Template, { mode: 0o700 });
  return {
    name: 'the template',
    command: (root) => (Template.startsWith('#!') ? [file, root] : ['/bin/sh', file, root]),
    env: {
      TUG_DISTRIBUTION: distribution,
      TUG_SUITE: suite,
      TUG_VARIANT: Variant,
      TUG_INCLUDE: Include.join(','),
      TUG_MIRROR: Mirror,
    },
  };
}
