import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import { errnoOf, invalid, messageOf } from '../base/errors.ts';
import type { LogLevel } from '../base/log.ts';
import { namesDomain, parseReference } from '../formats/reference.ts';
import { checkResolverSettings, type ResolverSettings } from '../formats/resolv-conf.ts';
import { checkResolver } from '../networks/dns/resolver.ts';
import { parseMirror } from '../registry-client/mirror.ts';
import { type Setting, type SettingKey, type Settings, settings } from './config-schema.ts';
import type { DaemonFlags } from './flags.ts';
import { type NetworkConfig, networkConfig } from './network-config.ts';
import { configuredProxies, flattenProxies, type Proxies, withoutPassword } from './proxies.ts';
import { type PublishConfig, publishConfig } from './publish-config.ts';

/** The engine's configuration, complete. */
export interface DaemonConfig {
  readonly dataRoot: string;
  readonly execRoot: string;
  readonly pidFile: string;
  readonly hosts: readonly string[];
  /** The group of the unix sockets; undefined for `tug` where it exists. */
  readonly group: string | undefined;
  readonly dockerSocket: boolean;
  readonly insecureTcp: boolean;
  readonly logLevel: LogLevel;
  readonly logFormat: 'text' | 'json';
  readonly storageDriver: string;
  /** Undefined for the first of crun and runc that is installed. */
  readonly defaultRuntime: string | undefined;
  readonly runtimes: Readonly<Record<string, { path: string; runtimeArgs?: string[] | undefined }>>;
  readonly insecureRegistries: readonly string[];
  readonly registryMirrors: readonly string[];
  /** Mirrors of registries, by domain. */
  readonly registries: Readonly<Record<string, { readonly mirrors: readonly string[] }>>;
  /** Domains of registries that names without one are looked for in, in order; none for Docker's way. */
  readonly searchRegistries: readonly string[];
  readonly proxies: Proxies;
  readonly maxConcurrentDownloads: number;
  readonly maxConcurrentUploads: number;
  /** Undefined for the image domain's own. */
  readonly decompressionLimits: { readonly ratio: number | undefined; readonly entries: number | undefined };
  readonly network: NetworkConfig;
  readonly publishing: PublishConfig;
  /** What resolvers of containers are told that do not say. */
  readonly resolver: ResolverSettings;
  /** How many events are kept at least. */
  /** Seconds. */
  readonly runtimeTimeout: number;
  readonly eventsHistory: number;
  readonly healthEarlyProbes: boolean;
  readonly labels: readonly string[];
  /** How containers' ids are chosen; undefined for the host's. */
  readonly usernsRemap: string | undefined;
  readonly cgroupDriver: 'cgroupfs' | 'systemd';
  readonly selinuxEnabled: boolean;
  readonly logDriver: string;
  readonly logOptions: Readonly<Record<string, string>>;
}

export const defaultConfigFile = '/etc/tug/daemon.json';

/**
 * The configuration from flags and file.
 * @throws invalid with Docker's sentences for a file that is no JSON, keys that are none, values of the wrong
 * type, and a key that is given both ways.
 */
export function loadConfig(flags: DaemonFlags): DaemonConfig {
  const file = flags.configFile ?? defaultConfigFile;
  let fromFile: Settings;
  try {
    fromFile = checkKeys(flattenProxies(readConfigFile(file, flags.configFile !== undefined)));
    refuseBoth(flags.settings, fromFile);
  } catch (error) {
    throw invalid(`unable to configure the tug daemon with file ${file}: ${messageOf(error)}`, { cause: error });
  }
  return complete({ ...fromFile, ...flags.settings });
}

function readConfigFile(file: string, required: boolean): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' && !required) return {};
    throw error;
  }
  const parsed: unknown = text === '' ? {} : JSON.parse(text);
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw invalid('it holds no JSON object');
  return parsed as Record<string, unknown>;
}

function checkKeys(given: Record<string, unknown>): Settings {
  const unknown = Object.keys(given).filter((key) => !Object.hasOwn(settings, key));
  if (unknown.length > 0) {
    throw invalid(`the following directives don't match any configuration option: ${unknown.join(', ')}`);
  }
  const result: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(given)) {
    if (value === null) continue;
    const checked = (settings[key as SettingKey] as Setting).schema.safeParse(value);
    if (!checked.success) {
      const { path: inside, message } = checked.error.issues[0]!;
      throw invalid(`${[key, ...inside].join('.')}: ${message.replace(/^Invalid input: /, '')}`);
    }
    result[key] = checked.data;
  }
  return result as Settings;
}

function refuseBoth(flags: Settings, file: Settings): void {
  const both = (Object.keys(flags) as SettingKey[]).filter((key) => file[key] !== undefined);
  if (both.length === 0) return;
  const list = both.map((key) => `${key}: (from flag: ${show(flags[key])}, from file: ${show(file[key])})`);
  throw invalid(
    `the following directives are specified both as a flag and in the configuration file: ${list.join(', ')}`,
  );
}

