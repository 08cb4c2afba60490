import { writeFileSync } from 'node:fs';
import { invalid } from '../base/errors.ts';
import { readIfThere } from '../base/read-if-there.ts';
import type { Sandbox } from '../networks/contract.ts';
import type { ContainerRecord } from './record.ts';

/** An address and the names it has, as a line of hosts(5). */
export type HostsLine = readonly [address: string, names: string];

const localNames: readonly HostsLine[] = [
  ['127.0.0.1', 'localhost'],
  ['::1', 'localhost ip6-localhost ip6-loopback'],
  ['fe00::', 'ip6-localnet'],
  ['ff00::', 'ip6-mcastprefix'],
  ['ff02::1', 'ip6-allnodes'],
  ['ff02::2', 'ip6-allrouters'],
];

/** The text of a container's /etc/hosts: `linked` are the containers that it has links to. */
export function hostsFile(
  record: ContainerRecord,
  hostname: string,
  sandbox: Sandbox,
  linked: readonly HostsLine[],
): string {
  const extra = (record.host.ExtraHosts ?? []).map((entry) => parseExtraHost(entry, sandbox));
  if (sandbox.namespace.kind === 'host') return (readIfThere('/etc/hosts') ?? '') + textOf(extra);
  return textOf([...localNames, ...extra, ...linked, ...ownLines(record, hostname, sandbox)]);
}

const textOf = (lines: readonly HostsLine[]): string =>
  lines.map(([address, names]) => `${address}\t${names}\n`).join('');

/** A container's own addresses, with the names it has for itself. */
export function ownLines(
  { config }: Pick<ContainerRecord, 'config'>,
  hostname: string,
  { endpoints }: Pick<Sandbox, 'endpoints'>,
): HostsLine[] {
  const names = config.Domainname ? `${hostname}.${config.Domainname} ${hostname}` : hostname;
  return Object.values(endpoints).flatMap(({ IPAddress, GlobalIPv6Address }) =>
    [IPAddress, GlobalIPv6Address].filter(Boolean).map((address) => [address, names] as const),
  );
}

/**
 * Takes lines out of a container's hosts file and puts others at its end. In place, since the container has this very
 * file; what it wrote there itself stays. A file that is not there is left so.
 */
export function changeHosts(file: string, isGone: (line: HostsLine) => boolean, lines: readonly HostsLine[]): void {
  const text = readIfThere(file);
  if (text === undefined) return;
  const kept = text.split(/(?<=\n)/).filter((line) => {
    const [address = '', names = ''] = line.trimEnd().split('\t');
    return !isGone([address, names]);
  });
  writeFileSync(file, kept.join('') + textOf(lines));
}

/** `name:address` or `name=address`; `host-gateway` stands for the default bridge's gateway. @throws invalid. */
export function parseExtraHost(entry: string, sandbox: Pick<Sandbox, 'endpoints'>): HostsLine {
  const at = entry.search(/[:=]/);
  const name = entry.slice(0, at);
  const address = entry.slice(at + 1).replace(/^\[(.*)\]$/, '$1');
  if (at < 1 || address === '') throw invalid(`bad format for add-host: ${JSON.stringify(entry)}`);
  if (address !== 'host-gateway') return [address, name];
  const gateway = Object.values(sandbox.endpoints).find((endpoint) => endpoint.Gateway)?.Gateway;
  return [gateway ?? '127.0.0.1', name];
}
