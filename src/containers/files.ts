import { existsSync, writeFileSync } from 'node:fs';
import { hostname as hostHostname } from 'node:os';
import { invalid } from '../base/errors.ts';
import { readIfThere } from '../base/read-if-there.ts';
import type { Sandbox } from '../networks/contract.ts';
import type { OciMount } from '../runtime/spec/types.ts';
import type { ContainerPaths } from './paths.ts';
import type { ContainerRecord } from './record.ts';

/**
 * Writes the three files the engine brings into every container (/etc/hosts, /etc/hostname,
 * /etc/resolv.conf) and returns their mounts. They are made anew at each start. A container on another one's network
 * has the very files of that one, whose paths are `others`.
 */
export function writeEtcFiles(
  record: ContainerRecord,
  paths: ContainerPaths,
  sandbox: Sandbox,
  others: ContainerPaths | undefined,
): OciMount[] {
  if (others && existsSync(others.hosts)) return etcMounts(others);
  const hostname = containerHostname(record);
  writeFileSync(paths.hostname, `${hostname}\n`);
  writeFileSync(paths.hosts, hostsFile(record, hostname, sandbox));
  writeFileSync(paths.resolvConf, resolvConf(record, sandbox));
  return etcMounts(paths);
}

function etcMounts(paths: ContainerPaths): OciMount[] {
  return [
    fileMount(paths.resolvConf, '/etc/resolv.conf'),
    fileMount(paths.hostname, '/etc/hostname'),
    fileMount(paths.hosts, '/etc/hosts'),
  ];
}

/** The name a container knows itself by; the host's where it shares the host's. */
export function containerHostname(record: ContainerRecord): string {
  return record.config.Hostname || hostHostname();
}

const fileMount = (source: string, destination: string): OciMount => ({
  destination,
  type: 'bind',
  source,
  options: ['rbind', 'rprivate'],
});

const localNames = [
  ['127.0.0.1', 'localhost'],
  ['::1', 'localhost ip6-localhost ip6-loopback'],
  ['fe00::', 'ip6-localnet'],
  ['ff00::', 'ip6-mcastprefix'],
  ['ff02::1', 'ip6-allnodes'],
  ['ff02::2', 'ip6-allrouters'],
];

function hostsFile(record: ContainerRecord, hostname: string, sandbox: Sandbox): string {
  const extra = (record.host.ExtraHosts ?? []).map((entry) => parseExtraHost(entry, sandbox));
  if (sandbox.namespace.kind === 'host' && extra.length === 0) return readHost('/etc/hosts');
  const lines = sandbox.namespace.kind === 'host' ? [] : [...localNames, ...extra];
  const own = record.config.Domainname ? `${hostname}.${record.config.Domainname} ${hostname}` : hostname;
  for (const endpoint of Object.values(sandbox.endpoints))
    if (endpoint.IPAddress) lines.push([endpoint.IPAddress, own]);
  const text = lines.map(([address, names]) => `${address}\t${names}\n`).join('');
  if (sandbox.namespace.kind !== 'host') return text;
  return readHost('/etc/hosts') + extra.map(([address, name]) => `${address}\t${name}\n`).join('');
}

/** `name:address` or `name=address`; `host-gateway` stands for the default bridge's gateway. @throws invalid. */
export function parseExtraHost(entry: string, sandbox: Pick<Sandbox, 'endpoints'>): [string, string] {
  const at = entry.search(/[:=]/);
  const name = entry.slice(0, at);
  const address = entry.slice(at + 1).replace(/^\[(.*)\]$/, '$1');
  if (at < 1 || address === '') throw invalid(`bad format for add-host: ${JSON.stringify(entry)}`);
  if (address !== 'host-gateway') return [address, name];
  const gateway = Object.values(sandbox.endpoints).find((endpoint) => endpoint.Gateway)?.Gateway;
  return [gateway ?? '127.0.0.1', name];
}

/** Name servers on loopback are the host's own and answer nobody in another namespace. */
function resolvConf(record: ContainerRecord, sandbox: Sandbox): string {
  const { Dns: servers = [], DnsSearch: search = [], DnsOptions: options = [] } = record.host;
  const host = readHostResolvConf();
  const usable =
    sandbox.namespace.kind === 'host' ? host.servers : host.servers.filter((server) => !isLoopback(server));
  const chosen = servers.length > 0 ? servers : (sandbox.nameservers ?? usable);
  const domains = search.length > 0 ? search.filter((domain) => domain !== '.') : host.search;
  const chosenOptions = options.length > 0 ? options : host.options;
  return [
    ...chosen.map((server) => `nameserver ${server}\n`),
    ...(domains.length > 0 ? [`search ${domains.join(' ')}\n`] : []),
    ...(chosenOptions.length > 0 ? [`options ${chosenOptions.join(' ')}\n`] : []),
  ].join('');
}

const isLoopback = (address: string): boolean => address.startsWith('127.') || address === '::1';

function readHostResolvConf(): { servers: string[]; search: string[]; options: string[] } {
  const text = readHost('/etc/resolv.conf');
  const values = (key: string): string[] =>
    [...text.matchAll(new RegExp(`^\\s*${key}\\s+(.+?)\\s*$`, 'gm'))].flatMap(([, rest]) => rest!.split(/\s+/));
  return { servers: values('nameserver'), search: values('search'), options: values('options') };
}

/** A host without the file has nothing in it to pass on. */
const readHost = (file: string): string => readIfThere(file) ?? '';
