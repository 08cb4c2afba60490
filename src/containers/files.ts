import { existsSync, writeFileSync } from 'node:fs';
import { hostname as hostHostname } from 'node:os';
import { readIfThere } from '../base/read-if-there.ts';
import type { Sandbox } from '../networks/contract.ts';
import type { OciMount } from '../runtime/spec/types.ts';
import { type HostsLine, hostsFile } from './hosts-file.ts';
import type { ContainerPaths } from './paths.ts';
import type { ContainerRecord } from './record.ts';

/**
 * Writes the three files the engine brings into every container (/etc/hosts, /etc/hostname,
 * /etc/resolv.conf) and returns their mounts. They are made anew at each start. A container on another one's network
 * has the very files of that one, whose paths are `others`. `linked` are lines of /etc/hosts for its links.
 */
export function writeEtcFiles(
  record: ContainerRecord,
  paths: ContainerPaths,
  sandbox: Sandbox,
  others: ContainerPaths | undefined,
  linked: readonly HostsLine[],
): OciMount[] {
  if (others && existsSync(others.hosts)) return etcMounts(others);
  const hostname = containerHostname(record);
  writeFileSync(paths.hostname, `${hostname}\n`);
  writeFileSync(paths.hosts, hostsFile(record, hostname, sandbox, linked));
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
