import { existsSync, writeFileSync } from 'node:fs';
import { hostname as hostHostname } from 'node:os';
import { readIfThere } from '../base/read-if-there.ts';
import type { ResolverSettings } from '../formats/resolv-conf.ts';
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
  writeFileSync(paths.resolvConf, sandbox.resolvConf);
  return etcMounts(paths);
}

/** What a container asks of its resolver. */
export const resolverWish = ({ Dns, DnsSearch, DnsOptions }: ContainerRecord['host']): ResolverSettings => ({
  servers: Dns ?? [],
  search: DnsSearch ?? [],
  options: DnsOptions ?? [],
});

/** Writes a running container's /etc/resolv.conf anew, unless somebody else has written it since it said `before`. */
export function changeResolvConf(file: string, before: string, after: string): void {
  if (before !== after && readIfThere(file) === before) writeFileSync(file, after); // in place: it is mounted
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
