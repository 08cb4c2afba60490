import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { findProgram } from '../../scripts/setup/packages.mjs';
import { type RunResult, run } from '../../src/base/process.ts';
import type { TestEngine } from './engine.ts';

/** One of the programs that people use a registry with, with configuration, logins and images of its own. */
export interface RegistryClient {
  readonly name: string;
  /** Where the client finds the registry: 127.0.0.1, or 0.0.0.0, which is this host too and no loopback address. */
  readonly address: string;
  login(host: string, user: string, password: string): Promise<RunResult>;
  logout(host: string): Promise<RunResult>;
  pull(reference: string): Promise<RunResult>;
  /** What was pulled, under another name. */
  push(pulled: string, reference: string): Promise<RunResult>;
}

/** A folder with `ca.crt`, and `client.cert` and `client.key`, if the client is to show a certificate. */
export type CertificateFolder = string | undefined;

/** The reason why a program cannot be tested here. */
export const missingProgram = (name: string): string | undefined =>
  findProgram(name) === undefined ? `${name} is not installed` : undefined;

/** The command line of an engine, tug's or Docker's. */
export function engineClient(
  name: 'tug' | 'docker',
  address: string,
  call: (args: readonly string[], options?: { input?: string }) => Promise<RunResult>,
): RegistryClient {
  return {
    name,
    address,
    login: (host, user, password) => call(['login', '-u', user, '--password-stdin', host], { input: password }),
    logout: (host) => call(['logout', host]),
    pull: (reference) => call(['pull', '-q', reference]),
    async push(pulled, reference) {
      const tagged = await call(['tag', pulled, reference]);
      return tagged.code === 0 ? call(['push', reference]) : tagged;
    },
  };
}

export const tugClient = (engine: TestEngine): RegistryClient =>
  engineClient('tug', '127.0.0.1', (args, options) => engine.tug(args, options));

/** docker's client and a dockerd of its own. */
export const dockerClient = (socket: string, folder: string): RegistryClient => {
  const env = { ...process.env, DOCKER_HOST: `unix://${socket}`, DOCKER_CONFIG: folder };
  return engineClient('docker', '0.0.0.0', (args, options) => run('docker', args, { ...options, env }));
};

/** A file of logins, which podman and buildah want to be there. */
async function emptyLogins(folder: string): Promise<string> {
  const file = path.join(folder, 'auth.json');
  await fs.writeFile(file, '{}');
  return `--authfile=${file}`;
}

const verified = (certificates: CertificateFolder): string[] =>
  certificates === undefined ? ['--tls-verify=false'] : [`--cert-dir=${certificates}`];

/** podman or buildah, whose commands are the same here. @param state for what is of this boot, of 50 characters at most. */
export async function storageClient(
  name: 'podman' | 'buildah',
  folder: string,
  state: string,
  certificates: CertificateFolder,
): Promise<RegistryClient> {
  await fs.mkdir(folder, { recursive: true });
  const policy = path.join(folder, 'policy.json');
  await fs.writeFile(policy, '{"default":[{"type":"insecureAcceptAnything"}]}');
  const roots = ['--root', path.join(folder, 'root'), '--runroot', state, '--storage-driver', 'vfs'];
  const settings = path.join(folder, 'containers.conf');
  await fs.writeFile(settings, '[engine]\nlock_type = "file"\nevents_logger = "none"\ncgroup_manager = "cgroupfs"\n');
  const more = name === 'podman' ? ['--tmpdir', path.join(folder, 'tmp')] : [];
  const file = await emptyLogins(folder);
  const env = { ...process.env, TMPDIR: folder, HOME: folder, XDG_RUNTIME_DIR: folder, CONTAINERS_CONF: settings };
  const call = (args: readonly string[], input?: string): Promise<RunResult> =>
    run(name, [...roots, ...more, ...args], { env, ...(input === undefined ? {} : { input }) });
  const tls = verified(certificates);
  const always = name === 'buildah' ? ['--policy=always'] : []; // podman asks the registry anyway
  return {
    name,
    address: '0.0.0.0',
    login: (host, user, password) => call(['login', file, ...tls, '-u', user, '--password-stdin', host], password),
    logout: (host) => call(['logout', file, host]),
    pull: (reference) => call(['pull', '-q', ...always, file, ...tls, `--signature-policy=${policy}`, reference]),
    push: (pulled, reference) =>
      call(['push', '-q', file, ...tls, `--signature-policy=${policy}`, pulled, `docker://${reference}`]),
  };
}

/** skopeo keeps no images: it copies to a folder and from there, and can look at and delete what a registry has. */
export interface Skopeo extends RegistryClient {
  copy(from: string, to: string): Promise<RunResult>;
  inspect(reference: string): Promise<RunResult>;
  tags(repository: string): Promise<RunResult>;
  delete(reference: string): Promise<RunResult>;
}

export async function skopeoClient(folder: string, certificates: CertificateFolder): Promise<Skopeo> {
  await fs.mkdir(folder, { recursive: true });
  const file = await emptyLogins(folder);
  const tls = verified(certificates);
  const of = (side: 'src' | 'dest'): string[] => tls.map((flag) => flag.replace('--', `--${side}-`));
  const env = { ...process.env, HOME: folder, XDG_RUNTIME_DIR: folder };
  const call = (args: readonly string[], input?: string): Promise<RunResult> =>
    run('skopeo', ['--insecure-policy', ...args], { env, ...(input === undefined ? {} : { input }) });
  const kept = (reference: string): string => path.join(folder, reference.replaceAll(/[/:]/g, '-'));
  return {
    name: 'skopeo',
    address: '0.0.0.0',
    login: (host, user, password) => call(['login', file, ...tls, '-u', user, '--password-stdin', host], password),
    logout: (host) => call(['logout', file, host]),
    pull: (reference) => call(['copy', '-q', file, ...of('src'), `docker://${reference}`, `dir:${kept(reference)}`]),
    push: (pulled, to) => call(['copy', '-q', file, ...of('dest'), `dir:${kept(pulled)}`, `docker://${to}`]),
    copy: (from, to) => call(['copy', '-q', file, ...of('src'), ...of('dest'), `docker://${from}`, `docker://${to}`]),
    inspect: (reference) => call(['inspect', file, ...tls, `docker://${reference}`]),
    tags: (repository) => call(['list-tags', file, ...tls, `docker://${repository}`]),
    delete: (reference) => call(['delete', file, ...tls, `docker://${reference}`]),
  };
}