const show = (value: unknown): string =>
  Array.isArray(value) ? `[${value.join(' ')}]` : withoutPassword(String(value));

function complete(given: Settings): DaemonConfig {
  const execRoot = absolute('exec-root', given['exec-root'] ?? '/run/tug');
  checkLabels(given.labels ?? []);
  for (const mirror of given['registry-mirrors'] ?? []) parseMirror(mirror, false);
  const { search = [], ...registries } = given.registries ?? {};
  for (const { mirrors } of Object.values(registries)) for (const one of mirrors) parseMirror(one, true);
  return {
    dataRoot: absolute('data-root', given['data-root'] ?? '/var/lib/tug'),
    execRoot,
    pidFile: absolute('pidfile', given.pidfile ?? path.join(execRoot, 'tugd.pid')),
    hosts: given.hosts?.length ? given.hosts : ['unix:///run/tug/tug.sock'],
    group: given.group,
    dockerSocket: given['docker-socket'] ?? false,
    insecureTcp: given['insecure-tcp'] ?? false,
    logLevel: given.debug ? 'debug' : (given['log-level'] ?? 'info'),
    logFormat: given['log-format'] ?? 'text',
    storageDriver: given['storage-driver'] ?? 'overlay2',
    defaultRuntime: given['default-runtime'],
    runtimes: given.runtimes ?? {},
    runtimeTimeout: given['runtime-timeout'] ?? 120,
    insecureRegistries: given['insecure-registries'] ?? [],
    registryMirrors: given['registry-mirrors'] ?? [],
    registries,
    searchRegistries: searchedDomains(search),
    proxies: configuredProxies(given),
    maxConcurrentDownloads: given['max-concurrent-downloads'] ?? 3,
    maxConcurrentUploads: given['max-concurrent-uploads'] ?? 5,
    decompressionLimits: {
      ratio: given['decompression-limits']?.ratio,
      entries: given['decompression-limits']?.entries,
    },
    network: networkConfig(given),
    publishing: publishConfig(given),
    resolver: resolverSettings(given),
    eventsHistory: given['events-history'] ?? 10_000,
    healthEarlyProbes: given['health-early-probes'] ?? true,
    labels: given.labels ?? [],
    cgroupDriver: cgroupDriverOf(given['exec-opts'] ?? []),
    selinuxEnabled: given['selinux-enabled'] ?? false,
    usernsRemap: given['userns-remap'] || undefined,
    logDriver: given['log-driver'] ?? 'json-file',
    logOptions: given['log-opts'] ?? {},
  };
}

/** Who makes the control groups of containers. @throws invalid for what is no option, and no driver. */
function cgroupDriverOf(options: readonly string[]): DaemonConfig['cgroupDriver'] {
  let driver: DaemonConfig['cgroupDriver'] = 'cgroupfs';
  for (const option of options) {
    const [, key, value] = /^([^=]+)=(.*)$/s.exec(option) ?? [];
    if (key?.toLowerCase() !== 'native.cgroupdriver')
      throw invalid(`exec-opts: unknown option ${JSON.stringify(option)}`);
    if (value !== 'cgroupfs' && value !== 'systemd') throw invalid(`native.cgroupdriver option ${value} not supported`);
    driver = value;
  }
  return driver;
}

function absolute(key: string, value: string): string {
  if (!path.isAbsolute(value)) throw invalid(`${key}: ${value} is not an absolute path`);
  return path.normalize(value).replace(/(?<=.)\/$/, '');
}

/** @throws invalid for what is no domain of image names, and for one that is named twice. */
function searchedDomains(search: readonly string[]): string[] {
  const domains: string[] = [];
  for (const text of search) {
    const domain = namesDomain(`${text}/x`) && !text.includes('/') ? parseReference(`${text}/x`).domain : undefined;
    if (domain === undefined) {
      throw invalid(
        `registries.search: ${JSON.stringify(text)} is no registry: it must be a HOST[:PORT] with a dot, a port, or localhost`,
      );
    }
    if (domains.includes(domain)) throw invalid(`registries.search: ${text} is named twice`);
    domains.push(domain);
  }
  return domains;
}

/** @throws invalid, in Docker's words. */
function resolverSettings(given: Settings): ResolverSettings {
  const { dns = [], 'dns-search': search = [], 'dns-opts': options = [] } = given;
  const settings = { servers: dns, search, options };
  checkResolverSettings(settings);
  checkResolver(settings);
  return settings;
}

function checkLabels(labels: readonly string[]): void {
  const seen = new Map<string, string>();
  for (const label of labels) {
    const equals = label.indexOf('=');
    if (equals < 1) throw invalid(`bad attribute format: ${label}`);
    const key = label.slice(0, equals);
    if (seen.has(key) && seen.get(key) !== label) throw invalid(`conflict labels for ${key}`);
    seen.set(key, label);
  }
}
